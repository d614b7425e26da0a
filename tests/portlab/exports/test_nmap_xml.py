import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import portlab as pl
from portlab.evidence.scans import Scans
from portlab.techniques import TECHNIQUES
from tests.portlab.exports.made import made, scanned

DTD = Path("/usr/share/nmap/nmap.dtd")


@pytest.mark.parametrize("name", TECHNIQUES)
def test_own_files_come_back_exactly(tmp_path: Path, name: str) -> None:
    scan = scanned(name)
    scan.to_nmap_xml(tmp_path / "x.xml")
    (again,) = pl.read_nmap_xml(tmp_path / "x.xml")
    assert again.to_json() == scan.to_json()
    assert list(again) == list(scan)


def test_several_scans_come_back_apart(tmp_path: Path) -> None:
    both = Scans([scanned("syn"), scanned("udp"), scanned("ping")])
    both.to_nmap_xml(tmp_path / "x.xml")
    again = pl.read_nmap_xml(tmp_path / "x.xml")
    assert again.to_json() == both.to_json()
    assert [list(scan) for scan in again] == [list(scan) for scan in both]


def test_rows_keep_their_order(tmp_path: Path) -> None:
    order = [("10.77.2.10", 443), ("10.77.2.20", 22), ("10.77.2.10", 80), ("10.77.2.20", 21)]
    scan = made(*({"address": address, "host": address, "port": port} for address, port in order))
    scan.to_nmap_xml(tmp_path / "x.xml")
    (again,) = pl.read_nmap_xml(tmp_path / "x.xml")
    assert [(row.address, row.port) for row in again] == order


def test_notes_come_back(tmp_path: Path) -> None:
    scans = Scans([made({}, notes=("Left out: 1 row.",)), made()], notes=["Left out: 1 host."])
    scans.to_nmap_xml(tmp_path / "x.xml")
    again = pl.read_nmap_xml(tmp_path / "x.xml")
    assert (again.notes, again[0].notes) == (scans.notes, scans[0].notes)
    Scans(notes=["nothing but this"]).to_nmap_xml(tmp_path / "x.xml")
    assert pl.read_nmap_xml(tmp_path / "x.xml").notes == ("nothing but this",)


def test_own_file_cut_off_says_so(tmp_path: Path) -> None:
    scan = scanned("syn")
    scan.to_nmap_xml(tmp_path / "x.xml")
    whole = (tmp_path / "x.xml").read_text()
    (tmp_path / "x.xml").write_text(whole[: whole.rindex("<host>") + 100])
    (again,) = pl.read_nmap_xml(tmp_path / "x.xml")
    assert 0 < len(again) < len(scan)
    assert not again.complete
    assert "cut off" in again.stopped_by


@pytest.mark.program("nmap", "xmllint")
@pytest.mark.parametrize("name", TECHNIQUES)
def test_valid_by_nmaps_own_dtd(tmp_path: Path, name: str) -> None:
    Scans([scanned(name), made({})]).to_nmap_xml(tmp_path / "x.xml")
    command = ["xmllint", "--noout", "--nonet", "--dtdvalid", str(DTD), str(tmp_path / "x.xml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_nmap_users_look_for(tmp_path: Path) -> None:
    scanned("syn").to_nmap_xml(tmp_path / "x.xml")
    root = ET.parse(tmp_path / "x.xml").getroot()
    info = root.find("scaninfo")
    assert info is not None
    assert info.attrib == {
        "type": "syn",
        "protocol": "tcp",
        "numservices": "8",
        "services": "22,53,80,443,3306,3389,8080,8443",
    }
    states = {
        (host.find("address").get("addr"), port.get("portid")): port.find("state").attrib  # type: ignore[union-attr]
        for host in root.iterfind("host")
        for port in host.iterfind("ports/port")
    }
    assert states["10.77.2.10", "80"]["reason"] == "syn-ack"
    assert states["10.77.2.10", "8080"]["reason_ip"] == "10.77.1.1"
    assert int(states["10.77.2.10", "80"]["reason_ttl"]) == 63  # the web is one router away
    assert int(states["10.77.2.10", "3389"]["reason_ttl"]) == 64  # the gateway, in its name


def test_ranges_of_ports(tmp_path: Path) -> None:
    made(*({"port": port} for port in (3, 1, 2, 7, 9, 10))).to_nmap_xml(tmp_path / "x.xml")
    info = ET.parse(tmp_path / "x.xml").getroot().find("scaninfo")
    assert info is not None
    assert info.get("services") == "1-3,7,9-10"


# --- nmap's own files -----------------------------------------------------------------------------------------


def run_nmap(path: Path, *options: str) -> None:
    command = ["nmap", "-n", *options, "127.0.0.1", "-oX", str(path)]
    subprocess.run(command, capture_output=True, check=True)


@pytest.mark.nmap
def test_real_nmap_file_agrees_with_our_own_scan(tmp_path: Path) -> None:
    run_nmap(tmp_path / "nmap.xml", "-sT", "-p", "1-40")
    scans = pl.read_nmap_xml(tmp_path / "nmap.xml")
    (theirs,) = [scan for scan in scans if scan.technique == "connect"]  # an ordinary user's nmap pings first
    ours = pl.connect_scan("localhost", "1-40", progress=False)
    assert theirs.complete
    assert {row.port: (row.state, row.reason) for row in theirs} == {
        row.port: (row.state, row.reason) for row in ours
    }
    assert len(theirs) == 40


@pytest.mark.nmap
def test_tags_and_attributes_are_nmaps(tmp_path: Path) -> None:
    run_nmap(tmp_path / "nmap.xml", "-sT", "-p", "1-3")
    pl.connect_scan("localhost", "1-3", progress=False).to_nmap_xml(tmp_path / "ours.xml")
    theirs, ours = (shape(ET.parse(tmp_path / name).getroot()) for name in ("nmap.xml", "ours.xml"))
    for path in ("nmaprun/host", "nmaprun/host/status", "nmaprun/host/address", "nmaprun/host/ports/port"):
        assert path in ours
        assert ours[path] <= theirs[path]
    assert ours["nmaprun/host/ports/port/state"] == theirs["nmaprun/host/ports/port/state"]
    assert ours["nmaprun/runstats/hosts"] == theirs["nmaprun/runstats/hosts"]


def shape(element: ET.Element, above: str = "") -> dict[str, set[str]]:
    path = f"{above}/{element.tag}".strip("/")
    found = {path: set(element.attrib)}
    for child in element:
        for name, attributes in shape(child, path).items():
            found.setdefault(name, set()).update(attributes)
    return found
