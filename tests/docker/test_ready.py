"""Waiting until every service answers: no time is guessed, and whoever is waited for is named."""

import asyncio
import socket
from dataclasses import replace

import pytest

from lab_env.docker import ready
from lab_env.topology import topology

PLAN = topology()
WEB = PLAN.by_name["web"]
HTTP, HTTPS = WEB.services[:2]
DNS = next(service for service in PLAN.by_name["infra"].services if service.transport == "udp")


def test_a_late_answer_gets_twice_the_time_and_a_refusal_is_asked_again(monkeypatch):
    outcomes = [TimeoutError(), TimeoutError(), ConnectionRefusedError(), None]
    given = []

    async def ask(address, service, within):
        given.append(within)
        if outcome := outcomes.pop(0):
            raise outcome

    monkeypatch.setattr(ready, "ask", ask)
    monkeypatch.setattr(ready, "PAUSE", 0)
    asyncio.run(ready.wait_for("127.0.0.1", HTTP))
    assert given == [ready.ANSWER_WITHIN * times for times in (1, 2, 4, 4)]
    assert outcomes == []


def test_who_is_waited_for_is_named_and_in_the_end_told(monkeypatch, capsys):
    async def wait_for(address, service):
        if service is HTTP:
            await asyncio.Event().wait()

    monkeypatch.setattr(ready, "wait_for", wait_for)
    monkeypatch.setattr(ready, "services", lambda plan: [(WEB, HTTP), (WEB, HTTPS)])
    silent = asyncio.run(ready.wait_for_all(PLAN, patience=0.05, tell_every=0.02))
    assert silent == [f"web {HTTP.port}/tcp"]
    assert f"waiting for web {HTTP.port}/tcp\n" in capsys.readouterr().err


@pytest.mark.parametrize("service", [HTTP, DNS], ids=["tcp", "udp"])
def test_a_refusal_is_not_waited_for(service):
    kind = socket.SOCK_STREAM if service.transport == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        if kind == socket.SOCK_DGRAM:
            held.close()  # a bound socket would take the datagram
        with pytest.raises(ConnectionRefusedError):
            asyncio.run(ready.ask("127.0.0.1", replace(service, port=port), within=600))
