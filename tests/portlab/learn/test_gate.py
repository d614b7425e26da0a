"""The gate as a picture: native radio buttons, a region that is read out, and a twin that says the same."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest

from portlab.model import State
from portlab.view.gate import MARKS, Choice, Feedback, Gate, Group
from portlab.view.tokens import LOOKS

GATE = Gate(
    "a-door",
    "Predict first",
    "What <comes> back?",
    (
        Group("state", "The port will be reported as", (Choice("open", state=State.OPEN), Choice("closed"))),
        Group("packet", "because", (Choice("RST", "a RST"), Choice("nothing", "nothing at all"))),
    ),
    "Lock in",
)
LOCKED = replace(
    GATE,
    picked={"state": "open", "packet": "RST"},
    feedback=Feedback("½", "Half.", ("Why & how.",), "pl.ping()", "<b>more</b>", "more"),
)


class Elements(HTMLParser):
    """All start tags with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_each_group_is_a_fieldset_of_native_radio_buttons() -> None:
    page = Elements(GATE.html())
    assert len(page.all("fieldset")) == len(page.all("legend")) == 2
    radios = page.all("input")
    assert [radio["value"] for radio in radios] == ["open", "closed", "RST", "nothing"]
    assert {radio["type"] for radio in radios} == {"radio"}
    assert [radio["name"] for radio in radios] == ["a-door.state"] * 2 + ["a-door.packet"] * 2
    assert not any("checked" in radio or "disabled" in radio for radio in radios)


def test_the_button_is_locked_and_waits_for_python() -> None:
    html = GATE.html()
    (button,) = Elements(html).all("button")
    assert (button["type"], button["aria-disabled"], button["data-do"]) == ("button", "true", "commit")
    assert '<div class="bar needs-python">' in html


def test_once_answered_the_choice_stands_and_cannot_be_changed() -> None:
    radios = Elements(LOCKED.html()).all("input")
    assert [radio["value"] for radio in radios if "checked" in radio] == ["open", "RST"]
    assert all("disabled" in radio for radio in radios)


def test_feedback_is_read_out_and_pictures_are_not() -> None:
    html = LOCKED.html()
    status = html.index('role="status"')
    assert status < html.index("Why &amp; how.") < html.index('<div class="more">')
    assert 'role="img" aria-label="half right"' in html


def test_the_status_region_is_there_before_anything_is_said() -> None:
    assert '<div class="feedback" role="status"></div>' in GATE.html()


def test_the_twin_says_what_the_figure_says() -> None:
    assert str(GATE).splitlines() == [
        "Predict first",
        "What <comes> back?",
        "  The port will be reported as: open / closed",
        "  because: a RST / nothing at all",
        "Not answered yet.",
    ]
    assert str(LOCKED).splitlines()[-7:] == [
        "You said: open, a RST",
        "",
        "½ Half.",
        "  Why & how.",
        "  The line that ran: pl.ping()",
        "",
        "more",
    ]


def test_what_comes_from_outside_is_escaped() -> None:
    assert "What &lt;comes&gt; back?" in GATE.html()
    assert "<comes>" not in GATE.html()


@pytest.mark.parametrize("mark", MARKS)
def test_marks_are_no_shapes_of_states(mark: str) -> None:
    assert mark not in {look.character for look in LOOKS.values()}
