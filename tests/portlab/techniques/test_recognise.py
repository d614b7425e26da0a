"""What counts as an answer, and, at least as important, what does not: strays have as many rows as answers."""

import errno

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP

from portlab.addresses import number
from portlab.model import ERRNO, PROBE, SENT, Answer, Events, no_frames
from portlab.techniques import TECHNIQUES, technique
from portlab.techniques.matching import ProbeTable, identification
from tests.portlab.frames import GATEWAY, OTHER, SCANNER, SOURCE_PORT, TARGET, TOKEN, events_of, probe

ID = int(identification(np.array([TOKEN], np.uint32))[0])


def tcp(flags, **changes):
    fields = {"sport": 80, "dport": SOURCE_PORT, "ack": TOKEN + 1, "seq": 99} | changes
    ip = {name: fields.pop(name) for name in ("src", "dst") if name in fields}
    return IP(**({"src": TARGET, "dst": SCANNER, "ttl": 63} | ip)) / TCP(flags=flags, **fields)


def udp(**changes):
    fields = {"sport": 80, "dport": SOURCE_PORT} | changes
    ip = {name: fields.pop(name) for name in ("src", "dst") if name in fields}
    return IP(**({"src": TARGET, "dst": SCANNER} | ip)) / UDP(**fields) / b"hello"


def icmp_error(quoted, *, by=GATEWAY, type_=3, code=13):
    return IP(src=by, dst=SCANNER) / ICMP(type=type_, code=code) / quoted


def quoted_tcp(*, src=SCANNER, dst=TARGET, sport=SOURCE_PORT, dport=80, seq=TOKEN):
    return IP(src=src, dst=dst, id=ID) / TCP(sport=sport, dport=dport, seq=seq)


def quoted_udp(*, src=SCANNER, dst=TARGET, sport=SOURCE_PORT, dport=80, id=ID):  # noqa: A002 - the field's own name
    return IP(src=src, dst=dst, id=id) / UDP(sport=sport, dport=dport)


def echo(type_=0, *, token=TOKEN, identifier=SOURCE_PORT, sequence=1, **ip):
    data = token.to_bytes(4, "big") + b"rest"
    return IP(**({"src": TARGET, "dst": SCANNER} | ip)) / ICMP(type=type_, id=identifier, seq=sequence) / data


def timestamp_reply(token=TOKEN):
    return IP(src=TARGET, dst=SCANNER) / ICMP(type=14, id=SOURCE_PORT, seq=1, ts_ori=token)


def arp(**changes):
    return ARP(**({"op": "is-at", "psrc": TARGET, "pdst": SCANNER} | changes))


ANSWERS = [
    ("syn", tcp("SA"), Answer.SYN_ACK),
    ("syn", tcp("RA"), Answer.RST),
    ("syn", tcp("SAE"), Answer.SYN_ACK),
    ("syn", tcp("S", ack=0), Answer.SYN),
    ("ping-syn", tcp("S", ack=0), Answer.SYN),
    ("maimon", tcp("R", seq=TOKEN, ack=0), Answer.RST),
    ("syn", icmp_error(quoted_tcp(), code=0), Answer.NET_UNREACH),
    ("syn", icmp_error(quoted_tcp(), code=1), Answer.HOST_UNREACH),
    ("syn", icmp_error(quoted_tcp(), code=2), Answer.PROTO_UNREACH_BY_OTHER),
    ("syn", icmp_error(quoted_tcp(), code=2, by=TARGET), Answer.PROTO_UNREACH_BY_TARGET),
    ("syn", icmp_error(quoted_tcp(), code=3), Answer.PORT_UNREACH_BY_OTHER),
    ("syn", icmp_error(quoted_tcp(), code=3, by=TARGET), Answer.PORT_UNREACH_BY_TARGET),
    ("syn", icmp_error(quoted_tcp(), code=9), Answer.NET_PROHIBITED),
    ("syn", icmp_error(quoted_tcp(), code=10), Answer.HOST_PROHIBITED),
    ("syn", icmp_error(quoted_tcp(), code=13), Answer.ADMIN_PROHIBITED),
    ("syn", icmp_error(quoted_tcp(), code=5), Answer.DEST_UNREACH),
    ("syn", icmp_error(quoted_tcp(), type_=11, code=0), Answer.TIME_EXCEEDED),
    ("udp", udp(), Answer.UDP_RESPONSE),
    ("udp", icmp_error(quoted_udp(), code=3, by=TARGET), Answer.PORT_UNREACH_BY_TARGET),
    ("udp", icmp_error(quoted_udp(), code=3), Answer.PORT_UNREACH_BY_OTHER),
    ("udp", icmp_error(quoted_udp(), code=13), Answer.ADMIN_PROHIBITED),
    ("ping", echo(), Answer.ECHO_REPLY),
    ("ping", icmp_error(echo(8, src=SCANNER, dst=TARGET, id=ID), code=1), Answer.HOST_UNREACH),
    ("ping-timestamp", timestamp_reply(), Answer.TIMESTAMP_REPLY),
    ("ping-arp", arp(), Answer.ARP_REPLY),
    ("ping-syn", tcp("RA"), Answer.RST),
    ("ping-ack", tcp("R", seq=TOKEN, ack=0), Answer.RST),
    ("ping-ack", icmp_error(quoted_tcp(), code=13), Answer.ADMIN_PROHIBITED),
    ("ack", tcp("R", seq=TOKEN, ack=0), Answer.RST),
    ("fin", tcp("RA"), Answer.RST),
    ("null", tcp("RA", ack=TOKEN), Answer.RST),
    ("xmas", tcp("RA"), Answer.RST),
    ("fin", icmp_error(quoted_tcp(), code=3), Answer.PORT_UNREACH_BY_OTHER),
]

