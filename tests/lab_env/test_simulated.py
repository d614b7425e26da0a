"""The simulated lab: its frames judged by Scapy, its chance by statistics, its clock by the wall."""

import errno
import time

import numpy as np
import pytest
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPerror, IPOption_NOP, TCPerror
from scapy.layers.l2 import ARP, Ether
from scapy.layers.ntp import NTPHeader
from scapy.layers.snmp import SNMP

from lab_env.simulated import Medium, SimulatedWire
from lab_env.topology import topology
from portlab.addresses import number
from portlab.errors import NotPermitted
from portlab.model import PROBE, RECEIVED, SENT
from portlab.packets import craft
from portlab.packets.headers import ACK, FIN, RST, SYN
from portlab.techniques.payloads import PAYLOADS

LAB = topology("10.77")
STUDENT = number(LAB.address("student"))
ISN, SOURCE_PORT = 1000, 61001


@pytest.fixture
def wire():
    return a_wire()


def a_wire(seed=1, lossy=False):
    return SimulatedWire(None, Medium(LAB, seed, lossy))


def syn(host, port, *, count=1, control_bits=SYN, acknowledgment_number=0, ttl=64, source_port=SOURCE_PORT):
    return craft.tcp(
        STUDENT,
        np.full(count, number(LAB.address(host)), np.uint32),
        source_port,
        port,
        sequence_number=ISN,
        acknowledgment_number=acknowledgment_number,
        control_bits=control_bits,
        ttl=ttl,
    )


def rows(packet):
    """A packet made with Scapy as a table of one row."""
    return np.frombuffer(bytes(packet), np.uint8)[np.newaxis]


def datagram(host, port, data=b""):
    return rows(
        IP(src=LAB.address("student"), dst=LAB.address(host)) / UDP(sport=SOURCE_PORT, dport=port) / data
    )


def everything(wire, patience=5.0):
    """All frames until nothing comes any more."""
    heard = []
    while len(frames := wire.receive(patience)):
        heard.append(frames)
    return np.concatenate(heard) if heard else np.empty(0, wire.receive(0).dtype)


def exchange(wire, packets, patience=5.0):
    wire.send(packets)
    return everything(wire, patience)


def dissected(frames, direction=RECEIVED):
    return [
        Ether(frame["data"][: frame["captured"]].tobytes())
        for frame in frames
        if frame["direction"] == direction
    ]


def answer(wire, packets):
    """The one frame that comes back."""
    [frame] = dissected(exchange(wire, packets))
    return frame


def checksums_right(packet):
    """Scapy fills in checksums that were taken out: they must come out the same."""
    rebuilt = packet[IP].copy()
    for layer in (IP, TCP, UDP, ICMP):
        if layer in rebuilt:
            del rebuilt[layer].chksum
    return bytes(rebuilt) == bytes(packet[IP])


