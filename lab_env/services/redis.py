"""Redis, 6379/tcp: values kept in memory under keys, for whoever comes, without a password.

Own code: the library that serves RESP, fakeredis, has no INFO, no QUIT and no commands typed as a line, and it
believes any length.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from lab_env.services.listening import Stop, peer, talk
from lab_env.services.resp import NUMBER, NotResp, Refusal, Reply, encode, request, shown
from lab_env.services.site import Site

VERSION = "7.0.15"  # what the Docker lab has
DATABASES = 16
MAX_MEMORY, PER_KEY = 1 << 18, 100  # bytes: of all that is kept; of a key, beside its name and value
ALL_SECTIONS = ("all", "default", "everything")  # of INFO


class Store:
    """What all clients share: the databases, and who is there."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.databases: list[dict[bytes, bytes]] = [{} for _ in range(DATABASES)]
        self.clients: list[Client] = []
        self.came = 0
        self.used = 0  # bytes of memory
        self.began = time.monotonic()

    def info(self) -> dict[str, dict[str, object]]:
        """What INFO tells, by section."""
        keys = {f"db{number}": len(database) for number, database in enumerate(self.databases) if database}
        return {
            "Server": {
                "redis_version": VERSION,
                "redis_mode": "standalone",
                "tcp_port": self.port,
                "uptime_in_seconds": int(time.monotonic() - self.began),
            },
            "Clients": {"connected_clients": len(self.clients)},
            "Memory": {"used_memory": self.used, "maxmemory": MAX_MEMORY},
            "Replication": {"role": "master", "connected_slaves": 0},
            "Keyspace": {name: f"keys={many},expires=0,avg_ttl=0" for name, many in keys.items()},
        }


class Client:
    """One connection: the name it gave itself, the database it selected, and what it may ask."""

    def __init__(self, store: Store, address: str) -> None:
        store.came += 1
        self.store, self.number, self.address = store, store.came, address
        self.name = b""
        self.selected = 0
        self.leaves = False

    def answer(self, words: list[bytes]) -> Reply:
        """Carry out one command."""
        name, *arguments = words
        command = COMMANDS.get(name.lower())
        try:
            if command is None:
                said = "".join(f"'{shown(word)}' " for word in arguments)[:128]
                raise Refusal(f"ERR unknown command '{shown(name)}', with args beginning with: {said}")
            if len(words) != command.arity and not 0 < -command.arity <= len(words):
                raise wrong_number(name)
            return command.run(self, *arguments)
        except Refusal as refusal:
            return refusal

    @property
    def database(self) -> dict[bytes, bytes]:
        return self.store.databases[self.selected]

    def ping(self, *message: bytes) -> Reply:
        if len(message) > 1:
            raise wrong_number(b"ping")
        return message[0] if message else "PONG"

    def echo(self, message: bytes) -> Reply:
        return message

    def quit(self, *ignored: bytes) -> Reply:
        self.leaves = True
        return "OK"

    def select(self, number: bytes) -> Reply:
        if not NUMBER.fullmatch(number):
            raise Refusal("ERR value is not an integer or out of range")
        if int(number) not in range(DATABASES):
            raise Refusal("ERR DB index is out of range")
        self.selected = int(number)
        return "OK"

    def get(self, key: bytes) -> Reply:
        return self.database.get(key)

    def set(self, key: bytes, value: bytes, *options: bytes) -> Reply:
        """Keep a value; none of Redis's options is known here."""
        if options:
            raise Refusal("ERR syntax error")
        if self.store.used + size(key, value) > MAX_MEMORY:
            raise Refusal("OOM command not allowed when used memory > 'maxmemory'.")
        self.delete(key)
        self.database[key] = value
        self.store.used += size(key, value)
        return "OK"

    def delete(self, *keys: bytes) -> Reply:
        """How many of these keys there were."""
        there = self.database.keys() & keys
        for key in there:
            self.store.used -= size(key, self.database.pop(key))
        return len(there)

    def info(self, *wanted: bytes) -> Reply:
        """What the server tells of itself: all, or the sections that were named."""
        names = {word.lower().decode("latin-1") for word in wanted}
        told = [
            "".join(f"{line}\r\n" for line in [f"# {name}", *(f"{key}:{values[key]}" for key in values)])
            for name, values in self.store.info().items()
            if not names or names & {name.lower(), *ALL_SECTIONS}
        ]
        return "\r\n".join(told).encode()

    def command(self, *arguments: bytes) -> Reply:
        """Which commands there are, or how many."""
        if not arguments:
            return [command.told(name) for name, command in COMMANDS.items()]
        if [word.lower() for word in arguments] == [b"count"]:
            return len(COMMANDS)
        raise no_subcommand(arguments[0], "COMMAND")

    def client(self, subcommand: bytes, *arguments: bytes) -> Reply:
        """Who the client is, and who else is there."""
        match subcommand.lower(), *arguments:
            case [b"id"]:
                return self.number
            case [b"getname"]:
                return self.name or None
            case [b"setname", name]:
                if not all(b"!"[0] <= byte <= b"~"[0] for byte in name):
                    raise Refusal("ERR Client names cannot contain spaces, newlines or special characters.")
                self.name = name
                return "OK"
            case [b"info"]:
                return self.told()
            case [b"list"]:
                return b"".join(client.told() for client in self.store.clients)
        raise no_subcommand(subcommand, "CLIENT")

    def told(self) -> bytes:
        """One line of the list of clients."""
        return f"id={self.number} addr={self.address} name={self.name.decode()} db={self.selected}\n".encode()


