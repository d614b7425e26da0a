import subprocess
from pathlib import Path

import numpy as np
import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet
from scapy.utils import wrpcap

import portlab as pl
from lab_env.lab import simulated
from lab_env.topology import topology
from portlab import lab
from portlab.captures.asking import TOLD_APART
from portlab.errors import MalformedPacket
from portlab.evidence.result import Scan
from portlab.evidence.scans import Scans
from tests.portlab.captures.captured import spoilt
from tests.portlab.exports.made import scanned
from tests.portlab.packets import made as ng

ME, OTHER, WEB, GATEWAY = "10.77.1.100", "10.77.1.101", "10.77.2.10", "10.77.1.1"
KERNEL = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (1, 0)), ("NOP", None), ("WScale", 7)]

Verdicts = dict[tuple[str, int | None], tuple[str, str]]


def verdicts(scan: Scan) -> Verdicts:
    return {(row.address, row.port): (str(row.state), str(row.reason)) for row in scan}


NEVER_SENT = ("no-answer", "host-unreach"), ("filtered", "host-unreach")


@pytest.mark.parametrize("suffix", ["pcapng", "pcap"])
@pytest.mark.parametrize("name", TOLD_APART)
def test_own_capture_gives_the_same_verdicts(tmp_path: Path, name: str, suffix: str) -> None:
    scan = scanned(name)
    scan.to_pcap(tmp_path / f"x.{suffix}")
    lab.use(simulated(topology()))
    (again,) = pl.read_pcap(tmp_path / f"x.{suffix}")
    assert again.technique == name
    # of a port scan, ports of a host whose ARP went unanswered were never on the wire
    wanted = {(row.address, row.port): row for row in scan if name.startswith("ping") or row.tries}
    found = {(row.address, row.port): row for row in again}
    assert found.keys() == wanted.keys()
    for key, row in wanted.items():
        timing = () if name == "ping-arp" else ("rtt_ms", "tries")  # of ARP the wire keeps no account
        for column in ("host", "state", "reason", "answered_by", "icmp_type", "icmp_code", *timing):
            assert getattr(found[key], column) == getattr(row, column), (key, column)


def test_exchanges_can_be_drawn_from_a_capture(tmp_path: Path) -> None:
    scanned("syn").to_pcap(tmp_path / "x.pcapng")
    (again,) = pl.read_pcap(tmp_path / "x.pcapng")
    exchange = again.exchange(WEB, 80)
    assert exchange.decides is not None
    assert len(exchange.frames) >= 2


def capture(path: Path, *packets: Packet) -> Scans:
    """A capture as tcpdump on somebody's Ethernet would make it, a millisecond between frames."""
    frames = []
    for index, packet in enumerate(packets):
        frame = (
            packet if Ether in packet else Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / packet
        )
        frame.time = 1_700_000_000 + index / 1000
        frames.append(frame)
    wrpcap(str(path), frames)
    return pl.read_pcap(path)


def tcp(
    flags: str, *, to: int = 80, source: str = ME, port: int = 50_000, seq: int = 1000, **more: object
) -> Packet:
    return IP(src=source, dst=WEB) / TCP(sport=port, dport=to, flags=flags, seq=seq, **more)


def back(
    flags: str, *, to: int = 80, source: str = ME, port: int = 50_000, ack: int = 1001, seq: int = 0
) -> Packet:
    return IP(src=WEB, dst=source) / TCP(sport=to, dport=port, flags=flags, seq=seq, ack=ack)


def error(about: Packet, type_: int = 3, code: int = 13, source: str = GATEWAY) -> Packet:
    return IP(src=source, dst=about.src) / ICMP(type=type_, code=code) / IP(bytes(about)[:28])


def written(path: Path, scan: Scan) -> Path:
    scan.to_json(path)
    return path


OPEN = (tcp("S"), back("SA", seq=7))
CONVERSATIONS = {
    "syn, open": (OPEN, "syn", ("open", "syn-ack")),
    "syn, open, RST by the kernel": ((*OPEN, tcp("R", seq=1001)), "syn", ("open", "syn-ack")),
    "syn, closed": ((tcp("S"), back("RA")), "syn", ("closed", "reset")),
    "syn, silence": ((tcp("S"),), "syn", ("filtered", "no-response")),
    "syn of nmap": ((tcp("S", options=[("MSS", 1460)]), back("RA")), "syn", ("closed", "reset")),
    "connect, open": ((*OPEN, tcp("A", seq=1001, ack=8)), "connect", ("open", "syn-ack")),
    "connect, closed": ((tcp("S", options=KERNEL), back("RA")), "connect", ("closed", "conn-refused")),
    "connect, silence": ((tcp("S", options=KERNEL),) * 3, "connect", ("filtered", "no-response")),
    "fin": ((tcp("F"), back("RA")), "fin", ("closed", "reset")),
    "null": ((tcp(""),), "null", ("open|filtered", "no-response")),
    "xmas": ((tcp("FPU"), back("RA")), "xmas", ("closed", "reset")),
    "ack": ((tcp("A", ack=77), back("R", seq=77, ack=0)), "ack", ("unfiltered", "reset")),
    "a stranger's acknowledgement": ((tcp("S"), back("SA", ack=5)), "syn", ("filtered", "no-response")),
    "admin-prohibited": ((tcp("S"), error(tcp("S"))), "syn", ("filtered", "admin-prohibited")),
    "an error about another probe": ((tcp("S"), error(tcp("S", seq=5))), "syn", ("filtered", "no-response")),
    "connect, admin-prohibited": (
        (tcp("S", options=KERNEL), error(tcp("S", options=KERNEL))),
        "connect",
        ("filtered", "host-unreach"),
    ),
}


