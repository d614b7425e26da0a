"""The agent of a host: takes orders at a Unix socket, and puts back what was only borrowed.

One JSON object a line each way: {"order": "become", "state": {...}} is answered by {"answer": null}, or by
{"error": "a sentence"} where nothing has changed.  What a connection has borrowed or begun to record ends with the
connection, however that ends.  Standard library only.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from lab_env import changes
from lab_env.changes import LISTENER, HostState
from lab_env.control.recorder import Recorder
from lab_env.topology import Service

LINE_LIMIT = 1 << 20  # bytes of one order; the longest is a ruleset in nftables' own words
PROGRAMS_OF_LISTENERS = ("listener", "silent")
CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group


class Refused(Exception):
    """An order that is not carried out; the message says why, and what to type."""


class Machine(Protocol):
    """A host's own side: how it changes, and what it can tell."""

    async def become(self, state: HostState) -> None:
        """Be in this state from now on, services ready, whatever the state was.

        Raises an exception whose message is a sentence; the agent then asks for the state before.
        """

    def log(self) -> str:
        """What the host's programs have written down."""

    def sockets(self) -> str:
        """What listens here, as `ss` shows it."""

    def conntrack(self) -> str:
        """The conversations that the kernel remembers, one a line."""

    def counters(self) -> Sequence[tuple[str, int, int]]:
        """Rule, packets, bytes for each rule of the firewall that counts."""


@dataclass(slots=True)
class _Loan:
    """Who has borrowed the host, and the state to put back."""

    visit: _Visit
    before: HostState


class Agent:
    """Serves one host: keeps its state, and lends it to one case at a time."""

    def __init__(
        self,
        original: HostState,
        machine: Machine,
        say: Callable[[str], None] = lambda line: print(line, flush=True),
    ) -> None:
        self.original = self.state = original
        self.machine = machine
        self._say = say
        self._loan: _Loan | None = None
        self._lock = asyncio.Lock()

    async def serve(self, path: Path) -> asyncio.Server:
        """Take orders at a socket of this name, until the server is closed."""
        return await asyncio.start_unix_server(self._receive, path, limit=LINE_LIMIT)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit, host_ends = _Visit(self, _process(writer)), False
        try:
            while line := await reader.readline():
                writer.write(await visit.answer(line))
                await writer.drain()
        except (OSError, ValueError):
            pass  # the visitor is gone, or never stops talking
        except asyncio.CancelledError:
            host_ends = True  # and will begin as it was: nothing has to be put back
            raise
        finally:
            if not host_ends:
                await visit.end()
            writer.close()

    async def become(self, visit: _Visit, state: HostState) -> None:
        """Change the host for good; refused while somebody else has borrowed it."""
        self._permit(state)
        async with self._lock:
            self._must_be_free_for(visit)
            await self._settle(state)

    async def borrow(self, visit: _Visit, state: HostState) -> None:
        """Change the host until the visitor gives it back or is gone."""
        self._permit(state)
        async with self._lock:
            self._must_be_free_for(None)
            before = self.state
            await self._settle(state)
            self._loan = _Loan(visit, before)

    async def give_back(self, visit: _Visit) -> None:
        """End the visitor's loan; nothing happens where a reset has ended it already."""
        async with self._lock:
            if self._loan is not None and self._loan.visit is visit:
                before, self._loan = self._loan.before, None
                await self._settle(before)

    async def reset(self) -> None:
        """Be as at the start; whoever had borrowed the host has it no longer."""
        async with self._lock:
            self._loan = None
            await self._settle(self.original)

    def _permit(self, state: HostState) -> None:
        """Only the host's own programs, and those that merely listen."""
        if state.host != self.original.host:
            raise Refused(f"this is {self.original.host}, not {state.host}")
        for service in state.services:
            plain = replace(service, loopback=False, full=False)
            listens = Service(LISTENER, service.port, service.transport, service.server)
            if plain not in self.original.services and (
                plain != listens or service.server not in PROGRAMS_OF_LISTENERS
            ):
                raise Refused(
                    f"{state.host} has no program {service.name} for {service.port}/{service.transport}"
                )

    def _must_be_free_for(self, visit: _Visit | None) -> None:
        if self._loan is not None and self._loan.visit is not visit:
            process = self._loan.visit.process
            raise Refused(
                f"{self.original.host} is lent to a case that is still open"
                f"{f', in process {process}' if process else ''}."
                "  Leave its `with` block first, or type: lab.reset()"
            )

    async def _settle(self, state: HostState) -> None:
        try:
            await self.machine.become(state)
        except Exception as error:  # whatever it is: the host goes on, and as it was
            self._say(f"cannot be changed: {error}")
            try:
                await self.machine.become(self.state)
            except Exception as second:
                self._say(f"cannot be put back either: {second}")
                raise Refused(
                    f"{self.original.host} is neither changed nor put back: {second}.  Type: lab.reset()"
                ) from error
            raise Refused(f"{self.original.host} stays as it was: {error}") from error
        self.state = state


class _Visit:
    """One connection: its orders, one after the other, and what ends with it."""

    def __init__(self, agent: Agent, process: int) -> None:
        self.agent = agent
        self.process = process
        self._recorder: Recorder | None = None

    async def answer(self, line: bytes) -> bytes:
        """Carry out one order; the line that tells of it, and after a recording the recorded bytes."""
        try:
            answer, attached = await self._carry_out(json.loads(line)), b""
            if isinstance(answer, tuple):
                answer, attached = answer
        except (Refused, OSError) as error:
            return _line({"error": str(error)})
        except (ValueError, KeyError, TypeError, IndexError) as error:
            return _line({"error": f"this is no order: {type(error).__name__}: {error}"})
        return _line({"answer": answer, "bytes": len(attached)}) + attached

    async def end(self) -> None:
        """The connection has ended."""
        if self._recorder is not None:
            self._recorder.close()
        try:
            await self.agent.give_back(self)
        except Refused:
            pass  # the log has it; the next reset tries again

    async def _carry_out(self, order: Mapping[str, Any]) -> object:
        """The white list: what may be asked of a host, and nothing else."""
        agent, machine = self.agent, self.agent.machine
        match order["order"]:
            case "state":
                return changes.to_json(agent.state)
            case "become":
                await agent.become(self, changes.from_json(order["state"]))
            case "borrow":
                await agent.borrow(self, changes.from_json(order["state"]))
            case "give-back":
                await agent.give_back(self)
            case "reset":
                await agent.reset()
            case "record":
                self._record()
            case "finish":
                return await self._finish()
            case "log" | "sockets" | "conntrack" | "counters" as question:
                return getattr(machine, question)()
            case unknown:
                raise Refused(f"there is no order {unknown!r}")
        return None

    def _record(self) -> None:
        if self._recorder is not None:
            raise Refused("this connection records already")
        self._recorder = Recorder()
        self._recorder.start(asyncio.get_running_loop())

    async def _finish(self) -> tuple[dict[str, object], bytes]:
        if self._recorder is None:
            raise Refused("this connection does not record")
        recorder, self._recorder = self._recorder, None
        try:
            return await recorder.finish()
        finally:
            recorder.close()


def _line(message: dict[str, object]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _process(writer: asyncio.StreamWriter) -> int:
    """The visitor's process number; 0 where this process cannot see it, as from another container."""
    credentials = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size
    )
    return int(CREDENTIALS.unpack(credentials)[0])
