from __future__ import annotations

import random
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator

import pytest

from lab_env.embedded import slowlink, switches
from lab_env.embedded.slowlink import Direction
from lab_env.topology import SlowLink

EVERYTHING = 10**9


def direction(loss: float = 0.0, jitter: float = 0.0, seed: int = 1) -> Direction:
    return Direction(0.020, jitter, loss, random.Random(seed))


def frame(number: int) -> bytes:
    return number.to_bytes(4, "big")


def test_a_frame_comes_out_after_the_delay_and_not_before() -> None:
    way = direction()
    way.put(b"frame", 10.0)
    assert way.next_due() == pytest.approx(10.020)
    assert way.take(10.0199, EVERYTHING) == []
    assert way.take(10.0201, EVERYTHING) == [b"frame"]
    assert way.next_due() is None


@pytest.mark.parametrize(("gap", "least"), [(0.1, 0.018), (0.0001, 0.019)])
def test_frames_keep_their_order_whatever_the_jitter(gap: float, least: float) -> None:
    way = direction(jitter=0.002)
    for number in range(2000):
        way.put(frame(number), number * gap)
    out, delays = [], []
    while (due := way.next_due()) is not None:
        out += way.take(due, 1)
        delays.append(due - (len(out) - 1) * gap)
    assert out == [frame(number) for number in range(2000)]
    assert least - 1e-6 <= min(delays) < 0.0202  # frames close together wait for each other
    assert 0.0218 < max(delays) <= 0.022 + 1e-6


def test_it_knows_what_it_lost() -> None:
    way = direction(loss=0.02)
    for number in range(4000):
        way.put(frame(number), 0.0)
    arrived = way.take(1.0, EVERYTHING)
    missing = {frame(number) for number in range(4000)} - set(arrived)
    assert {lost for _, lost in way.lost_frames} == missing
    assert (way.lost, way.carried) == (len(missing), len(arrived))
    assert 50 <= way.lost <= 110  # 80 expected


def test_a_seed_loses_the_same_frames_again() -> None:
    lost = []
    for seed in (7, 7, 8):
        there, back = switches.directions(SlowLink("branch", 20.0, 2.0, 0.1), seed, lossy=True)
        for way in (there, back):
            for number in range(500):
                way.put(frame(number), 0.0)
        lost.append([list(there.lost_frames), list(back.lost_frames)])
    assert lost[0] == lost[1]
    assert lost[0] != lost[2]
    assert lost[0][0] != lost[0][1]  # each way has its own luck


def test_without_loss_nothing_is_lost() -> None:
    for way in switches.directions(SlowLink("branch", 20.0, 2.0, 0.5), None, lossy=False):
        for number in range(1000):
            way.put(frame(number), 0.0)
        assert (way.lost, len(way.take(1.0, EVERYTHING))) == (0, 1000)
        assert way.delay == pytest.approx(0.020)


def test_a_flood_does_not_take_all_memory() -> None:
    way = direction()
    for number in range(slowlink.ROOM + 10):
        way.put(frame(number), 0.0)
    assert (way.carried, way.lost) == (slowlink.ROOM, 10)


# --- on real interfaces, inside a lab ---------------------------------------------------------------------

ETH_P_ALL = 0x0003
TO_ALL = b"\xff" * 6
FROM = b"\x02\x00\x00\x00\x00\x01"


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Sockets on both sides of a slow link of 5 ms that a thread carries: left - near ~ far - right."""
    for pair in ("left near", "right far"):
        one, other = pair.split()
        subprocess.run(["ip", "link", "add", one, "type", "veth", "peer", "name", other], check=True)
        for name in (one, other):
            subprocess.run(["ip", "link", "set", name, "up"], check=True)
    near, far = slowlink.open_end("near"), slowlink.open_end("far")
    there, back = (Direction(0.005, 0.0, 0.0, random.Random(1)) for _ in range(2))
    stop = threading.Event()
    carrier = threading.Thread(target=slowlink.carry, args=(near, far, there, back, stop.is_set))
    carrier.start()
    left, right = (slowlink.open_end(name) for name in ("left", "right"))
    for each in (left, right):
        each.settimeout(5)
    yield left, right
    stop.set()
    left.send(TO_ALL + FROM + b"\x88\xb5" + b"the end".ljust(46))  # so that the thread looks up
    carrier.join(5)
    for each in (left, right, near, far):
        each.close()
    for name in ("left", "right"):
        subprocess.run(["ip", "link", "del", name], check=True)


def next_test_frame(end: socket.socket) -> bytes:
    """The next frame with one of the local experimental EtherTypes (RFC 9542), other traffic left out."""
    while True:
        data = end.recv(slowlink.FRAME_LIMIT)
        if data[12:14] in (b"\x88\xb5", b"\x88\xb6"):
            return data


@pytest.mark.inlab
def test_frames_cross_both_ways_unchanged_and_once(ends: tuple[socket.socket, socket.socket]) -> None:
    left, right = ends
    frames = [TO_ALL + FROM + b"\x88\xb5" + bytes([number]) * size for number, size in ((1, 46), (2, 1500))]
    for sender, receiver in ((left, right), (right, left)):
        for each in frames:
            sender.send(each)
        assert [next_test_frame(receiver) for _ in frames] == frames
        receiver.setblocking(False)
        with pytest.raises(BlockingIOError):
            next_test_frame(receiver)
        receiver.settimeout(5)


@pytest.mark.inlab
def test_a_vlan_tag_crosses_in_its_place(ends: tuple[socket.socket, socket.socket]) -> None:
    left, right = ends
    left.send(TO_ALL + FROM + b"\x81\x00" + struct.pack("!H", 42) + b"\x88\xb6" + b"tagged".ljust(46))
    received = None
    while received is None or received[16:18] != b"\x88\xb6":
        right.setblocking(True)
        right.settimeout(5)
        data, ancillary, _, _ = right.recvmsg(slowlink.FRAME_LIMIT, 64)
        tags = [slowlink.AUXDATA.unpack(each) for _, _, each in ancillary]
        received = data[:12] + struct.pack("!HH", tags[0][6], tags[0][5]) + data[12:]
    assert received[:18] == TO_ALL + FROM + b"\x81\x00" + struct.pack("!H", 42) + b"\x88\xb6"
