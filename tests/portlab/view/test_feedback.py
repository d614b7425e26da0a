"""What is said about an answer: its source is at hand, and folded away."""

from __future__ import annotations

from portlab.view.gate import Feedback


def test_the_source_is_folded_away_in_the_figure_and_the_last_line_of_the_text() -> None:
    said = Feedback("!", "The packets say otherwise.", ("You said: open.",), source="RFC 768 <UDP>")
    assert '<details class="source"><summary>source</summary>RFC 768 &lt;UDP&gt;</details>' in said.html()
    assert str(said).splitlines()[-1] == "  Source: RFC 768 <UDP>"


def test_names_of_packets_are_not_broken_at_their_hyphens() -> None:
    told = "x" * 90 + " and a SYN-ACK came back."
    assert "SYN-ACK" in str(Feedback("", "So.", (told,)))
