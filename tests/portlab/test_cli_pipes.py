"""`portlab read` takes what a pipe brings, once, and ends on what has no end."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from portlab import cli
from tests.portlab.exports.made import scanned
from tests.portlab.packets.made import classic

ENDS = {"src": "10.77.1.100", "dst": "10.77.2.10"}
SYN = bytes(Ether() / IP(**ENDS) / TCP(sport=50_000, dport=80, flags="S", seq=9))
CAPTURE = classic(1, SYN)
READ = [sys.executable, "-m", "portlab", "read"]


def run(*words: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*READ, *words], input=given, capture_output=True, timeout=120, check=False)


@pytest.mark.parametrize("name", ["-", "/dev/stdin"])
@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(name: str, packed: bool) -> None:
    if name != "-" and sys.platform == "win32":
        pytest.skip("this system has no /dev/stdin")
    done = run(name, given=gzip.compress(CAPTURE) if packed else CAPTURE)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"80/tcp" in done.stdout


@pytest.mark.parametrize("kind", ["to_json", "to_nmap_xml"])
def test_results_of_other_forms_come_by_pipe_as_well(tmp_path: Path, kind: str) -> None:
    getattr(scanned("syn"), kind)(tmp_path / "x")
    done = run("-", given=(tmp_path / "x").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"80/tcp" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such shell")
def test_standard_input_may_be_closed() -> None:
    words = ["sh", "-c", '"$0" -m portlab read - <&-', sys.executable]
    done = subprocess.run(words, capture_output=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "Standard input is closed: give the name of a file." in done.stderr.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="this system has no such shell")
def test_a_pipe_that_the_shell_makes(tmp_path: Path) -> None:
    (tmp_path / "x.pcap").write_bytes(CAPTURE)
    words = ["bash", "-c", '"$0" -m portlab read <(cat "$1")', sys.executable, str(tmp_path / "x.pcap")]
    done = subprocess.run(words, capture_output=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"80/tcp" in done.stdout


@pytest.mark.parametrize("given", [b"", b"no capture", b"\0" * 100_000], ids=["nothing", "text", "zeros"])
def test_what_is_none_of_our_forms_is_said(given: bytes) -> None:
    done = run("-", given=given)
    assert done.returncode == 2
    assert b"'-' cannot be read as a capture" in done.stderr


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no /dev/zero")
def test_what_has_no_end_is_not_read_to_its_end() -> None:
    done = run("/dev/zero")
    assert done.returncode == 2
    assert b"'/dev/zero' cannot be read as a capture" in done.stderr


NOBODY_READS = {
    "host,address,port,protocol\n": "a table in CSV, which keeps too little. Of a scan .* keep --json FILE",
    "# Nmap 7.93 scan initiated": "nmap's output for people .*; PortLab reads its XML, written by -oX FILE",
    "Host: 192.0.2.1 ()\tPorts: 80/open/tcp": "nmap's output for people",
    "PK\x03\x04\x14": "a zip archive: unpack it first",
}


@pytest.mark.parametrize(("begins", "told"), NOBODY_READS.items())
def test_files_that_portlab_does_not_read_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], begins: str, told: str
) -> None:
    (tmp_path / "x").write_text(begins)
    assert cli.main(["read", str(tmp_path / "x")]) == cli.WRONG_USE
    said = capsys.readouterr().err
    assert re.search(f"is nothing that portlab reads: it looks like {told}", said), said
