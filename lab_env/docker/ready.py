"""Waits, on the student's workstation, until every service of the lab that can answer does.

`python3 -m lab_env.docker.ready` is how to ask.  Each service is asked in its own way until it answers: TCP by a
connection, UDP by a datagram of its protocol.  How long that takes depends on what else the computer does, so no
time is guessed: whoever has not answered by then is named again and again, and only after long is hope given up.
"""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from collections.abc import Iterator

from lab_env import contract
from lab_env.topology import Host, Service, Topology, topology
from portlab.model import State
from portlab.techniques.payloads import PAYLOADS

PATIENCE = 900.0  # seconds for the whole lab: the end of hope
TELL_EVERY = 20.0  # seconds
ANSWER_WITHIN = (
    1.0  # seconds for the first answer; each time that it does not come, the next has twice as long
)
PAUSE = 0.1
IP_RECVERR = 11  # <linux/in.h>
CIADDR = 12  # where a DHCP message has the client's address


def services(plan: Topology) -> Iterator[tuple[Host, Service]]:
    """The services that must answer the student: not those that keep silent or that the gateway hides."""
    for host in plan.hosts:
        for service in host.services:
            if service.transport == "udp":
                if service.answers:
                    yield host, service
            elif contract.expected(plan, "connect", host.name, service.port).state == State.OPEN:
                yield host, service


async def ask(address: str, service: Service, within: float) -> None:
    """Ask once; OSError (TimeoutError is one) where no answer came."""
    if service.transport == "tcp":
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(address, service.port)
        writer.close()
        return
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        asking.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)  # a refusal is an answer: no need to wait longer
        await loop.sock_sendto(asking, question(service, address), (address, service.port))
        async with asyncio.timeout(within):
            await loop.sock_recv(asking, 2048)


def question(service: Service, address: str) -> bytes:
    """The datagram to ask with; a strict DHCP server wants to read the client's own address in it (RFC 2131)."""
    payload = PAYLOADS[service.answers]
    if service.answers != "dhcp":
        return payload
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.connect((address, service.port))
        return payload[:CIADDR] + socket.inet_aton(own.getsockname()[0]) + payload[CIADDR + 4 :]


async def wait_for(address: str, service: Service) -> None:
    """Ask until the service answers."""
    within = ANSWER_WITHIN
    while True:
        try:
            return await ask(address, service, within)
        except TimeoutError:
            within *= 2
        except OSError:
            await asyncio.sleep(PAUSE)


async def wait_for_all(
    plan: Topology, patience: float = PATIENCE, tell_every: float = TELL_EVERY
) -> list[str]:
    """Wait for all at once; the services that did not answer in time, as words."""
    until = time.monotonic() + patience
    waiting = {
        asyncio.create_task(
            wait_for(plan.address(host.name), service),
            name=f"{host.name} {service.port}/{service.transport}",
        )
        for host, service in services(plan)
    }
    while waiting and (left := until - time.monotonic()) > 0:
        done, waiting = await asyncio.wait(waiting, timeout=min(left, tell_every))
        for task in done:
            task.result()
        if waiting:
            print(f"portlab: waiting for {', '.join(names(waiting))}", file=sys.stderr)
    for task in waiting:
        task.cancel()
    return names(waiting)


def names(waiting: set[asyncio.Task[None]]) -> list[str]:
    """The services that are still asked."""
    return sorted(task.get_name() for task in waiting)


def main() -> int:
    """0: all of them answer."""
    started = time.monotonic()
    silent = asyncio.run(wait_for_all(topology()))
    if silent:
        print(f"no answer from: {', '.join(silent)}", file=sys.stderr)
        return 1
    print(f"all services answer, after {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