# --- the answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("packets", "spoken_by", "ttl"),
    [
        (syn("files", 22), "files", 64),
        (syn("files", 1), "files", 64),
        (syn("files", 22, control_bits=ACK, acknowledgment_number=77), "files", 64),
        (syn("web", 80), "web", 63),
        (syn("web", 8080), "gateway", 64),
        (syn("web", 8443), "gateway", 64),
        (syn("web", 3389), "web", 64),
        (syn("web", 80, ttl=1), "gateway", 64),
        (syn("desk", 3389, control_bits=FIN), "desk", 63),
        (datagram("web", 53), "web", 63),
        (datagram("infra", 9), "infra", 64),
        (datagram("infra", 53, PAYLOADS["dns"]), "infra", 64),
        (datagram("infra", 67, PAYLOADS["dhcp"]), "infra", 64),
        (datagram("infra", 123, PAYLOADS["ntp"]), "infra", 64),
        (datagram("gateway", 161, PAYLOADS["snmp"]), "gateway", 64),
        (datagram("voip", 5060, PAYLOADS["sip"]), "voip", 63),
        (rows(IP(src="10.77.1.100", dst="10.77.2.10") / ICMP(id=7, seq=9) / b"hello"), "web", 63),
        (rows(IP(src="10.77.1.100", dst="10.77.2.10") / ICMP(type=13, id=7, seq=9)), "web", 63),
        (rows(IP(src="10.77.1.100", dst="10.77.2.99") / ICMP()), "gateway", 64),
        (rows(IP(src="10.77.1.100", dst="10.77.1.10", proto=47) / b"GRE?"), "infra", 64),
    ],
)
def test_answers_are_packets_as_they_should_be(wire, packets, spoken_by, ttl):
    [frame] = [frame for frame in exchange(wire, packets) if frame["direction"] == RECEIVED]
    packet = Ether(frame["data"][: frame["captured"]].tobytes())
    assert packet[IP].src == LAB.address(spoken_by)
    assert packet[IP].dst == LAB.address("student")
    assert packet[IP].ttl == ttl
    assert packet.dst == LAB.mac(LAB.address("student"))
    via = "gateway" if spoken_by in ("web", "desk", "voip") else spoken_by
    assert packet.src == LAB.mac(LAB.address(via))
    assert frame["length"] == packet[IP].len + 14
    if frame["captured"] == frame["length"]:
        assert checksums_right(packet)


def test_syn_ack_acknowledges_and_offers_a_segment_size(wire):
    reply = answer(wire, syn("files", 22))[TCP]
    assert reply.flags == "SA"
    assert (reply.ack, reply.sport, reply.dport) == (ISN + 1, 22, SOURCE_PORT)
    assert ("MSS", 1460) in reply.options
    assert reply.window > 0


def test_own_kernel_resets_what_it_did_not_ask_for(wire):
    frames = exchange(wire, syn("files", 22))
    assert [frame["direction"] for frame in frames] == [SENT, RECEIVED, SENT]
    syn_ack, reset = dissected(frames)[0][TCP], dissected(frames, SENT)[1][TCP]
    assert reset.flags == "R"
    assert reset.seq == syn_ack.ack


@pytest.mark.parametrize(
    ("control_bits", "flags", "sequence_number", "acknowledgment_number"),
    [
        (SYN, "RA", 0, ISN + 1),
        (FIN, "RA", 0, ISN + 1),
        (0, "RA", 0, ISN),
        (ACK, "R", 77, 0),
        (SYN | ACK, "R", 77, 0),
    ],
)
def test_reset_is_numbered_as_rfc_9293_says(
    wire, control_bits, flags, sequence_number, acknowledgment_number
):
    packets = syn(
        "files", 1, control_bits=control_bits, acknowledgment_number=77 if control_bits & ACK else 0
    )
    reply = answer(wire, packets)[TCP]
    assert (reply.flags, reply.seq, reply.ack) == (flags, sequence_number, acknowledgment_number)


@pytest.mark.parametrize(
    ("host", "port", "control_bits"),
    [
        ("files", 1, RST),
        ("files", 22, RST),
        ("files", 22, FIN),
        ("files", 22, 0),
        ("files", 22, SYN | FIN),
        ("web", 22, SYN),
        ("db", 80, SYN),
        ("db", 1433, ACK),
        ("quiet", 22, SYN),
    ],
)
def test_silence(wire, host, port, control_bits):
    assert dissected(exchange(wire, syn(host, port, control_bits=control_bits))) == []


def test_port_0_is_closed_like_any_other(wire):
    assert answer(wire, syn("files", 0))[TCP].flags == "RA"


def test_icmp_error_quotes_the_probe_as_the_gateway_saw_it(wire):
    packets = syn("web", 8443)
    error = answer(wire, packets)
    assert (error[ICMP].type, error[ICMP].code) == (3, 3)
    quoted = error[IPerror]
    assert quoted.ttl == 63  # the gateway had taken one already
    assert (quoted.dst, error[TCPerror].dport, error[TCPerror].seq) == (LAB.address("web"), 8443, ISN)
    again = IP(bytes(quoted))
    right = again.chksum
    del again.chksum
    assert IP(bytes(again)).chksum == right


