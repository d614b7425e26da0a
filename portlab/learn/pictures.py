"""Pictures of a beat: drawn when all that they are made of has been answered, and until then named as waiting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from portlab.learn.waiting import NotYet, Waiting
from portlab.view.beat import Part, part


def several(pictures: Any) -> Sequence[Any]:
    """One picture, or a list or tuple of them, as a sequence.  (A scan's exchanges are one picture.)"""
    return pictures if type(pictures) in (list, tuple) else (pictures,)


def drawn(pictures: Any) -> tuple[tuple[Part, ...], frozenset[str]]:
    """The pictures, ready to be shown, and the names of the questions that some of them still wait for."""
    pictures = several(pictures)
    names = Waiting.names(pictures)
    ready = tuple(part(each) for each in pictures if not isinstance(each, Waiting))
    return (*ready, part(NotYet(names))) if names else ready, frozenset(names)
