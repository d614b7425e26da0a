"""Nothing leaves the lab, and nothing of the computer can be reached from inside."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from lab_env.topology import PREFIX_VARIABLE, topology

PROJECT = Path(__file__).resolve().parents[2]
LAB = topology()
OUTSIDE = "198.51.100.77"  # RFC 5737: nobody has this address
PREFIX = "10.117"
ETH_P_ALL = 0x0003


def connect(address: str, port: int = 80) -> int:
    """The errno of a connect(), as a scanner's socket that does not block learns it."""
    with socket.socket() as sock:
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            sock.connect((address, port))
        select.select([], [sock], [], 5)
        return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)


def on_gateway(*command: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "lab_env.embedded", "--attach", "--host", "gateway", "--", *command],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.mark.inlab
def test_the_gateway_knows_no_way_out() -> None:
    routes = on_gateway("ip", "route").splitlines()
    assert [line.split()[0] for line in routes] == [LAB.cidr(network.name) for network in LAB.networks]


@pytest.mark.inlab
def test_an_address_outside_is_unreachable() -> None:
    assert connect(OUTSIDE) == errno.ENETUNREACH


@pytest.mark.lab
def test_the_loopback_inside_is_not_the_computers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
        assert connect(*address) == 0
        script = f"import socket; raise SystemExit(socket.socket().connect_ex({address!r}))"
        command = [sys.executable, "-m", "lab_env.embedded", "--", sys.executable, "-c", script]
        assert subprocess.run(command, cwd=PROJECT, check=False).returncode == errno.ECONNREFUSED


@pytest.mark.inlab
def test_the_computers_local_sockets_are_out_of_sight() -> None:
    assert sorted(os.listdir("/run")) == ["portlab", "user"]
    listening = Path("/proc/net/unix").read_text()
    assert "@" not in listening  # abstract sockets belong to the network namespace


@pytest.mark.inlab
def test_other_processes_are_out_of_sight() -> None:
    names = {Path(f"/proc/{pid}/comm").read_text().strip() for pid in os.listdir("/proc") if pid.isdigit()}
    assert "portlab-init" in names
    assert Path("/proc/1/comm").read_text() == "portlab-init\n"


@pytest.mark.inlab
def test_the_only_mark_on_the_computer_is_in_this_mount_namespace() -> None:
    assert "web.lab" in Path("/etc/hosts").read_text()


@pytest.mark.lab
def test_outside_a_lab_nobody_is_told_of_one() -> None:
    subprocess.run([sys.executable, "-m", "lab_env.embedded", "--", "true"], cwd=PROJECT, check=True)
    assert "PORTLAB_LAB" not in os.environ
    assert "web.lab" not in Path("/etc/hosts").read_text()


BUSY = """
ping -c3 -i0.05 web; ping -c2 -i0.05 voip; ping -c1 -W1 198.51.100.77
python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("198.51.100.77", 53))'
ip neigh flush dev eth0; ping -c1 -W1 files; ping -b -c1 -W1 255.255.255.255
"""


# What waits for the address of a gateway that is nobody, while that route is taken back: Linux gives up after 3 s.
MISROUTED = """
import time
import portlab as pl
from lab_env import lab
with lab.case("wrong-gateway"):
    pl.syn_scan("web", [80, 443], progress=False, timeout=0.5, tries=1)
time.sleep(4)
"""


@pytest.mark.lab
@pytest.mark.root
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["sh", "-c", BUSY], id="busy", marks=pytest.mark.program("ping")),
        pytest.param([sys.executable, "-c", MISROUTED], id="misrouted"),
    ],
)
def test_no_packet_of_the_lab_shows_on_the_computer(command: list[str]) -> None:
    """Every interface of the computer is captured while the lab is at work, with addresses that no other has."""
    prefix = bytes(map(int, PREFIX.split(".")))
    ours = prefix, bytes.fromhex("0200") + prefix, socket.inet_aton(OUTSIDE)
    found: list[bytes] = []
    control: list[bytes] = []
    done = threading.Event()
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as tap,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
    ):
        tap.settimeout(0.1)

        def watch() -> None:
            while not done.is_set():
                with contextlib.suppress(TimeoutError):
                    frame = tap.recv(65536)
                    headers = frame[:14], frame[26:34], frame[28:42]  # Ethernet; IPv4 or ARP addresses
                    if b"the capture works" in frame:
                        control.append(frame)
                        done.set()
                    elif any(mark in header for mark in ours for header in headers):
                        found.append(frame)

        watcher = threading.Thread(target=watch)
        watcher.start()
        subprocess.run(
            [sys.executable, "-m", "lab_env.embedded", "--", *command],
            cwd=PROJECT,
            env={**os.environ, PREFIX_VARIABLE: PREFIX},
            capture_output=True,
            check=False,
        )
        sender.sendto(b"the capture works", ("127.0.0.1", 9))  # after all that the lab may have sent
        done.wait(60)
        watcher.join()
    assert control
    assert found == []