def test_time_exceeded_quotes_the_probe_as_it_came(wire):
    error = answer(wire, syn("web", 80, ttl=1))
    assert (error[ICMP].type, error[ICMP].code, error[IPerror].ttl) == (11, 0, 1)


def test_no_icmp_error_about_an_icmp_error(wire):
    about = IP(src="10.77.1.100", dst="10.77.2.30") / ICMP(type=3, code=3) / bytes(syn("web", 80)[0])
    assert dissected(exchange(wire, rows(about))) == []


def test_echo_repeats_what_it_was_sent(wire):
    reply = answer(wire, rows(IP(src="10.77.1.100", dst="10.77.1.20") / ICMP(id=7, seq=9) / b"odd"))
    assert (reply[ICMP].type, reply[ICMP].id, reply[ICMP].seq) == (0, 7, 9)
    assert bytes(reply[ICMP].payload) == b"odd"


def test_timestamp_reply_tells_the_lab_s_time(wire):
    asked = IP(src="10.77.1.100", dst="10.77.1.20") / ICMP(type=13, id=7, seq=9, ts_ori=123)
    reply = answer(wire, rows(asked))[ICMP]
    assert (reply.type, reply.ts_ori, reply.ts_rx) == (14, 123, reply.ts_tx)
    assert reply.ts_rx < 60_000  # the lab's clock began a moment ago, at midnight


@pytest.mark.parametrize("last", [0, 255])
@pytest.mark.parametrize("subnet", [1, 2])
def test_broadcast_is_ignored(wire, subnet, last):
    ping = IP(src="10.77.1.100", dst=f"10.77.{subnet}.{last}") / ICMP()
    assert dissected(exchange(wire, rows(ping))) == []


# --- what programs say ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "address"),
    [("web.lab", 0, "10.77.2.10"), ("nowhere.lab", 3, None), ("example.org", 5, None)],
)
def test_dns_knows_the_lab_and_nothing_else(wire, name, code, address):
    question = bytes(DNS(id=77, rd=1, qd=DNSQR(qname=name)))
    reply = answer(wire, datagram("infra", 53, question))[DNS]
    assert (reply.id, reply.qr, reply.rcode, reply.qdcount) == (77, 1, code, 1)
    assert [record.rdata for record in reply.an or []] == ([address] if address else [])


def test_ntp_answers_as_a_server(wire):
    reply = answer(wire, datagram("infra", 123, PAYLOADS["ntp"]))[NTPHeader]
    assert (reply.mode, reply.version, reply.stratum) == (4, 4, 2)


def test_snmp_tells_its_description_to_the_community_public(wire):
    reply = answer(wire, datagram("gateway", 161, PAYLOADS["snmp"]))[SNMP]
    assert reply.community.val == b"public"
    assert reply.PDU.varbindlist[0].oid.val == "1.3.6.1.2.1.1.1.0"
    strangers = PAYLOADS["snmp"].replace(b"public", b"secret")
    assert dissected(exchange(wire, datagram("gateway", 161, strangers))) == []


def test_dhcp_acknowledges_an_inform(wire):
    frame = answer(wire, datagram("infra", 67, PAYLOADS["dhcp"]))
    assert (
        frame[UDP].len == 308
    )  # BOOTP's least length of 300; a scan keeps only the first 128 bytes of a frame


def test_sip_says_ok_but_not_to_an_empty_datagram(wire):
    reply = answer(wire, datagram("voip", 5060, PAYLOADS["sip"]))
    assert bytes(reply[UDP].payload).startswith(b"SIP/2.0 200 OK\r\nVia: ")
    assert dissected(exchange(wire, datagram("voip", 5060))) == []


def test_tftp_answers_from_a_port_that_was_never_asked(wire):
    reply = answer(wire, datagram("files", 69, PAYLOADS["tftp"]))
    assert reply[UDP].sport != 69
    assert bytes(reply[UDP].payload).startswith(b"\x00\x03\x00\x01")  # DATA, block 1


