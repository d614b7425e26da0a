"""Packets made by hand: exactly what was checked leaves, and nothing leads outside."""

from collections.abc import Callable
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_LSRR, IPOption_RR
from scapy.layers.l2 import GRE
from scapy.packet import Packet
from scapy.volatile import RandIP

from portlab import scope
from portlab.errors import BadTarget, MalformedPacket, OutOfScope
from portlab.model import Exchange, Exchanges
from portlab.scanning import send
from tests.portlab.frames import SCANNER
from tests.portlab.wires import RuleWire, answer_like_linux

WEB, DB, OUTSIDE = "10.77.2.10", "10.77.2.20", "198.51.100.9"
Opened = Callable[[], RuleWire]


@pytest.fixture
def wire(in_lab: Path, monkeypatch: pytest.MonkeyPatch) -> RuleWire:
    """The wire that send() will open."""
    opened = RuleWire(answer_like_linux({80}))
    monkeypatch.setattr(send, "open_wire", lambda: opened)
    return opened


def sent(wire: RuleWire) -> list[Packet]:
    return [packet for _, packet in wire.sent]


def test_one_packet_is_one_exchange(wire: RuleWire) -> None:
    exchange = send.send(IP(dst=WEB) / TCP(sport=5000, dport=80))
    assert isinstance(exchange, Exchange)
    (packet,) = sent(wire)
    assert (packet.src, packet.dst) == (SCANNER, WEB)
    assert (packet[TCP].sport, packet[TCP].dport, packet[TCP].flags) == (5000, 80, "S")
    assert exchange.frames["direction"].tolist() == [1, 0]


def test_bytes_leave_as_they_were_given(wire: RuleWire) -> None:
    given = bytes(IP(src=SCANNER, dst=WEB, id=7, chksum=1) / TCP(dport=80, chksum=2))
    send.send(given)
    assert [bytes(packet) for packet in sent(wire)] == [given]


LEADING_OUTSIDE = {
    "destination": IP(dst=OUTSIDE) / ICMP(),
    "destination, as bytes": bytes(IP(src=SCANNER, dst=OUTSIDE) / ICMP()),
    "one of a list": [IP(dst=WEB) / ICMP(), IP(dst=OUTSIDE) / ICMP()],
    "one of many destinations": IP(dst=[WEB, DB, OUTSIDE]) / ICMP(),
    "more than the network": IP(dst="10.77.2.254/31") / ICMP(),
    "the neighbouring network": IP(dst="10.77.3.252/29") / ICMP(),
    "any random one": IP(dst=RandIP("198.51.100.0/24")) / ICMP(),
    "a spoofed source": IP(src=OUTSIDE, dst=WEB) / UDP(dport=53),
    "one of many sources": IP(src=[WEB, OUTSIDE], dst=WEB) / UDP(dport=53),
    "a random source": IP(src=RandIP("198.51.100.0/24"), dst=WEB) / UDP(),
    "source route": IP(dst=WEB, options=[IPOption_LSRR(routers=[OUTSIDE])]) / ICMP(),
    "random source route": IP(dst=WEB, options=[IPOption_LSRR(routers=[RandIP("198.51.100.0/24")])]) / ICMP(),
    "IP in IP": IP(dst=WEB) / IP(src=SCANNER, dst=OUTSIDE) / ICMP(),
    "GRE": IP(dst=WEB) / GRE() / IP(src=SCANNER, dst=OUTSIDE) / ICMP(),
    "source of a packet inside": IP(dst=WEB) / IP(src=OUTSIDE, dst=DB) / ICMP(),
    "redirect": IP(dst=WEB) / ICMP(type=5, gw=OUTSIDE),
    "broadcast": IP(dst="255.255.255.255") / ICMP(),
    "broadcast of the dmz": IP(dst="10.77.2.255") / ICMP(),
    "multicast": IP(dst="224.0.0.1") / ICMP(),
    "multicast as a source": IP(src="224.0.0.1", dst=WEB) / ICMP(),
}


@pytest.mark.parametrize("case", LEADING_OUTSIDE)
def test_nothing_leads_outside(wire: RuleWire, case: str) -> None:
    with pytest.raises(OutOfScope):
        send.send(LEADING_OUTSIDE[case])
    assert wire.sent == []


def test_what_is_refused_opens_no_wire(in_lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "open_wire", lambda: pytest.fail("a wire was opened"))
    for packet in (IP(dst=OUTSIDE), IP(dst=WEB, options=[IPOption_LSRR(routers=[OUTSIDE])]), b"nothing"):
        with pytest.raises((OutOfScope, MalformedPacket)):
            send.send(packet)
    with pytest.raises(BadTarget):
        send.send(IP(dst=WEB), timeout=0)


INSIDE = {
    "a source in the lab": IP(src=DB, dst=WEB) / ICMP(),
    "no source": IP(src="0.0.0.0", dst=WEB) / ICMP(),
    "source route in the lab": IP(dst=WEB, options=[IPOption_LSRR(routers=[DB])]) / ICMP(),
    "record route": IP(dst=WEB, options=[IPOption_RR(routers=["0.0.0.0"] * 3)]) / ICMP(),
    "IP in IP": IP(dst=WEB) / IP(src=SCANNER, dst=DB) / ICMP(),
    "redirect": IP(dst=WEB) / ICMP(type=5, gw="10.77.2.1") / IP(src=WEB, dst=DB),
}


