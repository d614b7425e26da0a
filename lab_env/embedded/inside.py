"""The process that `run` and `attach` start: it makes or enters the lab.

The caller's process stays outside, tied to this one by a socket, the line.  Down the line come the order
(JSON) and then numbers of signals to pass on; up it goes how far the lab is.  When it breaks, the lab ends.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable, Mapping
from typing import NoReturn

from lab_env.embedded import building, command, identity, namespaces, network
from lab_env.embedded.command import Order
from lab_env.embedded.members import Member
from lab_env.topology import STUDENT, topology

ORDER_LIMIT = 1 << 20
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)


def main(line_descriptor: int, listener_descriptor: int) -> NoReturn:
    """The first thing that runs in the new process."""
    namespaces.die_with_parent()
    line = socket.socket(fileno=line_descriptor)
    listener = socket.socket(fileno=listener_descriptor) if listener_descriptor >= 0 else None
    message = line.recv(ORDER_LIMIT)
    if not message:
        os._exit(1)  # the caller is gone already
    order: Order = json.loads(message)
    order["ignored"] = [number for number in FROM_TERMINAL if signal.getsignal(number) == signal.SIG_IGN]
    for number in FROM_TERMINAL:  # keys typed at the terminal reach the command by themselves
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        identity.become_owner()
        status = enter(order, line) if order["pid"] else make(order, line, listener)
    except Exception as error:
        command.report(line, failed=str(error))
        status = 1
    os._exit(status)


def make(order: Order, line: socket.socket, listener: socket.socket | None) -> int:
    """Enter new namespaces, start the lab's init in them, and end when it ends."""
    namespaces.own_user_namespace(namespaces.OF_A_LAB)
    namespaces.die_with_parent()
    pid = os.fork()
    if pid == 0:
        _be_init(order, line, listener)
    command.report(line, init=pid)
    line.close()
    if listener is not None:
        listener.close()
    return command.shell_status(os.waitpid(pid, 0)[1])


def _be_init(order: Order, line: socket.socket, listener: socket.socket | None) -> NoReturn:
    """Process 1 of the lab, on the student's workstation: build the lab, start the command, mind both."""
    status = 1
    try:
        namespaces.die_with_parent()
        namespaces.keep_capabilities_over_exec()
        private = [line] if listener is None else [line, listener]
        lab = building.build(topology(), order["seed"], order["lossy"], private)
        pid = command.start(order, _joining(lab, order["host"]))
        namespaces.set_name(network.INIT)
        command.report(line, ready=True)
        minder = command.Minder(pid, line, {member.pid: member.name for member in lab.values()})
        status = asyncio.run(minder.mind(listener, order["inner_port"]))
    except Exception as error:
        command.report(line, failed=str(error))
    finally:
        os._exit(status)  # and the kernel ends every process of the lab with process 1


def _joining(lab: Mapping[str, Member], host: str) -> Callable[[], None]:
    """What a new process must do to be on `host`; nothing for the student's workstation, where init is."""

    def join() -> None:
        if host != STUDENT:
            namespaces.join(os.pidfd_open(lab[host].pid), namespaces.OF_A_HOST)

    return join


def enter(order: Order, line: socket.socket) -> int:
    """Join the namespaces of a host's process in a lab that runs, and start the command there."""
    pid = order["pid"]
    order["directory"] = os.getcwd()  # joining a mount namespace leads to its root
    descriptor = os.pidfd_open(pid)
    flags = 0
    for name, flag in namespaces.NAMES.items():
        if os.stat(f"/proc/{pid}/ns/{name}").st_ino != os.stat(f"/proc/self/ns/{name}").st_ino:
            flags |= flag  # one that we are in already, as inside the lab, must not be joined
    namespaces.join(descriptor, flags)
    os.close(descriptor)
    namespaces.keep_capabilities_over_exec()
    namespaces.die_with_parent()
    child = command.start(order, namespaces.die_with_parent)
    command.report(line, ready=True)
    return asyncio.run(command.Minder(child, line, {}).mind(None, 0))
