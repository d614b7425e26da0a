"""What stands where a scan or a picture will be, until its questions are answered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from portlab.shown import Shown
from portlab.view.gate import Feedback, note


class Waiting:
    """What stands where a scan will be, if it is used too early: whatever is asked of it, it says what to do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._said = Feedback(
            "", f'"{name}" is not answered yet.', ("Answer it above, then run this cell again.",)
        )

    @staticmethod
    def names(values: Iterable[Any]) -> list[str]:
        """The questions that these values wait for."""
        return list(dict.fromkeys(each._name for each in values if isinstance(each, Waiting)))

    def __getattr__(self, name: str) -> Waiting:
        if name.startswith("_"):
            raise AttributeError(name)
        return self

    def __getitem__(self, key: object) -> Waiting:
        return self

    def __call__(self, *args: object, **kwargs: object) -> Waiting:
        return self

    def __iter__(self) -> Iterator[Waiting]:
        return iter(())  # else Python would ask for one element after the other, for ever

    def __len__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return str(self._said)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": note(self._said)}


@dataclass(frozen=True, repr=False)
class NotYet(Shown):
    """What stands where a picture will be: it names the questions that it waits for, and fills itself then."""

    names: Sequence[str]

    @property
    def _said(self) -> Feedback:
        still = " and ".join(f'"{name}"' for name in self.names)
        return Feedback("", f"This waits for your answer to {still}, above.", ("It fills itself then.",))

    def __str__(self) -> str:
        return str(self._said)

    def html(self) -> str:
        """The same as a figure."""
        return note(self._said)
