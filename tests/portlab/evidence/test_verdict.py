"""From answers to verdicts: which answer decides, who spoke, how long it took, how often it was asked."""

import errno

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP
from scapy.layers.l2 import ARP

from portlab.addresses import number
from portlab.evidence.verdict import NO_EVENT, NO_PORT, NO_TTL, Asked, ByRow, conclude
from portlab.model import ERRNO, PROBE, SENT, Answer, Events, Reason, State, no_errnos, no_frames
from portlab.techniques import technique
from portlab.techniques.matching import Matches
from tests.portlab.frames import (
    GATEWAY,
    OTHER,
    SCANNER,
    SENT_NS,
    SOURCE_PORT,
    TARGET,
    events_of,
    frame_of,
    probe,
)

NOTHING = Events(no_frames(), no_errnos())


def asked(*ports):
    return Asked(np.full(len(ports), number(TARGET), np.uint32), np.array(ports, np.int32))


def matches(*rows):
    """Rows (probe, answer, event)."""
    return Matches(
        np.array([each[0] for each in rows], np.intp),
        np.array([each[1].code for each in rows], np.uint8),
        np.array([each[2] for each in rows], np.intp),
    )


def verdicts(name, rows, probes, events, found, no_neighbour=None):
    missing = np.zeros(len(rows), bool) if no_neighbour is None else np.array(no_neighbour)
    return conclude(technique(name), rows, probes, events, found, missing)


def segment(flags="SA", port=80, time_ns=2 * SENT_NS):
    packet = IP(src=TARGET, dst=SCANNER) / TCP(sport=port, dport=SOURCE_PORT, flags=flags)
    return frame_of(packet, time_ns=time_ns)


def test_without_an_answer_it_is_silence():
    found = verdicts("syn", asked(80), probe(), NOTHING, Matches.none())
    assert State.of(found.state[0]) is State.FILTERED
    assert Reason.of(found.reason[0]) is Reason.NO_RESPONSE
    assert np.isnan(found.rtt_ms[0])
    assert (found.answered_by[0], found.icmp_type[0], found.icmp_code[0]) == (0, -1, -1)
    assert (found.event[0], found.tries[0], found.answer[0]) == (NO_EVENT, 1, Answer.SILENCE.code)


def test_without_a_neighbour_nobody_was_asked():
    found = verdicts("syn", asked(80), np.empty(0, PROBE), NOTHING, Matches.none(), [True])
    assert Reason.of(found.reason[0]) is Reason.HOST_UNREACH
    assert found.tries.tolist() == [0]


STRONGER = [
    ([Answer.ADMIN_PROHIBITED, Answer.SYN_ACK], 1),
    ([Answer.SYN_ACK, Answer.RST], 0),
    ([Answer.RST, Answer.SYN_ACK], 1),
    ([Answer.RST, Answer.RST], 0),
    ([Answer.HOST_UNREACH, Answer.ADMIN_PROHIBITED], 0),
]


@pytest.mark.parametrize(("answers", "decides"), STRONGER)
def test_the_strongest_answer_decides_and_of_equals_the_first(answers, decides):
    events = Events(np.concatenate([segment(), segment(time_ns=3 * SENT_NS)]), no_errnos())
    rows = [(0, answer, event) for event, answer in enumerate(answers)]
    for order in (rows, rows[::-1]):
        found = verdicts("syn", asked(80), probe(), events, matches(*order))
        assert (found.event[0], Answer.of(found.answer[0])) == (decides, answers[decides])


def test_each_row_has_its_own_answer():
    rows = asked(80, 81, 82)
    probes = np.concatenate([probe(port=80 + row, row=row) for row in (2, 0, 1)])
    events = Events(np.concatenate([segment("RA", 82), segment("SA", 80)]), no_errnos())
    found = verdicts("syn", rows, probes, events, matches((0, Answer.RST, 0), (1, Answer.SYN_ACK, 1)))
    assert [State.of(code) for code in found.state] == [State.OPEN, State.FILTERED, State.CLOSED]
    assert found.event.tolist() == [1, NO_EVENT, 0]


def test_what_only_measured_the_loss_answers_no_row():
    probes = np.concatenate([probe(row=-1, attempt=0), probe(row=-1, attempt=7)])
    events = Events(segment(), no_errnos())
    found = verdicts("syn", asked(80, 81), probes, events, matches((0, Answer.SYN_ACK, 0)))
    assert found.event.tolist() == [NO_EVENT, NO_EVENT]
    assert found.tries.tolist() == [0, 0]


