"""What shows itself: one way for all."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from portlab.shown import Shown, text_table


@dataclass(frozen=True, slots=True, repr=False)
class Word(Shown):
    """Shown as itself."""

    word: str

    def __str__(self) -> str:
        return self.word

    def html(self) -> str:
        return f"<b>{self.word}</b>"


def test_a_notebook_gets_the_figure_and_everything_else_the_text() -> None:
    shown = Word("open")
    assert repr(shown) == "open"
    assert shown._repr_mimebundle_(include=["text/html"]) == {
        "text/plain": "open",
        "text/html": "<b>open</b>",
    }


def test_whatever_shows_itself_says_how() -> None:
    """Every class that has Shown as its base has its own text and figure, and no other repr."""
    import portlab.learn.checks
    import portlab.learn.handin
    import portlab.view  # noqa: F401

    kinds = [kind for kind in Shown.__subclasses__() if kind.__module__.startswith("portlab.")]
    assert len(kinds) > 10
    for kind in kinds:
        assert kind.__repr__ is Shown.__repr__, kind
        assert kind.__str__ is not object.__str__, kind
        assert kind.html is not Shown.html, kind


TABLES = [
    ([["port", "state"], ["80", "open"]], ["port  state", "80    open"]),
    ([["a", ""], ["", "b"]], ["a", "   b"]),
    ([["only"]], ["only"]),
    ([], []),
]


@pytest.mark.parametrize(("rows", "lines"), TABLES)
def test_columns_are_aligned_and_no_line_ends_in_spaces(rows: list[list[str]], lines: list[str]) -> None:
    assert text_table(rows) == lines


def test_a_row_that_lacks_a_cell_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="shorter"):
        text_table([["a", "b"], ["c"]])
