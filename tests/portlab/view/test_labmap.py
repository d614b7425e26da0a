import re
from dataclasses import replace

import numpy as np
import pytest

from portlab.addresses import number
from portlab.evidence.result import Scan
from portlab.lab import Lab
from portlab.model import Reason, State
from portlab.view import lab_map
from portlab.view.labmap.found import found_in
from portlab.view.tokens import LOOKS, glyph
from tests.portlab.view import made
from tests.portlab.view.test_summary import CLOSED, DROPPED, OPEN, big

LAB = Lab(
    fidelity="embedded",
    networks={"dmz": "10.77.2.0/24", "office": "10.77.1.0/24"},
    hosts={
        "student": ("10.77.1.100",),
        "gateway": ("10.77.1.1", "10.77.2.1"),
        "ghost": ("10.77.1.99",),
        "web": ("10.77.2.10",),
        "db": ("10.77.2.11",),
    },
    self_name="student",
    wire="",
    firewall="gateway",
    slow="dmz",
)
MARKS = "".join(look.character for look in LOOKS.values())
UP = made.scan("ping", made.PING, None)
DOWN = made.scan("ping-arp", made.ARP_DOWN, None, "ghost", made.GHOST)


def line(text: str, host: str) -> str:
    return next(line for line in text.splitlines() if line.strip().startswith(f"- {host},"))


def test_the_networks_and_hosts_come_from_the_descriptor() -> None:
    assert str(lab_map(LAB)).splitlines()[2:] == [
        "- office, 10.77.1.0/24",
        "  - student, 10.77.1.100, you are here: not asked yet",
        "  - ghost, 10.77.1.99: not asked yet",
        "- gateway, 10.77.1.1, 10.77.2.1, firewall: not asked yet",
        "- dmz, 10.77.2.0/24, over a slow link",
        "  - web, 10.77.2.10: not asked yet",
        "  - db, 10.77.2.11: not asked yet",
    ]


def test_nothing_is_claimed_that_nobody_told() -> None:
    html = lab_map(replace(LAB, firewall="", slow="")).html()
    assert "firewall" not in html.split("<figure", 1)[1]
    assert "slow link" not in html.split("<figure", 1)[1]
    assert html.count("not asked yet") == len(LAB.hosts)


@pytest.mark.parametrize(("scan", "host", "state"), [(UP, "web", State.UP), (DOWN, "ghost", State.DOWN)])
def test_what_a_ping_found_has_a_shape_and_a_word(scan: object, host: str, state: State) -> None:
    shown = lab_map(LAB, scan)  # type: ignore[arg-type]
    assert f"{LOOKS[state].character} {LOOKS[state].words}" in line(str(shown), host)
    assert f"{glyph(state)} {LOOKS[state].words}" in shown.html()
    assert shown.html().count("not asked yet") == len(LAB.hosts) - 1


@pytest.mark.parametrize(
    "state", [State.OPEN, State.CLOSED, State.FILTERED, State.UNFILTERED, State.OPEN_FILTERED]
)
def test_ports_are_counted_by_state(state: State) -> None:
    shown = lab_map(LAB, big({22: (state, Reason.NO_RESPONSE), 23: (state, Reason.NO_RESPONSE)}))
    assert f"{LOOKS[state].character} 2 {LOOKS[state].words}" in line(str(shown), "web")
    assert f"{glyph(state)} 2 {LOOKS[state].words}" in shown.html()


def test_open_ports_are_named() -> None:
    shown = str(lab_map(LAB, big(dict.fromkeys([21, 22, 23, 25, 53, 80, 110], OPEN) | {443: CLOSED})))
    assert "● 7 open: 21 ftp, 22 ssh, 23 telnet, 25 smtp, 53 dns, 80 http and 1 more; × 1 closed" in shown


def test_the_list_and_the_text_say_the_same() -> None:
    shown = lab_map(LAB, UP, DOWN, big({22: OPEN, 23: CLOSED, 24: DROPPED}, ("web", "db")))
    list_ = re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", shown.html(), flags=re.DOTALL)
    said = re.findall(r'<p class="said[^"]*">(.*?)</p>', list_)
    told = [
        part
        for row in str(shown).splitlines()[2:]
        if ": " in row
        for part in row.split(": ", 1)[1].split("; ")
    ]
    assert [words.strip() for words in said] == [re.sub(rf"^[{MARKS}] ", "", words) for words in told]


def test_what_is_newer_counts_but_not_what_leaves_the_question_open() -> None:
    names = {made.WEB: "web"}
    unfiltered, perhaps = (State.UNFILTERED, Reason.RESET), (State.OPEN_FILTERED, Reason.NO_RESPONSE)
    first, later = big({22: OPEN, 80: CLOSED, 81: perhaps}), big({22: unfiltered, 80: OPEN, 81: unfiltered})
    found = found_in([first, later], names)["web"]
    assert found.of(State.OPEN) == [(22, "tcp"), (80, "tcp")]
    assert found.of(State.UNFILTERED) == [(81, "tcp")]
    assert found.asked == 3


def at(address: str, scan: Scan) -> Scan:
    """The same scan of another address."""
    asked = replace(scan.asked, address=np.full(len(scan), number(address), np.uint32))
    return replace(scan, asked=asked)


def test_all_addresses_of_a_host_are_one_host() -> None:
    scan = at("10.77.2.1", big({22: OPEN}))
    assert "● 1 open: 22 ssh" in line(str(lab_map(LAB, scan)), "gateway")


def test_an_address_that_answers_and_has_no_name_is_on_the_map_too() -> None:
    scan = at("10.77.2.77", big({22: OPEN}))
    assert "● 1 open: 22 ssh" in line(str(lab_map(LAB, scan)), "10.77.2.77")
    assert "10.77.2.77" not in str(lab_map(LAB, at("10.77.2.77", big({22: DROPPED}))))


def test_what_had_not_answered_when_its_scan_ended_is_told() -> None:
    shown = str(lab_map(LAB, big({22: OPEN}, unanswered=((made.WEB, 80), (made.WEB, 81)))))
    assert "● 1 open: 22 ssh; 2 unanswered so far" in line(shown, "web")


def test_warnings_of_the_scans_stand_on_the_map() -> None:
    assert "! INCOMPLETE" in str(lab_map(LAB, big({22: OPEN}, complete=False)))


def test_words_from_outside_are_escaped() -> None:
    lab = Lab("embedded", {"<b>": "10.77.1.0/24"}, {"<i>x": ("10.77.1.1",)}, "<i>x", "")
    assert "<i>x" not in lab_map(lab).html()