def test_the_tries_are_those_of_the_row_however_many_there_are():
    probes = np.concatenate([probe(row=row, attempt=attempt) for row, attempt in ((0, 3), (0, 1), (1, 2))])
    assert verdicts("syn", asked(80, 81, 82), probes, NOTHING, Matches.none()).tries.tolist() == [3, 2, 0]


ROUND_TRIPS = [
    (SENT_NS, SENT_NS + 1_500_000, 1.5),
    (SENT_NS, SENT_NS, 0.0),
    (SENT_NS, SENT_NS - 1, None),  # an answer from before the question: the clock was set, or it is another's
    (0, SENT_NS, None),  # nobody knows when it left
]


@pytest.mark.parametrize(("sent_ns", "heard_ns", "rtt_ms"), ROUND_TRIPS)
def test_the_round_trip_is_from_the_try_to_its_answer_and_never_negative(sent_ns, heard_ns, rtt_ms):
    probes = np.concatenate([probe(time_ns=SENT_NS - 10**9), probe(time_ns=sent_ns, attempt=2)])
    events = Events(segment(time_ns=heard_ns), no_errnos())
    found = verdicts("syn", asked(80), probes, events, matches((1, Answer.SYN_ACK, 0)))
    assert np.isnan(found.rtt_ms[0]) if rtt_ms is None else found.rtt_ms[0] == pytest.approx(rtt_ms)


def test_an_answer_that_the_technique_has_no_word_for_reads_as_silence():
    found = verdicts(
        "syn", asked(80), probe(), Events(segment(), no_errnos()), matches((0, Answer.ECHO_REPLY, 0))
    )
    assert Reason.of(found.reason[0]) is Reason.NO_RESPONSE


def test_who_spoke_in_frames():
    quoted = IP(src=SCANNER, dst=TARGET) / TCP(sport=SOURCE_PORT, dport=81)
    error = IP(src=GATEWAY, dst=SCANNER) / ICMP(type=3, code=13) / quoted
    events = Events(np.concatenate([events_of(error).frames, segment()]), no_errnos())
    probes = np.concatenate([probe(), probe(port=81, row=1)])
    answers = matches((0, Answer.SYN_ACK, 1), (1, Answer.ADMIN_PROHIBITED, 0))
    found = verdicts("syn", asked(80, 81), probes, events, answers)
    assert found.answered_by.tolist() == [number(TARGET), number(GATEWAY)]
    assert found.icmp_type.tolist() == [-1, 3]
    assert found.icmp_code.tolist() == [-1, 13]


def test_who_spoke_by_arp():
    events = events_of(ARP(op=2, psrc=TARGET, pdst=SCANNER))
    rows = asked(NO_PORT)
    found = verdicts(
        "ping-arp", rows, probe(port=0, source_port=0), events, matches((0, Answer.ARP_REPLY, 0))
    )
    assert (found.answered_by[0], found.icmp_type[0]) == (number(TARGET), -1)


ERRNOS = [
    # errno, ICMP type, code, who sent that -> who spoke
    (0, -1, -1, 0, TARGET),
    (errno.ECONNREFUSED, -1, -1, 0, TARGET),
    (errno.ECONNREFUSED, 3, 3, number(GATEWAY), GATEWAY),
    (errno.ECONNRESET, -1, -1, 0, TARGET),
    (errno.EPIPE, -1, -1, 0, TARGET),
    (errno.EHOSTUNREACH, -1, -1, 0, None),
    (errno.EHOSTUNREACH, 3, 1, number(OTHER), OTHER),
    (errno.EACCES, -1, -1, 0, None),
]


@pytest.mark.parametrize(("number_", "type_", "code", "by", "spoke"), ERRNOS)
def test_who_spoke_in_errnos(number_, type_, code, by, spoke):
    end = np.array([(2 * SENT_NS, 0, 0, number_, type_, code, by)], ERRNO)
    events = Events(no_frames(), end)
    found = verdicts("connect", asked(80), probe(), events, matches((0, Answer.CONNECTED, 0)))
    assert found.answered_by[0] == (number(spoke) if spoke else 0)
    assert (found.icmp_type[0], found.icmp_code[0]) == (type_, code)
    assert found.rtt_ms[0] == pytest.approx(1000)


def test_the_frame_behind_an_errno_tells_its_time():
    end = np.array([(2 * SENT_NS, SENT_NS + 4_000_000, 0, 0, -1, -1, 0)], ERRNO)
    found = verdicts(
        "connect", asked(80), probe(), Events(no_frames(), end), matches((0, Answer.CONNECTED, 0))
    )
    assert found.rtt_ms[0] == pytest.approx(4.0)


