"""What the process does that `run` and `attach` start: it enters or makes the lab, and minds the command in it.

The caller's process stays outside and is tied to this one by a socket, the line.  Down the line come the order (JSON)
and then the numbers of signals to pass on; up the line goes how far the lab is.  When the line breaks, the lab ends.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import pwd
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from lab_env.embedded import files, hosts, members, namespaces, network, publish, switches
from lab_env.embedded.members import LabFailed, Member
from lab_env.topology import STUDENT, Topology, topology

ORDER_LIMIT = 1 << 20
FROM_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP)
NOT_FOUND, NOT_EXECUTABLE = 127, 126  # as a shell says it
INIT_NAME = "portlab-init"

Order = dict[str, Any]


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
        become_invoking_user()
        status = enter(order, line) if order["pid"] else make(order, line, listener)
    except Exception as error:
        line.send(json.dumps({"failed": str(error)}).encode())
        status = 1
    os._exit(status)


def become_invoking_user() -> None:
    """Under sudo: turn back into the user who typed it, so that nothing in the lab or on the disk is root's."""
    if os.geteuid() != 0 or "SUDO_UID" not in os.environ or os.environ["SUDO_UID"] == "0":
        return
    user = pwd.getpwuid(int(os.environ["SUDO_UID"]))
    namespaces.become_user(user.pw_uid, user.pw_gid, user.pw_name)
    namespaces.die_with_parent()
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name, SHELL=user.pw_shell)
    for name in [name for name in os.environ if name.startswith("SUDO_")]:
        del os.environ[name]
    sys.dont_write_bytecode = False


# --- a new lab ------------------------------------------------------------------------------------------------------


def make(order: Order, line: socket.socket, listener: socket.socket | None) -> int:
    """Enter new namespaces, start the lab's init in them, and wait for its end: that is this process's own."""
    namespaces.own_user_namespace(namespaces.NET | namespaces.MOUNT | namespaces.UTS | namespaces.PID)
    namespaces.die_with_parent()
    pid = os.fork()
    if pid == 0:
        _be_init(order, line, listener)
    line.send(json.dumps({"init": pid}).encode())
    line.close()
    if listener is not None:
        listener.close()
    return shell_status(os.waitpid(pid, 0)[1])


def _be_init(order: Order, line: socket.socket, listener: socket.socket | None) -> NoReturn:
    """Process 1 of the lab: build it, start the command on the student's workstation (or another host), mind both."""
    status = 1
    try:
        namespaces.die_with_parent()
        namespaces.keep_capabilities_over_exec()
        private = [each for each in (line, listener) if each is not None]
        lab = build(order, private)
        command = start_command(order, _joining(lab, order["host"]))
        namespaces.set_name(INIT_NAME)
        line.send(json.dumps({"ready": True}).encode())
        status = asyncio.run(_mind(command, line, lab, listener, order["inner_port"]))
    except Exception as error:
        line.send(json.dumps({"failed": str(error)}).encode())
    finally:
        os._exit(status)  # and the kernel ends every process of the lab with process 1


def build(order: Order, private: list[socket.socket]) -> dict[str, Member]:
    """Files, hosts, cables and services of a whole lab, in this process's namespaces and in new ones beside them."""
    lab_topology = topology()
    os.environ["PATH"] = files.environment(STUDENT)["PATH"]
    files.make(lab_topology)
    gc.collect()
    gc.freeze()  # what all hosts share stays shared
    lab = {}
    for name in network.machines(lab_topology):
        if name != STUDENT:
            lab[name] = members.start(name, _host(lab_topology, name), private)
    socket.sethostname(STUDENT)
    files.settle(lab_topology, STUDENT)
    for host in lab.values():
        host.hear(hosts.MADE)
    pids = {STUDENT: os.getpid(), **{name: host.pid for name, host in lab.items()}}
    switch = members.start("switches", _switches(lab_topology, pids, order), private)
    switch.hear(switches.READY)
    for host in lab.values():
        host.tell(hosts.GO)
    hosts.configure(lab_topology, STUDENT)
    for host in lab.values():
        host.hear(hosts.READY)
    return {**lab, switch.name: switch}


