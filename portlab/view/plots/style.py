"""The house style of plots: fonts, colours and looks that matplotlib shares with all other pictures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from portlab.model import State
from portlab.view import given
from portlab.view.tokens import COLOURS, LOOKS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE, NARROW = 700, 360  # pixels; a plot is drawn in both, so that its text never shrinks
LIGHT = {name: light for name, (light, _) in COLOURS.items()}

RC: dict[str, Any] = {
    "figure.facecolor": LIGHT["paper"],
    "axes.facecolor": LIGHT["paper"],
    "savefig.facecolor": LIGHT["paper"],
    "figure.dpi": 96,
    "figure.constrained_layout.use": True,
    "font.family": "sans-serif",
    "font.sans-serif": ["Segoe UI", "Roboto", "Noto Sans", "DejaVu Sans"],
    "font.size": 9,  # points: 12 pixels
    "axes.titlesize": 9.75,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "text.color": LIGHT["ink"],
    "axes.titlecolor": LIGHT["ink"],
    "axes.labelcolor": LIGHT["muted"],
    "xtick.color": LIGHT["line"],
    "ytick.color": LIGHT["line"],
    "xtick.labelcolor": LIGHT["muted"],
    "ytick.labelcolor": LIGHT["muted"],
    "axes.edgecolor": LIGHT["line"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "x",
    "grid.color": LIGHT["hair"],
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "legend.frameon": False,
    "hatch.linewidth": 1.3,
    "svg.fonttype": "none",
    "svg.hashsalt": "portlab",
}


def marker(state: State) -> dict[str, Any]:
    """How matplotlib draws a state's mark: arguments of `Axes.plot`."""
    return _in_colours(LOOKS[state].marker)


def bar(state: State) -> dict[str, Any]:
    """How matplotlib draws a state's bar: arguments of `Axes.barh`."""
    return _in_colours(LOOKS[state].bar)


def _in_colours(look: Mapping[str, str | float]) -> dict[str, Any]:
    return {name: LIGHT.get(str(value), value) for name, value in look.items()}


def style() -> Any:
    """The house style, for a `with` block: what is made inside has it."""
    from matplotlib import rc_context

    return rc_context(RC)  # type: ignore[arg-type]  # the stubs list every name there is


def axes(ax: Axes | None, height: float) -> Axes:
    """The axes to draw on: those given, or new ones `height` pixels high that a notebook shows themed."""
    if ax is not None:
        return given.axes(ax)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDE / 96, height / 96))
    return figure.add_subplot(axes_class=_themed_axes())


@cache
def _themed_axes() -> type[Axes]:
    """Axes like all others, but that show themselves in a notebook as a picture with its words."""
    from matplotlib.axes import Axes

    from portlab.view.plots.picture import themed

    class ThemedAxes(Axes):
        def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
            figure = self.get_figure(root=True)
            return {} if figure is None else themed(figure)._repr_mimebundle_()

    return ThemedAxes
