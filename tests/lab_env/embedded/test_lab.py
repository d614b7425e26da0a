"""The lab as the learner's workstation sees it; all of these run inside one."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab_env.embedded import network
from lab_env.topology import GATEWAY, STUDENT, topology

pytestmark = pytest.mark.inlab

PROJECT = Path(__file__).resolve().parents[3]
LAB = topology()
OPEN = [
    (host.name, service.port) for host in LAB.hosts for service in host.services if service.transport == "tcp"
]
GUARDED = {("web", 22)}
SILENT_TO_PING = {"quiet", "db", "vault"}
ANSWERING = [name for name in network.machines(LAB) if name not in SILENT_TO_PING]


def ping(host: str, *options: str) -> str:
    return subprocess.run(
        ["ping", "-n", "-c1", "-W2", *options, host], capture_output=True, text=True, check=False
    ).stdout


@pytest.mark.program("ping")
@pytest.mark.parametrize("host", ANSWERING)
def test_a_host_answers_ping_from_where_it_is(host: str) -> None:
    answer = ping(host)
    beside_us = LAB.by_name[host].network == "office"
    assert re.search(r" ttl=(\d+)", answer), answer
    assert re.search(r" ttl=(\d+)", answer)[1] == ("64" if beside_us else "63")
    assert f"from {LAB.address(host)}" in answer


@pytest.mark.program("ping")
def test_quiet_and_db_say_nothing_and_vault_sends_word() -> None:
    assert "0 received" in ping("quiet")
    assert "0 received, 100% packet loss" in ping("db")
    assert "Packet filtered" in ping("vault")


@pytest.mark.program("ping")
def test_nobody_is_behind_ghost_and_lost() -> None:
    assert "Destination Host Unreachable" in ping("ghost", "-W5")
    started = time.monotonic()
    answer = ping("lost", "-W5")
    assert f"From {LAB.address(GATEWAY)} icmp_seq=1 Destination Host Unreachable" in answer
    assert 2.5 < time.monotonic() - started < 4.5


@pytest.mark.parametrize(("host", "port"), [pair for pair in OPEN if pair not in GUARDED])
def test_every_service_takes_a_connection(host: str, port: int) -> None:
    with socket.create_connection((host, port), timeout=5):
        pass


@pytest.mark.parametrize(("name", "address"), LAB.names().items())
def test_every_name_resolves(name: str, address: str) -> None:
    assert socket.gethostbyname(name) == address


def test_a_foreign_name_does_not_resolve() -> None:
    with pytest.raises(socket.gaierror):
        socket.gethostbyname("portlab.example")


def test_the_workstation_has_lo_and_eth0_and_nothing_else() -> None:
    shown = json.loads(subprocess.run(["ip", "-j", "address"], capture_output=True, text=True).stdout)
    addresses = {
        each["ifname"]: [found["local"] for found in each["addr_info"] if found["family"] != "inet6"]
        for each in shown
    }
    assert addresses == {"lo": ["127.0.0.1"], "eth0": [LAB.address(STUDENT)]}
    assert not [found for each in shown for found in each["addr_info"] if found["family"] == "inet6"]
    assert sorted(os.listdir("/sys/class/net")) == ["eth0", "lo"]


@pytest.mark.program("ping")
def test_the_slow_link_takes_40_ms() -> None:
    ping("voip")  # finds the neighbours on both sides
    answer = subprocess.run(
        ["ping", "-n", "-q", "-c10", "-i0.01", "voip"], capture_output=True, text=True, check=True
    ).stdout
    times = re.search(r"= ([\d.]+)/([\d.]+)/([\d.]+)/", answer)
    assert times, answer
    least, average, most = map(float, times.groups())
    assert 36 <= least <= average <= 60, answer
    assert most > least  # jitter
    assert "10 received" in answer


def test_the_process_is_told_where_it_is() -> None:
    described = json.loads(Path(os.environ["PORTLAB_LAB"]).read_text())
    assert described["fidelity"] == "embedded"
    assert described["self"] == STUDENT
    assert described["netns"] == os.stat("/proc/self/ns/net").st_ino


def test_the_environment_inside() -> None:
    assert os.environ["NMAP_PRIVILEGED"] == "1"
    assert os.environ["PATH"].endswith(":/usr/sbin:/sbin")
    assert socket.gethostname() == STUDENT
    assert Path("/etc/hostname").read_text() == f"{STUDENT}\n"
    for name in ("XDG_RUNTIME_DIR", "TMPDIR"):
        assert os.access(os.environ[name], os.W_OK)
        assert os.environ[name].startswith("/run/")


@pytest.mark.parametrize("host", [name for name in network.machines(LAB) if name != STUDENT])
def test_a_command_can_run_on_every_host(host: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lab_env.embedded", "--attach", "--host", host]
        + ["--", "sh", "-c", "hostname; cat $PORTLAB_LAB"],
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    name, description = done.stdout.splitlines()
    described = json.loads(description)
    assert (name, described["self"]) == (host, host)
    assert described["netns"] != os.stat("/proc/self/ns/net").st_ino


# --- what a capture shows ---------------------------------------------------------------------------------

ETH_P_ALL = 0x0003


@contextlib.contextmanager
def capture() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as tap:
        tap.bind(("eth0", ETH_P_ALL))
        tap.settimeout(0.5)
        yield tap


def frames(tap: socket.socket) -> list[bytes]:
    """All frames until half a second passes without one."""
    found = []
    with contextlib.suppress(TimeoutError):
        while True:
            found.append(tap.recv(65536))
    return found


def checksum(data: bytes) -> int:
    """RFC 1071, over data that includes the checksum: 0 if it is right."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def tcp_checksum(frame: bytes) -> int:
    length = struct.unpack_from("!H", frame, 16)[0]
    header = 4 * (frame[14] & 15)
    segment = frame[14 + header : 14 + length]
    return checksum(frame[26:34] + struct.pack("!BBH", 0, 6, len(segment)) + segment)


