"""Captures of real traffic: whole frames in both directions, Telnet's password in clear, SSH's nowhere."""

import asyncio
import socket

import asyncssh
import pytest

import portlab as pl
from portlab.errors import BadTarget
from portlab.model import RECEIVED, SENT
from portlab.packets.dissect import Dissected
from portlab.packets.streams import first_bytes
from portlab.view import anatomy, conversations, follow

pytestmark = pytest.mark.inlab

PASSWORD = b"netplus"
VOIP = pl.lab.resolve("voip")


def read_until(sock: socket.socket, text: bytes) -> None:
    data = b""
    while text not in data:
        part = sock.recv(4096)
        assert part, f"the server hung up after {data!r}"
        data += part


def log_in_by_telnet() -> None:
    with socket.create_connection((VOIP, 23), 10) as sock:
        for prompt, answer in ((b"login: ", b"student"), (b"Password: ", PASSWORD), (b"$ ", b"exit")):
            read_until(sock, prompt)
            sock.sendall(answer + b"\r\n")
        while sock.recv(4096):
            pass


def log_in_by_ssh() -> str:
    async def session() -> str:
        options = {"known_hosts": None, "config": None, "client_keys": None, "agent_path": None}
        async with asyncssh.connect(
            VOIP, username="student", password=PASSWORD.decode(), **options
        ) as connection:
            return str((await connection.run("whoami")).stdout)

    return asyncio.run(session())


@pytest.fixture(scope="module")
def logins():
    with pl.capture() as capture:
        log_in_by_telnet()
        assert log_in_by_ssh() == "student\n"
    return capture


def test_both_directions_are_captured_whole(logins):
    frames = logins.frames
    assert logins.fidelity == "embedded"
    assert set(frames["direction"].tolist()) == {SENT, RECEIVED}
    assert (frames["captured"] == frames["length"]).all()
    assert frames["length"].max() > 1000  # SSH's key exchange
    assert logins.lost == 0
    assert Dissected(first_bytes(frames)).is_tcp.sum() > 20  # every checksum is right


def test_telnet_says_the_password_in_clear(logins):
    telnet = follow(logins, "voip", 23)
    assert telnet.stream.bytes_of(client=True) == b"student\r\nnetplus\r\nexit\r\n"
    assert telnet.stream.ended == "FIN"
    assert telnet.stream.missing == 0
    assert "client ▶ netplus↵" in str(telnet)
    assert "[DO terminal type]" in str(telnet)


def test_ssh_says_it_nowhere(logins):
    ssh = follow(logins, "voip", 22)
    everything = ssh.stream.bytes_of(client=True) + ssh.stream.bytes_of(client=False)
    assert everything.startswith(b"SSH-2.0-")
    assert PASSWORD not in everything
    assert b"whoami" not in everything
    assert "client ▶ SSH-2.0-" in str(ssh)


def test_the_pair_stands_side_by_side(logins):
    page = conversations(follow(logins, "voip", 23), follow(logins, "voip", 22))._repr_mimebundle_()
    assert page["text/html"].count("<figure") == 2
    assert page["text/plain"].count("What was said to voip") == 2


def test_every_frame_can_be_taken_apart(logins):
    for frame in logins.frames:
        taken = anatomy(frame)
        assert sum(layer.size for layer in taken.layers) == frame["length"]
        assert "wrong" not in str(taken)


def test_what_came_before_the_block_is_not_in_it():
    pl.syn_scan("web", [80], progress=False)
    with pl.capture() as capture:
        pl.udp_scan("infra", [53], progress=False)
    seen = Dissected(first_bytes(capture.frames))
    assert not seen.is_tcp.any()
    assert seen.is_udp.sum() >= 2
    assert [scan.technique for scan in capture.scans()] == ["udp"]


def test_loopback_shows_each_packet_once():
    with pl.capture("lo") as capture, socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as peer:
            client.sendall(b"x" * 40_000)
            received = 0
            while received < 40_000:
                received += len(peer.recv(65_536))
    stream = follow(capture, "127.0.0.1", port).stream
    assert stream.bytes_of(client=True) == b"x" * 40_000
    assert stream.repeated == 0


def test_the_interfaces_that_may_be_captured_are_named():
    with pytest.raises(BadTarget, match="eth0, lo"), pl.capture("eth9"):
        pass
