"""Redis, asked as its own clients ask and as nobody should."""

from __future__ import annotations

import socket

import pytest

from lab_env.services import redis, resp
from tests.lab_env.services.clients import connect

LIMIT = 1 << 16  # of asyncio's streams, for a line


def command(*words: bytes) -> bytes:
    """A command as clients send it: an array of strings."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def ask(port: int, *requests: bytes) -> bytes:
    """All that comes back to these bytes until the server hangs up."""
    with connect(port) as sock:
        sock.sendall(b"".join(requests))
        sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65536), b""))


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ([b"PING"], b"+PONG\r\n"),
        ([b"ping", b"hello\r\n"], b"$7\r\nhello\r\n\r\n"),
        ([b"PING", b"a", b"b"], b"-ERR wrong number of arguments for 'ping' command\r\n"),
        ([b"ECHO", b""], b"$0\r\n\r\n"),
        ([b"GET", b"nothing"], b"$-1\r\n"),
        ([b"Get"], b"-ERR wrong number of arguments for 'get' command\r\n"),
        ([b"SET", b"key"], b"-ERR wrong number of arguments for 'set' command\r\n"),
        ([b"SET", b"key", b"value", b"KEEP"], b"-ERR syntax error\r\n"),
        ([b"DEL", b"nothing"], b":0\r\n"),
        ([b"SELECT", b"15"], b"+OK\r\n"),
        ([b"SELECT", b"16"], b"-ERR DB index is out of range\r\n"),
        ([b"SELECT", b"one"], b"-ERR value is not an integer or out of range\r\n"),
        ([b"CLIENT", b"ID"], b":1\r\n"),
        ([b"CLIENT", b"GETNAME"], b"$-1\r\n"),
        (
            [b"CLIENT", b"SETNAME", b"a name"],
            b"-ERR Client names cannot contain spaces, newlines or special characters.\r\n",
        ),
        (
            [b"CLIENT", b"RISE"],
            b"-ERR unknown subcommand or wrong number of arguments for 'RISE'. Try CLIENT HELP.\r\n",
        ),
        ([b"COMMAND", b"COUNT"], b":10\r\n"),
        ([b"INFO", b"keyspace"], b"$12\r\n# Keyspace\r\n\r\n"),
        ([b"GOPHER"], b"-ERR unknown command 'GOPHER', with args beginning with: \r\n"),
        (
            [b"a\r\n+OK", b"b", b"\xff"],
            "-ERR unknown command 'a  +OK', with args beginning with: 'b' '\ufffd' \r\n".encode(),
        ),
        ([], b""),
    ],
)
def test_commands(serving, words, reply):
    assert ask(serving("redis"), command(*words)) == reply


def test_what_is_kept_is_there_for_all_in_its_database(serving):
    port = serving("redis")
    kept = ask(port, command(b"SET", b"door", b"6379\r\n"), command(b"SET", b"DOOR", b""))
    assert kept == b"+OK\r\n+OK\r\n"
    found = ask(port, command(b"GET", b"door"), command(b"SELECT", b"1"), command(b"GET", b"door"))
    assert found == b"$6\r\n6379\r\n\r\n+OK\r\n$-1\r\n"
    assert b"\r\ndb0:keys=2,expires=0,avg_ttl=0\r\n" in ask(port, command(b"INFO"))
    assert ask(port, command(b"DEL", b"door", b"door", b"DOOR", b"window")) == b":2\r\n"
    assert b"\r\nused_memory:0\r\n" in ask(port, command(b"INFO", b"memory"))
    assert serving.logged("redis: a connection from 127.0.0.1")


def test_a_line_is_a_command_too_and_quit_ends_the_conversation(serving):
    lines = b'\r\nset motto "keep it short"\nGET motto\r\nQUIT\r\nPING\r\n'
    assert ask(serving("redis"), lines) == b"+OK\r\n$13\r\nkeep it short\r\n+OK\r\n"


def test_it_knows_who_is_there(serving):
    port = serving("redis")
    with connect(port) as first:
        first.sendall(command(b"CLIENT", b"SETNAME", b"first") + command(b"SELECT", b"3"))
        with first.makefile("rb") as replies:
            assert [replies.readline(), replies.readline()] == [b"+OK\r\n"] * 2
        own = ":".join(map(str, first.getsockname())).encode()
        told = ask(port, command(b"CLIENT", b"LIST"), command(b"INFO", b"clients"))
        assert b"id=1 addr=" + own + b" name=first db=3\n" in told
        assert b"\nid=2 addr=" in told
        assert b"connected_clients:2\r\n" in told


def test_what_it_lists_of_its_commands():
    told = {name: fields for name, *fields in redis.Client.command(redis.Client(redis.Store(0), ""))}
    assert told[b"get"][:5] == [2, ("readonly", "fast"), 1, 1, 1]
    assert told[b"client"][:5] == [-2, (), 0, 0, 0]
    assert resp.encode([b"get", 2, ("fast",)]) == b"*3\r\n$3\r\nget\r\n:2\r\n*1\r\n+fast\r\n"


def test_its_memory_has_an_end(serving):
    value = bytes(resp.MAX_REQUEST - 100)
    many = redis.MAX_MEMORY // len(value)
    replies = ask(serving("redis"), *(command(b"SET", b"%d" % n, value) for n in range(2 * many)))
    assert replies.startswith(b"+OK\r\n" * (many - 1))
    assert replies.endswith(b"-OOM command not allowed when used memory > 'maxmemory'.\r\n" * many)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"*2147483647\r\n", "invalid multibulk length"),
        (b"*1025\r\n", "invalid multibulk length"),
        (b"*" + b"9" * 5000 + b"\r\n", "invalid multibulk length"),
        (b"*x\r\n", "invalid multibulk length"),
        (b"*1\r\n$536870912\r\n", "invalid bulk length"),
        (b"*1\r\n$-1\r\n", "invalid bulk length"),
        (b"*1\r\n$ 4\r\nPING\r\n", "invalid bulk length"),
        (b"*2\r\n$65535\r\n" + bytes(65535) + b"\r\n$2\r\n", "invalid bulk length"),
        (b"*1\r\nPING\r\n", "expected '$', got 'P'"),
        (b"*1\r\n\r\n", "expected '$', got ''"),
        (b"*1\r\n$" + b"9" * LIMIT, "too big bulk count string"),
        (b"P" + b"I" * LIMIT, "too big inline request"),
        (b'PING "\r\n', "unbalanced quotes in request"),
    ],
    ids=lambda value: str(value)[:25],
)
def test_what_is_no_command_is_named_and_ends_the_conversation(serving, sent, reason):
    port = serving("redis")
    with connect(port) as sock:
        sock.sendall(command(b"PING") + sent)
        said = b""
        while not said.endswith(b"Protocol error: " + reason.encode() + b"\r\n"):
            part = sock.recv(4096)
            assert part, said
            said += part
    assert said.startswith(b"+PONG\r\n-ERR ")
    assert serving.logged(f"redis: hung up on 127.0.0.1: ERR Protocol error: {reason}")
    assert ask(port, command(b"PING")) == b"+PONG\r\n"


def test_who_leaves_in_the_middle_is_forgotten(serving):
    port = serving("redis")
    assert ask(port, b"*2\r\n$4\r\nPI") == b""
    assert b"connected_clients:1\r\n" in ask(port, command(b"INFO", b"clients"))
