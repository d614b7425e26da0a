"""The shape of a technique: what each of them says of itself, and that nobody else has to know it."""

import re
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP

import portlab
from portlab.errors import BadTarget
from portlab.model import Answer, Ping, State
from portlab.packets.craft import total_length
from portlab.techniques import TECHNIQUES, is_ping, ping_methods, port_techniques, technique
from portlab.view.words import technique_name
from tests.portlab.frames import TOKEN, probe

HOST_STATES = {State.UP, State.DOWN, State.NO_ANSWER}
HOUSE = Path(portlab.__file__).parent

FLAGS = {
    "syn": "S",
    "ping-syn": "S",
    "ack": "A",
    "ping-ack": "A",
    "fin": "F",
    "null": "",
    "xmas": "FPU",
    "maimon": "FA",
}


@pytest.mark.parametrize("name", TECHNIQUES)
def test_a_technique_says_all_of_itself(name):
    kind = technique(name)
    assert (kind.NAME, technique_name(name)) == (name, kind.TITLE)
    assert kind.PROTOCOL in ("tcp", "udp", "icmp", "arp")
    by_the_kernel = name == "connect"
    evidence = "errnos" if by_the_kernel else "frames"
    assert (not by_the_kernel, evidence) == (kind.NEEDS_RAW, kind.EVIDENCE)
    assert kind.TITLE.startswith("Ping by ") if kind.PING else kind.TITLE.endswith(" scan")
    states = {meaning.state for meaning in kind.MEANINGS.values()}
    assert states <= HOST_STATES if kind.PING else not states & HOST_STATES


def test_every_technique_asks_ports_or_hosts():
    assert sorted([*port_techniques(), *ping_methods().values()]) == sorted(TECHNIQUES)
    assert [name for name in TECHNIQUES if is_ping(name)] == list(ping_methods().values())
    assert ping_methods()["icmp"] == "ping"
    with pytest.raises(BadTarget, match="no technique 'smoke'"):
        is_ping("smoke")


@pytest.mark.parametrize(("method", "name"), ping_methods().items())
def test_a_ping_says_how_it_is_asked_for_and_by_what_it_finds(method, name):
    kind = technique(name)
    assert isinstance(kind.PING, Ping)
    assert kind.PING.method == method
    assert (kind.PING.port > 0) is (kind.PROTOCOL in ("tcp", "udp")), "a port, where there are ports"
    assert (State.UP, kind.PING.found) in {(m.state, m.reason) for m in kind.MEANINGS.values()}


def test_no_two_pings_are_called_alike_or_found_alike():
    pings = [technique(name).PING for name in TECHNIQUES if is_ping(name)]
    assert len({ping.method for ping in pings}) == len({ping.found for ping in pings}) == len(pings)


def test_silence_is_told_in_each_ping_s_own_words():
    """That echoes are the first to be dropped says nothing of a SYN."""
    said = {name: technique(name).MEANINGS[Answer.SILENCE].sentence for name in ping_methods().values()}
    assert len(set(said.values())) == len(said)
    assert [name for name, sentence in said.items() if "echo" in sentence] == ["ping"]


@pytest.mark.parametrize(
    "name", [name for name in TECHNIQUES if technique(name).NEEDS_RAW and technique(name).PROTOCOL == "tcp"]
)
def test_the_flags_on_the_wire(name):
    """By Scapy: the contract of the lab reads them from the same packets, so they are held here."""
    rows = technique(name).craft(probe())
    packet = IP(rows[0][: total_length(rows)[0]].tobytes())
    segment = packet[TCP]
    assert packet.id == TOKEN & 0xFFFF, "half of the token, as of every probe"
    assert set(str(segment.flags)) == set(FLAGS[name])
    assert segment.seq == TOKEN
    assert segment.ack == (TOKEN if "A" in FLAGS[name] else 0), "it means nothing without the flag"


@pytest.mark.parametrize(("name", "type_"), [("ping", 8), ("ping-timestamp", 13)])
def test_the_message_on_the_wire(name, type_):
    """By Scapy; the code of both questions is 0 (RFC 792)."""
    message = IP(technique(name).craft(probe())[0].tobytes())[ICMP]
    assert (message.type, message.code) == (type_, 0)
    if name == "ping":
        assert bytes(message.payload)[:4] == TOKEN.to_bytes(4, "big"), "by which the reply is known"
        assert len(message.payload) == 56
    else:
        assert (message.ts_ori, message.ts_rx, message.ts_tx) == (TOKEN, 0, 0), (
            "for the other side to fill in"
        )


def test_nobody_else_keeps_a_table_of_techniques():
    """Whoever asks a name how it begins, or keeps names beside TECHNIQUES, would miss the next technique."""
    asks = re.compile(r"""\.(startswith|removeprefix)\(["']ping|getattr\([^)]*PING""")
    files = [*HOUSE.rglob("*.py"), *(HOUSE.parent / "lab_env").rglob("*.py")]
    assert [str(path) for path in files if asks.search(path.read_text("utf-8"))] == []
    quoted = {name: re.compile(rf'"{name}"') for name in TECHNIQUES}
    own = HOUSE / "techniques"
    listing = {
        str(path.relative_to(HOUSE.parent))
        for path in files
        if own not in path.parents
        and sum(bool(q.search(path.read_text("utf-8"))) for q in quoted.values()) > 9
    }
    assert listing == {"portlab/captures/asking.py"}, (
        "which of them a capture can tell apart is its own matter"
    )