@pytest.mark.parametrize("case", INSIDE)
def test_what_stays_in_the_lab_is_sent(wire: RuleWire, case: str) -> None:
    wire.rule = lambda packet: None
    send.send(INSIDE[case], timeout=0.01)
    assert len(sent(wire)) == 1


def test_the_own_address_is_right_as_a_source_wherever_the_machine_is(wire: RuleWire) -> None:
    wire.source = lambda address: 0xC6336401  # type: ignore[method-assign]  # 198.51.100.1, in no lab
    send.send(IP(dst=WEB) / ICMP(id=7))
    send.send(IP(src="198.51.100.1", dst=WEB) / ICMP(id=8))
    with pytest.raises(OutOfScope, match=r"198\.51\.100\.2 \(the source: answers go there\)"):
        send.send(IP(src="198.51.100.2", dst=WEB) / ICMP())
    assert [packet.src for packet in sent(wire)] == ["198.51.100.1"] * 2


def test_random_addresses_leave_as_they_were_checked(wire: RuleWire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at RandIP gives another address: only what was judged may leave."""
    judged: list[bytes] = []
    check = scope.check_packet

    def judging(packet: bytes, own: int | None = None) -> None:
        check(packet, own)
        judged.append(packet)

    monkeypatch.setattr(scope, "check_packet", judging)
    refused = 0
    for _ in range(60):
        judged.clear()
        before = len(wire.sent)
        try:
            send.send(IP(dst=RandIP("10.77.2.0/23")) / ICMP(id=7), timeout=0.01)
        except OutOfScope:
            refused += 1
        left = [bytes(packet) for packet in sent(wire)[before:]]
        assert left == judged[-1:]
    assert refused < 20
    assert len({packet.dst for packet in sent(wire)}) > 10


class Turncoat(IP):
    """Another destination once it has been built often enough."""

    name = "IP"
    honest = 0

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        type(self).honest -= 1
        whole: bytes = super().post_build(pkt, pay)
        return whole if self.honest >= 0 else whole[:16] + bytes(map(int, OUTSIDE.split("."))) + whole[20:]


def test_what_is_built_again_is_checked_again(wire: RuleWire) -> None:
    """Once to see where it leads, once with its source."""
    for Turncoat.honest in (0, 1):
        with pytest.raises(OutOfScope, match=OUTSIDE):
            send.send(Turncoat(dst=WEB) / ICMP())
    assert wire.sent == []


def test_what_was_checked_is_not_built_again(wire: RuleWire) -> None:
    Turncoat.honest = 2
    send.send(Turncoat(dst=WEB) / ICMP(id=7))
    assert [packet.dst for packet in sent(wire)] == [WEB]


def test_what_stands_for_several_is_sent_as_all_of_them(wire: RuleWire) -> None:
    found = send.send(IP(dst=[WEB, DB]) / TCP(sport=5000, dport=[80, 81]))
    assert isinstance(found, Exchanges)
    asked = [(packet.dst, packet.dport) for packet in sent(wire)]
    assert sorted(asked) == [(WEB, 80), (WEB, 81), (DB, 80), (DB, 81)]
    assert [exchange.frames["direction"].tolist() for exchange in found] == [[1, 0]] * 4
    assert len(found.frames) == 8
    assert str(found).count("A packet made by hand") == 4
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == str(found)
    assert bundle["text/html"].count("<figure") == 4 or bundle["text/html"].count("<svg") >= 4


def test_a_packet_longer_than_the_link_takes_is_refused_before_the_first_leaves(wire: RuleWire) -> None:
    with pytest.raises(MalformedPacket, match=r"1,501 bytes, and the link takes 1,500 \(its MTU\)"):
        send.send([IP(dst=WEB) / ICMP(), IP(dst=WEB) / ("x" * 1481)])
    assert wire.sent == []
    send.send(IP(dst=WEB) / UDP(dport=80) / ("x" * 1472))
    assert len(wire.sent) == 1


def test_a_packet_for_somebody_who_is_not_there_is_not_sent(wire: RuleWire) -> None:
    wire.missing = {0x0A4D0214}
    send.send(IP(dst=DB) / ICMP(), timeout=0.01)
    assert wire.sent == []


def test_after_the_first_answer_it_waits_a_moment_for_what_follows_and_no_longer(wire: RuleWire) -> None:
    packet = IP(dst=WEB) / TCP(sport=5000, dport=80)
    again = IP(src=WEB, dst=SCANNER) / TCP(sport=80, dport=5000, flags="SA")
    for delay in (0.1, 0.19, 0.3, 0.45):
        wire.arrive(delay, again, 0)
    exchange = send.send(packet, timeout=5)
    assert len(exchange.frames) == 4, "the SYN, its answer, and what came within a fifth of a second"
    assert send.LINGER_S < wire.time < 0.3


def test_without_an_answer_it_waits_as_long_as_was_asked(wire: RuleWire) -> None:
    wire.rule = lambda packet: None
    send.send(IP(dst=WEB) / ICMP(), timeout=5)
    assert wire.time == pytest.approx(5, abs=0.01)


def test_a_late_answer_makes_it_wait_no_longer_than_was_asked(wire: RuleWire) -> None:
    wire.rtt = 0.45
    assert len(send.send(IP(dst=WEB) / TCP(dport=80), timeout=0.5).frames) == 2
    assert wire.time == pytest.approx(0.5, abs=0.01)
