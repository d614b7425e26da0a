"""What a picture was given: the value it is made of, or one sentence about what is something else."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from portlab.errors import BadTarget, quoted
from portlab.evidence.result import Scan
from portlab.model import Exchange
from portlab.ports import Port

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

    from portlab.lab import Lab

Kind = TypeVar("Kind")

MOST = 65_536
"""More scans or rows than this are taken for endless."""


def one_scan(given: object, example: str) -> Scan:
    """One scan; `example` is what to type, with "scan" in it."""
    if isinstance(given, list) and given and all(isinstance(each, Scan) for each in given):
        raise BadTarget(
            f"{_count(given)}, and this shows one: type {example.replace('scan)', 'scans[0])')} for the first."
        )
    if isinstance(given, list) and not given:
        raise BadTarget("There is no scan in this list, so nothing can be shown.")
    return of_kind(given, Scan, "a scan", example)


def scans(given: object, example: str) -> tuple[Scan, ...]:
    """Any number of scans, as a tuple."""
    return tuple(of_kind(each, Scan, "a scan", example) for each in listed(given, example))


def port_rows(given: object, example: str) -> tuple[Port, ...]:
    """Rows of the port reference, as a tuple."""
    return tuple(
        of_kind(each, Port, "a row of the port reference", example) for each in listed(given, example)
    )


def exchange(given: object) -> Exchange:
    """One exchange."""
    return of_kind(given, Exchange, "an exchange", 'ladders(scan.exchange("web", 80))')


def lab(given: object) -> Lab:
    """A lab's description."""
    from portlab.lab import Lab

    if given is None:
        raise BadTarget("There is no lab here to be drawn. Start one with: ./run lab")
    return of_kind(given, Lab, "a lab", "lab_map(pl.lab.current(), scan)")


def frame(given: object, example: str) -> DataFrame:
    """A tidy frame of a scan."""
    from pandas import DataFrame

    found = of_kind(given, DataFrame, "a table", example)
    missing = [name for name in ("host", "address", "port", "state", "technique") if name not in found]
    if missing:
        raise BadTarget(f"This table has no column {missing[0]!r}: it is no scan's. Type {example}.")
    return found


def axes(given: object) -> Axes:
    """Axes of matplotlib."""
    from matplotlib.axes import Axes

    return of_kind(given, Axes, "a plot", "plots.rtt(scan.to_frame()), and hand on what it gives")


def figure(given: object) -> Figure:
    """A figure of matplotlib."""
    from matplotlib.figure import Figure

    return of_kind(given, Figure, "a figure", "plots.themed(ax.get_figure())")


def whole(given: object, what: str, example: str) -> int:
    """A whole number, also one of NumPy's."""
    try:
        if not isinstance(given, bool):
            return operator.index(given)  # type: ignore[arg-type]  # that it may be anything is the question
    except TypeError:
        pass
    raise BadTarget(f"{said(given)} is not {what}. Type {example}.")


def listed(given: object, example: str) -> list[Any]:
    """The items of something that has items, and an end."""
    if not isinstance(given, Iterable) or isinstance(given, str | bytes):
        raise BadTarget(f"{said(given)} is no list. Type {example}.")
    try:
        items = list(islice(given, MOST + 1))
    except TypeError:  # an array without a dimension calls itself iterable
        raise BadTarget(f"{said(given)} is no list. Type {example}.") from None
    if len(items) > MOST:
        raise BadTarget(f"{said(given)} has no end, or more than {MOST:,} items. Type {example}.")
    return items


def of_kind(given: object, kind: type[Kind], what: str, example: str) -> Kind:
    """What was given, where it is of this kind."""
    if isinstance(given, kind):
        return given
    raise BadTarget(f"{said(given)} is not {what}. Type {example}.")


def said(given: object) -> str:
    """A small value as it was typed, of all others only what they are: a table would be quoted at length."""
    if given is None or isinstance(given, str | bytes | int | float):
        return quoted(given)
    return f"A value of type {type(given).__name__}"


def _count(given: list[Any]) -> str:
    return "This list holds a scan" if len(given) == 1 else f"This list holds {len(given):,} scans"
