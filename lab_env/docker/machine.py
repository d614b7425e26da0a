"""A host's own side of `Hands` in Docker: real server programs, started, stopped and told anew where to listen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from lab_env import changes, firewall
from lab_env.changes import HostState
from lab_env.control import conntrack, kernel
from lab_env.docker import daemons
from lab_env.docker.daemons import DAEMONS, STATE, Daemon, Program
from lab_env.services.site import PASSWORD
from lab_env.topology import Host, Service, Topology

PATIENCE = (
    120.0  # seconds until a program listens, or has stopped doing so: the end of hope, where it does not end
)
ASK_EVERY = 0.02
END_PATIENCE = 1.5  # seconds until a program that was asked to end is made to
LOG_KEPT = 1 << 19  # bytes
RIGHTS = ("net_admin", "net_raw", "setpcap")
"""What the first program of a host may do to the host's network, and its server programs may not."""

LISTENING = "0A"
Sockets = dict[tuple[str, int], int]
"""Transport and port -> connections that wait to be taken, of every socket that listens."""


class DockerMachine:
    """The host whose first program this process is (see `lab_env.control.agent.Machine`)."""

    def __init__(self, topology: Topology, host: Host) -> None:
        self._topology = topology
        self._host = host
        self._running: dict[Program, asyncio.subprocess.Process] = {}
        self._changing = False
        self._spared = frozenset(table for table in kernel.tables() if table != f"table ip {firewall.TABLE}")
        """Docker's own rules, for its resolver."""
        self._log = bytearray()
        self._log_end = -1
        self._watchers: set[asyncio.Task[None]] = set()
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        """Done when a program has ended that nobody stopped: its name and status."""

    async def begin(self) -> None:
        """Start what the host has in the plan, and write down what it says."""
        reading, self._log_end = os.pipe()
        asyncio.get_running_loop().add_reader(reading, self._listen, reading)
        await self._run(daemons.programs(self._topology, self._host))

    async def become(self, state: HostState) -> None:
        """Have these rules, this route and these programs, and no others."""
        changed = changes.topology_with(self._topology, {state.host: state})
        wanted = daemons.programs(changed, changed.by_name[state.host])
        kernel.load_rules(self._topology, state, self._spared)
        kernel.set_route(self._topology, state)
        self._changing = True
        try:
            await self._run(wanted)
            await self._settled(len(wanted), state.services)
        finally:
            self._changing = False

    # --- programs -----------------------------------------------------------------------------------------

    async def _run(self, wanted: dict[str, Program]) -> None:
        """Run these and no others; what runs already, and as it should, is left alone."""
        keep = set(wanted.values())
        await asyncio.gather(*(self._end(program) for program in [*self._running] if program not in keep))
        for program in wanted.values():
            if program not in self._running:
                await self._start(program)

    async def _start(self, program: Program) -> None:
        daemon = DAEMONS[program.name]
        if daemon.settings:
            Path(STATE, daemon.settings).write_text(program.settings)
        for command in daemon.before:
            run(command.format(STATE), f"{PASSWORD}\n{PASSWORD}\n")
        process = await asyncio.create_subprocess_exec(
            *without_rights(daemon),
            *shlex.split(program.command),
            stdout=self._log_end,
            stderr=self._log_end,
            start_new_session=True,
        )
        self._running[program] = process
        watcher = asyncio.create_task(self._watch(program, process))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)

    async def _watch(self, program: Program, process: asyncio.subprocess.Process) -> None:
        status = await process.wait()
        if self._running.get(program) is process:  # else somebody stopped it
            del self._running[program]
            if not self._changing and not self.ended.done():
                self.ended.set_result(f"{program.name} ({status})")

    async def _end(self, program: Program) -> None:
        """End a program, and what it has started and left behind."""
        process = self._running.pop(program)
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()

    async def _settled(self, programs: int, services: Iterable[Service]) -> None:
        """Wait until these ports, and of the host's own none but these, are listened on.

        Raises OSError where that takes too long, or a program that should listen ends.
        """
        wanted = {(service.transport, service.port): service for service in services}
        ours = {(service.transport, service.port) for service in self._host.services}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(self._running) == programs:
                    found = listening()
                    full = all(found.get(place) for place, service in wanted.items() if service.full)
                    if full and wanted.keys() <= found.keys() and not found.keys() & ours - wanted.keys():
                        return
                    await asyncio.sleep(ASK_EVERY)
        raise OSError(f"its programs do not listen as they should: {self.log()[-500:].strip()}")

    def _listen(self, reading: int) -> None:
        """What a program says is for `docker logs` and for the learner; of much, the end is kept."""
        said = os.read(reading, 1 << 16)
        sys.stdout.buffer.write(said)
        sys.stdout.flush()
        self._log += said
        del self._log[:-LOG_KEPT]

    # --- what it can tell ---------------------------------------------------------------------------------

    def log(self) -> str:
        """What the host's programs have written down, at least the end of it."""
        return self._log.decode("utf-8", "replace")

    def sockets(self) -> str:
        """What listens here; the resolver that Docker puts into every container is not the host's."""
        lines = kernel.sockets().splitlines(keepends=True)
        return "".join(line for line in lines if "127.0.0.11:" not in line)

    def conntrack(self) -> str:
        return conntrack.conversations()

    def counters(self) -> list[tuple[str, int, int]]:
        return kernel.counters(self._spared)


def without_rights(daemon: Daemon) -> list[str]:
    """Words before a program's command line: it must not change the host's network, nor craft packets."""
    gone = ",".join(f"-{right}" for right in RIGHTS if right not in daemon.keeps)
    return ["setpriv", "--bounding-set", gone]


def run(command: str, text: str = "") -> None:
    """Run a command to its end.  Raises OSError with what it complains of."""
    done = subprocess.run(
        shlex.split(command), input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        raise OSError(f"`{command}` failed: {done.stdout.decode(errors='replace')}")


def _kernel_table(name: str) -> str:
    """A table of sockets; without IPv6 its tables are missing."""
    path = Path("/proc/net", name)
    return path.read_text() if path.exists() else ""


def listening(tables: Callable[[str], str] = _kernel_table) -> Sockets:
    """Every port that this kernel has a listener for (proc_net_tcp(5))."""
    found: Sockets = {}
    for name in ("tcp", "tcp6", "udp", "udp6"):
        for line in tables(name).splitlines()[1:]:
            _, local, _, state, queues, *_ = line.split()
            if name.startswith("tcp") and state != LISTENING:
                continue
            waiting = int(queues.partition(":")[2], 16)
            found[name[:3], int(local.rpartition(":")[2], 16)] = waiting
    return found