# --- what decided: when, by whom, with what TTL ------------------------------------------------------------


def test_where_nothing_decided_there_is_no_time_and_no_ttl():
    found = verdicts("syn", asked(80, 81), probe(), NOTHING, Matches.none(), [False, True])
    assert found.heard_ns.tolist() == [0, 0]
    assert found.ttl.tolist() == [NO_TTL, NO_TTL]


def arp_reply(time_ns=2 * SENT_NS):
    return frame_of(ARP(op=2, psrc=TARGET, pdst=SCANNER), time_ns=time_ns)


def reset(source=TARGET, ttl=63, time_ns=2 * SENT_NS):
    segment = TCP(sport=80, dport=SOURCE_PORT, flags="RA")
    return frame_of(IP(src=source, dst=SCANNER, ttl=ttl) / segment, time_ns=time_ns)


def next_of_the_scanner():
    segment = TCP(sport=SOURCE_PORT, dport=80, flags="A")
    return frame_of(IP(src=SCANNER, dst=TARGET, ttl=64) / segment, time_ns=2 * SENT_NS, direction=SENT)


DECIDING = [
    ("syn", reset(), Answer.RST, (TARGET, 63)),
    ("syn", reset(ttl=255), Answer.RST, (TARGET, 255)),
    ("syn", reset(ttl=0), Answer.RST, (TARGET, 0)),
    ("syn", reset("0.0.0.0"), Answer.RST, ("0.0.0.0", NO_TTL)),  # of nobody nothing is claimed
    ("ping-arp", arp_reply(), Answer.ARP_REPLY, (TARGET, NO_TTL)),
    (
        "syn",
        next_of_the_scanner(),
        Answer.SYN_ACK,
        (SCANNER, NO_TTL),
    ),  # what proves an answer is not the answer
]


@pytest.mark.parametrize(("name", "frame", "answer", "wanted"), DECIDING)
def test_the_deciding_frame_gives_time_speaker_and_ttl(name, frame, answer, wanted):
    events = Events(np.concatenate([reset(ttl=7, time_ns=SENT_NS), frame]), no_errnos())
    found = verdicts(name, asked(80), probe(), events, matches((0, answer, 1)))
    speaker, ttl = wanted
    assert (found.answered_by[0], found.ttl[0], found.heard_ns[0]) == (number(speaker), ttl, 2 * SENT_NS)


@pytest.mark.parametrize(("captured_ns", "heard_ns"), [(0, 2 * SENT_NS), (SENT_NS + 5, SENT_NS + 5)])
def test_an_errno_is_heard_when_its_frame_was_captured_else_when_it_was_read(captured_ns, heard_ns):
    ends = np.zeros(1, ERRNO)
    ends["time_ns"], ends["heard_ns"], ends["errno"] = 2 * SENT_NS, captured_ns, errno.ECONNREFUSED
    ends["icmp_type"] = ends["icmp_code"] = -1
    events = Events(no_frames(), ends)
    found = verdicts("connect", asked(80), probe(), events, matches((0, Answer.REFUSED, 0)))
    assert (found.heard_ns[0], found.ttl[0], found.answered_by[0]) == (heard_ns, NO_TTL, number(TARGET))


# --- rows found again --------------------------------------------------------------------------------------


def test_rows_are_found_by_name_address_and_port():
    addresses = np.array([number(each) for each in (TARGET, OTHER, TARGET, TARGET)], np.uint32)
    rows = Asked(addresses, np.array([80, 80, 22, 80], np.int32), {number(TARGET): "web"})
    assert [rows.row(name, 80) for name in ("web", TARGET, OTHER, "nobody", "")] == [0, 0, 1, None, None]
    assert [rows.row("web", port) for port in (22, 23, NO_PORT)] == [2, None, None]
    one_name = Asked(addresses, rows.port, {number(TARGET): "web", number(OTHER): "web"})
    assert [one_name.row("web", port) for port in (80, 22)] == [0, 2]
    assert rows.row("web", 80) == Asked(rows.address, rows.port, rows.names).row(TARGET, 80)


def test_entries_of_a_row_are_found_in_their_order():
    rows = ByRow(np.array([2, -1, 0, 2, 0, -1, 2], np.int32))
    assert [rows.of(row).tolist() for row in range(4)] == [[2, 4], [], [0, 3, 6], []]
    assert ByRow(np.empty(0, np.int32)).of(0).tolist() == []
