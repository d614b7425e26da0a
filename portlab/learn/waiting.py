"""What stands where a scan will be, until it was predicted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from portlab.view.gate import Feedback, note


class Waiting:
    """What stands where a scan will be: it shows "predict above first", whatever is asked of it."""

    def __init__(self, name: str) -> None:
        self._said = Feedback("", "Predict above first.", (f'Answer "{name}", then run this cell again.',))

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