@pytest.mark.parametrize(("packets", "name", "verdict"), CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_one_conversation(
    tmp_path: Path, packets: tuple[Packet, ...], name: str, verdict: tuple[str, str]
) -> None:
    (scan,) = capture(tmp_path / "x.pcap", *packets)
    assert scan.technique == name
    assert verdicts(scan) == {(WEB, 80): verdict}
    assert scan.matched


def datagram(to: int, port: int = 50_000, data: bytes = b"?") -> Packet:
    return IP(src=ME, dst=WEB, id=7) / UDP(sport=port, dport=to) / data


def test_udp_conversations(tmp_path: Path) -> None:
    (scan,) = capture(
        tmp_path / "x.pcap",
        datagram(53),
        IP(src=WEB, dst=ME) / UDP(sport=53, dport=50_000) / b"!",
        datagram(7),
        error(datagram(7), code=3, source=WEB),
        datagram(514),
        datagram(69, port=50_001),
        IP(src=WEB, dst=ME) / UDP(sport=40_000, dport=50_001) / b"from a new port",
        datagram(1900),
        IP(src=ME, dst="239.255.255.250") / UDP(sport=1, dport=1900),
    )
    assert {port: words for (_, port), words in verdicts(scan).items()} == {
        53: ("open", "udp-response"),
        7: ("closed", "port-unreach"),
        514: ("open|filtered", "no-response"),
        69: ("open|filtered", "no-response"),
        1900: ("open|filtered", "no-response"),
    }


def test_scanners_and_techniques_are_told_apart(tmp_path: Path) -> None:
    scans = capture(
        tmp_path / "x.pcap",
        *OPEN,
        tcp("S", source=OTHER, to=81),
        back("RA", source=OTHER, to=81),
        datagram(53),
        IP(src=ME, dst=WEB) / ICMP(id=1, seq=1) / b"1234",
        IP(src=WEB, dst=ME) / ICMP(type=0, id=1, seq=1) / b"1234",
        tcp("S", options=KERNEL, to=82, port=50_009),
    )
    found = [(scan.technique, {key[1]: words[0] for key, words in verdicts(scan).items()}) for scan in scans]
    assert sorted(found, key=str) == [
        ("connect", {82: "filtered"}),
        ("ping", {None: "up"}),
        ("syn", {80: "open"}),
        ("syn", {81: "closed"}),
        ("udp", {53: "open|filtered"}),
    ]


def test_captured_on_the_target_reads_the_same(tmp_path: Path) -> None:
    (scan,) = capture(tmp_path / "x.pcap", *OPEN)
    assert scan.events.frames["direction"].tolist() == [1, 0]


def test_answers_only_are_marked_unmatched(tmp_path: Path) -> None:
    scans = capture(
        tmp_path / "x.pcap",
        back("SA", seq=7),
        back("RA", to=81),
        back("RA", to=82, seq=9),  # ends a conversation, answers no SYN
        error(tcp("S", to=83)),
        error(datagram(7), code=3, source=WEB),
        IP(src=WEB, dst=ME) / ICMP(type=0, id=1, seq=1) / b"1234",
    )
    assert not any(scan.matched for scan in scans)
    found = {scan.technique: verdicts(scan) for scan in scans}
    assert found == {
        "syn": {
            (WEB, 80): ("open", "syn-ack"),
            (WEB, 81): ("closed", "reset"),
            (WEB, 83): ("filtered", "admin-prohibited"),
        },
        "udp": {(WEB, 7): ("closed", "port-unreach")},
        "ping": {(WEB, None): ("up", "echo-reply")},
    }
    assert all(np.isnan(scan.rtt_ms).all() for scan in scans)


def test_what_was_sent_twice_has_no_round_trip_time(tmp_path: Path) -> None:
    (scan,) = capture(tmp_path / "x.pcap", tcp("S"), tcp("S"), back("SA", seq=7))
    assert scan.row(0).rtt_ms is None
    (scan,) = capture(tmp_path / "x.pcap", *OPEN)
    assert scan.row(0).rtt_ms == pytest.approx(1.0, abs=0.01)


def test_checksums_not_filled_in_yet_are_no_fault(tmp_path: Path) -> None:
    answer = back("SA", seq=7)
    pseudo = bytes([10, 77, 2, 10, 10, 77, 1, 100, 0, 6, 0, 20])
    total = sum(int.from_bytes(pseudo[at : at + 2], "big") for at in range(0, 12, 2))
    answer[TCP].chksum = (total & 0xFFFF) + (total >> 16)
    (scan,) = capture(tmp_path / "x.pcap", tcp("S"), answer)
    assert verdicts(scan) == {(WEB, 80): ("open", "syn-ack")}
    answer[TCP].chksum = 0x1234
    (scan,) = capture(tmp_path / "x.pcap", tcp("S"), answer)
    assert verdicts(scan) == {(WEB, 80): ("filtered", "no-response")}


def test_host_that_scans_itself(tmp_path: Path) -> None:
    syn = IP(src="127.0.0.1", dst="127.0.0.1") / TCP(sport=50_000, dport=80, flags="S", seq=5)
    answer = IP(src="127.0.0.1", dst="127.0.0.1") / TCP(sport=80, dport=50_000, flags="RA", ack=6)
    echo = IP(src="127.0.0.1", dst="127.0.0.1") / ICMP(id=1, seq=1) / b"1234"
    reply = IP(src="127.0.0.1", dst="127.0.0.1") / ICMP(type=0, id=1, seq=1) / b"1234"
    scans = capture(tmp_path / "x.pcap", syn, answer, echo, reply)
    assert {scan.technique: list(verdicts(scan).values()) for scan in scans} == {
        "syn": [("closed", "reset")],
        "ping": [("up", "echo-reply")],
    }


def test_arp_is_a_scan_only_where_nothing_else_is(tmp_path: Path) -> None:
    asks = Ether() / ARP(op=1, psrc=ME, pdst=GATEWAY)
    silent = Ether() / ARP(op=1, psrc=ME, pdst="10.77.1.99")
    says = Ether() / ARP(op=2, psrc=GATEWAY, pdst=ME)
    (scan,) = capture(tmp_path / "x.pcap", asks, says, silent)
    assert verdicts(scan) == {
        (GATEWAY, None): ("up", "arp-response"),
        ("10.77.1.99", None): ("down", "no-response"),
    }
    (scan,) = capture(tmp_path / "x.pcap", asks, says, *OPEN)
    assert scan.technique == "syn"


def test_capture_without_any_question(tmp_path: Path) -> None:
    assert capture(tmp_path / "x.pcap", Ether() / b"something else") == []
    assert repr(Scans()) == "No scan was found."


def test_damaged_capture_gives_an_incomplete_scan(tmp_path: Path) -> None:
    scanned("syn").to_pcap(tmp_path / "x.pcapng")
    whole = (tmp_path / "x.pcapng").read_bytes()
    (tmp_path / "x.pcapng").write_bytes(whole[:-11])
    (scan,) = pl.read_pcap(tmp_path / "x.pcapng")
    assert not scan.complete
    assert "damaged" in scan.stopped_by
    (tmp_path / "x.pcapng").write_bytes(whole[:10])
    with pytest.raises(MalformedPacket):
        pl.read_pcap(tmp_path / "x.pcapng")


@pytest.mark.program("tcpdump")
def test_tcpdump_counts_the_same_answers(tmp_path: Path) -> None:
    scan = scanned("syn")
    scan.to_pcap(tmp_path / "x.pcapng")
    command = [
        "tcpdump",
        "-n",
        "-r",
        str(tmp_path / "x.pcapng"),
        "tcp[tcpflags] & (tcp-syn|tcp-ack) == (tcp-syn|tcp-ack)",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    ports = {line.split(" > ")[0].rsplit(" ", 1)[1] for line in done.stdout.splitlines()}
    assert ports == {f"{row.address}.{row.port}" for row in scan if row.state == "open"}


# --- frames left out ----------------------------------------------------------------------------------------

DAMAGED_ANSWER = (
    *OPEN,
    tcp("S", to=81, port=50_001),
    back("RA", to=81, port=50_001),
    tcp("S", to=82, port=50_002),
    spoilt(back("SA", to=82, port=50_002, seq=9)),
)


def test_a_damaged_answer_is_no_evidence_and_is_counted(tmp_path: Path) -> None:
    scans = capture(tmp_path / "x.pcap", *DAMAGED_ANSWER)
    (scan,) = scans
    assert [words for words, _ in verdicts(scan).values()] == ["open", "closed", "filtered"]
    assert scan.left_out == scans.left_out == (("with a wrong checksum", 1),)
    assert "! 1 frame left out: 1 with a wrong checksum." in repr(scan)
    assert "2 frames received" in repr(scan)
    (again,) = pl.read_json(written(tmp_path / "x.json", scan))
    assert again.left_out == scan.left_out


def test_wrong_checksums_that_are_the_rule_are_read(tmp_path: Path) -> None:
    packets = [spoilt(packet) if packet.src == WEB else packet for packet in DAMAGED_ANSWER]
    (scan,) = capture(tmp_path / "x.pcap", *packets)
    assert [words for words, _ in verdicts(scan).values()] == ["open", "closed", "open"]
    assert scan.left_out == ()


@pytest.mark.parametrize("layer", ["IP", "ICMP"])
def test_an_echo_whose_sum_was_left_to_the_card_came_back(tmp_path: Path, layer: str) -> None:
    reply = IP(src=WEB, dst=ME) / ICMP(type=0, id=1, seq=1) / b"1234"
    reply[layer].chksum = 0
    (scan,) = capture(tmp_path / "x.pcap", IP(src=ME, dst=WEB) / ICMP(id=1, seq=1) / b"1234", reply)
    assert verdicts(scan) == {(WEB, None): ("up", "echo-reply")}


def test_frames_of_others_are_counted_of_the_file_and_not_of_the_scan(tmp_path: Path) -> None:
    ipv6 = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6() / UDP()
    igmp = IP(src=OTHER, dst=WEB, proto=2) / bytes(8)
    late = IP(src=OTHER, dst=WEB, proto=17, frag=5) / bytes(8)
    mine = IP(src=WEB, dst=ME, proto=6, frag=5) / bytes(8)
    scans = capture(tmp_path / "x.pcap", *OPEN, ipv6, igmp, late, mine)
    assert scans[0].left_out == (("of later fragments", 1),)
    assert dict(scans.left_out) == {
        "of later fragments": 2,
        "of IPv6": 1,
        "of other protocols than TCP, UDP and ICMP": 1,
    }
    assert "! 4 frames left out: 2 of later fragments, 1 of IPv6" in repr(scans)
    assert "4 frames left out" in scans._repr_mimebundle_()["text/html"]
    scans.to_json(tmp_path / "x.json")
    assert dict(pl.read_json(tmp_path / "x.json").left_out) == dict(scans.left_out)


def test_a_file_with_nothing_but_ipv6_says_so(tmp_path: Path) -> None:
    ipv6 = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IPv6() / TCP(flags="S")
    scans = capture(tmp_path / "x.pcap", ipv6, ipv6)
    assert repr(scans) == (
        "No scan was found.\n\n! 2 frames left out: 2 of IPv6.\n! PortLab reads IPv4 only."
    )


def test_foreign_interfaces_are_named(tmp_path: Path) -> None:
    data = ng.section("<") + ng.interface("<", 1) + ng.interface("<", 220)
    data += ng.packet("<", bytes(Ether() / OPEN[0]), 1) + ng.packet("<", b"usb", 2, interface=1)
    (tmp_path / "x.pcapng").write_bytes(data)
    scans = pl.read_pcap(tmp_path / "x.pcapng")
    assert len(scans) == 1
    assert scans.left_out == (("on USB (link type 220)", 1),)
    read = pl.read_capture(tmp_path / "x.pcapng")
    assert read.left_out == read.scans().left_out == scans.left_out
    assert repr(read).endswith("1 frame left out: 1 on USB (link type 220).")


def test_the_ladder_shows_damaged_frames_struck_out(tmp_path: Path) -> None:
    (scan,) = capture(tmp_path / "x.pcap", *DAMAGED_ANSWER)
    exchange = scan.exchange(WEB, 82)
    lines = str(exchange).splitlines()
    assert any("/ / SYN-ACK" in line and "left out: wrong checksum" in line for line in lines)
    assert any("SYN-ACK with a wrong checksum: whoever receives it throws it away" in line for line in lines)
    assert "▨ filtered" in str(exchange)
    page = exchange._repr_mimebundle_()["text/html"]
    assert 'class="event struck"' in page
    assert "<del><b>SYN-ACK</b></del> left out: wrong checksum" in page
    assert "struck" not in scan.exchange(WEB, 80)._repr_mimebundle_()["text/html"].replace(".struck", "")


def test_a_segment_that_the_card_is_still_to_cut_is_no_damage(tmp_path: Path) -> None:
    data = tcp("PA", seq=1001, ack=8) / (b"x" * 3_000)
    data[IP].len, data[TCP].chksum = 0, 1
    scans = capture(tmp_path / "x.pcap", *OPEN, tcp("A", seq=1001, ack=8), data)
    assert scans.left_out == ()
    assert pl.read_capture(tmp_path / "x.pcap").streams()[0].bytes_of(client=True) == b"x" * 3_000
