"""Both ends: what the gateway and web recorded, joined to what the scanner saw."""

import re

import numpy as np
import pytest

from portlab.model import no_frames
from portlab.view import ladder
from portlab.view.ladder import drawing
from portlab.view.ladder.describe import describe
from portlab.view.ladder.story import RowKind
from tests.portlab.view import made

# exchange -> (sender, where it ended, fate) of each packet; actors: 0 scanner, 1 gateway, 2 web
WAYS = {
    "open": [(0, 2, None), (2, 0, None), (0, 2, None)],
    "dropped": [(0, 1, "dropped")] * 3,
    "dropped often": [(0, 1, "dropped")] * 3,
    "rejected": [(0, 1, "rejected"), (1, 0, None)],
    "refused in web's name": [(0, 1, "rejected"), (1, 0, None)],
    "lost behind the gateway": [(0, 1, "lost")] * 3,
    "answer lost": [(0, 2, None), (2, 1, "dropped"), (0, 2, None), (2, 0, None), (0, 2, None)],
    "swallowed by web": [(0, 2, None)] * 2,
    "only the gateway": [(0, 2, None), (2, 0, None), (0, 2, None)],
    "connect 8443": [(0, 1, "rejected"), (1, 0, None)],
}


@pytest.mark.parametrize("name", WAYS)
def test_where_each_packet_went(name: str) -> None:
    story = describe(made.RECORDED[name]())
    assert [actor.name for actor in story.actors] == ["scanner", "gateway", "web"]
    paths = [row.path for row in story.rows if row.kind is RowKind.PACKET]
    assert [(path.sender, path.end, path.fate) for path in paths if path] == WAYS[name]


CLAIMS = {
    "open": "shows open",
    "dropped": "shows filtered",
    "rejected": "shows filtered",
    "refused in web's name": "says closed",  # the ends do not agree: web knows nothing of it
    "lost behind the gateway": "suggests filtered",  # no filter was seen
    "swallowed by web": "suggests open|filtered",
    "only the gateway": "says open",  # nobody recorded at the other end
    "connect 8443": "says closed",
}


@pytest.mark.parametrize("name", CLAIMS)
def test_only_both_ends_together_show_something(name: str) -> None:
    assert describe(made.RECORDED[name]()).whole_claim == CLAIMS[name]


TOLD = {
    "open": "gateway passes it on after 24 µs; web gets it after 34 µs",
    "dropped": "gateway gets it after 21 µs, passes nothing on: dropped; web sees nothing of it",
    "rejected": "passes nothing on and answers itself: rejected; web sees nothing of it",
    "lost behind the gateway": "gateway passes it on after 24 µs; web sees nothing of it: lost on the way",
    "swallowed by web": "web gets it after 34 µs and sends nothing back",
    "only the gateway": "Recorded: gateway passes it on after 24 µs.",
}


@pytest.mark.parametrize("name", TOLD)
def test_what_the_recordings_say_of_the_first_packet(name: str) -> None:
    path = describe(made.RECORDED[name]()).rows[0].path
    assert path is not None
    assert TOLD[name] in path.told


def test_who_speaks_in_the_target_s_name() -> None:
    answer = describe(made.RECORDED["refused in web's name"]()).rows[1]
    assert answer.path is not None
    assert answer.path.told == "Recorded: web never sent it; gateway makes it at 19 µs, in web's name."
    assert (answer.sender, answer.path.sender) == (2, 1)  # the scanner must believe that web spoke


def test_what_the_scanner_never_saw_is_a_row_of_its_own() -> None:
    story = describe(made.RECORDED["answer lost"]())
    assert [row.what for row in story.rows if row.unseen] == ["SYN-ACK"]
    html = ladder.html(story)
    assert html.count('data-i="2" class="truth"') == 1


@pytest.mark.parametrize("name", made.RECORDED)
def test_nothing_is_claimed_of_a_place_without_a_recording(name: str) -> None:
    exchange = made.RECORDED[name]()
    nobody = exchange.both_ends(made.recording(hosts=()))
    assert ladder.transcript(nobody) == ladder.transcript(nobody.both_ends(made.recording(hosts=("db",))))
    assert "Recorded" not in ladder.transcript(nobody)
    assert "Scanner's view" not in ladder.mimebundle(nobody)["text/html"]


def test_the_scanner_s_own_recording_adds_nothing() -> None:
    student = made.recording(("student", 0, True, made.syn()), hosts=("student",))
    assert "student" not in ladder.transcript(made.EXCHANGES["syn open"]().both_ends(student))


def test_other_conversations_are_left_out() -> None:
    foreign = [("web", 5 * made.US, False, made.syn(3)), ("web", 6 * made.US, False, made.syn(port=81))]
    story = describe(made.EXCHANGES["syn open"]().both_ends(made.recording(*foreign)))
    assert story.untouched
    assert not any(row.unseen for row in story.rows)


def test_what_came_after_the_scan_is_left_out() -> None:
    late = made.recording(("web", 9 * made.S, True, made.tcp_back("SA", 777)))
    assert not any(row.unseen for row in describe(made.EXCHANGES["syn open"]().both_ends(late)).rows)


def test_a_target_that_recorded_nothing_saw_nothing() -> None:
    empty = made.recording(hosts=("web",))
    assert len(empty.frames) == len(no_frames()) == 0
    bundle = ladder.mimebundle(made.EXCHANGES["syn dropped"]().both_ends(empty))
    assert "web recorded, and saw nothing of this." in bundle["text/plain"]
    assert "saw nothing of this</text>" in bundle["text/html"]


@pytest.mark.parametrize("name", made.RECORDED)
def test_the_scanner_s_view_holds_nothing_that_only_the_lab_knows(name: str) -> None:
    """Without its "truth" the picture and the table are those of the scanner alone."""
    exchange = made.RECORDED[name]()
    html = ladder.html(describe(exchange)).split("</style>", 1)[1]
    left = _without(html, "truth")
    for word in ("gateway", "Recorded", "dropped", "rejected", "saw nothing", "shows "):
        assert word not in re.sub(r"base64,[^\"]*", "", left), word


def _without(html: str, css: str) -> str:
    """The page's text without the elements of that class."""
    from bs4 import BeautifulSoup

    page = BeautifulSoup(html, "html.parser")
    for each in page.select(f".{css}, script, img, button"):
        each.decompose()
    return page.get_text(" ")


def test_the_order_of_time_holds() -> None:
    for name, make in made.RECORDED.items():
        rows = [row for row in describe(make()).rows if not row.unseen]
        assert np.all(np.diff([row.at_ns for row in rows]) >= 0), name


def test_ticks_stand_where_the_clock_was_read() -> None:
    svg, _ = drawing.draw(describe(made.RECORDED["open"]()), "x")
    times = re.findall(r'<text x="(56|100)%" y="[\d.]+" class="time"[^>]*>([^<]+)<', svg)
    assert times == [
        ("56", "+20 µs"), ("100", "+34 µs"),
        ("100", "45 µs"), ("56", "+9 µs"),
        ("56", "+13 µs"), ("100", "+27 µs"),
    ]  # fmt: skip
