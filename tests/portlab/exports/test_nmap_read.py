"""nmap's XML of any age, masscan's, and whatever calls itself so."""

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import portlab as pl
from portlab import cli
from portlab.errors import MalformedPacket
from portlab.exports import Scans, nmap_hosts
from portlab.exports.nmap_words import reason_named
from portlab.model import Reason

OURS = "10.77.2.10"


def read(tmp_path: Path, text: str | bytes) -> Scans:
    path = tmp_path / "nmap.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return pl.read_nmap_xml(path)


def document(*hosts: str, infos: str = "", end: str = "", scanner: str = "nmap") -> str:
    end = end or '<finished time="1700000009" elapsed="9.0" exit="success"/>'
    body = "\n".join(hosts)
    return (
        f'<?xml version="1.0"?>\n<nmaprun scanner="{scanner}" start="1700000000">{infos}\n'
        f"{body}\n<runstats>{end}</runstats></nmaprun>"
    )


def info(type_: str, protocol: str, services: str = "", more: str = "") -> str:
    return f'<scaninfo type="{type_}" protocol="{protocol}" numservices="0" services="{services}" {more}/>'


def host(ports: str = "", address: str = OURS, status: str = '<status state="up" reason="user-set"/>') -> str:
    kind = "ipv6" if ":" in address else "ipv4"
    there = f'<address addr="{address}" addrtype="{kind}"/>' if address else ""
    return f"<host>{status}{there}{f'<ports>{ports}</ports>' if ports else ''}</host>"


def port(number: int, state: str = "open", reason: str | None = "syn-ack", protocol: str = "tcp") -> str:
    why = "" if reason is None else f' reason="{reason}"'
    return f'<port protocol="{protocol}" portid="{number}"><state state="{state}"{why}/></port>'


def listed(state: str, reason: str, ports: str, protocol: str = "tcp") -> str:
    """A group as nmap writes it from version 7.92 on."""
    inside = f'<extrareasons reason="{reason}" count="1" proto="{protocol}" ports="{ports}"/>'
    return f'<extraports state="{state}" count="1">{inside}</extraports>'


def extra(state: str, count: int, *reasons: tuple[str, int]) -> str:
    inside = "".join(f'<extrareasons reason="{reason}" count="{n}"/>' for reason, n in reasons)
    return f'<extraports state="{state}" count="{count}">{inside}</extraports>'


def told(scan: Any) -> dict[tuple[str, int | None], tuple[str, str]]:
    return {(row.address, row.port): (str(row.state), str(row.reason)) for row in scan}


def both_ways(tmp_path: Path, scans: Scans) -> None:
    """What was read survives JSON and XML, whatever of it is not PortLab's own."""
    (tmp_path / "again.json").write_text(scans.to_json() or "")
    scans.to_nmap_xml(tmp_path / "again.xml")
    for again in (pl.read_json(tmp_path / "again.json"), pl.read_nmap_xml(tmp_path / "again.xml")):
        assert again.to_json() == scans.to_json()
        assert again.notes == scans.notes
        assert [list(scan) for scan in again] == [list(scan) for scan in scans]


SYN = info("syn", "tcp", "20-29")

# --- ports that are only counted --------------------------------------------------------------------------


def test_counted_ports_are_what_was_asked_without_what_is_listed(tmp_path: Path) -> None:
    ports = extra("closed", 8, ("resets", 8)) + port(22) + port(25, "filtered", "no-response")
    silent = host(extra("filtered", 10, ("no-responses", 10)), "10.77.2.11")
    scans = read(tmp_path, document(host(ports), silent, infos=SYN))
    (scan,) = scans
    rest = {(OURS, number): ("closed", "reset") for number in range(20, 30)}
    listed = {(OURS, 22): ("open", "syn-ack"), (OURS, 25): ("filtered", "no-response")}
    every = {("10.77.2.11", number): ("filtered", "no-response") for number in range(20, 30)}
    assert told(scan) == rest | listed | every
    assert [row.port for row in scan] == [*range(20, 30)] * 2
    assert (scan.notes, scans.notes) == ((), ())
    assert {row.answered_by for row in scan if str(row.state) == "closed"} == {OURS}
    both_ways(tmp_path, scans)


