"""Several beats in one picture: it waits for all of them, and fills itself when the last is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from portlab.errors import PortLabError
from portlab.learn.gate import Gated
from portlab.learn.live import Live
from portlab.learn.pictures import drawn
from portlab.learn.waiting import Waiting
from portlab.view.beat import Part


class Together:
    """A picture of several beats; `beats()` are the gates as they are now, `show` is handed all of them."""

    def __init__(
        self,
        name: str,
        beats: Callable[[], Sequence[Gated]],
        show: Callable[..., Any],
        explained: tuple[Part, ...],
    ) -> None:
        self.name, self._beats, self._show, self._explained = name, beats, show, explained
        self._fill()
        self._live = Live(self._html(), str(self))

    def answered(self) -> None:
        """Fill, if the answer that has come was the last."""
        try:
            self._fill()
        except PortLabError as error:
            self._live.report(error)
        self._live.draw(self._html(), str(self))

    def _fill(self) -> None:
        beats = self._beats()
        waiting = [Waiting(beat.name) for beat in beats if not beat.committed]
        self._shown, self.waits_for = drawn(waiting or self._show(*beats), self.name)
        if not self.waits_for:
            self._shown += self._explained

    def _html(self) -> str:
        return "".join(each.html for each in self._shown)

    def __repr__(self) -> str:
        return "\n\n".join(each.text for each in self._shown)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self._live._repr_mimebundle_()

    def _ipython_display_(self) -> None:
        self._live._ipython_display_()
