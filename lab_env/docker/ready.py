"""Waits, on the student's workstation, until every service of the lab that can answer does.

`python3 -m lab_env.docker.ready` is how to ask.  Each service is asked in its own way until it answers: TCP by a
connection, UDP by a datagram of its protocol.
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

PATIENCE = 60.0  # seconds for the whole lab
ANSWER_WITHIN = 1.0  # seconds for one answer
PAUSE = 0.1
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


async def ask(address: str, service: Service) -> None:
    """Ask once; OSError (TimeoutError is one) where no answer came."""
    if service.transport == "tcp":
        async with asyncio.timeout(ANSWER_WITHIN):
            _, writer = await asyncio.open_connection(address, service.port)
        writer.close()
        return
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        await loop.sock_sendto(asking, question(service, address), (address, service.port))
        async with asyncio.timeout(ANSWER_WITHIN):
            await loop.sock_recv(asking, 2048)


def question(service: Service, address: str) -> bytes:
    """The datagram to ask with; a strict DHCP server wants to read the client's own address in it (RFC 2131)."""
    payload = PAYLOADS[service.answers]
    if service.answers != "dhcp":
        return payload
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.connect((address, service.port))
        return payload[:CIADDR] + socket.inet_aton(own.getsockname()[0]) + payload[CIADDR + 4 :]


async def wait_for(address: str, service: Service, until: float) -> bool:
    """Ask until the service answers or the time is over."""
    while time.monotonic() < until:
        try:
            await ask(address, service)
            return True
        except OSError:
            await asyncio.sleep(PAUSE)
    return False


async def wait_for_all(plan: Topology) -> list[str]:
    """Wait for all at once; the services that did not answer in time, as words."""
    until = time.monotonic() + PATIENCE
    asked = list(services(plan))
    answered = await asyncio.gather(*(wait_for(plan.address(h.name), s, until) for h, s in asked))
    return [
        f"{host.name} {service.port}/{service.transport}"
        for (host, service), ok in zip(asked, answered, strict=True)
        if not ok
    ]


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
