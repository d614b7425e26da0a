"""A state's look stands in one place: what is changed there is seen in every kind of picture, and as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import portlab
from portlab.evidence.result import Scan
from portlab.model import State
from portlab.ports import find
from portlab.view import figure, host_table, lab_map, meanings, plots, port_map
from portlab.view.ladder import html as ladder_html
from portlab.view.ladder import transcript
from portlab.view.ladder.describe import describe
from portlab.view.port_reference import Reference
from portlab.view.scan_panel import Order, Panel
from portlab.view.tokens import LOOKS, slug, state_rules
from tests.portlab.view import made
from tests.portlab.view.test_labmap import LAB
from tests.portlab.view.test_summary import CLOSED, OPEN, big

CHANGED = replace(
    LOOKS[State.OPEN],
    character="★",
    words="answering",
    colour="icmp",
    shape='<path d="M1 1H11"/>',
    tile='<path d="M.1 .1H.9"/>',
    tint='<path d="M1 2H3"/>',
    cell="var(--icmp-bg)",
    marker={"marker": "*", "color": "icmp"},
    bar={"facecolor": "icmp-bg"},
    half="data",
)


@pytest.fixture(autouse=True)
def another_look(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Open is shown otherwise; style sheets are read once only, so they are forgotten before and after."""
    kept = (figure.css, figure.style, figure._light_rules)
    for each in kept:
        each.cache_clear()
    monkeypatch.setitem(LOOKS, State.OPEN, CHANGED)
    yield
    for each in kept:
        each.cache_clear()


def small() -> Scan:
    return big({22: OPEN, 23: CLOSED})


def large() -> Scan:
    return big(dict.fromkeys(range(1, 3001), OPEN))


def panel(scan: Scan) -> Panel:
    return Panel("id", ("syn_scan",), ("web",), Order("syn_scan", "web"), scan=scan)


def page(shown: Any) -> str:
    html: str = shown._repr_mimebundle_()["text/html"]
    return html


def two_plots() -> Any:
    return plots.compare(small().to_frame(), small().to_frame())


ANSWERED = made.scan("syn", made.SYN_OPEN)
COLOUR = "var(--icmp)"
PICTURES: dict[str, tuple[Callable[[], str], tuple[str, ...]]] = {
    "summary": (
        lambda: page(small()),
        (CHANGED.shape, "<b>answering</b>", f".pl .s-open b{{color:{COLOUR}}}"),
    ),
    "ladder": (
        lambda: ladder_html(describe(made.EXCHANGES["syn open"]())),
        (CHANGED.shape, "answering", f".ladder .s-open .packet,.ladder .s-open .frame{{stroke:{COLOUR}}}"),
    ),
    "port map": (lambda: page(port_map(small())), (CHANGED.shape, CHANGED.tile)),
    "port map of all": (lambda: page(port_map(large())), (CHANGED.tint, CHANGED.tile)),
    "scan panel": (
        lambda: panel(ANSWERED).html(),
        (CHANGED.shape, CHANGED.tile, "1 answering", f".bars.s-open{{fill:{COLOUR}}}"),
    ),
    "scan panel of many": (lambda: panel(large()).html(), (CHANGED.tint,)),
    "host table": (
        lambda: page(host_table(small())),
        (CHANGED.shape, '<span class="word">answering</span>', ".hosts .c-open{background:var(--icmp-bg)}"),
    ),
    "lab map": (lambda: page(lab_map(LAB, small())), (CHANGED.shape, "1 answering: 22")),
    "meanings": (lambda: page(meanings("syn")), (CHANGED.shape, "<b>answering</b>")),
    "reference": (lambda: page(Reference(find("ssh"), (small(),))), (CHANGED.shape, "<b>answering</b>")),
    "plot of states": (
        lambda: page(plots.states(small().to_frame())),
        ("var(--icmp-bg)", "var(--data)", "★ answering"),
    ),
    "plot of times": (lambda: page(plots.rtt(ANSWERED.to_frame())), (COLOUR, "answering")),
    "plot of events": (lambda: page(plots.timeline(ANSWERED)), (COLOUR, "★ answering")),
    "plot of two scans": (
        lambda: page(plots.compare(small().to_frame(), small().to_frame())),
        ("★ answering, as before",),
    ),
}

TEXTS: dict[str, Callable[[], object]] = {
    "summary": small,
    "ladder": lambda: transcript(made.EXCHANGES["syn open"]()),
    "port map": lambda: port_map(small()),
    "scan panel": lambda: panel(small()),
    "host table": lambda: host_table(small()),
    "lab map": lambda: lab_map(LAB, small()),
    "meanings": lambda: meanings("syn"),
    "plot": lambda: plots.describe(plots.timeline(ANSWERED)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_look_is_seen_in_every_picture(name: str) -> None:
    draw, seen = PICTURES[name]
    html = draw()
    assert [each for each in seen if each not in html] == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_look_is_seen_in_every_text(name: str) -> None:
    assert "★ " in str(TEXTS[name]())


def test_points_are_marked_as_the_look_says() -> None:
    for plot in (plots.rtt(ANSWERED.to_frame()), plots.timeline(ANSWERED)):
        assert "*" in [line.get_marker() for line in plot.lines]


def test_no_state_is_drawn_by_hand_elsewhere() -> None:
    """No file but the tokens writes a state's character, and no style sheet has a rule for one state."""
    package = Path(portlab.__file__).parent
    files = [path for ending in ("py", "css", "js") for path in package.rglob(f"*.{ending}")]
    characters = {look.character for state, look in LOOKS.items() if state is not State.OPEN} | {"●"}
    rule = re.compile(rf"\.[sc]-({'|'.join(map(slug, State))})\b")
    wrong = [
        path.name
        for path in files
        if path.name != "tokens.py"
        for text in [path.read_text("utf-8")]
        if characters & set(text) or (path.suffix == ".css" and rule.search(text))
    ]
    assert len(files) > 100
    assert wrong == []


def test_states_that_look_alike_share_a_rule_and_ink_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LOOKS, State.OPEN, replace(CHANGED, colour="open"))
    assert state_rules(".s-STATE b,.x.s-STATE{color:var(--COLOUR)}") == (
        ".s-open b,.s-up b,.x.s-open,.x.s-up{color:var(--open)}"
        ".s-closed b,.s-down b,.x.s-closed,.x.s-down{color:var(--closed)}"
        ".s-filtered b,.x.s-filtered{color:var(--filtered)}"
    )
