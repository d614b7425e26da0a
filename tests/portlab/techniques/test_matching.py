"""Which probe an event belongs to, row by row: the look-up, the codes of the errors, the tokens at their limits."""

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP

from portlab.addresses import number
from portlab.model import RECEIVED, SENT, Answer
from portlab.packets.dissect import Dissected
from portlab.techniques.matching import NOBODY, Matches, ProbeTable, conversations, errors, identification
from tests.portlab.frames import (
    GATEWAY,
    OTHER,
    SCANNER,
    SOURCE_PORT,
    TARGET,
    TOKEN,
    events_of,
    frame_of,
    probe,
)

CODES = {
    0: Answer.NET_UNREACH,
    1: Answer.HOST_UNREACH,
    2: Answer.PROTO_UNREACH_BY_OTHER,
    3: Answer.PORT_UNREACH_BY_OTHER,
    4: Answer.DEST_UNREACH,
    5: Answer.DEST_UNREACH,
    6: Answer.NET_UNREACH,
    7: Answer.HOST_UNREACH,
    8: Answer.DEST_UNREACH,
    9: Answer.NET_PROHIBITED,
    10: Answer.HOST_PROHIBITED,
    11: Answer.DEST_UNREACH,
    12: Answer.DEST_UNREACH,
    13: Answer.ADMIN_PROHIBITED,
    14: Answer.DEST_UNREACH,
    15: Answer.DEST_UNREACH,
}
"""RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 sections 5.2.7.1 and 5.3.9."""


def quoting(by, code, type_=3, identification=0, token=TOKEN):
    question = IP(src=SCANNER, dst=TARGET, id=identification) / TCP(sport=SOURCE_PORT, dport=80, seq=token)
    return events_of(IP(src=by, dst=SCANNER) / ICMP(type=type_, code=code) / question)


def answer_to(events, protocol, **asked):
    found, answer = errors(Dissected(events.frames), ProbeTable(probe(**asked)), protocol)
    return None if found[0] == NOBODY else Answer.of(answer[0])


@pytest.mark.parametrize(("code", "answer"), CODES.items())
def test_each_code_of_destination_unreachable_has_its_answer(code, answer):
    assert answer_to(quoting(GATEWAY, code), "tcp") is answer
    by_target = {
        Answer.PORT_UNREACH_BY_OTHER: Answer.PORT_UNREACH_BY_TARGET,
        Answer.PROTO_UNREACH_BY_OTHER: Answer.PROTO_UNREACH_BY_TARGET,
    }
    assert answer_to(quoting(TARGET, code), "tcp") is by_target.get(answer, answer)


@pytest.mark.parametrize("code", [0, 1])
def test_time_exceeded(code):
    assert answer_to(quoting(GATEWAY, code, 11), "tcp") is Answer.TIME_EXCEEDED


@pytest.mark.parametrize(
    ("token", "carried"),
    [(0, 1), (0x0001_0000, 1), (0xFFFF_0000, 1), (1, 1), (0xFFFF, 0xFFFF), (0x1234_5678, 0x5678)],
)
def test_no_datagram_carries_the_identification_0(token, carried):
    assert identification(np.array([token], np.uint32)).tolist() == [carried]


@pytest.mark.parametrize(
    ("token", "quoted", "fits"),
    [
        (TOKEN, TOKEN & 0xFFFF, True),
        (TOKEN, 0, False),
        (0x0005_0000, 1, True),  # PortLab's own: never 0
        (0x0005_0000, 0, False),
        (0, 0, True),  # another tool's, from a capture: its token is the identification, and may be 0
        (0x4321, 0x4321, True),
        (0x4321, 0x4322, False),
    ],
)
def test_an_error_must_quote_the_datagram_that_was_sent(token, quoted, fits):
    question = IP(src=SCANNER, dst=TARGET, id=quoted) / UDP(sport=SOURCE_PORT, dport=80)
    events = events_of(IP(src=TARGET, dst=SCANNER) / ICMP(type=3, code=3) / question)
    assert answer_to(events, "udp", token=token) is (Answer.PORT_UNREACH_BY_TARGET if fits else None)


ASKER = number(SCANNER)


def find(table, asked, among, source=ASKER, token=None):
    """Where (address, port, source port) of one asker stand in the table."""
    address, port, source_port = np.array(asked, np.uint32).T
    tokens = None if token is None else np.full(len(asked), token, np.uint32)
    sources = np.full(len(asked), source, np.uint32)
    return table.find(address, port, source_port, among, source=sources, token=tokens)