STRAYS = [
    ("syn", tcp("SA", ack=TOKEN), "acknowledges the wrong number"),
    ("syn", tcp("SA", ack=TOKEN + 2), "acknowledges the wrong number"),
    ("syn", tcp("SA", sport=81), "another port"),
    ("syn", tcp("SA", dport=SOURCE_PORT + 1), "to another of our ports"),
    ("syn", tcp("SA", src=OTHER), "another host"),
    ("syn", tcp("SA", dst=OTHER), "not to us"),
    ("syn", tcp("S", sport=81), "a SYN from another port"),
    ("syn", tcp("S", dport=SOURCE_PORT + 1), "a SYN to another of our ports"),
    ("fin", tcp("S"), "a SYN is no answer to a FIN"),
    ("syn", tcp("A"), "an ACK is no answer to a SYN"),
    ("syn", tcp("R"), "a RST without ACK cannot show the token"),
    ("syn", tcp("SAR"), "SYN and RST at once"),
    ("syn", tcp("FA"), "a FIN is no answer to a SYN"),
    ("syn", icmp_error(quoted_tcp(seq=TOKEN + 1)), "quotes another sequence number"),
    ("syn", icmp_error(quoted_tcp(dport=81)), "quotes another port"),
    ("syn", icmp_error(quoted_tcp(sport=SOURCE_PORT + 1)), "quotes another of our ports"),
    ("syn", icmp_error(quoted_tcp(dst=OTHER)), "quotes another host"),
    ("syn", icmp_error(quoted_tcp(src=OTHER)), "quotes somebody else's probe"),
    ("syn", icmp_error(quoted_udp()), "quotes a datagram"),
    ("syn", icmp_error(quoted_tcp(), type_=4, code=0), "a source quench is to be ignored (RFC 6633)"),
    ("syn", udp(), "a datagram is no answer to a SYN"),
    ("udp", udp(sport=81), "from a new port, as TFTP answers"),
    ("udp", udp(src=OTHER), "another host"),
    ("udp", udp(dst=OTHER), "not to us"),
    ("udp", udp(dport=SOURCE_PORT + 1), "to another of our ports"),
    ("udp", icmp_error(quoted_udp(dport=81), code=3, by=TARGET), "quotes another port"),
    ("udp", icmp_error(quoted_udp(id=ID ^ 1), code=3, by=TARGET), "quotes another datagram"),
    ("udp", icmp_error(quoted_tcp(), code=3, by=TARGET), "quotes a segment"),
    ("udp", tcp("SA"), "a segment is no answer to a datagram"),
    ("ping", echo(token=TOKEN + 1), "another token"),
    ("ping", echo(identifier=SOURCE_PORT + 1), "another identifier"),
    ("ping", echo(sequence=2), "another sequence number"),
    ("ping", echo(src=OTHER), "another host"),
    ("ping", echo(8), "a request, not a reply"),
    ("ping", timestamp_reply(), "a timestamp, not an echo"),
    ("ping-timestamp", timestamp_reply(TOKEN + 1), "another token"),
    ("ping-timestamp", echo(), "an echo, not a timestamp"),
    ("ping-arp", arp(psrc=OTHER), "another host"),
    ("ping-arp", arp(op="who-has"), "a question, not an answer"),
    ("ping-ack", tcp("R", seq=TOKEN + 1), "another sequence number"),
    ("ping-ack", tcp("RA", seq=TOKEN), "a RST with ACK answers no ACK"),
    ("ping-ack", tcp("SA", seq=TOKEN), "not a RST"),
    ("fin", tcp("RA", ack=TOKEN), "a FIN counts one"),
    ("null", tcp("RA"), "no flag counts nothing"),
    ("xmas", tcp("R"), "a RST without ACK cannot show the token"),
    ("xmas", tcp("SA"), "a SYN-ACK is no answer to Xmas"),
    ("ack", tcp("RA", seq=TOKEN), "a RST with ACK answers no ACK"),
]


