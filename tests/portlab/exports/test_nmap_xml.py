import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import portlab as pl
from portlab.errors import MalformedPacket
from portlab.exports import Scans
from portlab.techniques import TECHNIQUES
from tests.portlab.exports.made import made, scanned

DTD = Path("/usr/share/nmap/nmap.dtd")


@pytest.mark.parametrize("name", TECHNIQUES)
def test_own_files_come_back_exactly(tmp_path: Path, name: str) -> None:
    scan = scanned(name)
    scan.to_nmap_xml(tmp_path / "x.xml")
    (again,) = pl.read_nmap_xml(tmp_path / "x.xml")
    assert again.to_json() == scan.to_json() or sorted(map(str, again)) == sorted(map(str, scan))
    assert {(row.address, row.port): row for row in again} == {(row.address, row.port): row for row in scan}


def test_several_scans_come_back_apart(tmp_path: Path) -> None:
    both = Scans([scanned("syn"), scanned("udp"), scanned("ping")])
    both.to_nmap_xml(tmp_path / "x.xml")
    again = pl.read_nmap_xml(tmp_path / "x.xml")
    assert [(scan.technique, len(scan)) for scan in again] == [(scan.technique, len(scan)) for scan in both]
    assert [scan.started_ns for scan in again] == [scan.started_ns for scan in both]


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
    (theirs,) = pl.read_nmap_xml(tmp_path / "nmap.xml")
    ours = pl.connect_scan("localhost", "1-40", progress=False)
    assert theirs.technique == "connect"
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


NMAP = """<?xml version="1.0"?>
<!DOCTYPE nmaprun>
<nmaprun scanner="nmap" start="1700000000" version="7.93" xmloutputversion="1.05">
<scaninfo type="syn" protocol="tcp" numservices="4" services="22,80-82"/>
<scaninfo type="udp" protocol="udp" numservices="1" services="53"/>
<verbose level="0"/><debugging level="0"/>
<hosthint><status state="up" reason="unknown-response" reason_ttl="0"/>
<address addr="10.77.2.10" addrtype="ipv4"/></hosthint>
<host><status state="up" reason="user-set" reason_ttl="0"/>
<address addr="10.77.2.10" addrtype="ipv4"/><address addr="02:00:00:00:00:01" addrtype="mac"/>
<hostnames><hostname name="other.example" type="PTR"/><hostname name="web" type="user"/></hostnames>
<ports><extraports state="closed" count="2">
<extrareasons reason="reset" count="2" proto="tcp" ports="81-82"/></extraports>
<port protocol="tcp" portid="22">
<state state="filtered" reason="admin-prohibited" reason_ttl="64" reason_ip="10.77.2.1"/>
<service name="ssh" method="table" conf="3"/></port>
<port protocol="tcp" portid="80"><state state="open" reason="syn-ack" reason_ttl="63"/></port>
<port protocol="udp" portid="53"><state state="open|filtered" reason="no-response" reason_ttl="0"/></port>
</ports></host>
<host><status state="up" reason="user-set" reason_ttl="0"/><address addr="fe80::1" addrtype="ipv6"/></host>
<runstats><finished time="1700000002" elapsed="2.50" exit="success"/><hosts up="1" down="0" total="1"/></runstats>
</nmaprun>
"""


def test_techniques_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text(NMAP)
    syn, udp = pl.read_nmap_xml(tmp_path / "x.xml")
    found = {row.port: (row.host, str(row.state), str(row.reason), row.answered_by) for row in syn}
    assert found == {
        81: ("web", "closed", "reset", "10.77.2.10"),
        82: ("web", "closed", "reset", "10.77.2.10"),
        22: ("web", "filtered", "admin-prohibited", "10.77.2.1"),
        80: ("web", "open", "syn-ack", "10.77.2.10"),
    }
    assert [(row.port, str(row.state), row.answered_by) for row in udp] == [(53, "open|filtered", None)]
    assert (syn.started_ns, syn.elapsed_s, syn.complete) == (1_700_000_000 * 10**9, 2.5, True)


def test_ping_scan_of_nmap(tmp_path: Path) -> None:
    head = '<nmaprun scanner="nmap" start="1700000000"><verbose level="0"/>'
    rows = [
        ("up", "echo-reply", 1),
        ("down", "no-response", 2),
        ("up", "user-set", 3),
        ("up", "arp-response", 4),
    ]
    hosts = "".join(
        f'<host><status state="{state}" reason="{reason}"/><address addr="10.77.2.{n}" addrtype="ipv4"/></host>'
        for state, reason, n in rows
    )
    (tmp_path / "x.xml").write_text(f"{head}{hosts}</nmaprun>")
    found = {
        scan.technique: [(row.address, str(row.state)) for row in scan]
        for scan in pl.read_nmap_xml(tmp_path / "x.xml")
    }
    assert found == {
        "ping": [("10.77.2.1", "up"), ("10.77.2.2", "no-answer")],
        "ping-arp": [("10.77.2.4", "up")],
    }


def test_interrupted_nmap_gives_what_it_had(tmp_path: Path) -> None:
    (tmp_path / "x.xml").write_text(NMAP[: NMAP.index("<host><status", NMAP.index("</host>")) + 40])
    syn, _ = pl.read_nmap_xml(tmp_path / "x.xml")
    assert len(syn) == 4
    assert not syn.complete
    assert "cut off" in syn.stopped_by


BAD = {
    "empty": "",
    "text": "Nmap scan report for 10.0.0.1",
    "html": "<html><body/></html>",
    "cut before the first host": NMAP[:400],
    "json": "{}",
    "entities": '<!DOCTYPE nmaprun [<!ENTITY a "aaaa">]><nmaprun>&a;</nmaprun>',
    "port out of range": NMAP.replace('portid="22"', 'portid="70000"'),
    "port not a number": NMAP.replace('portid="22"', 'portid="ssh"'),
    "unknown state": NMAP.replace('state="filtered"', 'state="ajar"'),
    "unknown reason": NMAP.replace("admin-prohibited", "because"),
    "bad address": NMAP.replace('addr="10.77.2.10"', 'addr="10.77.2.1000"'),
    "unknown kind of scan": NMAP.replace('type="syn"', 'type="window"'),
    "start not a number": NMAP.replace('start="1700000000"', 'start="today"'),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_nmap_file_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.xml"
    path.write_text(text)
    with pytest.raises(MalformedPacket, match=r"is not a result in nmap's XML .* nmap -oX FILE") as caught:
        pl.read_nmap_xml(path)
    assert repr(str(path)) in str(caught.value)