def size(key: bytes, value: bytes) -> int:
    """What keeping it takes, in bytes."""
    return PER_KEY + len(key) + len(value)


def wrong_number(name: bytes) -> Refusal:
    """What to say when a command has too few words or too many."""
    return Refusal(f"ERR wrong number of arguments for '{name.lower().decode()}' command")


def no_subcommand(word: bytes, command: str) -> Refusal:
    """What to say when a command's second word is not one of its own."""
    reason = f"unknown subcommand or wrong number of arguments for '{shown(word)}'"
    return Refusal(f"ERR {reason}. Try {command} HELP.")


@dataclass(frozen=True)
class Command:
    """What carries a command out, how many words it has (-2: two or more), and which of them are keys."""

    run: Callable[..., Reply]
    arity: int
    flags: tuple[str, ...] = ()
    keys: tuple[int, int, int] = (0, 0, 0)  # the first, the last (-1: the last word), from one to the next

    def told(self, name: bytes) -> Reply:
        """One entry of COMMAND; its rights, tips, key specifications and subcommands are left empty."""
        return [name, self.arity, self.flags, *self.keys, [], [], [], []]


COMMANDS = {
    b"client": Command(Client.client, -2),
    b"command": Command(Client.command, -1),
    b"del": Command(Client.delete, -2, ("write",), (1, -1, 1)),
    b"echo": Command(Client.echo, 2, ("fast",)),
    b"get": Command(Client.get, 2, ("readonly", "fast"), (1, 1, 1)),
    b"info": Command(Client.info, -1),
    b"ping": Command(Client.ping, -1, ("fast",)),
    b"quit": Command(Client.quit, -1, ("fast",)),
    b"select": Command(Client.select, 2, ("fast",)),
    b"set": Command(Client.set, -3, ("write", "denyoom"), (1, 1, 1)),
}


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve empty databases; what is kept in them ends with the server."""
    store = Store(sock.getsockname()[1])

    async def conversation(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = peer(writer)
        _, port = writer.get_extra_info("peername") or ("", 0)
        client = Client(store, f"{host}:{port}")
        store.clients.append(client)
        site.log(f"redis: a connection from {host}")
        try:
            while not client.leaves:
                if words := await request(reader):
                    writer.write(encode(client.answer(words)))
                    await writer.drain()
        except NotResp as error:
            site.log(f"redis: hung up on {host}: {error}")
            writer.write(encode(error))
        finally:
            store.clients.remove(client)

    return await talk(sock, conversation, site.log)