def test_counted_ports_of_two_protocols_at_once(tmp_path: Path) -> None:
    infos = info("syn", "tcp", "1-3") + info("udp", "udp", "53,67")
    syn, udp = read(
        tmp_path, document(host(extra("filtered", 4, ("host-unreaches", 4)) + port(2)), infos=infos)
    )
    assert [(row.port, str(row.state)) for row in syn] == [(1, "filtered"), (2, "open"), (3, "filtered")]
    assert [(row.port, str(row.reason)) for row in udp] == [(53, "host-unreach"), (67, "host-unreach")]
    assert {row.answered_by for row in udp} == {None}, "nmap does not say who spoke"
    assert all("ARP" not in row.sentence for row in udp)


def test_counts_that_do_not_tell_which_ports_are_said(tmp_path: Path) -> None:
    ports = extra("closed", 900, ("resets", 900)) + extra("filtered", 95, ("no-responses", 95)) + port(22)
    two = [host(ports), host(ports, "10.77.2.11")]
    scans = read(tmp_path, document(*two, infos=info("syn", "tcp", "1-996")))
    (scan,) = scans
    assert set(told(scan)) == {(OURS, 22), ("10.77.2.11", 22)}
    assert [note.partition(";")[0] for note in scan.notes] == [
        "Only counted in the file, not listed: 1,800 ports that nmap calls 'closed'",
        "Only counted in the file, not listed: 190 ports that nmap calls 'filtered'",
    ]
    assert "1,800 ports" in repr(scans)
    assert "1,800 ports" in scan._repr_mimebundle_()["text/html"]
    both_ways(tmp_path, scans)


@pytest.mark.parametrize("services", ["1-9", "1-11", ""])
def test_counts_that_do_not_add_up_are_not_stretched(tmp_path: Path, services: str) -> None:
    text = document(host(extra("closed", 8, ("resets", 8)) + port(2)), infos=info("syn", "tcp", services))
    (scan,) = read(tmp_path, text)
    assert (len(scan), scan.notes != ()) == ((9, False) if services == "1-9" else (1, True))


def test_one_state_for_several_reasons(tmp_path: Path) -> None:
    ports = extra("filtered", 10, ("no-responses", 7), ("admin-prohibiteds", 3))
    (scan,) = read(tmp_path, document(host(ports), infos=SYN))
    assert set(told(scan).values()) == {("filtered", "unknown")}
    assert len(scan) == 10


@pytest.mark.parametrize("reason", [*Reason])
def test_reasons_in_their_plural(reason: Reason) -> None:
    plural = (
        f"{reason[:-1]}ies" if reason.endswith("y") else f"{reason}{'es' if reason.endswith('h') else 's'}"
    )
    assert reason_named(plural) is reason_named(reason) is reason


# --- what is missing is not invented ----------------------------------------------------------------------


def test_no_reason_is_invented(tmp_path: Path) -> None:
    ports = port(22, reason=None) + port(80, "closed", None) + extra("filtered", 1)
    text = document(host(ports, status='<status state="up"/>'), infos=info("connect", "tcp", "22,80,81"))
    scans = read(tmp_path, text)
    (scan,) = scans
    assert told(scan) == {
        (OURS, 22): ("open", "unknown"),
        (OURS, 80): ("closed", "unknown"),
        (OURS, 81): ("filtered", "unknown"),
    }
    for row in scan:
        assert (row.answered_by, row.rtt_ms, row.tries, row.source) == (None, None, 0, "")
        assert "the file" in row.sentence
    both_ways(tmp_path, scans)


def test_old_ping_scan(tmp_path: Path) -> None:
    states = ('<status state="up"/>', '<status state="down"/>')
    hosts = [host("", f"10.77.2.{n}", status) for n, status in enumerate(states)]
    (scan,) = read(tmp_path, document(*hosts))
    assert told(scan) == {
        ("10.77.2.0", None): ("up", "unknown"),
        ("10.77.2.1", None): ("no-answer", "unknown"),
    }


def test_a_reason_of_a_newer_nmap(tmp_path: Path) -> None:
    scans = read(tmp_path, document(host(port(22, reason="because") + port(23)), infos=SYN))
    (scan,) = scans
    assert told(scan) == {(OURS, 22): ("open", "unknown"), (OURS, 23): ("open", "syn-ack")}
    assert scan.notes == ("With a reason that PortLab does not know: 1 row ('because').",)
    both_ways(tmp_path, scans)


def test_a_pair_that_portlab_would_not_find_stays_nmaps_word(tmp_path: Path) -> None:
    scans = read(
        tmp_path,
        document(host(port(22, "open", "split-handshake-syn") + port(23, "open", "reset")), infos=SYN),
    )
    assert list(told(scans[0]).values())[1] == ("open", "reset")
    assert "Nothing came back" not in "".join(row.sentence for row in scans[0])
    both_ways(tmp_path, scans)


