"""What an answer says to each technique: state and reason, in nmap's words."""

import errno

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP

from portlab.evidence.verdict import Asked, conclude
from portlab.model import ERRNO, Answer, Events, Reason, State, no_frames
from portlab.packets.craft import total_length
from portlab.techniques import TECHNIQUES, filters, is_ping, technique
from portlab.techniques.matching import ProbeTable
from tests.portlab.frames import GATEWAY, SCANNER, TARGET, events_of, probe

ERRORS = {  # ICMP type and code -> what nmap calls it
    (3, 0): Reason.NET_UNREACH,
    (3, 1): Reason.HOST_UNREACH,
    (3, 2): Reason.PROTO_UNREACH,
    (3, 3): Reason.PORT_UNREACH,
    (3, 5): Reason.DEST_UNREACH,
    (3, 6): Reason.NET_UNREACH,
    (3, 7): Reason.HOST_UNREACH,
    (3, 9): Reason.NET_PROHIBITED,
    (3, 10): Reason.HOST_PROHIBITED,
    (3, 13): Reason.ADMIN_PROHIBITED,
    (11, 0): Reason.TIME_EXCEEDED,
}
ASKING = [name for name in TECHNIQUES if technique(name).NEEDS_RAW and technique(name).PROTOCOL != "arp"]


def verdict(name: str, error: tuple[int, int], by: str) -> tuple[State, Reason]:
    """What the technique concludes of an ICMP error that quotes its own probe."""
    kind, probes = technique(name), probe(port=1)
    rows = kind.craft(probes)
    quoted = IP(rows[0, : total_length(rows)[0]].tobytes())
    events = events_of(IP(src=by, dst=SCANNER) / ICMP(type=error[0], code=error[1]) / quoted)
    asked = Asked(probes["address"].copy(), np.ones(1, np.int32))
    found = conclude(
        kind, asked, probes, events, kind.recognise(events, ProbeTable(probes)), np.zeros(1, bool)
    )
    return State.of(found.state[0]), Reason.of(found.reason[0])


@pytest.mark.parametrize("name", ASKING)
def test_somebody_on_the_way_speaks_of_the_path_and_not_of_port_or_host(name: str) -> None:
    state = State.NO_ANSWER if is_ping(name) else State.FILTERED
    said = {error: verdict(name, error, GATEWAY) for error in ERRORS}
    assert said == {error: (state, reason) for error, reason in ERRORS.items()}


@pytest.mark.parametrize("name", ASKING)
def test_the_host_itself_knows_its_ports_and_that_it_is_there(name: str) -> None:
    """TCP says so by RST: where the host speaks ICMP of a TCP port, it is a filter's work."""
    port_state = State.UP if is_ping(name) else State.CLOSED if name == "udp" else State.FILTERED
    assert verdict(name, (3, 3), TARGET) == (port_state, Reason.PORT_UNREACH)
    protocol_state = State.UP if is_ping(name) else State.FILTERED
    assert verdict(name, (3, 2), TARGET) == (protocol_state, Reason.PROTO_UNREACH)


UP_BY_SYN = {
    Answer.SYN_ACK: (State.UP, Reason.SYN_ACK),
    Answer.SYN: (State.UP, Reason.SPLIT_HANDSHAKE_SYN),
    Answer.RST: (State.UP, Reason.RESET),
}
OWN_WORDS = {  # what only the one who was asked can have said
    "syn": {
        Answer.SYN_ACK: (State.OPEN, Reason.SYN_ACK),
        Answer.SYN: (State.OPEN, Reason.SPLIT_HANDSHAKE_SYN),
        Answer.RST: (State.CLOSED, Reason.RESET),
    },
    "udp": {Answer.UDP_RESPONSE: (State.OPEN, Reason.UDP_RESPONSE)},
    "ack": {Answer.RST: (State.UNFILTERED, Reason.RESET)},
    **{name: {Answer.RST: (State.CLOSED, Reason.RESET)} for name in ("fin", "null", "xmas", "maimon")},
    "ping": {Answer.ECHO_REPLY: (State.UP, Reason.ECHO_REPLY)},
    "ping-timestamp": {Answer.TIMESTAMP_REPLY: (State.UP, Reason.TIMESTAMP_REPLY)},
    "ping-arp": {Answer.ARP_REPLY: (State.UP, Reason.ARP_RESPONSE)},
    "ping-syn": UP_BY_SYN,
    "ping-ack": {Answer.RST: (State.UP, Reason.RESET)},
    "ping-udp": {Answer.UDP_RESPONSE: (State.UP, Reason.UDP_RESPONSE)},
}
SILENCE = {
    **dict.fromkeys(("syn", "ack", "connect"), State.FILTERED),
    **dict.fromkeys(("udp", "fin", "null", "xmas", "maimon"), State.OPEN_FILTERED),
    **dict.fromkeys(("ping", "ping-timestamp", "ping-syn", "ping-ack", "ping-udp"), State.NO_ANSWER),
    "ping-arp": State.DOWN,
}


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if technique(name).EVIDENCE == "frames"])
def test_what_the_one_who_was_asked_says(name: str) -> None:
    by_others = {*filters.FILTERED, Answer.PORT_UNREACH_BY_TARGET, Answer.SILENCE}
    meanings = technique(name).MEANINGS
    said = {answer: (each.state, each.reason) for answer, each in meanings.items() if answer not in by_others}
    assert said == OWN_WORDS[name]


@pytest.mark.parametrize("name", TECHNIQUES)
def test_what_silence_says(name: str) -> None:
    silence = technique(name).MEANINGS[Answer.SILENCE]
    assert (silence.state, silence.reason) == (SILENCE[name], Reason.NO_RESPONSE)


ERRNOS = {
    0: (State.OPEN, Reason.SYN_ACK),
    errno.ECONNREFUSED: (State.CLOSED, Reason.CONN_REFUSED),
    errno.ENETUNREACH: (State.FILTERED, Reason.NET_UNREACH),
    errno.EHOSTUNREACH: (State.FILTERED, Reason.HOST_UNREACH),
    errno.ENOPROTOOPT: (State.FILTERED, Reason.PROTO_UNREACH),
    errno.EPERM: (State.FILTERED, Reason.PERM_DENIED),
    errno.ETIMEDOUT: (State.FILTERED, Reason.NO_RESPONSE),
}


@pytest.mark.parametrize(
    ("number", "said"), ERRNOS.items(), ids=[errno.errorcode.get(number, "connected") for number in ERRNOS]
)
def test_what_connect_returned_says(number: int, said: tuple[State, Reason]) -> None:
    ends = np.zeros(1, ERRNO)
    ends["errno"], ends["icmp_type"] = number, -1
    kind, probes, events = technique("connect"), probe(), Events(no_frames(), ends)
    asked = Asked(probes["address"].copy(), np.full(1, 80, np.int32))
    found = conclude(
        kind, asked, probes, events, kind.recognise(events, ProbeTable(probes)), np.zeros(1, bool)
    )
    assert (State.of(found.state[0]), Reason.of(found.reason[0])) == said