@pytest.mark.parametrize("noise", [b"", b"\0", b"\xff" * 11, b"\xff" * 300, b"OPTIONS", b"\x30\x7f"])
@pytest.mark.parametrize(
    ("host", "port"),
    [("infra", 53), ("infra", 67), ("infra", 123), ("gateway", 161), ("voip", 5060), ("files", 69)],
)
def test_noise_gets_silence(wire, host, port, noise):
    assert dissected(exchange(wire, datagram(host, port, noise))) == []


# --- what a host does not read --------------------------------------------------------------------------


def damaged(**fields):
    packet = IP(bytes(syn("files", 22)[0]))
    for name, value in fields.items():
        layer = TCP if name in ("checksum", "dataofs") else IP
        setattr(packet[layer], "chksum" if name.endswith("checksum") else name, value)
    if not {"checksum", "header_checksum"} & set(fields):
        del packet[IP].chksum, packet[TCP].chksum
    return rows(packet)


@pytest.mark.parametrize(
    "packets",
    [
        damaged(checksum=0x1234),
        damaged(header_checksum=0x1234),
        damaged(ihl=4),
        damaged(ihl=15),
        damaged(version=5),
        damaged(len=200),
        damaged(dataofs=3),
        damaged(dataofs=15),
        damaged(flags="MF"),
        damaged(frag=100),
    ],
    ids=[
        "checksum",
        "header checksum",
        "ihl 4",
        "ihl 15",
        "version",
        "length",
        "offset 3",
        "offset 15",
        "more fragments",
        "fragment",
    ],
)
def test_malformed_packets_are_dropped_without_a_word(wire, packets):
    assert dissected(exchange(wire, packets)) == []


def test_ip_options_are_understood(wire):
    packet = IP(src="10.77.1.100", dst="10.77.1.20", options=[IPOption_NOP()] * 4) / TCP(dport=22, seq=ISN)
    assert answer(wire, rows(packet))[TCP].flags == "SA"


def test_bytes_behind_the_end_of_a_packet_do_not_count(wire):
    packets = np.concatenate([syn("files", 22), np.full((1, 9), 255, np.uint8)], axis=1)
    assert answer(wire, packets)[TCP].flags == "SA"


def test_rows_of_different_lengths_travel_together(wire):
    short, long = datagram("infra", 53), datagram("infra", 123, PAYLOADS["ntp"])
    padded = np.zeros((2, long.shape[1]), np.uint8)
    padded[0, : short.shape[1]], padded[1] = short[0], long[0]
    replies = dissected(exchange(wire, padded))
    assert [reply[UDP].sport for reply in replies] == [123]


def test_nothing_leaves_the_lab(wire):
    with pytest.raises(NotPermitted, match="no route out"):
        wire.source(number("192.0.2.1"))
    assert len(exchange(wire, rows(IP(src="10.77.1.100", dst="192.0.2.1") / TCP(dport=80)))) == 0


# --- what the lab remembers -----------------------------------------------------------------------------


def test_db_knows_a_conversation_from_a_stranger(wire):
    reply = answer(wire, syn("db", 1433))[TCP]
    lone_ack = syn("db", 1433, control_bits=ACK, acknowledgment_number=reply.seq + 1)
    assert [frame[TCP].flags for frame in dissected(exchange(wire, lone_ack))] == ["R"]
    stranger = syn("db", 1433, control_bits=ACK, acknowledgment_number=1, source_port=61002)
    assert dissected(exchange(wire, stranger)) == []


def test_a_conversation_is_forgotten_ten_seconds_after_its_end(wire):
    answer(wire, syn("db", 1433))
    wire.receive(10)
    assert dissected(exchange(wire, syn("db", 1433, control_bits=ACK, acknowledgment_number=1))) == []


def test_wires_of_one_lab_do_not_share_source_ports():
    medium = Medium(LAB, 1, False)
    wires = [SimulatedWire(None, medium), SimulatedWire(None, medium)]
    assert len({wire.source_port("tcp") for wire in wires * 100}) == 200


