"""nmap's own XML of many kinds of scan, made in the lab and read: every port once, whatever is missing said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

import portlab as pl
from portlab.evidence.scans import Scans

pytestmark = [pytest.mark.inlab, pytest.mark.nmap]

PORTS = "20-29,80,443,8080"
COUNT = 13


def nmap(tmp_path: Path, *words: str) -> Scans:
    """What nmap writes, read; it comes back the same by JSON and by XML."""
    path = tmp_path / "nmap.xml"
    subprocess.run(["nmap", "-n", "-oX", str(path), *words], capture_output=True, check=True, timeout=60)
    scans = pl.read_nmap_xml(path)
    scans.to_json(tmp_path / "x.json")
    scans.to_nmap_xml(tmp_path / "x.xml")
    assert pl.read_json(tmp_path / "x.json").to_json() == scans.to_json()
    assert pl.read_nmap_xml(tmp_path / "x.xml").to_json() == scans.to_json()
    return scans


KINDS = {
    # words for nmap, and for each technique how many rows there are
    "syn": (("-sS", "-p", PORTS, "web"), {"ping": 1, "syn": COUNT}),
    "many ports": (("-sS", "-p", "1-3000,8000-9000", "web"), {"ping": 1, "syn": 4_001}),
    "connect": (("-sT", "-Pn", "-p", "1-60", "web"), {"connect": 60}),
    "fin": (("-sF", "-Pn", "-p", PORTS, "web"), {"fin": COUNT}),
    "null": (("-sN", "-Pn", "-p", PORTS, "web"), {"null": COUNT}),
    "xmas": (("-sX", "-Pn", "-p", PORTS, "web"), {"xmas": COUNT}),
    "ack": (("-sA", "-Pn", "-p", PORTS, "web"), {"ack": COUNT}),
    "both protocols": (
        ("-sS", "-sU", "-p", "T:1-99,U:53,123", "infra"),
        {"ping-arp": 1, "syn": 99, "udp": 2},
    ),
    "everything shown": (("-d", "-sS", "-p", PORTS, "web"), {"ping": 1, "syn": COUNT}),
    "hosts that are down": (("-v", "-sS", "-p", "22", "infra", "ghost"), {"ping-arp": 2, "syn": 1}),
    "ping": (("-sn", "web", "infra"), {"ping": 1, "ping-arp": 1}),
    "the same host twice": (("-sS", "-p", "22,80", "web", "web"), {"ping": 1, "syn": 2}),
    "scripts": (("-sS", "--script", "banner", "-p", "22,80", "web"), {"ping": 1, "syn": 2}),
    "this machine": (("-sS", "-p", "1-40", "127.0.0.1"), {"syn": 40}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_row_is_read_once(tmp_path: Path, kind: str) -> None:
    words, expected = KINDS[kind]
    scans = nmap(tmp_path, *words)
    assert {scan.technique: len(scan) for scan in scans} == expected
    assert all(scan.complete and scan.fidelity == "nmap" for scan in scans)


def test_down_on_the_own_link(tmp_path: Path) -> None:
    (ping,) = nmap(tmp_path, "-v", "-sn", "infra", "ghost")
    assert {row.host: str(row.state) for row in ping} == {"ghost": "down", "infra": "up"}


SAID = {
    "down, and not listed": (("-sS", "-p", "22", "infra", "ghost"), "1 host that did not answer"),
    "SCTP": (("-sS", "-sY", "-Pn", "-p", "T:80,S:1-5", "web"), "5 rows of protocol 'sctp'"),
    "IP protocols": (("-sO", "-Pn", "-p", "1-6", "web"), "6 rows of protocol 'ip'"),
    "window": (("-sW", "-Pn", "-p", PORTS, "web"), f"{COUNT} rows of a scan of type 'window'"),
    "a list": (("-sL", "web", "db"), "never asked: 2 hosts"),
    "out of time": (("--host-timeout", "1ms", "-Pn", "-p-", "web"), "1 host that took too long"),
    "other flags": (("--scanflags", "SYNFIN", "-Pn", "-p", "80", "web"), "--scanflags 'FINSYN'"),
}


@pytest.mark.parametrize("kind", SAID)
def test_what_is_missing_is_said(tmp_path: Path, kind: str) -> None:
    words, said = SAID[kind]
    assert said in repr(nmap(tmp_path, *words))


def test_the_same_file_of_an_older_nmap(tmp_path: Path) -> None:
    """Before 7.92 the ports of a group were not listed; taken out of today's file, the same table comes."""
    today = nmap(tmp_path, "-sS", "-Pn", "-p", "23-79,443", "web")
    text = (tmp_path / "nmap.xml").read_text()
    older, changed = re.subn(r'(reason="[a-z-]+)(" count="\d+") proto="tcp" ports="[^"]*"', r"\1s\2", text)
    assert changed == 1
    (tmp_path / "older.xml").write_text(older)
    assert pl.read_nmap_xml(tmp_path / "older.xml").to_json() == today.to_json()
