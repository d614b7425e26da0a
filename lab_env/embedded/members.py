"""The lab's own processes: one for each host, one for the switches, all children of the lab's init."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from lab_env.embedded import namespaces, network, own_files

MESSAGE_LIMIT = 1 << 16
FAILED = "failed: "


class LabFailed(Exception):
    """The lab cannot be built, or a part of it is gone; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the lab as init sees it; messages come and go by `channel`."""

    name: str
    pid: int
    channel: socket.socket

    def hear(self, expected: str) -> None:
        """Wait until the process says `expected`; LabFailed if it says anything else or ends."""
        message = self.channel.recv(MESSAGE_LIMIT).decode()
        if message != expected:
            reason = message.removeprefix(FAILED) or f"it ended before it was {expected}"
            raise LabFailed(f"{self.name}: {reason}{_last_words(self.name)}")

    def tell(self, message: str) -> None:
        """Send the process a word it waits for."""
        self.channel.send(message.encode())


class Reporter:
    """The process's own end of the channel to init."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel

    def say(self, message: str) -> None:
        """Tell init how far this process is."""
        self.channel.send(message.encode())

    def wait(self) -> str:
        """The next word from init."""
        return self.channel.recv(MESSAGE_LIMIT).decode()


def start(name: str, work: Callable[[Reporter], None], not_for_it: Iterable[socket.socket]) -> Member:
    """Fork a process that does `work` and never returns; it closes the sockets that are `not_for_it`."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        for other in (ours, *not_for_it):
            other.close()
        _live(name, work, Reporter(theirs))
    theirs.close()
    return Member(name, pid, ours)


def _live(name: str, work: Callable[[Reporter], None], reporter: Reporter) -> NoReturn:
    try:
        namespaces.set_name(network.PROCESS.format(name))
        os.setsid()  # keys typed at the terminal are for the command, not for the lab
        _write_to_log(own_files.log_path(name))
        work(reporter)
    except (
        BaseException
    ) as error:  # whatever it is, init must hear of it; nothing may return into init's code
        message = str(error) if isinstance(error, LabFailed) else f"{type(error).__name__}: {error}"
        reporter.say(f"{FAILED}{message}"[:MESSAGE_LIMIT])
    finally:
        os._exit(1)


def _write_to_log(path: str) -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(log)


def _last_words(name: str) -> str:
    try:
        with open(own_files.log_path(name)) as file:
            lines = file.read().splitlines()[-8:]
    except OSError:
        return ""
    return "".join(f"\n    {line}" for line in lines)


def execute(arguments: list[str], text: str) -> None:
    """Run a program on `text`; LabFailed quotes what it complained of."""
    done = subprocess.run(arguments, input=text, text=True, capture_output=True)
    if done.returncode:
        raise LabFailed(f"`{' '.join(arguments)}` failed: {done.stderr.strip()}")
