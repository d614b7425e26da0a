"""Times from the capture instead of the program: of probes, and of the frames behind errnos."""

import errno

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP

from portlab.evidence.true_times import with_true_times
from portlab.model import ERRNO, RECEIVED, SENT, Events, no_errnos, no_frames
from tests.portlab.frames import GATEWAY, SCANNER, SENT_NS, SOURCE_PORT, TARGET, frame_of, probe

LEFT_NS, HEARD_NS, READ_NS = SENT_NS + 50, SENT_NS + 1_000, SENT_NS + 90_000


def going(time_ns, flags="S", port=80):
    packet = IP(src=SCANNER, dst=TARGET) / TCP(sport=SOURCE_PORT, dport=port, flags=flags)
    return frame_of(packet, direction=SENT, time_ns=time_ns)


def coming(time_ns, flags="SA", port=80):
    packet = IP(src=TARGET, dst=SCANNER) / TCP(sport=port, dport=SOURCE_PORT, flags=flags)
    return frame_of(packet, direction=RECEIVED, time_ns=time_ns)


def refusal(time_ns):
    quoted = IP(src=SCANNER, dst=TARGET) / TCP(sport=SOURCE_PORT, dport=80)
    packet = IP(src=GATEWAY, dst=SCANNER) / ICMP(type=3, code=3) / quoted
    return frame_of(packet, direction=RECEIVED, time_ns=time_ns)


def ended(probe_=0, read_ns=READ_NS, number=0):
    end = np.zeros(1, ERRNO)
    end["time_ns"], end["probe"], end["errno"] = read_ns, probe_, number
    return end


def test_a_probe_left_when_its_first_frame_left():
    frames = np.concatenate([going(LEFT_NS), going(LEFT_NS + 10**9), coming(HEARD_NS)])
    before = probe()
    came = Events(frames, no_errnos())
    probes, events = with_true_times(before, came, "tcp")
    assert probes["time_ns"].tolist() == [LEFT_NS]
    assert before["time_ns"].tolist() == [SENT_NS]  # what was handed in is left alone
    assert events is came


def test_what_came_back_is_no_departure_and_other_ports_are_other_probes():
    frames = np.concatenate([coming(LEFT_NS), going(LEFT_NS + 5, port=81)])
    probes, _ = with_true_times(np.concatenate([probe(), probe(port=81)]), Events(frames, no_errnos()), "tcp")
    assert probes["time_ns"].tolist() == [SENT_NS, LEFT_NS + 5]


def test_without_frames_the_programs_clock_stays():
    probes, events = with_true_times(probe(), Events(no_frames(), ended()), "tcp")
    assert probes["time_ns"].tolist() == [SENT_NS]
    assert events.errnos["heard_ns"].tolist() == [0]


@pytest.mark.parametrize("frame", [coming, refusal], ids=["segment", "ICMP error"])
def test_an_errno_was_decided_by_the_first_frame_that_came_back(frame):
    frames = np.concatenate([going(LEFT_NS), frame(HEARD_NS), coming(HEARD_NS + 500, "RA")])
    before = ended()
    _, events = with_true_times(probe(), Events(frames, before), "tcp")
    assert events.errnos["heard_ns"].tolist() == [HEARD_NS]
    assert before["heard_ns"].tolist() == [0]


@pytest.mark.parametrize(
    ("heard_ns", "told_ns"), [(READ_NS - 1, READ_NS - 1), (READ_NS, READ_NS), (READ_NS + 1, 0)]
)
def test_a_frame_that_came_after_its_errno_was_read_did_not_decide_it(heard_ns, told_ns):
    frames = np.concatenate([going(LEFT_NS), coming(heard_ns)])
    _, events = with_true_times(probe(), Events(frames, ended(number=errno.ETIMEDOUT)), "tcp")
    assert events.errnos["heard_ns"].tolist() == [told_ns]


def test_each_errno_has_the_frame_of_its_own_probe():
    probes = np.concatenate([probe(), probe(port=81), probe(port=82)])
    frames = np.concatenate([coming(HEARD_NS, port=81), coming(HEARD_NS + 7)])
    errnos = np.concatenate([ended(2), ended(1), ended(0)])
    _, events = with_true_times(probes, Events(frames, errnos), "tcp")
    assert events.errnos["heard_ns"].tolist() == [0, HEARD_NS, HEARD_NS + 7]
