from __future__ import annotations

import asyncio
import dataclasses
import errno
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab_env import services
from lab_env.embedded import building
from lab_env.services.listening import bind
from lab_env.topology import Service, topology
from portlab.errors import BadTarget
from tests.lab_env.services.clients import HOST, PATIENCE, connect, eventually, is_refused, is_silent

TCP = (
    *(
        "dns",
        "ftp",
        "http",
        "http-error",
        "imap",
        "ldap",
        "listener",
        "mssql",
        "mysql",
        "oracle",
        "pop3",
        "proxy",
    ),
    *("rdp", "redis", "silent", "sip", "smb", "smtp", "ssh", "telnet"),
)
UDP = ("dhcp", "dns", "ike", "ntp", "silent", "sip", "snmp", "snmp-trap", "syslog", "tftp")


@pytest.mark.parametrize("server", TCP)
def test_close_stops_a_server_that_has_served(serving, server):
    port = serving(server)
    running = serving.running[0]
    with connect(port):
        serving.loop.run(running.loaded())
    assert not serving.logged_now("could not start")
    serving.stop()
    assert is_refused(port)


@pytest.mark.parametrize("server", ["ftp", "imap", "smb"])
def test_close_ends_the_threads_of_a_server(serving, server):
    port = serving(server)
    before = set(threading.enumerate())
    with connect(port):
        serving.loop.run(serving.running[0].loaded())
    serving.stop()
    assert eventually(lambda: {thread for thread in threading.enumerate() if not is_worker(thread)} <= before)


def is_worker(thread: threading.Thread) -> bool:
    return thread.name.startswith("asyncio_")  # the loop's own pool, in which servers are loaded


@pytest.mark.parametrize("server", TCP)
def test_close_stops_a_server_nobody_called(serving, server):
    port = serving(server)
    serving.stop()
    assert is_refused(port)


@pytest.mark.parametrize("server", UDP)
def test_close_makes_a_datagram_unreachable(serving, server):
    port = serving(server, transport="udp")
    running = serving.running[0]
    serving.loop.run(running.loaded())
    assert is_silent(port, b"")
    serving.stop()
    with pytest.raises(ConnectionRefusedError):
        is_silent(port, b"")


@pytest.mark.parametrize("server", [*TCP, "ntp"])
def test_a_stopped_port_can_be_started_again(serving, server):
    transport = "udp" if server == "ntp" else "tcp"
    port = serving(server, transport=transport)
    if transport == "tcp":
        connect(port).close()
    serving.stop()
    assert serving(server, transport=transport, port=port) == port


def test_listens_before_the_library_is_loaded():
    program = (
        "import asyncio, pathlib, socket, sys\n"
        "from lab_env import services\n"
        "from lab_env.services.site import Site\n"
        "async def main():\n"
        "    nowhere = pathlib.Path('/nonexistent')\n"
        "    site = Site({}, nowhere, nowhere, nowhere, nowhere)\n"
        "    running = await services.serve('ssh', site, '127.0.0.1', 0)\n"
        "    sock = socket.create_connection((running.address, running.port), 2)\n"
        "    print('asyncssh' in sys.modules)\n"
        "    sock.close()\n"
        "    await running.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.stdout == "False\n", done.stderr


def test_binds_to_exactly_one_address(serving):
    port = serving("silent")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), PATIENCE)


def test_a_port_in_use_is_said_so():
    with bind(HOST, 0, "tcp") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot listen on {HOST} tcp port {port}") as caught:
            bind(HOST, port, "tcp")
    assert caught.value.errno == errno.EADDRINUSE


def test_an_unknown_server_is_named(prepared):
    with pytest.raises(
        BadTarget, match=r"no server is called 'gopher'; there are .*telnet.* add its file to"
    ):
        asyncio.run(services.serve("gopher", prepared, HOST, 0))
    with pytest.raises(BadTarget, match="gopher"):
        services.load("gopher")


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_lab_with_an_unknown_server_is_not_begun(monkeypatch, transport):
    plan = topology("10.77")
    db = dataclasses.replace(plan.by_name["db"], services=(Service("gopher", 70, transport),))
    monkeypatch.setattr(services, "prepare", lambda *_: pytest.fail("something was made"))
    with pytest.raises(BadTarget, match="no server is called 'gopher'"):
        building.prepare_services(dataclasses.replace(plan, hosts=(db,)))


def test_a_server_that_cannot_start_closes_its_port_and_says_why(serving, monkeypatch):
    monkeypatch.setitem(services.MODULES, "broken", "no_such_module")
    port = serving("broken")
    is_refused(port)  # the first client makes it start, and may see its connection reset
    assert serving.logged("could not start")
    assert eventually(lambda: is_refused(port))


@pytest.mark.parametrize(
    "server", ["dns", "listener", "mssql", "oracle", "pop3", "proxy", "rdp", "redis", "sip"]
)
def test_nonsense_does_not_stop_a_server(serving, server):
    port = serving(server)
    for nonsense in (b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.0\r\n\r\n", bytes(64), b"\xff" * 300):
        with connect(port) as sock:
            sock.sendall(nonsense)
            sock.shutdown(socket.SHUT_WR)
            drain(sock)
    assert not is_refused(port)


@pytest.mark.parametrize("server", ["dhcp", "ntp", "sip", "snmp", "snmp-trap", "syslog", "tftp"])
def test_nonsense_datagrams_get_silence(serving, server):
    port = serving(server, transport="udp")
    serving.loop.run(serving.running[0].loaded())
    assert is_silent(port, b"", b"\0", b"\xff" * 300)


def drain(sock: socket.socket) -> None:
    try:
        while sock.recv(4096):
            pass
    except ConnectionResetError:
        pass  # hanging up with a reset is fine too


def test_every_server_is_tried_here():
    assert {*TCP, *UDP} == services.MODULES.keys()


def test_the_topology_names_only_servers_that_exist():
    from lab_env.topology import HOSTS

    named = {service.server for host in HOSTS for service in host.services}
    assert named <= set(services.MODULES)


def test_every_file_named_exists():
    folder = Path(services.__file__).parent
    assert all((folder / f"{module}.py").is_file() for module in services.MODULES.values())
