"""The port reference: every row with all that is known of it, and what scans found beside it."""

from __future__ import annotations

import pytest

from portlab import ports
from portlab.evidence.result import Scan
from portlab.model import State
from portlab.view.port_reference import Reference, found_in, in_words, reference
from portlab.view.port_reference.marks import GROUPS, SECRECY
from tests.portlab.view import made

CLOSED_80 = [made.Try(0, ((0, True, made.syn()), (71_000, False, made.tcp_back("RA"))))]


def scan(tries: list[made.Try], host: str = "web", port: int = 80) -> Scan:
    return made.scan("syn", tries, port, host)


def html(shown: Reference) -> str:
    return shown._repr_mimebundle_()["text/html"]


def test_every_way_of_encryption_has_a_shape_and_words() -> None:
    assert {row.encrypted for row in ports.reference()} == set(SECRECY)
    assert {look.group for look in SECRECY.values()} == set(GROUPS)
    assert len({look.words for look in SECRECY.values()}) == len(SECRECY)
    assert all(look.words in look.html() and "<svg" in look.html() for look in SECRECY.values())


@pytest.mark.parametrize("row", ports.reference(), ids=lambda row: f"{row.where}-{row.service}")
def test_nothing_known_of_a_port_is_left_out(row: ports.Port) -> None:
    from html import unescape

    told = unescape(html(Reference([row])))
    known = [
        row.name,
        row.service,
        row.purpose,
        row.secure_alternative,
        row.remark,
        row.udp_answer,
        row.section,
    ]
    assert all(words.rstrip(".") in told for words in known)
    assert SECRECY[row.encrypted].words in told
    assert row.standard in told or row.standard == "none"


def test_what_scans_found_is_told_with_the_names_of_the_hosts() -> None:
    scans = [scan(made.SYN_OPEN, "web"), scan(CLOSED_80, "files"), scan(made.dropped(), "db")]
    found = found_in(scans, ports.find(80))
    assert found == {"80/tcp": {State.OPEN: ["web"], State.FILTERED: ["db"], State.CLOSED: ["files"]}}
    assert in_words(found["80/tcp"]) == "open on web; filtered on db; closed on files"
    shown = reference(scans, ports.find("http"))
    assert "80/tcp in the lab: open on web; filtered on db; closed on files" in str(shown)
    assert html(shown).count("not asked") == len(shown.rows) - 1


def test_the_later_scan_counts() -> None:
    scans = [scan(made.SYN_OPEN), scan(CLOSED_80)]
    assert found_in(scans, ports.find(80)) == {"80/tcp": {State.CLOSED: ["web"]}}
    assert found_in(reversed(scans), ports.find(80)) == {"80/tcp": {State.OPEN: ["web"]}}


def test_transports_are_told_apart_and_other_ports_left_out() -> None:
    udp = made.scan("udp", made.UDP_OPEN, 53)
    assert list(found_in([udp], ports.find(53))) == ["53/udp"]
    assert found_in([udp, made.scan("ping", made.PING, None)], ports.find(80)) == {}


def test_many_hosts_are_counted() -> None:
    assert in_words({State.OPEN: [f"host{i}" for i in range(9)]}).endswith("host5 and 3 more")


def test_how_real_the_scans_were_is_said() -> None:
    simulated = made.scan("syn", made.SYN_OPEN, fidelity="simulated")
    told = "SYN scan (SIMULATED: computed, not measured)"
    shown = reference([simulated, simulated], ports.find(80))
    assert html(shown).count(told) == str(shown).count(told) == 1
    assert "In the lab" not in html(reference(rows=ports.find(80)))


def test_few_rows_need_no_script_and_a_probe_always_does() -> None:
    assert "<script>" not in html(reference(rows=ports.find(80)))
    assert "<script>" in html(reference())
    live = html(Reference(ports.find(80), probe=True))
    assert "<script>" in live
    assert 'aria-label="Probe the lab for 80/tcp http"' in live


def test_an_empty_one_helps() -> None:
    shown = reference(rows=ports.find("gopher"))
    assert 'find("mail")' in str(shown)
    assert "find(&quot;mail&quot;)" in html(shown)