# --- one row spoils nothing -------------------------------------------------------------------------------

V6 = "2001:db8::7"

GOOD = host(port(22))
LATE = host("", "10.77.2.11").replace("<host>", '<host timedout="true">')
SKIPPED = '<target specification="::1" status="skipped" reason="invalid"/>'
LISTED = '<status state="unknown" reason="user-set"/>'

LEFT_OUT = {
    # the hosts, what was asked, how many scans remain (each of them port 22, open), what is said
    "SCTP": (host(port(22) + port(2905, "open", "init-ack", "sctp")), SYN, 1, ["1 row of protocol 'sctp'"]),
    "IP protocols": (
        host(port(22) + listed("open|filtered", "no-response", "2-4", "ip") + port(6, protocol="ip")),
        SYN,
        1,
        ["4 rows of protocol 'ip'"],
    ),
    "IPv6": (
        GOOD + host(port(22) + extra("closed", 5), V6),
        SYN,
        1,
        ["1 host with an IPv6 address", "6 rows of a host with an IPv6 address"],
    ),
    "no address": (
        GOOD + host(port(22), ""),
        SYN,
        1,
        ["1 host without an address", "1 row of a host without"],
    ),
    "no state": (host(port(22) + '<port protocol="tcp" portid="23"/>'), SYN, 1, ["1 row without a state"]),
    "window": (
        host(port(22) + port(53, "closed", "reset", "udp")),
        SYN + info("window", "udp"),
        1,
        ["1 row of a scan of type 'window'"],
    ),
    "not told how": (GOOD, info("udp", "udp"), 0, ["1 row by a technique that is not told"]),
    "two kinds at once": (GOOD, SYN + info("fin", "tcp"), 0, ["1 row of a scan of type 'syn or fin'"]),
    "idle scan's state": (
        host(port(22) + port(23, "closed|filtered", "no-ipid-change")),
        SYN,
        1,
        ["1 row in the state closed|filtered"],
    ),
    "another's state": (
        host(port(22) + port(23, "unfiltered", "reset")),
        SYN,
        1,
        ["1 row in the state unfiltered"],
    ),
    "time ran out": (GOOD + LATE, SYN, 1, ["1 host that took too long"]),
    "list scan": (host("", OURS, LISTED), "", 0, ["never asked: 1 host"]),
    "skipped": (GOOD + SKIPPED, SYN, 1, ["1 target (invalid)"]),
    "other flags": (GOOD, info("syn", "tcp", "22", 'scanflags="FINSYN"'), 1, ["--scanflags 'FINSYN'"]),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_is_left_out_is_counted_and_said(tmp_path: Path, name: str) -> None:
    hosts, infos, remain, said = LEFT_OUT[name]
    scans = read(tmp_path, document(hosts, infos=infos))
    notes = [*scans.notes, *(note for scan in scans for note in scan.notes)]
    assert len(notes) == len(said)
    assert all(words in note for words, note in zip(said, notes, strict=True))
    assert all(note in repr(scans) for note in notes)
    assert [told(scan) for scan in scans] == [{(OURS, 22): ("open", "syn-ack")}] * remain
    both_ways(tmp_path, scans)


def test_notes_show_in_a_notebook_and_in_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans = read(
        tmp_path, document(host(port(2905, "open", "init-ack", "sctp")), infos=info("sctpinit", "sctp"))
    )
    shown = scans._repr_mimebundle_()
    assert "1 row of protocol" in shown["text/plain"]
    assert "1 row of protocol" in shown["text/html"]
    assert cli.main(["read", str(tmp_path / "nmap.xml")]) == 0
    assert "! Left out: 1 row of protocol 'sctp'" in capsys.readouterr().out


def test_masscan(tmp_path: Path) -> None:
    udp = host(port(123, "open", "none", "udp"), "10.77.2.21", "")
    tcp = host(port(80) + port(81, "closed", "rst-ack"), "10.77.2.22", "")
    total = '<finished time="1700000010" elapsed="10"/><hosts up="3" down="0" total="3"/>'
    scans = read(tmp_path, document(udp, udp, tcp, infos=info("syn", "tcp"), end=total, scanner="masscan"))
    assert [(scan.technique, scan.fidelity, scan.complete) for scan in scans] == [
        ("udp", "masscan", True),
        ("syn", "masscan", True),
    ]
    assert told(scans[0]) == {("10.77.2.21", 123): ("open", "unknown")}
    assert told(scans[1]) == {
        ("10.77.2.22", 80): ("open", "syn-ack"),
        ("10.77.2.22", 81): ("closed", "reset"),
    }
    assert scans[0].notes == ("Twice in the file, once in the table: 1 port.",)
    assert scans.notes == ()
    both_ways(tmp_path, scans)


def test_a_port_twice_with_two_verdicts_keeps_the_stronger(tmp_path: Path) -> None:
    ports = port(22, "filtered", "no-response") + port(23) + port(22) + port(22, "closed", "reset")
    (scan,) = read(tmp_path, document(host(ports), infos=SYN))
    assert told(scan) == {(OURS, 22): ("open", "syn-ack"), (OURS, 23): ("open", "syn-ack")}
    assert scan.notes == (
        "Twice in the file, once in the table: 2 ports.",
        "With another verdict there, of which the stronger stands: 2 ports.",
    )


# --- hosts ------------------------------------------------------------------------------------------------


def test_pings_beside_a_port_scan(tmp_path: Path) -> None:
    up = host(port(22), OURS, '<status state="up" reason="echo-reply"/>')
    empty = host("", "10.77.2.11", '<status state="up" reason="echo-reply"/>')
    down = host("", "10.77.2.12", '<status state="down" reason="no-response"/>')
    refused = host("", "10.77.2.13", '<status state="down" reason="host-unreach" reason_ip="10.77.1.1"/>')
    scans = read(tmp_path, document(up, empty, down, refused, infos=SYN))
    ping, syn = scans
    assert told(ping) == {
        (OURS, None): ("up", "echo-reply"),
        ("10.77.2.11", None): ("up", "echo-reply"),
        ("10.77.2.12", None): ("no-answer", "no-response"),
        ("10.77.2.13", None): ("no-answer", "host-unreach"),
    }
    assert [row.answered_by for row in ping] == [OURS, "10.77.2.11", None, "10.77.1.1"]
    assert set(told(syn)) == {(OURS, 22)}
    both_ways(tmp_path, scans)


@pytest.mark.parametrize(
    ("neighbour", "found"),
    [
        ('<status state="up" reason="arp-response"/>', ("ping-arp", "down")),
        ('<status state="up" reason="echo-reply"/>', ("ping", "no-answer")),
    ],
)
def test_down_on_the_own_link(tmp_path: Path, neighbour: str, found: tuple[str, str]) -> None:
    silent = '<status state="down" reason="no-response"/>'
    hosts = [host("", "10.77.1.9", silent), host("", "10.77.1.1", neighbour), host("", "10.77.3.9", silent)]
    verdicts = {
        row.address: (row.technique, str(row.state))
        for scan in read(tmp_path, document(*hosts))
        for row in scan
    }
    assert verdicts["10.77.1.9"] == found
    assert verdicts["10.77.3.9"] == ("ping", "no-answer"), "another network tells nothing about this one"


@pytest.mark.parametrize("reason", ["user-set", "localhost-response"])
def test_what_nmap_took_for_granted_was_not_asked(tmp_path: Path, reason: str) -> None:
    assert read(tmp_path, document(host("", OURS, f'<status state="up" reason="{reason}"/>'))) == []


@pytest.mark.parametrize(
    ("totals", "said"),
    [
        ('up="1" down="14" total="15"', ["14 hosts that did not answer"]),
        ('up="3" down="0" total="3"', ["2 hosts that answered (nmap --open"]),
        ('up="1" down="0" total="1"', []),
        ('up="1" down="4294967295" total="0"', []),  # as nmap writes after some errors
    ],
)
def test_hosts_that_are_only_counted(tmp_path: Path, totals: str, said: list[str]) -> None:
    end = f'<finished time="1700000009" elapsed="9.0" exit="success"/><hosts {totals}/>'
    notes = read(tmp_path, document(host(port(22)), infos=SYN, end=end)).notes
    assert len(notes) == len(said)
    assert all(words in note for words, note in zip(said, notes, strict=True))


def test_no_host_at_all(tmp_path: Path) -> None:
    end = '<finished time="1700000009" elapsed="9.0"/><hosts up="0" down="0" total="0"/>'
    assert (
        repr(read(tmp_path, document(infos=SYN, end=end)))
        == "No scan was found.\n\n! nmap found no host to ask."
    )


def test_names_with_control_characters_are_not_used(tmp_path: Path) -> None:
    text = host(port(22)).replace(
        "<ports>", '<hostnames><hostname name="a&#x9b;b" type="user"/></hostnames><ports>'
    )
    (scan,) = read(tmp_path, document(text, infos=SYN))
    assert scan.host == [OURS]


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
    monkeypatch.setattr(nmap_hosts, "MOST_ROWS", 1_000)
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