def test_ops_refuses_six_at_once_and_then_one_a_second(wire):
    wire.send(np.repeat(datagram("ops", 9), 100, axis=0))
    assert len(dissected(everything(wire, patience=0.1))) == 6
    later = 0
    for _ in range(50):
        wire.receive(0.1)
        wire.send(datagram("ops", 9))
        later += len(dissected(everything(wire, patience=0.001)))
    assert later == 5


def test_only_ops_has_a_limit(wire):
    wire.send(np.repeat(datagram("files", 9), 100, axis=0))
    assert len(dissected(everything(wire))) == 100


def test_the_gateway_needs_three_seconds_to_miss_somebody(wire):
    sent = wire.clock_ns()
    [frame] = [f for f in exchange(wire, syn("lost", 80)) if f["direction"] == RECEIVED]
    assert 3.0 < (frame["time_ns"] - sent) / 1e9 < 3.2


def test_the_gateway_keeps_only_some_packets_for_somebody_it_misses(wire):
    wire.send(syn("lost", 80, count=1000))
    assert 0 < len(dissected(everything(wire))) < 1000


# --- neighbours -----------------------------------------------------------------------------------------


def test_resolve_asks_by_arp(wire):
    asked = np.array([number(LAB.address(name)) for name in ("files", "ghost", "web")], np.uint32)
    before = wire.now()
    assert wire.resolve(asked, 0.6).tolist() == [True, False, True]
    assert wire.now() - before == pytest.approx(0.6)
    frames = everything(wire)
    requests = [packet[ARP].pdst for packet in dissected(frames, SENT)]
    assert sorted(requests) == sorted(
        [LAB.address("gateway"), LAB.address("files"), *[LAB.address("ghost")] * 3]
    )
    replies = {packet[ARP].psrc: packet[ARP].hwsrc for packet in dissected(frames)}
    assert replies == {a: LAB.mac(a) for a in (LAB.address("gateway"), LAB.address("files"))}


def test_neighbours_are_asked_no_faster_than_was_said(wire):
    wire.resolve(np.array([number(f"10.77.1.{host}") for host in range(20, 50)], np.uint32), 0.6, 0.02)
    frames = everything(wire)
    asked = frames["time_ns"][frames["direction"] == SENT]
    assert len(asked) > 60
    assert np.diff(asked).min() >= 20_000_000


def test_a_known_neighbour_is_not_asked_again(wire):
    asked = np.array([number(LAB.address("files"))], np.uint32)
    wire.resolve(asked, 1.0)
    everything(wire)
    assert wire.resolve(asked, 1.0).all()
    assert len(everything(wire)) == 0


def test_on_link(wire):
    assert wire.on_link(number(LAB.address("files")))
    assert not wire.on_link(number(LAB.address("web")))
    assert not wire.on_link(number("127.0.0.1"))


# --- connect --------------------------------------------------------------------------------------------


def connect(wire, *targets, timeout=10.0, gap=0.0):
    probes = np.zeros(len(targets), PROBE)
    for probe, (host, port) in zip(probes, targets, strict=True):
        probe["address"], probe["port"] = number(LAB.address(host)), port
    events = list(wire.connect(probes, timeout, timeout, gap))
    ends = np.concatenate([event.errnos for event in events])
    frames = np.concatenate([event.frames for event in events])
    return probes, ends[np.argsort(ends["probe"])], frames


def test_connections_are_made_no_faster_than_was_said(wire):
    probes, ends, _ = connect(wire, *[("web", port) for port in range(80, 90)], gap=0.02)
    assert np.diff(probes["time_ns"]).tolist() == [20_000_000] * 9
    assert len(ends) == 10


