"""Answers that come late from a host that is quick with all else: real kernels, a wire that holds some frames back.

this namespace   late-here ── late-near  ═ held back by source port ═  late-far ── late-there   a namespace of its own
"""

import heapq
import select
import struct
import subprocess
import sys
import threading
import time
from itertools import count

import numpy as np
import pytest

from lab_env.embedded import slowlink
from lab_env.embedded.namespaces import no_offload
from portlab.addresses import number
from portlab.evidence.verdict import Asked
from portlab.model import State
from portlab.scanning.loop import Loop
from portlab.scanning.pacing import Pace
from portlab.techniques import technique
from portlab.wire.kernel import KernelWire
from portlab.wire.raw import RawWire

pytestmark = pytest.mark.inlab

HERE, THERE = "198.51.100.1", "198.51.100.2"
QUICK, RESETS = 4000, 4001
LATE = {4300: 0.3, 4900: 0.9, 5500: 1.5, 6500: 2.5}
LATE_AND_CLOSED = {7500: 2.5}
SILENT = 9000
DELAYS = LATE | LATE_AND_CLOSED | {SILENT: 1e9}

TARGET = f"""
import socket, struct, subprocess, sys, threading
from lab_env.embedded.namespaces import no_offload
sys.stdin.readline()
no_offload("late-there")
for command in ("address add {THERE}/24 dev late-there", "link set late-there up"):
    subprocess.run(["ip", *command.split()], check=True)
servers = [socket.create_server(("{THERE}", port), backlog=64) for port in {[QUICK, *LATE]}]
resets = socket.create_server(("{THERE}", {RESETS}), backlog=64)
def reset():
    while True:
        client, _ = resets.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
threading.Thread(target=reset, daemon=True).start()
print("ready", flush=True)
sys.stdin.readline()
"""


def ip(command):
    subprocess.run(["ip", *command.split()], check=True)


def source_port(frame):
    """The TCP port that sent it; 0 for all else."""
    is_tcp = frame[12:14] == b"\x08\x00" and frame[23] == 6
    return struct.unpack_from("!H", frame, 34)[0] if is_tcp else 0


def carry(near, far, stop):
    """Carry frames between the two ends; those from a late port are held back for as long as it is late."""
    held, order = [], count()
    while not stop.is_set():
        left = max(0.0, held[0][0] - time.monotonic()) if held else 0.05
        for end in select.select([near, far], [], [], min(left, 0.05))[0]:
            while (frame := slowlink.receive(end)) is not None:
                due = time.monotonic() + (DELAYS.get(source_port(frame), 0.0) if end is far else 0.0)
                heapq.heappush(held, (due, next(order), near if end is far else far, frame))
        while held and held[0][0] <= time.monotonic():
            _, _, exit_, frame = heapq.heappop(held)
            exit_.send(frame)


@pytest.fixture(scope="module")
def late_host():
    for one, other in (("late-here", "late-near"), ("late-there", "late-far")):
        ip(f"link add {one} type veth peer name {other}")
        for name in (one, other):
            no_offload(name)
    target = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", TARGET],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while subprocess.run(["ip", "link", "show", "late-there"], capture_output=True).returncode == 0:
            subprocess.run(["ip", "link", "set", "late-there", "netns", str(target.pid)], check=True)
        for name in ("late-near", "late-far", "late-here"):
            ip(f"link set {name} up")
        ip(f"address add {HERE}/24 dev late-here")
        near, far = slowlink.open_end("late-near"), slowlink.open_end("late-far")
        stop = threading.Event()
        carrier = threading.Thread(target=carry, args=(near, far, stop))
        carrier.start()
        target.stdin.write("go\n")
        target.stdin.flush()
        assert target.stdout.readline() == "ready\n"
        yield
        stop.set()
        carrier.join(5)
        near.close()
        far.close()
    finally:
        target.communicate("end\n", 10)
        ip("link del late-here")  # the other cable went with the other namespace


def scan(name, wire, *ports):
    asked = Asked(np.full(len(ports), number(THERE), np.uint32), np.array(ports, np.int32))
    try:
        loop = Loop(technique(name), asked, wire, Pace(), np.random.default_rng(1).bytes, lambda *_: None)
        return loop.conclude(*loop.run())
    finally:
        wire.close()


@pytest.mark.usefixtures("late_host")
@pytest.mark.parametrize("late", [4900, 6500, *LATE_AND_CLOSED])
def test_connect_hears_the_one_late_port_of_a_quick_host(late):
    found = scan("connect", KernelWire(), *range(QUICK, QUICK + 40), late)
    assert found[THERE, late].state is (State.CLOSED if late in LATE_AND_CLOSED else State.OPEN)
    assert found[THERE, late].rtt_ms == pytest.approx(DELAYS[late] * 1e3, abs=200)
    assert found[THERE, QUICK].rtt_ms < 200
    assert found.complete


@pytest.mark.usefixtures("late_host")
def test_a_port_that_never_answers_is_filtered_and_the_scan_ends_all_the_same():
    found = scan("connect", KernelWire(), QUICK, QUICK + 2, SILENT)
    assert [result.state for result in found] == [State.OPEN, State.CLOSED, State.FILTERED]
    assert found.elapsed_s < 30


@pytest.mark.usefixtures("late_host")
@pytest.mark.parametrize("wire", [KernelWire, RawWire])
def test_all_late_ports_in_one_scan(wire):
    found = scan("connect", wire(), QUICK, *LATE, *LATE_AND_CLOSED)
    assert [result.state for result in found] == [State.OPEN] * (1 + len(LATE)) + [State.CLOSED]


@pytest.mark.usefixtures("late_host")
def test_a_listener_that_accepts_and_resets_at_once_is_open_every_time():
    found = [scan("connect", KernelWire(), RESETS)[THERE, RESETS] for _ in range(100)]
    assert [str(result) for result in found if result.state is not State.OPEN] == []
