from typing import Any

import numpy as np
import pytest

from portlab.addresses import number
from portlab.evidence.result import Scan
from portlab.evidence.verdict import Asked, Findings
from portlab.model import PROBE, Events, Reason, State, no_errnos, no_frames
from portlab.view import summary
from tests.portlab.view import made

OPEN, CLOSED, DROPPED = (
    (State.OPEN, Reason.SYN_ACK),
    (State.CLOSED, Reason.RESET),
    (State.FILTERED, Reason.NO_RESPONSE),
)


def big(verdicts: dict[int, tuple[State, Reason]], hosts: tuple[str, ...] = ("web",), **more: Any) -> Scan:
    """A scan of many ports: port -> verdict, the same on every host."""
    ports, count = list(verdicts), len(verdicts) * len(hosts)
    names = {number(made.WEB) + i: name for i, name in enumerate(hosts)}
    asked = Asked(
        np.repeat(np.array([*names], np.uint32), len(ports)),
        np.tile(np.array(ports, np.int32), len(hosts)),
        names,
    )
    states = np.tile(np.array([state.code for state, _ in verdicts.values()], np.uint8), len(hosts))
    reasons = np.tile(np.array([reason.code for _, reason in verdicts.values()], np.uint8), len(hosts))
    none = np.full(count, -1, np.int16)
    findings = Findings(
        np.ones(count, np.uint8), states, reasons, np.full(count, np.nan), np.ones(count, np.uint8),
        np.zeros(count, np.uint32), none, none, np.full(count, -1, np.intp),
    )  # fmt: skip
    facts = {
        "fidelity": "embedded",
        "complete": True,
        "authorised": (),
        "lost_here": 0,
        "elapsed_s": 2.5,
    } | more
    events = Events(no_frames(), no_errnos())
    return Scan(
        "syn",
        started_ns=0,
        asked=asked,
        findings=findings,
        probes=np.zeros(count, PROBE),
        recorded=events,
        **facts,
    )


def test_a_small_scan_is_listed_whole_in_the_order_asked() -> None:
    text = summary.text(big({443: OPEN, 9: CLOSED, 22: DROPPED}))
    table = [line.split() for line in text.splitlines()[4:]]
    assert [(row[1], row[2], row[3]) for row in table] == [
        ("443/tcp", "●", "open"),
        ("9/tcp", "×", "closed"),
        ("22/tcp", "▨", "filtered"),
    ]


def test_a_large_scan_lists_the_interesting_and_counts_the_rest() -> None:
    verdicts = dict.fromkeys(range(1, 65_536), CLOSED) | {
        22: OPEN,
        80: OPEN,
        8080: (State.FILTERED, Reason.ADMIN_PROHIBITED),
    }
    seen = summary.summarise(big(verdicts))
    assert [row.port for row in seen.rows] == [22, 80, 8080]
    (group,) = seen.groups
    assert (group.state, group.count) == (State.CLOSED, 65_532)
    assert group.where == "ports 1-21, 23-79, 81-8079, 8081-65535"
    assert "65,532 closed (reset)" in summary.text(big(verdicts))


@pytest.mark.parametrize("opened", [10, 30, 31, 500])
def test_never_more_than_thirty_rows_and_no_port_lost(opened: int) -> None:
    scan = big(dict.fromkeys(range(1, 1001), CLOSED) | dict.fromkeys(range(1, opened + 1), OPEN))
    seen = summary.summarise(scan)
    assert len(seen.rows) == min(opened, 30)
    assert len(seen.rows) + sum(group.count for group in seen.groups) == len(scan)


def test_several_hosts() -> None:
    verdicts = dict.fromkeys(range(1, 101), CLOSED) | {22: OPEN}
    seen = summary.summarise(big(verdicts, hosts=("web", "db")))
    assert [(row.host, row.port) for row in seen.rows] == [("web", 22), ("db", 22)]
    assert seen.groups[0].where.startswith("web, db: ports 1-21, 23-100")
    assert seen.facts.startswith("200 ports of 2 hosts · 2.50 s")


def test_one_port_of_many_hosts() -> None:
    [group] = summary.summarise(big({23: CLOSED}, hosts=tuple(f"pc{n}" for n in range(40)))).groups
    assert group.where.endswith(" more: port 23")


WARNINGS = [
    ({"complete": False, "stopped_by": "interrupted"}, "INCOMPLETE: the scan ended early (interrupted)."),
    (
        {"never_asked": ((made.WEB, 80), (made.WEB, 81), ("10.77.9.9", 7))},
        "3 ports never asked: nothing is said about them (web: 80-81; 10.77.9.9: 7).",
    ),
    (
        {"unanswered": ((made.WEB, 22),)},
        "1 port asked, unanswered so far: nothing is said about them (web: 22).",
    ),
    (
        {"unanswered": ((made.WEB, None), ("10.77.9.9", None))},
        f"2 hosts asked, unanswered so far: nothing is said about them ({made.WEB}, 10.77.9.9).",
    ),
    (
        {"never_asked": tuple((f"10.77.9.{host}", 80) for host in range(1, 8))},
        "7 ports never asked: nothing is said about them "
        "(10.77.9.1: 80; 10.77.9.2: 80; 10.77.9.3: 80; 10.77.9.4: 80; and 3 more hosts).",
    ),
    ({"matched": False}, "UNMATCHED"),
    ({"lost_here": 3}, "3 frames lost on this machine"),
    ({"authorised": ("192.0.2.0/28",)}, "Authorised by you: 192.0.2.0/28."),
]


@pytest.mark.parametrize(("facts", "words"), WARNINGS, ids=[words[:12] for _, words in WARNINGS])
def test_what_must_be_known_first_is_told_in_both_forms(facts: dict[str, Any], words: str) -> None:
    bundle = summary.mimebundle(big({80: OPEN}, **facts))
    assert f"! {words}" in bundle["text/plain"]
    assert f'<p class="warning">{words}' in bundle["text/html"]
    assert "! " not in summary.text(big({80: OPEN}))


def test_the_badge() -> None:
    real, computed = (summary.mimebundle(big({80: OPEN}, fidelity=f)) for f in ("embedded", "simulated"))
    assert "[real packets, embedded lab]" in real["text/plain"]
    assert "[SIMULATED: computed, not measured]" in computed["text/plain"]
    assert 'class="fidelity loud"' in computed["text/html"]
    assert 'class="fidelity loud"' not in real["text/html"]


def test_a_ping_has_no_ports() -> None:
    bundle = summary.mimebundle(made.scan("ping", made.PING, None))
    assert "host  address" in bundle["text/plain"]
    assert "▲ host up" in bundle["text/plain"]
    assert "port" not in bundle["text/plain"]
    assert "convention" not in bundle["text/html"]


def test_who_answered_and_the_caveat() -> None:
    text = summary.text(made.scan("connect", made.CONNECT_8443, 8443))
    assert f"conn-refused from {made.GATEWAY}" in text
    assert "! web 8443: Not a RST" in text


def test_names_are_escaped() -> None:
    html = summary.html(big({80: OPEN}, hosts=("<i>web</i>",)))
    assert "<i>web" not in html


def test_state_is_told_by_shape_and_word() -> None:
    html = summary.html(big({80: OPEN, 9: CLOSED}))
    for word in ("open", "closed"):
        assert f'class="badge s-{word}"><svg' in html
        assert f"<b>{word}</b>" in html


def test_an_empty_scan() -> None:
    assert "0 hosts" in summary.text(big({}))