ENDS = [
    ("files", 22, 0, (-1, -1), 0.0),
    ("files", 1, errno.ECONNREFUSED, (-1, -1), 0.0),
    ("web", 3389, errno.ECONNREFUSED, (-1, -1), 0.0),
    ("web", 8443, errno.ECONNREFUSED, (3, 3), 0.0),
    ("web", 8080, errno.EHOSTUNREACH, (3, 13), 0.0),
    ("web", 22, errno.ETIMEDOUT, (-1, -1), 7.0),
    ("lost", 80, errno.EHOSTUNREACH, (3, 1), 3.06),
    ("ghost", 80, errno.EHOSTUNREACH, (-1, -1), 3.06),
]


@pytest.mark.parametrize(("host", "port", "number_", "icmp", "seconds"), ENDS)
def test_connect_ends_as_on_linux(wire, host, port, number_, icmp, seconds):
    start = wire.now()
    probes, ends, _ = connect(wire, (host, port))
    assert ends["errno"].tolist() == [number_]
    assert (ends["icmp_type"][0], ends["icmp_code"][0]) == icmp
    assert ends["answered_by"][0] == (number(LAB.address("gateway")) if icmp[0] >= 0 else 0)
    assert (ends["time_ns"] - probes["time_ns"])[0] / 1e9 == pytest.approx(seconds, abs=0.05)
    assert wire.now() - start == pytest.approx(seconds, abs=0.05)


def test_connect_shows_its_handshake(wire):
    probes, _, frames = connect(wire, ("files", 22))
    packets = [
        (frame["direction"], Ether(frame["data"][: frame["captured"]].tobytes())[TCP]) for frame in frames
    ]
    assert [(direction, str(tcp.flags)) for direction, tcp in packets] == [
        (SENT, "S"),
        (RECEIVED, "SA"),
        (SENT, "A"),
        (SENT, "RA"),
    ]
    (_, first), (_, second), (_, third), _ = packets
    assert (second.ack, third.seq, third.ack) == (first.seq + 1, first.seq + 1, second.seq + 1)
    assert first.sport == probes["source_port"][0]
    assert all(checksums_right(tcp.underlayer.underlayer) for _, tcp in packets)


def test_connect_repeats_its_syn_after_one_and_two_more_seconds(wire):
    _, _, frames = connect(wire, ("web", 22))
    seconds = (frames["time_ns"] - frames["time_ns"][0]) / 1e9
    assert seconds.tolist() == [0.0, 1.0, 3.0]


def test_the_scanner_may_give_up_before_the_kernel(wire):
    _, ends, frames = connect(wire, ("web", 22), ("ghost", 80), timeout=1.5)
    assert ends["errno"].tolist() == [errno.ETIMEDOUT] * 2
    assert wire.now() == pytest.approx(1.5, abs=0.05)
    assert len([p for p in dissected(frames, SENT) if TCP in p]) == 2


def test_each_connection_has_its_own_port(wire):
    probes, ends, _ = connect(wire, *[("files", port) for port in range(2000)])
    assert len(set(probes["source_port"].tolist())) == 2000
    assert (ends["errno"] == 0).sum() == 3


# --- chance ---------------------------------------------------------------------------------------------

PACKETS = 20_000


@pytest.mark.parametrize("lossy", [False, True])
def test_the_slow_link_loses_two_in_a_hundred_each_way(lossy):
    wire = a_wire(seed=5, lossy=lossy)
    wire.send(syn("desk", 1, count=PACKETS))
    lost = PACKETS - len(dissected(everything(wire)))
    expected = PACKETS * (1 - 0.98**2) if lossy else 0
    # four standard deviations of a binomial distribution: by chance outside once in 15,000
    assert abs(lost - expected) <= 4 * (PACKETS * 0.0396 * 0.9604) ** 0.5 * lossy


def test_no_loss_but_on_the_slow_link():
    wire = a_wire(lossy=True)
    wire.send(syn("web", 1, count=PACKETS))
    assert len(dissected(everything(wire))) == PACKETS


