"""The learner's end: `Controls` by way of the hosts' sockets."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from lab_env import changes
from lab_env.changes import HostState
from lab_env.hands import Counter
from lab_env.recordings import Recording, in_order, seen
from lab_env.topology import GATEWAY
from portlab.errors import BadTarget, LabNotRunning
from portlab.model import FRAME

PATIENCE = 300.0  # seconds for one order: the end of hope; at leisure, a host's slowest program takes two
SUFFIX = ".sock"


class SocketControls:
    """The hosts whose sockets lie in `directory` (see `lab_env.hands.Controls`)."""

    def __init__(self, directory: str | Path) -> None:
        self._directory = Path(directory)

    def state(self, host: str) -> HostState:
        return changes.from_json(self._ask(host, "state"))

    def become(self, states: Mapping[str, HostState]) -> None:
        done: dict[str, HostState] = {}
        try:
            for host, state in states.items():
                before = self.state(host)
                self._ask(host, "become", state=changes.to_json(state))
                done[host] = before
        except BadTarget:
            for host, before in done.items():
                self._ask(host, "become", state=changes.to_json(before))
            raise

    @contextmanager
    def borrow(self, states: Mapping[str, HostState]) -> Iterator[None]:
        with ExitStack() as open_lines:
            for host, state in states.items():
                line = open_lines.enter_context(self._line(host))
                line.ask("borrow", state=changes.to_json(state))
                open_lines.callback(line.ask, "give-back")  # a line that breaks gives back too
            yield

    def reset(self) -> None:
        hosts = sorted(path.name.removesuffix(SUFFIX) for path in self._directory.glob(f"*{SUFFIX}"))
        with ExitStack() as open_lines:
            lines = [open_lines.enter_context(self._line(host)) for host in hosts]
            for line in lines:
                line.say("reset")
            for line in lines:
                line.hear()

    @contextmanager
    def recording(self, hosts: Sequence[str]) -> Iterator[Recording]:
        recording = Recording(tuple(dict.fromkeys(hosts)))
        with ExitStack() as open_lines:
            lines = [open_lines.enter_context(self._line(host)) for host in recording.hosts]
            for line in lines:
                line.ask("record")
            try:
                yield recording
            finally:
                for line in lines:  # all at once: what is under way is waited for but once
                    line.say("finish")
                parts = [_recorded(line) for line in lines]
                recording.frames = in_order([rows for rows, _ in parts])
                recording.lost = {line.host: lost for line, (_, lost) in zip(lines, parts, strict=True)}

    def log(self, host: str) -> str:
        return str(self._ask(host, "log"))

    def sockets(self, host: str) -> str:
        return str(self._ask(host, "sockets"))

    def conntrack(self) -> str:
        return str(self._ask(GATEWAY, "conntrack"))

    def counters(self, host: str) -> list[Counter]:
        return [Counter(*counted) for counted in self._ask(host, "counters")]

    def _ask(self, host: str, order: str, **more: object) -> Any:
        with self._line(host) as line:
            return line.ask(order, **more)

    def _line(self, host: str) -> _Line:
        return _Line(host, self._directory / f"{host}{SUFFIX}")


class _Line:
    """A connection to one host's agent; what it has borrowed comes back when it closes."""

    def __init__(self, host: str, path: Path) -> None:
        self.host = host
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise self._silent(error) from error
        self._file = self._socket.makefile("rb")

    def ask(self, order: str, **more: object) -> Any:
        """Give an order and wait until it is carried out.  BadTarget: it was refused, and nothing changed."""
        self.say(order, **more)
        return self.hear()[0]

    def say(self, order: str, **more: object) -> None:
        """Give an order."""
        try:
            self._socket.sendall(json.dumps({"order": order, **more}).encode() + b"\n")
        except OSError as error:
            raise self._silent(error) from error

    def hear(self) -> tuple[Any, bytes]:
        """The answer to an order, and the bytes that came with it."""
        try:
            line = self._file.readline()
            told = json.loads(line) if line else {}
            attached = self._file.read(told.get("bytes", 0))
        except OSError as error:
            raise self._silent(error) from error
        if "error" in told:
            raise BadTarget(told["error"])
        if not line or len(attached) < told["bytes"]:
            raise self._silent(ConnectionError("it has hung up"))
        return told["answer"], attached

    def _silent(self, error: OSError) -> LabNotRunning:
        reason = error.strerror or str(error)
        return LabNotRunning(f"{self.host} takes no orders ({reason}).  Start the lab again with: ./run lab")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._socket.close()


def _recorded(line: _Line) -> tuple[NDArray[np.void], int]:
    """Rows of what one host has recorded, and how many frames it did not keep."""
    found, data = line.hear()
    count = found["frames"]
    frames = np.frombuffer(data, FRAME, count)
    places = np.frombuffer(data, np.uint8, offset=count * FRAME.itemsize)
    interfaces = np.array([*found["interfaces"], ""])[places]
    return seen(frames, line.host, interfaces), found["lost"]
