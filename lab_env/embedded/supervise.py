"""The process outside stays with the one that goes inside: signals go in, the exit status comes out."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lab_env.embedded import namespaces
from lab_env.embedded.attempt import python_options
from lab_env.signals import USUAL, Patience

PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MESSAGE_LIMIT = 1 << 20
ROOT = str(Path(__file__).resolve().parents[2])
START = (
    "import sys; sys.path.insert(0, {root!r}); "
    "from lab_env.embedded.inside import main; main({line}, {listener})"
)


class Failed(Exception):
    """The lab could not be built or entered."""


def stay_with(
    order: Mapping[str, object],
    listener: socket.socket | None = None,
    on_ready: Callable[[int], None] = lambda init: None,
    patience: Patience = USUAL,
) -> int:
    """Start the process that goes inside (see `inside`) and return its exit status.

    `on_ready` is called with the process number of the lab's init.  That process is a new interpreter, not a
    fork: namespaces want a process with a single thread, and the caller may have many.  A command that is asked
    to end and does not loses our `patience`, and is killed.
    """
    line, far_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    try:
        with line, far_end, _terminal_given_back():
            process = _start(far_end, listener)
            try:
                far_end.close()
                line.send(json.dumps(order).encode())
                return _watch(process, line, on_ready, patience)
            finally:
                process.kill()
                process.wait()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start(far_end: socket.socket, listener: socket.socket | None) -> subprocess.Popen[bytes]:
    descriptors = [far_end.fileno()] + ([listener.fileno()] if listener is not None else [])
    code = START.format(root=ROOT, line=descriptors[0], listener=-1 if listener is None else descriptors[1])
    return subprocess.Popen([sys.executable, *python_options(), "-c", code], pass_fds=descriptors)


def _watch(
    process: subprocess.Popen[bytes],
    line: socket.socket,
    on_ready: Callable[[int], None],
    patience: Patience,
) -> int:
    """Pass signals in, take news out, until the process ends or our patience does."""
    signals, ended = namespaces.signal_descriptor(PASSED_ON), os.pidfd_open(process.pid)
    poller = select.poll()
    for descriptor in (signals, ended, line.fileno()):
        poller.register(descriptor, select.POLLIN)
    known: dict[str, Any] = {}
    kill_at: float | None = None
    try:
        while True:
            happened = [descriptor for descriptor, _ in poller.poll(_milliseconds_until(kill_at))]
            if not happened:
                patience.tell_of_the_kill()
                return 128 + signal.SIGKILL
            if line.fileno() in happened:  # first of all: the news may say why it ended
                news = _read_news(line)
                known |= news
                if not news:
                    poller.unregister(line)
                if "ready" in news:
                    on_ready(int(known.get("init", 0)))
            elif signals in happened:
                number, from_keyboard = namespaces.read_signal(signals)
                if "ready" not in known:
                    return 128 + number
                _pass_on(number, from_keyboard, line)
                if kill_at is None and patience.is_asked(number):
                    kill_at = time.monotonic() + patience.grace
            else:
                break
    finally:
        os.close(signals)
        os.close(ended)
    return _status(process, known)


def _milliseconds_until(moment: float | None) -> float | None:
    """For `poll`, to which None means: for as long as it takes."""
    return None if moment is None else max(0.0, (moment - time.monotonic()) * 1000)


def _pass_on(number: int, from_keyboard: bool, line: socket.socket) -> None:
    if number == signal.SIGINT and from_keyboard:
        return  # the command has it already
    with contextlib.suppress(OSError):  # the command has just ended
        line.send(bytes([number]))


def _status(process: subprocess.Popen[bytes], known: Mapping[str, Any]) -> int:
    if "failed" in known:
        raise Failed(known["failed"])
    code = process.wait()
    return code if code >= 0 else 128 - code


def _read_news(line: socket.socket) -> dict[str, Any]:
    """The next message from inside; an empty one when no more will come."""
    try:
        message = line.recv(MESSAGE_LIMIT)
    except ConnectionError:
        return {}
    return dict(json.loads(message)) if message else {}


@contextlib.contextmanager
def _terminal_given_back() -> Iterator[None]:
    """After a shell with job control inside, bring our own process group to the terminal's front again."""
    terminal = _terminal()
    in_front = terminal >= 0 and os.tcgetpgrp(terminal) == os.getpgrp()
    try:
        yield
    finally:
        if in_front:
            before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTTOU])
            with contextlib.suppress(OSError):
                os.tcsetpgrp(terminal, os.getpgrp())
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if terminal >= 0:
            os.close(terminal)


def _terminal() -> int:
    """A descriptor of the terminal this process belongs to; -1 where it has none."""
    try:
        return os.open("/dev/tty", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return -1