@pytest.mark.program("ping")
def test_a_capture_shows_every_packet_once() -> None:
    with capture() as tap:
        ping("web")
        seen = [frame for frame in frames(tap) if frame[12:14] == b"\x08\x00" and frame[23] == 1]
    assert [frame[34] for frame in seen] == [8, 0]  # echo request, echo reply


@pytest.mark.parametrize(
    ("host", "port"),
    [("web", 80), ("files", 22), ("web", 25), ("web", 3389), ("desk", 3389), ("files", 24)],
    ids=[
        "open",
        "open beside us",
        "closed",
        "reset by the gateway",
        "over the slow link",
        "closed beside us",
    ],
)
def test_checksums_in_a_capture_are_true(host: str, port: int) -> None:
    with capture() as tap:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=5) as connection:
            connection.sendall(b"hello" * 1000)
        seen = [frame for frame in frames(tap) if frame[12:14] == b"\x08\x00" and frame[23] == 6]
    assert len(seen) >= 2
    assert {checksum(frame[14 : 14 + 4 * (frame[14] & 15)]) for frame in seen} == {0}
    assert {tcp_checksum(frame) for frame in seen} == {0}


def test_no_frame_is_longer_than_the_cable_allows() -> None:
    with capture() as tap:
        with socket.create_connection(("web", 80), timeout=5) as connection:
            connection.sendall(b"GET /" + b"x" * 30_000)
        lengths = [len(frame) for frame in frames(tap)]
    assert max(lengths) == 1514


def test_an_idle_lab_is_silent() -> None:
    with capture() as tap:
        tap.settimeout(1.5)
        assert [frame for frame in frames(tap) if frame[12:14] != b"\x08\x06"] == []


def test_many_refusals_are_not_cut_short() -> None:
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)) as tap:
        tap.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24
        )  # as much as there is: some systems give little
        tap.bind(("eth0", 0x0800))
        tap.settimeout(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for port in range(20_000, 20_300):
                with contextlib.suppress(ConnectionRefusedError):
                    sender.sendto(b"", (LAB.address("web"), port))
        unreachable = [frame for frame in frames(tap) if frame[23] == 1 and frame[34:36] == b"\x03\x03"]
    assert len(unreachable) == 300
