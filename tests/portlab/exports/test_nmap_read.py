"""What nmap's XML of any age says, and masscan's: read whole, and counted where it is left out."""

from pathlib import Path

import pytest

from portlab import cli
from portlab.errors import MalformedPacket
from portlab.exports.nmap_words import reason_named
from portlab.model import Reason
from tests.portlab.exports.nmap_made import (
    OURS,
    SYN,
    V6,
    both_ways,
    document,
    extra,
    host,
    info,
    listed,
    port,
    read,
    told,
)

# --- ports that are only counted --------------------------------------------------------------------------


def test_counted_ports_are_what_was_asked_without_what_is_listed(tmp_path: Path) -> None:
    ports = extra("closed", 8, ("resets", 8)) + port(22) + port(25, "filtered", "no-response")
    silent = host(extra("filtered", 10, ("no-responses", 10)), "10.77.2.11")
    scans = read(tmp_path, document(host(ports), silent, infos=SYN))
    (scan,) = scans
    rest = {(OURS, number): ("closed", "reset") for number in range(20, 30)}
    shown = {(OURS, 22): ("open", "syn-ack"), (OURS, 25): ("filtered", "no-response")}
    every = {("10.77.2.11", number): ("filtered", "no-response") for number in range(20, 30)}
    assert told(scan) == rest | shown | every
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


# --- the TTL of what decided ------------------------------------------------------------------------------

TTLS = [
    ('reason="syn-ack" reason_ttl="63"', 63),
    ('reason="syn-ack" reason_ttl="255"', 255),
    ('reason="syn-ack" reason_ttl="0"', None),  # as nmap writes it where it knows none
    ('reason="syn-ack"', None),
    ('reason_ttl="63"', None),  # without a reason nobody is known to have spoken
    ('reason="arp-response" reason_ttl="63"', None),
]


@pytest.mark.parametrize(("said", "ttl"), TTLS)
def test_the_ttl_is_read_where_something_came_with_it(tmp_path: Path, said: str, ttl: int | None) -> None:
    ports = f'<port protocol="tcp" portid="22"><state state="open" {said}/></port>'
    scans = read(tmp_path, document(host(ports), infos=SYN))
    assert scans[0]["10.77.2.10", 22].ttl == ttl
    both_ways(tmp_path, scans)


def test_the_ttl_of_a_ping_is_read(tmp_path: Path) -> None:
    up = host(status='<status state="up" reason="echo-reply" reason_ttl="62"/>')
    down = host(address="10.77.2.11", status='<status state="down" reason="host-unreach" reason_ttl="64"/>')
    scans = read(tmp_path, document(up, down))
    assert [row.ttl for row in scans[0]] == [62, 64]
    both_ways(tmp_path, scans)


def test_a_ttl_is_one_byte(tmp_path: Path) -> None:
    ports = '<port protocol="tcp" portid="22"><state state="open" reason="syn-ack" reason_ttl="256"/></port>'
    with pytest.raises(MalformedPacket, match="256"):
        read(tmp_path, document(host(ports), infos=SYN))