def asked(name):
    if name == "ping-arp":
        return ProbeTable(probe(port=0, source_port=0))
    return ProbeTable(probe(port=1) if name in ("ping", "ping-timestamp") else probe())


@pytest.mark.parametrize(("name", "packet", "answer"), ANSWERS, ids=lambda value: str(value)[:40])
def test_an_answer_is_recognised(name, packet, answer):
    found = technique(name).recognise(events_of(packet), asked(name))
    assert [Answer.of(code) for code in found.answer] == [answer]
    assert found.probe.tolist() == found.event.tolist() == [0]


@pytest.mark.parametrize(("name", "packet", "why"), STRAYS, ids=[f"{name}: {why}" for name, _, why in STRAYS])
def test_a_stray_is_left_out(name, packet, why):
    assert len(technique(name).recognise(events_of(packet), asked(name))) == 0, why


@pytest.mark.parametrize(("name", "packet"), [(name, packet) for name, packet, _ in ANSWERS])
def test_what_we_sent_ourselves_is_no_answer(name, packet):
    assert len(technique(name).recognise(events_of(packet, direction=SENT), asked(name))) == 0


@pytest.mark.parametrize("name", [name for name in TECHNIQUES if name != "connect"])
def test_where_nothing_was_asked_nothing_is_an_answer(name):
    everything = [packet for _, packet, _ in ANSWERS]
    assert len(technique(name).recognise(events_of(*everything), ProbeTable(np.empty(0, PROBE)))) == 0


def test_each_answer_finds_its_own_probe_among_many():
    rows = np.concatenate([probe(port=port, token=TOKEN + port, row=port) for port in range(200)])
    packets = [
        tcp("SA" if port % 3 else "RA", sport=port, ack=TOKEN + port + 1) for port in reversed(range(200))
    ]
    found = technique("syn").recognise(events_of(*packets), ProbeTable(rows))
    assert found.probe.tolist() == list(reversed(range(200)))
    assert found.event.tolist() == list(range(200))


@pytest.mark.parametrize("name", ["fin", "null", "xmas", "syn"])
def test_of_two_probes_from_the_same_port_the_number_acknowledged_tells_which(name):
    """As other tools ask again: their sequence numbers may be next to each other, and in any order."""
    counted = 0 if name == "null" else 1
    beyond = [2, 0, 1]
    rows = np.concatenate([probe(token=TOKEN + more) for more in beyond])
    for place, more in enumerate(beyond):
        events = events_of(tcp("RA", ack=TOKEN + more + counted))
        assert technique(name).recognise(events, ProbeTable(rows)).probe.tolist() == [place]


def test_of_two_who_ask_from_the_same_port_each_has_his_own_answer():
    """Decoys: the same probe from several addresses, in any order."""
    askers = [OTHER, SCANNER, GATEWAY]
    rows = np.concatenate([probe(source=number(asker)) for asker in askers])
    for place, asker in enumerate(askers):
        events = events_of(tcp("SA", dst=asker))
        assert technique("syn").recognise(events, ProbeTable(rows)).probe.tolist() == [place]


ERRNOS = [
    (0, Answer.CONNECTED),
    (errno.ECONNRESET, Answer.CONNECTED),  # only what was connected can be reset so
    (errno.EPIPE, Answer.CONNECTED),
    (errno.ECONNREFUSED, Answer.REFUSED),
    (errno.ENOPROTOOPT, Answer.PROTO_UNREACH_BY_OTHER),
    (errno.ENETUNREACH, Answer.NET_UNREACH),
    (errno.EHOSTUNREACH, Answer.HOST_UNREACH),
    (errno.EACCES, Answer.PERM_DENIED),
    (errno.EPERM, Answer.PERM_DENIED),
    (errno.ETIMEDOUT, None),
]


@pytest.mark.parametrize(("number_", "answer"), ERRNOS)
def test_what_connect_returned(number_, answer):
    ends = np.zeros(1, ERRNO)
    ends["errno"], ends["icmp_type"] = number_, -1
    found = technique("connect").recognise(Events(no_frames(), ends), ProbeTable(probe()))
    assert [Answer.of(code) for code in found.answer] == ([answer] if answer else [])


def test_every_meaning_names_its_source():
    for name in TECHNIQUES:
        for answer, meaning in technique(name).MEANINGS.items():
            assert meaning.sentence.endswith("."), (name, answer)
            if answer is Answer.SILENCE and name != "ping-arp":
                assert meaning.source.startswith("inference"), (name, answer)
            else:
                assert "RFC" in meaning.source or "(2)" in meaning.source, (name, answer)


def test_every_technique_knows_silence():
    assert all(Answer.SILENCE in technique(name).MEANINGS for name in TECHNIQUES)