def test_a_lost_syn_ack_is_said_again_a_second_later():
    wire = a_wire(seed=5, lossy=True)
    sent = wire.clock_ns()
    wire.send(syn("desk", 3389, count=PACKETS))
    frames = everything(wire)
    seconds = (frames["time_ns"][frames["direction"] == RECEIVED] - sent) / 1e9
    late = (seconds > 1).sum()
    assert abs(late - PACKETS * 0.98 * 0.02) <= 4 * (PACKETS * 0.0196) ** 0.5
    assert abs(PACKETS - len(seconds) - PACKETS * 0.02) <= 4 * (PACKETS * 0.0196) ** 0.5


@pytest.mark.parametrize(
    ("host", "least_ms", "most_ms"), [("files", 0.06, 0.3), ("web", 0.1, 0.35), ("desk", 36.1, 44.4)]
)
def test_round_trip_times(wire, host, least_ms, most_ms):
    sent = wire.clock_ns()
    wire.send(syn(host, 1, count=1000))
    frames = everything(wire)
    received = np.sort(frames["time_ns"][frames["direction"] == RECEIVED])
    milliseconds = (received - sent - np.arange(1000) * 1500) / 1e6  # in the mean; order may differ
    assert least_ms < milliseconds.mean() < most_ms
    assert len(np.unique(received)) > 900


def test_the_same_seed_gives_the_same_frames():
    def heard(seed):
        wire = a_wire(seed, lossy=True)
        wire.send(syn("desk", 3389, count=50))
        return everything(wire).tobytes()

    assert heard(3) == heard(3)
    assert heard(3) != heard(4)


# --- the clock ------------------------------------------------------------------------------------------


def test_waiting_takes_no_time_of_ours(wire):
    began = time.monotonic()
    assert len(wire.receive(3600)) == 0
    assert time.monotonic() - began < 5
    assert wire.now() == pytest.approx(3600, abs=0.01)


def test_the_clock_begins_with_2026(wire):
    assert wire.clock_ns() == 1_767_225_600 * 10**9


def test_receive_jumps_to_the_next_frame_and_no_further(wire):
    wire.record_sent = False
    wire.send(syn("desk", 1))
    frames = wire.receive(10)
    assert len(frames) == 1
    assert wire.clock_ns() == frames["time_ns"][0]


def test_receive_does_not_look_beyond_its_patience(wire):
    wire.record_sent = False
    wire.send(syn("desk", 1))
    assert len(wire.receive(0.01)) == 0
    assert wire.now() < 0.02
    assert len(wire.receive(0.1)) == 1


def test_looking_alone_lets_time_pass(wire):
    before = wire.now()
    wire.receive(0)
    assert wire.now() > before


def test_frames_come_in_order_of_time(wire):
    wire.send(np.concatenate([syn("desk", 1, count=50), syn("files", 1, count=50), syn("web", 80, count=50)]))
    frames = everything(wire)
    assert (np.diff(frames["time_ns"]) >= 0).all()
    assert len(frames) == 150 + 150 + 50  # sent, received, and the kernel's resets


def test_another_wire_of_the_same_lab_hears_what_passes():
    medium = Medium(LAB, 1, False)
    scanning, listening = SimulatedWire(None, medium), SimulatedWire(None, medium)
    scanning.send(syn("files", 22))
    assert len(everything(listening)) == len(everything(scanning)) == 3
    connect(scanning, ("files", 22))
    assert len(everything(listening)) == 4
    assert len(everything(scanning)) == 0


# --- speed ----------------------------------------------------------------------------------------------


def test_all_ports_of_a_host_take_well_under_a_second(wire):
    wire.record_sent = False
    every = np.arange(65_536)
    packets = craft.tcp(
        STUDENT,
        np.full(65_536, number(LAB.address("web")), np.uint32),
        SOURCE_PORT,
        every,
        sequence_number=ISN,
        control_bits=SYN,
    )
    began = time.process_time()
    heard = 0
    for first in range(0, 65_536, 1024):
        wire.send(packets[first : first + 1024])
        heard += len(wire.receive(0))
    heard += len(everything(wire))
    assert time.process_time() - began < 2.0
    assert heard == 65_535  # all but 22, where the gateway drops
