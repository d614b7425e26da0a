"""Pictures of a beat: drawn when all that they are made of has been answered, and until then named as waiting."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from portlab.learn.waiting import NotYet, Waiting
from portlab.view.beat import Part, part
from portlab.view.figure import identity

IDENTITY = re.compile(r"\bpl[0-9a-f]{8}\b")


def several(pictures: Any) -> Sequence[Any]:
    """One picture, or a list or tuple of them, as a sequence.  (A scan's exchanges are one picture.)"""
    return pictures if type(pictures) in (list, tuple) else (pictures,)


def drawn(pictures: Any, place: str) -> tuple[tuple[Part, ...], frozenset[str]]:
    """The pictures, ready to be shown, and the names of the questions that some of them still wait for.

    `place` is the beat's name: one exchange may be drawn in several, and each has marks of its own.
    """
    pictures = several(pictures)
    names = Waiting.names(pictures)
    ready = tuple(_own(part(each), place) for each in pictures if not isinstance(each, Waiting))
    return (*ready, part(NotYet(names))) if names else ready, frozenset(names)


def _own(shown: Part, place: str) -> Part:
    """The same with ids of this place: what one picture lends to its twin is lost when that is out of sight."""
    html = IDENTITY.sub(lambda found: identity(f"{place} {found[0]}"), shown.html)
    return Part(html, shown.text)
