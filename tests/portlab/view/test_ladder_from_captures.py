"""The same frames draw the same ladder, whoever captured them."""

import subprocess
from pathlib import Path

import pytest

import portlab as pl
from lab_env.lab import simulated
from lab_env.topology import topology
from portlab import lab
from portlab.model import Exchange
from portlab.view.ladder.describe import describe
from portlab.view.ladder.story import RowKind, Speaker, StoryRow
from tests.portlab.exports.made import scanned

DRAWN = ("kind", "at_ns", "what", "speaker", "detail", "absolute", "note", "sender", "reaches", "decides")
NMAP_SEEN = Path(__file__).parents[2] / "data" / "nmap_seen_by_tcpdump.pcap"


def rows(exchange: Exchange) -> list[tuple[object, ...]]:
    """What a ladder draws, but for the length of the last silence: when the scan gave up is in no capture."""
    told = list(describe(exchange).rows)
    if told[-1].kind is RowKind.SILENCE:
        told[-1] = StoryRow(
            RowKind.SILENCE, told[-1].at_ns, "silence", Speaker.NOBODY, decides=told[-1].decides
        )
    return [(*(getattr(row, name) for name in DRAWN),) for row in told]


@pytest.mark.program("tcpdump")
@pytest.mark.parametrize("technique", ["syn", "udp", "fin", "ack"])
def test_a_file_that_tcpdump_wrote_draws_the_same_ladders(tmp_path: Path, technique: str) -> None:
    ours = scanned(technique)
    ours.to_pcap(tmp_path / "ours.pcap")
    command = ["tcpdump", "--nano", "-r", str(tmp_path / "ours.pcap"), "-w", str(tmp_path / "theirs.pcap")]
    subprocess.run(command, check=True, capture_output=True)
    lab.use(simulated(topology()))
    (theirs,) = pl.read_pcap(tmp_path / "theirs.pcap")
    compared = set()
    for result in ours:
        if not result.tries:
            continue  # nobody answered its ARP
        mine, read = (scan.exchange(result.host, result.port) for scan in (ours, theirs))
        # of a lossy host ours leaves out what it sent only to measure the loss: no file tells that
        if len(mine.frames) == len(read.frames) > 0:
            assert rows(read) == rows(mine), result
            compared.add(result.state)
    assert len(compared) >= 2


NMAP = {
    ("ping", None): ["ICMP echo request", "*ICMP echo reply"],
    ("udp", 53): [
        "UDP 12 B", "UDP 30 B",  # nmap asks with two payloads at once
        "1.10 s of silence, then asked again",
        "UDP 12 B", "UDP 30 B",
        "*160 ms of silence",
    ],
    ("udp", 162): ["UDP, empty", "*ICMP port unreachable (3/3)"],
}  # fmt: skip


@pytest.mark.parametrize(("technique", "port"), NMAP)
def test_what_nmap_did_is_drawn_from_what_tcpdump_saw(technique: str, port: int | None) -> None:
    (scan,) = (scan for scan in pl.read_pcap(NMAP_SEEN) if scan.technique == technique)
    (result,) = (result for result in scan if result.port == port)
    told = describe(scan.exchange(result.address, port)).rows
    assert [("*" if row.decides else "") + row.what for row in told] == NMAP[technique, port]
