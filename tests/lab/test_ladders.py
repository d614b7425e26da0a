"""Ladders of real packets: as another tool captured them, and with both ends recorded."""

from __future__ import annotations

import contextlib
import threading
import time

import pytest
from scapy.sendrecv import AsyncSniffer
from scapy.utils import wrpcap

import portlab as pl
from lab_env import lab
from portlab.view.ladder.describe import describe
from portlab.view.ladder.story import RowKind

pytestmark = pytest.mark.inlab


@contextlib.contextmanager
def scapy_captures(path):
    """Scapy's own sniffer listens while the block runs."""
    listening = threading.Event()
    sniffer = AsyncSniffer(iface="eth0", started_callback=listening.set)
    sniffer.start()
    assert listening.wait(10)
    yield
    time.sleep(0.3)  # the last frames are on their way through the sniffer's thread
    wrpcap(path, sniffer.stop())


def told(exchange):
    """Everything that is drawn of the packets of a ladder, but for the fractions of a microsecond."""
    rows = [row for row in describe(exchange).rows if row.kind is RowKind.PACKET]
    return [
        (row.what, row.detail, row.absolute, row.note, row.sender, row.reaches, row.decides) for row in rows
    ]


def test_what_scapy_captured_draws_the_same_ladders(tmp_path):
    path = str(tmp_path / "theirs.pcap")
    ports = [22, 80, 443, 3389, 8080, 9]
    with scapy_captures(path):
        ours = pl.syn_scan("web", ports, progress=False)
    (theirs,) = pl.read_pcap(path)
    assert [told(theirs.exchange("web", port)) for port in ports] == [
        told(ours.exchange("web", port)) for port in ports
    ]


# port of web -> where each packet ended, and what both ends together say
ENDS = {
    22: (["dropped"], "shows filtered"),
    80: ([None, None, None], "shows open"),
    9: ([None, None], "shows closed"),
    8080: (["rejected", None], "shows filtered"),
    3389: (["rejected", None], "says closed"),
}


@pytest.mark.parametrize("port", ENDS)
def test_both_ends_are_drawn_from_what_was_recorded(port):
    with lab.recording("gateway", "web") as seen:
        scan = pl.syn_scan("web", [port], progress=False, timeout=0.5, tries=1)
        time.sleep(0.2)  # the kernel's own RST is on its way
    story = describe(scan.exchange("web", port).both_ends(seen))
    packets = [row for row in story.rows if row.kind is RowKind.PACKET]
    assert ([row.path.fate for row in packets], story.whole_claim) == ENDS[port]
    assert story.untouched == (port in (22, 8080, 3389))
    times = [one.at_ns for row in packets for one in row.path.sightings if one.since_start]
    assert times, "somebody else saw something"
    assert min(times) > -1_000_000  # one clock: nothing arrives before it was sent
