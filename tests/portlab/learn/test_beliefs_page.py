"""The page for authors holds every prediction of every outcome, and what speaks against each belief."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import beliefs
from portlab.learn.misconceptions import all_of_them
from portlab.techniques import TECHNIQUES


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_each_prediction_has_a_row_and_each_outcome_a_cell(technique: str) -> None:
    rows = dict(beliefs.combinations(technique))
    assert list(rows) == beliefs.predictions(technique)
    for said, (told, *marks) in rows.items():
        assert told.endswith(".")
        assert len(marks) == len(beliefs.outcomes(technique))
        assert marks.count(beliefs.RIGHT) == (said in beliefs.outcomes(technique))


def test_every_belief_that_is_marked_stands_below_with_what_speaks_against_it(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert beliefs.main([str(path)]) == 0
    page = path.read_text("utf-8")
    assert set(re.findall(r'href="#(M\d\d)"', page)) <= set(re.findall(r'id="(M\d\d)"', page))
    assert re.findall(r'id="(M\d\d)"', page) == list(all_of_them())
    assert "In words: 2 x 2^16 = 131,072." in page
    assert "M05-connect" in page
