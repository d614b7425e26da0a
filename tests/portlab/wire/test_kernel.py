"""connect() for real, on loopback: no rights, no lab."""

import errno
import socket

import numpy as np
import pytest

from portlab.addresses import number
from portlab.errors import NotPermitted
from portlab.model import PROBE
from portlab.wire.kernel import Attempts, KernelWire, source_address


@pytest.fixture
def listener():
    with socket.create_server(("127.0.0.1", 0), backlog=4096) as server:
        yield server.getsockname()[1]


@pytest.fixture
def nobody():
    """A port that was free a moment ago: bound, so that nobody else takes it, but not listening."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def probes_to(*ports):
    probes = np.zeros(len(ports), PROBE)
    probes["address"], probes["port"] = number("127.0.0.1"), ports
    return probes


def ends_of(probes, timeout=2.0):
    attempts = Attempts()
    try:
        return np.concatenate(list(attempts.connect(probes, timeout, timeout)))
    finally:
        attempts.close()


def test_open_and_refused(listener, nobody):
    ends = ends_of(probes_to(listener, nobody))
    assert dict(zip(ends["probe"].tolist(), ends["errno"].tolist(), strict=True)) == {
        0: 0,
        1: errno.ECONNREFUSED,
    }
    assert (ends["icmp_type"] == -1).all()  # a RST is no ICMP


def test_the_probe_learns_its_own_address_port_and_time(listener):
    probes = probes_to(listener)
    ends = ends_of(probes)
    assert probes["source"][0] == number("127.0.0.1")
    assert probes["source_port"][0] > 0
    assert 0 < probes["time_ns"][0] <= ends["time_ns"][0]


def test_many_more_attempts_than_sockets_all_end_once(listener, nobody):
    ends = ends_of(probes_to(*[listener, nobody] * 1500))
    assert sorted(ends["probe"].tolist()) == list(range(3000))
    assert (ends["errno"] == 0).sum() == 1500


def test_a_full_queue_is_silence():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        address = server.getsockname()
        with socket.create_connection(address), socket.socket() as second:
            second.setblocking(False)
            second.connect_ex(address)
            ends = ends_of(probes_to(address[1]), timeout=0.2)
    assert ends["errno"].tolist() == [errno.ETIMEDOUT]


def test_giving_up_closes_every_socket(listener):
    attempts = Attempts()
    next(attempts.connect(probes_to(*[listener] * 100), 2.0, 2.0))
    attempts.close()  # warnings are errors: a socket left open would be one


def test_it_makes_no_packets_of_its_own():
    wire = KernelWire()
    with pytest.raises(NotPermitted, match=r"connect_scan"):
        wire.send(np.zeros((1, 40), np.uint8))


def test_the_way_to_loopback_is_loopback():
    assert source_address(number("127.0.0.1")) == number("127.0.0.1")
