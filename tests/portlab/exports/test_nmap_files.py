"""nmap's XML as a file: its end, its text, its size, and whatever calls itself so."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portlab as pl
from portlab.errors import MalformedPacket
from portlab.exports import nmap_verdicts
from tests.portlab.exports.nmap_made import (
    OURS,
    SYN,
    V6,
    both_ways,
    document,
    host,
    info,
    listed,
    port,
    read,
)

# --- the end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("end", "why"),
    [
        (
            '<finished time="1700000009" exit="error" errormsg="ran out of &#x9b;buffers"/>',
            "nmap: ran out of  buffers",
        ),
        ('<finished time="1700000009" exit="error"/>', "nmap: it ended with an error"),
        ("<hosts/>", "nmap did not say that it was done"),
        ('<finished time="1700000009"/>', ""),
    ],
)
def test_how_nmap_ended(tmp_path: Path, end: str, why: str) -> None:
    (scan,) = read(tmp_path, document(host(port(22)), infos=SYN, end=end))
    assert (scan.stopped_by, scan.complete) == (why, not why)
    assert scan.elapsed_s == (0 if "hosts" in end else 9)
    empty = read(tmp_path, document(infos=SYN, end=end))
    assert why in repr(empty), "also where there is no scan to say it of"


def test_cut_off_anywhere(tmp_path: Path) -> None:
    whole = document(host(port(22)), host(port(22), "10.77.2.11"), infos=SYN)
    ends = [place for place in range(len(whole)) if whole.startswith("</host>", place)]
    for length in range(0, len(whole) - 1, 7):
        hosts = sum(end + len("</host>") <= length for end in ends)
        if hosts:
            (scan,) = read(tmp_path, whole[:length])
            assert (len(scan), scan.complete) == (hosts, False)
            assert "cut off" in scan.stopped_by
        else:
            with pytest.raises(MalformedPacket, match=r"cut off|no XML"):
                read(tmp_path, whole[:length])


def test_a_second_result_in_the_same_file(tmp_path: Path) -> None:
    one = document(host(port(22)), infos=SYN)
    scans = read(tmp_path, one + "\n" + one)
    assert [(len(scan), scan.complete) for scan in scans] == [(1, True)]
    assert "more follows, and is left out" in scans.notes[0]


# --- as text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252", "us-ascii"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    name = "büro" if encoding != "us-ascii" else "buero"
    text = host(port(22)).replace(
        "<ports>", f'<hostnames><hostname name="{name}" type="user"/></hostnames><ports>'
    )
    whole = document(text, infos=SYN).replace('version="1.0"?', f'version="1.0" encoding="{encoding}"?')
    (scan,) = read(tmp_path, whole.encode(encoding))
    assert scan.host == [name]


BOMB = '<!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_entities_are_refused_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    whole = document(host(port(22)), infos=SYN).replace("<nmaprun", f"{BOMB}<nmaprun")
    with pytest.raises(MalformedPacket, match="defines entities"):
        read(tmp_path, whole.encode(encoding))


def test_nested_too_deep(tmp_path: Path) -> None:
    with pytest.raises(MalformedPacket, match="nested more than 100 deep"):
        read(tmp_path, document("<host>" + "<table>" * 100_000))


@pytest.mark.parametrize("ports", ["1-70000", "9-3", "a", "1,,2", "-5", "1-2-3", "1_0", "٣"])
def test_lists_of_ports_that_are_none(tmp_path: Path, ports: str) -> None:
    group = listed("closed", "reset", ports)
    with pytest.raises(MalformedPacket, match="is not a range of ports"):
        read(tmp_path, document(host(group), infos=SYN))


def test_a_small_file_of_too_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nmap_verdicts, "MOST_ROWS", 1_000)
    whole = listed("closed", "reset", "1-501")
    assert len(read(tmp_path, document(host(whole), infos=SYN))[0]) == 501
    with pytest.raises(MalformedPacket, match="more than 1,000 rows: split it"):
        read(tmp_path, document(host(whole), host(whole), infos=SYN))


def test_time_grows_with_the_file_and_not_with_its_square(tmp_path: Path) -> None:
    def seconds(hosts: int) -> float:
        many = [host("".join(map(port, range(1, 21))), f"10.77.{n >> 8}.{n & 255}") for n in range(hosts)]
        text = document(*many, infos=SYN)
        began = time.process_time()
        assert len(read(tmp_path, text)[0]) == hosts * 20
        return time.process_time() - began

    seconds(1)
    assert seconds(1_600) < 200 * seconds(50), "32 times as much would take 1,024 times as long"


def test_all_ports_of_a_network_take_no_loop(tmp_path: Path) -> None:
    every = listed("closed", "reset", "1-65535")
    began = time.process_time()
    (scan,) = read(tmp_path, document(*(host(every, f"10.77.2.{n}") for n in range(32)), infos=SYN))
    assert len(scan) == 32 * 65_535
    assert time.process_time() - began < 5


WORDS = st.sampled_from(
    [
        "",
        "open",
        "closed",
        "filtered",
        "up",
        "down",
        "tcp",
        "udp",
        "sctp",
        "syn",
        "resets",
        "1-3",
        "22",
        "-1",
        OURS,
        V6,
    ]
)
TAGS = st.sampled_from(
    [
        "host",
        "status",
        "address",
        "ports",
        "port",
        "state",
        "extraports",
        "extrareasons",
        "scaninfo",
        "runstats",
        "finished",
    ]
)
NAMES = st.sampled_from(
    [
        "state",
        "reason",
        "addr",
        "addrtype",
        "protocol",
        "portid",
        "count",
        "ports",
        "proto",
        "type",
        "services",
        "elapsed",
    ]
)
TREES = st.recursive(
    st.builds(lambda tag, attributes: (tag, attributes, []), TAGS, st.dictionaries(NAMES, WORDS, max_size=3)),
    lambda inner: st.tuples(TAGS, st.dictionaries(NAMES, WORDS, max_size=3), st.lists(inner, max_size=4)),
    max_leaves=12,
)


def written(tree: Any) -> str:
    tag, attributes, inner = tree
    said = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f"<{tag} {said}>{''.join(map(written, inner))}</{tag}>"


@given(st.lists(TREES, max_size=4))
def test_any_elements_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, trees: list[Any]) -> None:
    folder = tmp_path_factory.getbasetemp()
    try:
        scans = read(folder, f"<nmaprun>{''.join(map(written, trees))}</nmaprun>")
    except MalformedPacket:
        return
    both_ways(folder, scans)


STATES = {"tcp": ["open", "closed", "filtered"], "udp": ["open", "closed", "open|filtered"]}
PORTS = st.integers(0, 65_535)


@given(st.lists(st.tuples(st.sampled_from(["tcp", "udp"]), PORTS, st.integers(0, 2)), max_size=20))
def test_every_row_comes_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, int, int]]
) -> None:
    ports = "".join(port(number, STATES[protocol][n], None, protocol) for protocol, number, n in rows)
    scans = read(tmp_path_factory.getbasetemp(), document(host(ports), infos=SYN + info("udp", "udp")))
    found = [(row.protocol, row.port) for scan in scans for row in scan]
    assert sorted(found) == sorted({(protocol, number) for protocol, number, _ in rows})
    assert all(first < second for scan in scans for first, second in pairwise(row.port for row in scan))


# --- as nmap writes it today ------------------------------------------------------------------------------

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
    assert [row.ttl for row in syn] == [
        64,
        63,
        None,
        None,
    ]  # of ports that are summed up nmap does not tell it
    assert [row.ttl for row in udp] == [None]
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
    "bad address": NMAP.replace('addr="10.77.2.10"', 'addr="10.77.2.1000"'),
    "start not a number": NMAP.replace('start="1700000000"', 'start="today"'),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_nmap_file_says_so(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.xml"
    path.write_text(text)
    with pytest.raises(MalformedPacket, match=r"is not a result in nmap's XML .* nmap -oX FILE") as caught:
        pl.read_nmap_xml(path)
    assert repr(str(path)) in str(caught.value)