def test_the_look_up_finds_each_probe_by_address_and_both_ports():
    asked = [
        (number(TARGET), 80, 1),
        (number(TARGET), 80, 2),
        (number(TARGET), 81, 1),
        (number(OTHER), 80, 1),
    ]
    table = ProbeTable(
        np.concatenate([probe(address=a, port=p, source_port=s) for a, p, s in reversed(asked)])
    )
    everything = np.ones(4, bool)
    assert find(table, asked, everything).tolist() == [3, 2, 1, 0]
    assert find(table, asked, np.array([True, False, True, False])).tolist() == [3, NOBODY, 1, NOBODY]
    assert find(table, [(number(TARGET), 82, 1)], everything[:1]).tolist() == [NOBODY]
    assert find(table, [(0xFFFFFFFF, 65_535, 65_535)], everything[:1]).tolist() == [NOBODY]
    assert find(table, [(0, 0, 0)], everything[:1]).tolist() == [NOBODY]
    assert len(table) == 4


def test_of_two_probes_with_the_same_ports_the_first_is_found():
    table = ProbeTable(np.concatenate([probe(token=1), probe(token=2)]))
    asked, among = [(number(TARGET), 80, SOURCE_PORT)], np.ones(1, bool)
    assert find(table, asked, among).tolist() == [0]
    assert [find(table, asked, among, token=token).tolist() for token in (1, 2, 3)] == [[0], [1], [1]]


def test_of_two_askers_with_the_same_ports_each_is_found():
    theirs = probe(source=number(OTHER))
    table = ProbeTable(np.concatenate([probe(), theirs]))
    asked, among = [(number(TARGET), 80, SOURCE_PORT)], np.ones(1, bool)
    assert [find(table, asked, among, source=number(who)).tolist() for who in (SCANNER, OTHER)] == [[0], [1]]


def test_an_answer_of_the_target_beats_an_error_quoted():
    said, quoted = Answer.SYN_ACK.code, Answer.ADMIN_PROHIBITED.code
    spoke, probe_ = np.array([0, NOBODY, 2, NOBODY]), np.array([4, 5, NOBODY, NOBODY])
    words = np.array([said, said, 0, said], np.uint8)
    errors_ = np.array([quoted, quoted, 0, 0], np.uint8)
    found = Matches.either(spoke, words, probe_, errors_)
    assert (found.probe.tolist(), found.event.tolist()) == ([0, 5], [0, 1])
    assert found.answer.tolist() == [said, quoted]


SPOKEN = [
    ("tcp", TCP(sport=SOURCE_PORT, dport=80), SENT, True),
    ("tcp", TCP(sport=SOURCE_PORT, dport=81), SENT, False),
    ("tcp", TCP(sport=80, dport=SOURCE_PORT, flags="R"), RECEIVED, True),
    ("tcp", TCP(sport=80, dport=SOURCE_PORT + 1), RECEIVED, False),
    ("udp", UDP(sport=SOURCE_PORT, dport=80), SENT, True),
    ("udp", UDP(sport=80, dport=SOURCE_PORT), RECEIVED, True),
    ("icmp", ICMP(type=8, id=SOURCE_PORT, seq=80), SENT, True),
    ("icmp", ICMP(type=0, id=SOURCE_PORT, seq=80), RECEIVED, True),
    ("icmp", ICMP(type=0, id=SOURCE_PORT, seq=81), RECEIVED, False),
    ("tcp", UDP(sport=SOURCE_PORT, dport=80), SENT, False),
]


@pytest.mark.parametrize(("protocol", "layer", "direction", "belongs"), SPOKEN)
def test_a_conversation_is_what_was_said_on_both_ports(protocol, layer, direction, belongs):
    ends = {"src": SCANNER, "dst": TARGET} if direction == SENT else {"src": TARGET, "dst": SCANNER}
    for way in (direction, 1 - direction):
        seen = Dissected(frame_of(IP(**ends) / layer, direction=way))
        found = conversations(seen, ProbeTable(probe()), protocol)
        assert found.tolist() == [0 if belongs and way == direction else NOBODY]


def test_an_error_that_quotes_belongs_to_the_conversation_whoever_sent_it():
    seen = Dissected(quoting(GATEWAY, 13, token=TOKEN + 5).frames)  # tokens are not looked at
    assert conversations(seen, ProbeTable(probe()), "tcp").tolist() == [0]
    assert conversations(seen, ProbeTable(probe()), "udp").tolist() == [NOBODY]


@pytest.mark.parametrize(
    ("asked", "answers", "direction", "belongs"),
    [
        (TARGET, "", SENT, True),
        (OTHER, "", SENT, False),
        ("", TARGET, RECEIVED, True),
        ("", OTHER, RECEIVED, False),
    ],
)
def test_the_conversation_of_arp(asked, answers, direction, belongs):
    packet = ARP(psrc=answers or SCANNER, pdst=asked or SCANNER, op=2 if answers else 1)
    table = ProbeTable(probe(port=0, source_port=0))
    found = conversations(Dissected(frame_of(packet, direction=direction)), table, "arp")
    assert found.tolist() == [0 if belongs else NOBODY]
