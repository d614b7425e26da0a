"""The frame around every picture."""

from __future__ import annotations

from portlab.view import figure


def test_the_rules_of_a_kind_win_over_those_that_all_share_and_touch_no_other_kind() -> None:
    """Every picture of a page brings the shared rules again, and of two equal rules the later one counts."""
    rules = figure.style("reference", "reference")
    assert ".pl.pl .table td" in rules  # shared
    assert ".pl.pl.pl-reference .ports td" in rules  # the reference's own
    assert ".pl.pl-reference[data-awake]:not([data-notes]) .note" in rules
    assert ".pl-" not in rules.replace(".pl-reference", "")
    assert ".pl.pl-note .feedback" in figure.style("note", "gate")


def test_a_script_comes_with_what_all_scripts_stand_on() -> None:
    told = figure.script("ladder")
    assert told.startswith("<script>")
    assert "globalThis.portlab" in told
    assert 'kind("ladder"' in told
