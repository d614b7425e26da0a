"""The command that a lab is for: start it, pass signals to it, hand its exit status on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from lab_env.embedded import own_files, publish

NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell says it
SIGNALS_LIMIT = 256

Order = dict[str, Any]
"""What is to be done, as `outside` put it: command, host, environment, ..."""


def report(line: socket.socket, **news: object) -> None:
    """Tell the process outside how far the lab is."""
    line.send(json.dumps(news).encode())


def start(order: Order, prepare: Callable[[], None]) -> int:
    """Start the command as a child, which first calls `prepare`; returns the child's process number."""
    directory = order.get("directory") or os.getcwd()
    pid = os.fork()
    if pid:
        return pid
    status, arguments = NOT_EXECUTABLE, order["command"]
    try:
        prepare()
        if os.path.isdir(directory):
            os.chdir(directory)
        _plain_signals(order["ignored"])
        environment = {**os.environ, **own_files.environment(order["host"]), **order["environment"]}
        os.execvpe(arguments[0], arguments, environment)
    except FileNotFoundError:
        status = NOT_FOUND
        print(f"portlab: {arguments[0]}: no such command", file=sys.stderr)
    except OSError as error:
        print(f"portlab: {arguments[0]}: {error.strerror}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


def _plain_signals(ignored: Iterable[int]) -> None:
    """Give signals the meaning they have for a new program; those in `ignored` stay ignored (nohup)."""
    for name in ("SIGINT", "SIGQUIT", "SIGTERM", "SIGHUP", "SIGPIPE", "SIGXFSZ"):
        number = signal.Signals[name]
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)


class Minder:
    """Minds a command until it ends; the processes of `lab`, names by number, must not end before it does."""

    def __init__(self, command: int, line: socket.socket, lab: Mapping[int, str]) -> None:
        self.command = command
        self.line = line
        self.lab = lab

    async def mind(self, listener: socket.socket | None, inner_port: int) -> int:
        """Pass signals on, reap the dead, carry published connections; returns the command's exit status."""
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int] = loop.create_future()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        loop.add_reader(self.line, self._obey)
        self._reap()  # who died before the handler stood
        if listener is not None:
            listener.setblocking(False)
            forwarding = loop.create_task(publish.forward(listener, inner_port))
            forwarding.add_done_callback(lambda task: task.result())  # never done; an error is shown
        status = await self.ended
        sys.stderr.flush()
        os._exit(status)  # without tidying up: everything of the lab goes at once

    def _reap(self) -> None:
        for pid, status in _dead_children():
            if pid == self.command:
                self._end(status)
            elif pid in self.lab:
                print(f"portlab: {self.lab[pid]} of the lab has ended, and the lab with it", file=sys.stderr)
                self._end(1)

    def _end(self, status: int) -> None:
        if not self.ended.done():
            self.ended.set_result(status)

    def _obey(self) -> None:
        numbers = self.line.recv(SIGNALS_LIMIT)
        if not numbers:
            os._exit(1)  # the process outside is gone
        for number in numbers:
            os.kill(self.command, number)


def _dead_children() -> Iterator[tuple[int, int]]:
    """Process number and exit status of each child that has ended, orphans of the lab included."""
    while True:
        try:
            pid, result = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, shell_status(result)


def shell_status(result: int) -> int:
    """An exit status as a shell gives it: 128 + n for a program that signal n ended."""
    code = os.waitstatus_to_exitcode(result)
    return code if code >= 0 else 128 - code
