"""Ladder: who sent what, when.  One exchange as text, and as an accessible figure."""

from __future__ import annotations

from portlab.model import Exchange
from portlab.view import ladder_text
from portlab.view.describe import describe


def transcript(exchange: Exchange) -> str:
    """The ladder as plain text, at most 100 columns wide."""
    return ladder_text.transcript(describe(exchange))


def mimebundle(exchange: Exchange) -> dict[str, str]:
    """What a notebook shows: the figure, and the transcript where there can be none."""
    return {"text/plain": transcript(exchange)}


def ladders(*exchanges: Exchange) -> None:
    """Placeholder until the figure exists."""
