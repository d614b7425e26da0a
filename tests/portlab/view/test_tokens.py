from xml.etree import ElementTree

import pytest

from portlab.model import State
from portlab.view.tokens import COLOURS, LOOKS, contrast, glyph, in_light, slug

PAPER = COLOURS["paper"]


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_shape_a_character_and_words(state: State) -> None:
    look = LOOKS[state]
    ElementTree.fromstring(glyph(state))
    assert look.words
    assert len(look.character) == 1
    assert look.colour in COLOURS


def test_no_two_states_look_alike() -> None:
    for feature in ("character", "words", "shape"):
        assert len({getattr(look, feature) for look in LOOKS.values()}) == len(LOOKS)
    assert len({slug(state) for state in State}) == len(State)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["ink", "muted", "open", "closed", "filtered"])
def test_text_can_be_read(name: str, theme: int) -> None:
    assert contrast(COLOURS[name][theme], PAPER[theme]) >= 4.5
    assert contrast(COLOURS[name][theme], COLOURS["wash"][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_lines_can_be_seen(theme: int) -> None:
    assert contrast(COLOURS["line"][theme], PAPER[theme]) >= 3


def test_contrast_of_black_and_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_pictures_that_stand_alone_need_no_variables() -> None:
    assert in_light("fill:var(--open)") == f"fill:{COLOURS['open'][0]}"
