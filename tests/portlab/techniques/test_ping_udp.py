"""Ping by UDP: what leaves, what counts, and what it says of hosts in the simulated lab."""

import pytest
from scapy.layers.inet import ICMP, IP, UDP

import portlab as pl
from portlab import cli
from portlab.model import Answer, Reason, State
from portlab.packets.craft import total_length
from portlab.techniques import technique
from portlab.techniques.matching import ProbeTable, identification
from tests.portlab.exports.made import scanned
from tests.portlab.frames import GATEWAY, OTHER, SCANNER, SOURCE_PORT, TARGET, events_of, probe

KIND = technique("ping-udp")
PORT = 40_125
ASKED = probe(port=PORT)
QUOTED = IP(src=SCANNER, dst=TARGET, id=int(identification(ASKED["token"])[0])) / UDP(
    sport=SOURCE_PORT, dport=PORT
)


def error(by, code=3, quoted=QUOTED):
    return IP(src=by, dst=SCANNER) / ICMP(type=3, code=code) / quoted


def datagram(source=TARGET, port=PORT):
    return IP(src=source, dst=SCANNER) / UDP(sport=port, dport=SOURCE_PORT) / b"yes?"


HEARD = [
    (error(TARGET), State.UP, Reason.PORT_UNREACH),
    (error(TARGET, code=2), State.UP, Reason.PROTO_UNREACH),
    (datagram(), State.UP, Reason.UDP_RESPONSE),
    (error(GATEWAY), State.NO_ANSWER, Reason.PORT_UNREACH),
    (error(GATEWAY, code=1), State.NO_ANSWER, Reason.HOST_UNREACH),
    (error(GATEWAY, code=13), State.NO_ANSWER, Reason.ADMIN_PROHIBITED),
    (datagram(source=OTHER), State.NO_ANSWER, Reason.NO_RESPONSE),
    (datagram(port=PORT + 1), State.NO_ANSWER, Reason.NO_RESPONSE),
    (error(TARGET, quoted=IP(src=SCANNER, dst=OTHER) / UDP()), State.NO_ANSWER, Reason.NO_RESPONSE),
]


@pytest.mark.parametrize(("packet", "state", "reason"), HEARD, ids=lambda value: str(value)[:40])
def test_what_came_back_says(packet, state, reason):
    found = KIND.recognise(events_of(packet), ProbeTable(ASKED))
    meaning = KIND.MEANINGS[Answer.of(int(found.answer[0])) if len(found) else Answer.SILENCE]
    assert (meaning.state, meaning.reason) == (state, reason)


def test_an_empty_datagram_leaves_for_the_unlikely_port():
    rows = KIND.craft(ASKED)
    packet = IP(rows[0][: total_length(rows)[0]].tobytes())
    assert (packet[UDP].dport, bytes(packet[UDP].payload)) == (PORT, b"")
    assert set(scanned("ping-udp").probes["port"].tolist()) == {PORT}


def test_the_hosts_of_the_lab():
    said = {row.host: (str(row.state), str(row.reason), row.port) for row in scanned("ping-udp")}
    assert said["infra"] == ("up", "port-unreach", None)
    assert said["vault"] == ("no-answer", "admin-prohibited", None)
    assert said["ghost"] == ("no-answer", "host-unreach", None)
    assert said["quiet"] == ("no-answer", "no-response", None)


def test_it_is_a_method_in_python_and_a_word_in_the_terminal(capsys):
    with pytest.raises(pl.BadTarget, match="timestamp, arp, syn, ack, udp"):
        pl.ping("localhost", method="smoke")
    with pytest.raises(SystemExit):
        cli.main(["ping", "--help"])
    assert "timestamp, arp, syn, ack or udp" in " ".join(capsys.readouterr().out.split())
