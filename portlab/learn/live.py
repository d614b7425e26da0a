"""A picture that Python can hear: its figure in the page, and a line to the program that drew it.

What the notebook shows and keeps is the figure alone, as HTML and as text.  The widget behind it is never displayed:
its module (live.js) runs in the page, finds the figure by its name and joins it to Python.  So nothing of a widget is
stored: a notebook that is reopened, exported, opened by somebody else, or whose kernel has ended, shows the last
picture that was kept.

    live = Live(html, text)             # html from portlab.view.figure.wrap, text is its twin
    live.on_tell(answer)                # answer(detail) is called in the kernel
    live                                # the last line of a cell shows it
    live.draw(html, text)               # the picture anew; focus and what is typed stay where they are

In the figure's script `figure.dispatchEvent(new CustomEvent("pl-tell", {bubbles: true, detail: {...}}))` reaches
Python, and `live.send_to_page({...})` arrives as the event "pl-hear" on the figure.  A kind's wake(figure) is called
after every new picture, so listeners belong into the kind's handlers.  What is useless without Python
carries class="needs-python" hidden="hidden": it is shown while Python hears it, and hidden when the kernel has ended.

A page loaded anew while the kernel lives finds its way back to Python.  JupyterLab no longer knows then which output
is to be kept up to date: the notebook keeps the picture from before until the cell is run again.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import anywidget
import traitlets

from portlab.errors import PortLabError

Detail = dict[str, Any]
"""What a figure's script tells: whatever JSON can carry."""

STYLE = (
    "<style>.pl-live:not([data-alive]) .needs-python,.pl-live[data-alive]>.asleep{display:none}"
    ".pl-live>.asleep{margin:-8px 0 16px;font-size:12.5px;opacity:.85}"
    ".pl-live>.trouble:empty{display:none}.pl-live>.trouble{margin:4px 0 12px;padding:6px 10px;"
    "border-left:4px solid;font-weight:600;max-width:76ch;white-space:pre-wrap}</style>"
)
ASLEEP = "This is a still picture. Run the cell to use it."


class Live(anywidget.AnyWidget):
    """One figure that can be redrawn, and that tells what the learner does with it.

    `html` is the figure, `text` its twin in words.  `trouble` is a message that the page shows as an alert.
    """

    _esm = Path(__file__).with_name("live.js")

    name = traitlets.Unicode().tag(sync=True)
    html = traitlets.Unicode().tag(sync=True)
    passing = traitlets.Unicode().tag(sync=True)  # what the page shows instead of html, if not empty
    text = traitlets.Unicode()
    trouble = traitlets.Unicode().tag(sync=True)

    def __init__(self, html: str, text: str) -> None:
        self._answers: list[Callable[[Detail], None]] = []
        self._shown = False
        super().__init__(name=f"portlab-live-{uuid4().hex}", html=html, text=text)
        self.on_msg(self._hear)
        self.observe(self._keep, "html")

    def on_tell(self, answer: Callable[[Detail], None]) -> None:
        """Have `answer(detail)` called for everything that the figure's script tells.

        What it raises is shown to the learner beside the figure, until the next thing is told.
        """
        self._answers.append(answer)

    def send_to_page(self, detail: Detail) -> None:
        """Tell the figure's script something: it arrives there as the event "pl-hear"."""
        self.send(detail)

    def draw(self, html: str, text: str, *, passing: bool = False) -> None:
        """Show another picture.

        A `passing` one is shown, but not kept in the notebook: for pictures that change several times a second.
        """
        self.text = text
        if passing:
            self.passing = html
            return
        with self.hold_sync():
            self.html, self.passing = html, ""

    def _hear(self, _widget: object, detail: Detail, _buffers: object) -> None:
        self.trouble = ""
        try:
            for answer in self._answers:
                answer(detail)
        except Exception as error:
            self.report(error)

    def report(self, error: Exception) -> None:
        """Show what went wrong: a mistake in the words of its message, a fault of the program with its place."""
        if isinstance(error, PortLabError):
            self.trouble = str(error)
            return
        place = traceback.extract_tb(error.__traceback__)[-1:]
        where = "".join(f"\nin {Path(each.filename).name}, line {each.lineno}" for each in place)
        self.trouble = f"Something went wrong in the program: {type(error).__name__}: {error}{where}"
        traceback.print_exception(error)  # whole, for JupyterLab's log

    # --- what the notebook shows and keeps ----------------------------------------------------------------

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:  # type: ignore[override]  # theirs has the widget in it
        """The figure and its twin; no widget, so nothing that a reopened notebook could fail to find."""
        beside = f'<p class="asleep">{ASLEEP}</p><p class="trouble" role="alert"></p>'
        html = f'{STYLE}<div class="pl-live" data-live="{self.name}">{self.html}{beside}</div>'
        return {"text/plain": self.text, "text/html": html}

    def _ipython_display_(self) -> None:
        self._publish(update=False)
        self._shown = True

    def _keep(self, _change: object = None) -> None:
        """Have the notebook keep the picture as it is now."""
        if self._shown:
            self._publish(update=True)

    def _publish(self, update: bool) -> None:
        ipython = sys.modules.get("IPython")
        shell = ipython.get_ipython() if ipython is not None else None
        if shell is not None:
            where = {"display_id": self.name}
            shell.display_pub.publish(
                data=self._repr_mimebundle_(), metadata={}, transient=where, update=update
            )
