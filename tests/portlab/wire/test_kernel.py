"""connect() for real, on loopback: no rights, no lab."""

import errno
import select
import socket
import struct

import numpy as np
import pytest

from portlab.addresses import number
from portlab.errors import NotPermitted
from portlab.model import PROBE
from portlab.wire import kernel
from portlab.wire.kernel import LINGER_ZERO, Attempt, Attempts, KernelWire, end, source_address


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


@pytest.mark.parametrize("patience", [0.001, 2.0])
def test_attempts_begin_as_far_apart_as_was_asked_also_from_call_to_call(listener, nobody, patience):
    attempts, times = Attempts(), []
    for _ in range(2):
        probes = probes_to(listener, nobody, listener)
        ends = np.concatenate(list(attempts.connect(probes, patience, patience, 0.05)))
        assert len(ends) == 3
        times += probes["time_ns"].tolist()
    attempts.close()
    assert np.diff(times).min() >= 49e6  # ns; the clock of the stamps is not the one that is waited by


def test_no_more_attempts_are_open_at_once_than_there_is_room_for(listener):
    attempts = Attempts()
    attempts.room = 3
    ended = [len(ends) for ends in attempts.connect(probes_to(*[listener] * 10), 2.0, 2.0)]
    attempts.close()
    assert sum(ended) == 10
    assert max(ended) <= 3


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


def test_an_answer_a_second_late_comes_with_a_later_call(listener):
    attempts = Attempts()
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        with socket.create_connection(
            full.getsockname()
        ):  # so the next SYN is dropped, and repeated after 1 s
            first = list(attempts.connect(probes_to(full.getsockname()[1]), 0.1, 5.0))
            full.accept()[0].close()
            later = list(attempts.connect(probes_to(listener), 5.0, 5.0))
    attempts.close()
    assert sum(map(len, first)) == 0
    ends = np.concatenate(later)
    assert ends["probe"].tolist() == [1, 0]  # counted over both calls
    assert ends["errno"].tolist() == [0, 0]


TORN = [(b"", "a RST at once"), (b"bye", "data, then a RST")]


@pytest.mark.parametrize(("said", "how"), TORN, ids=[how for _, how in TORN])
def test_a_connection_that_was_made_and_reset_was_made(said, how):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.setblocking(False)
        client.connect_ex(server.getsockname())
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        accepted.sendall(said)
        accepted.close()
        poll = select.poll()
        poll.register(client, select.POLLERR)
        assert poll.poll(5000)  # the RST is there, and the error with it
        assert client.fileno() >= 0
        _, _, probe, number_, *_ = end(Attempt(client, 7, 0, 0.0))
    assert (probe, number_) == (7, 0)


class ResetAfterTheFirstQuestion(socket.socket):
    """A connection that is reset just after its first question about itself was answered."""

    reset = None

    def asked(self, answer):
        if self.reset:
            self.reset.close()
            self.reset = None
            poll = select.poll()
            poll.register(self, select.POLLERR)
            assert poll.poll(5000)
        return answer

    def getpeername(self):
        return self.asked(super().getpeername())

    def getsockopt(self, *option):
        return self.asked(super().getsockopt(*option))


def test_a_connection_that_is_reset_between_two_questions_was_made():
    with socket.create_server(("127.0.0.1", 0)) as server, ResetAfterTheFirstQuestion() as client:
        client.connect(server.getsockname())
        accepted, _ = server.accept()
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
        client.reset = accepted
        assert end(Attempt(client, 7, 0, 0.0))[2:4] == (7, 0)
        assert client.reset is None


class WithAnErrorQueue(socket.socket):
    """A socket never connected, in whose error queue something stands: struct sock_extended_err, and who sent it."""

    origin = 0

    def recvmsg(self, *how):
        error = struct.pack("IBBBxII", errno.EHOSTUNREACH, self.origin, 3, 13, 0, 0)
        sender = struct.pack("=HH", socket.AF_INET, 0) + socket.inet_aton("10.77.1.1") + bytes(8)
        return b"", [(socket.IPPROTO_IP, kernel.IP_RECVERR, error + sender)], 0, None


@pytest.mark.parametrize(
    ("origin", "said"),
    [(2, (errno.EHOSTUNREACH, 3, 13, number("10.77.1.1"))), (1, (errno.ETIMEDOUT, -1, -1, 0))],
    ids=["an ICMP message", "this machine itself"],
)
def test_only_an_icmp_message_in_the_error_queue_is_one(origin, said):
    with WithAnErrorQueue() as never:
        never.origin = origin
        assert end(Attempt(never, 0, 0, 0.0))[3:] == said


def test_an_error_after_the_handshake_does_not_undo_it(monkeypatch):
    quoted = (3, 13, number("10.77.1.1"), errno.EHOSTUNREACH)
    monkeypatch.setattr(kernel, "_icmp_error", lambda attempt: quoted)
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        made = end(Attempt(client, 0, 0, 0.0))
    with socket.socket() as never:
        unmade = end(Attempt(never, 0, 0, 0.0))
    assert made[3:] == (0, -1, -1, 0)
    assert unmade[3:] == (errno.EHOSTUNREACH, 3, 13, number("10.77.1.1"))


def test_the_own_kernels_word_is_nobodys(monkeypatch):
    own = number("10.77.1.100")
    monkeypatch.setattr(kernel, "_icmp_error", lambda attempt: (3, 1, own, errno.EHOSTUNREACH))
    with socket.socket() as never:
        assert end(Attempt(never, 0, own, 0.0))[3:] == (errno.EHOSTUNREACH, -1, -1, 0)


@pytest.mark.parametrize("left", [1, 5])
def test_fewer_sockets_than_thought_have_to_do(monkeypatch, listener, left):
    made = socket.socket
    attempts = Attempts()

    def rationed(*how):
        if len(attempts.open) >= left:
            raise OSError(errno.EMFILE, "Too many open files")
        return made(*how)

    monkeypatch.setattr(socket, "socket", rationed)
    try:
        ends = np.concatenate(list(attempts.connect(probes_to(*[listener] * 30), 2.0, 2.0)))
    finally:
        attempts.close()
    assert sorted(ends["probe"].tolist()) == list(range(30))
    assert (ends["errno"] == 0).all()


@pytest.mark.parametrize("number_", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS])
def test_without_any_socket_nothing_is_said_about_the_target(monkeypatch, listener, number_):
    def none_left(*how):
        raise OSError(number_, "none left")

    attempts, probes = Attempts(), probes_to(listener)
    monkeypatch.setattr(socket, "socket", none_left)
    with pytest.raises(OSError, match="none left"):
        list(attempts.connect(probes, 2.0, 2.0))
    attempts.close()
    assert probes["time_ns"].tolist() == [0]  # not asked


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