def _host(lab_topology: Topology, name: str) -> Callable[[members.Reporter], None]:
    return lambda reporter: hosts.live(lab_topology, lab_topology.by_name[name], reporter)


def _switches(lab_topology: Topology, pids: Mapping[str, int], order: Order) -> Callable[[members.Reporter], None]:
    return lambda reporter: switches.live(lab_topology, pids, order["seed"], order["lossy"], reporter)


def _joining(lab: Mapping[str, Member], host: str) -> Callable[[], None]:
    """What a new process must do to be on `host`; nothing for the student's workstation, where init lives."""

    def join() -> None:
        if host != STUDENT:
            flags = namespaces.NET | namespaces.MOUNT | namespaces.UTS
            namespaces.join(os.pidfd_open(lab[host].pid), flags)

    return join


# --- a lab that is there --------------------------------------------------------------------------------------------


def enter(order: Order, line: socket.socket) -> int:
    """Join the namespaces of a host's process and start the command there."""
    pid = order["pid"]
    descriptor = os.pidfd_open(pid)
    flags = 0
    for name, flag in namespaces.NAMES.items():
        if os.stat(f"/proc/{pid}/ns/{name}").st_ino != os.stat(f"/proc/self/ns/{name}").st_ino:
            flags |= flag  # one that we are in already, as inside the lab, must not be joined
    directory = os.getcwd()
    namespaces.join(descriptor, flags)
    os.close(descriptor)
    namespaces.keep_capabilities_over_exec()
    namespaces.die_with_parent()
    order["directory"] = directory
    command = start_command(order, namespaces.die_with_parent)
    line.send(json.dumps({"ready": True}).encode())
    return asyncio.run(_mind(command, line, {}, None, 0))


# --- the command ----------------------------------------------------------------------------------------------------


def start_command(order: Order, prepare: Callable[[], None]) -> int:
    """Start the command as a child; `prepare` runs in the child first.  Returns its process number."""
    directory = order.get("directory") or os.getcwd()
    pid = os.fork()
    if pid:
        return pid
    status, arguments = NOT_EXECUTABLE, order["command"]
    try:
        prepare()
        if os.path.isdir(directory):
            os.chdir(directory)
        members.plain_signals(order["ignored"])
        os.execvpe(arguments[0], arguments, {**os.environ, **files.environment(order["host"]), **order["environment"]})
    except FileNotFoundError:
        status = NOT_FOUND
        print(f"portlab: {arguments[0]}: no such command", file=sys.stderr)
    except OSError as error:
        print(f"portlab: {arguments[0]}: {error.strerror}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(status)


async def _mind(
    command: int, line: socket.socket, lab: Mapping[str, Member], listener: socket.socket | None, inner_port: int
) -> int:
    """Until the command ends: pass signals on, reap the dead, carry published connections.  Returns the exit status."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    names = {member.pid: member.name for member in lab.values()}

    def end(status: int) -> None:
        if not ended.done():
            ended.set_result(status)

    def reap() -> None:
        for pid, result in _dead_children():
            if pid == command:
                end(shell_status(result))
            elif pid in names:
                print(f"portlab: {names[pid]} of the lab has ended, and the lab with it", file=sys.stderr)
                end(1)

    def obey() -> None:
        numbers = line.recv(members.MESSAGE_LIMIT)
        if not numbers:
            os._exit(1)  # the caller is gone
        for number in numbers:
            os.kill(command, number)

    loop.add_signal_handler(signal.SIGCHLD, reap)
    loop.add_reader(line, obey)
    if listener is not None:
        listener.setblocking(False)
        forwarding = loop.create_task(publish.forward(listener, inner_port))
        forwarding.add_done_callback(lambda task: task.exception())
    reap()
    status = await ended
    sys.stderr.flush()
    os._exit(status)


def _dead_children() -> list[tuple[int, int]]:
    dead = []
    while True:
        try:
            pid, result = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return dead
        if pid == 0:
            return dead
        dead.append((pid, result))


def shell_status(result: int) -> int:
    """An exit status as a shell gives it: 128 + n for a program that signal n ended."""
    code = os.waitstatus_to_exitcode(result)
    return code if code >= 0 else 128 - code
