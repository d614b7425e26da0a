"""Scan panel: what is asked for, the line of Python that asks for it, and the scan as it fills up.

Drawn here, as a figure and as text, from one value.  `learn` runs the scan and draws the panel anew while it runs.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from portlab.evidence.result import Scan
from portlab.model import State
from portlab.view import figure, summary, words
from portlab.view.scan_panel.drawing import cells, timeline
from portlab.view.svg import Drawing, badge, escape
from portlab.view.tokens import LOOKS


@dataclass(frozen=True, slots=True)
class Order:
    """One scan as it is asked for, in the words that were typed; `rate` may be empty."""

    function: str
    target: str
    ports: str = "common"
    rate: str = ""

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with.  Several targets are a list; a rate that is no number stays as typed."""
        names = [name for name in re.split(r"[\s,]+", self.target) if name]
        target = names[0] if len(names) == 1 else names or self.target
        where = [target] if self.function == "ping" else [target, self.ports]
        return where, {"rate": _number(self.rate)} if self.rate.strip() else {}

    def __str__(self) -> str:
        """The line of Python that does the same."""
        where, how = self.arguments()
        told = [json.dumps(each, ensure_ascii=False) for each in where]
        told += [f"{name}={json.dumps(value)}" for name, value in how.items()]
        return f"pl.{self.function}({', '.join(told)})"


def _number(typed: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(typed)
        except ValueError:
            continue
    return typed


@dataclass(frozen=True)
class Panel:
    """The panel as it stands.

    `functions` are the names of those that can be chosen, `hosts` are offered to whoever types a target, `scan` is
    what is known, while `busy` what is known so far; `error` is what was wrong with what was typed.
    """

    name: str
    functions: tuple[str, ...]
    hosts: tuple[str, ...]
    order: Order
    busy: bool = False
    scan: Scan | None = None
    error: str = ""

    @property
    def state(self) -> str:
        """Where it stands, in a sentence that does not change five times a second."""
        if self.busy:
            return "The scan is running."
        if self.error:
            return "Nothing was sent."
        if self.scan is None:
            return "Nothing has been sent yet."
        told = ", ".join(f"{count:,} {LOOKS[state].words}" for state, count in self.counts().items())
        ended = "Done" if self.scan.complete else f"Ended early ({self.scan.stopped_by})"
        where = "The result is this widget's .scan"
        return f"{ended} after {words.duration(self.scan.elapsed_s * 1e9)}: {told or 'nothing was asked'}. {where}."

    def counts(self) -> dict[State, int]:
        """How many cells are of each state, in the states' order."""
        if self.scan is None:
            return {}
        found = np.bincount(self.scan.state, minlength=len(State) + 1).tolist()
        return {state: found[state.code] for state in State if found[state.code]}

    # --- as text ------------------------------------------------------------------------------------------

    def __str__(self) -> str:
        told = [f"Scan panel: {self.order}", *([f"! {self.error}"] if self.error else []), self.state]
        if self.scan is not None and not self.busy:
            told += ["", summary.text(self.scan)]
        return "\n".join(told)

    # --- as a figure --------------------------------------------------------------------------------------

    def html(self) -> str:
        """The figure; the fields in it are shown where Python hears them."""
        body = self._order() + self._python()
        body += f'<p class="warning" role="alert">{escape(self.error)}</p>'
        body += f'<p class="state" role="status">{escape(self.state)}</p>'
        if self.scan is not None:
            body += self._known(self.scan)
        sheets = ("scan_panel", "scan_panel_page")
        html = figure.wrap("scan", "Scan panel", body, *sheets, script_name="scan")
        return html if self.scan is None or self.busy else html + summary.html(self.scan)

    def _order(self) -> str:
        order, read_only = self.order, " readonly" if self.busy else ""
        options = "".join(
            f'<option value="{name}"{" selected" if name == order.function else ""}>'
            f"{escape(words.technique_name(name.removesuffix('_scan')))}</option>"
            for name in self.functions
        )
        known = "".join(f'<option value="{escape(host)}">' for host in self.hosts)
        inputs = {
            "target": (order.target, "Target", f'list="{self.name}hosts"'),
            "ports": (order.ports, "Ports", 'placeholder="common"'),
            "rate": (order.rate, "Probes a second", 'placeholder="automatic" inputmode="numeric"'),
        }
        fields = {
            name: f'<label class="of-{name}">{label}<input class="{name}" name="{name}" value="{escape(value)}" '
            f'autocomplete="off" spellcheck="false" {more}{read_only}></label>'
            for name, (value, label, more) in inputs.items()
        }
        fixed = " disabled" if self.busy else ""
        choice = f'<label>Technique<select name="function"{fixed}>{options}</select></label>'
        start = figure.button("start", "Start", aria_disabled=str(self.busy).lower())
        stop = figure.button("stop", "Stop", aria_disabled=str(not self.busy).lower())
        return (
            '<div class="order needs-python" role="group" hidden="hidden" aria-label="What to scan">'
            + fields["target"] + choice + fields["ports"] + fields["rate"]
            + '<span class="buttons">'
            + start.replace('class="button"', 'class="button go"')
            + f"{stop}</span>"
            + f'<datalist id="{self.name}hosts">{known}</datalist></div>'
        )  # fmt: skip

    def _python(self) -> str:
        copy = figure.controls("Python", figure.button("copy", "Copy"), '<span role="status"></span>')
        return (
            f'<div class="python"><span class="muted">The same in Python</span><code>{escape(str(self.order))}</code>'
            f"{copy}</div>"
        )

    def _known(self, scan: Scan) -> str:
        """Counts, cells and time line of what is known."""
        waiting, rest = len(scan.unanswered), len(scan.never_asked)
        total = len(scan) + waiting + rest
        items = [f"<li>{badge(state)} {count:,}</li>" for state, count in self.counts().items()]
        if waiting:
            items.append(f'<li><span class="dash"></span> no answer so far {waiting:,}</li>')
        if rest:
            items.append(f'<li><span class="none"></span> not asked {rest:,}</li>')
        done = f'value="{len(scan)}" aria-label="Settled">{len(scan)} of {total}'
        bar = f'<progress max="{max(total, 1)}" {done}</progress>' if self.busy else ""
        unit = "host" if (scan.port < 0).all() else "port"
        told = f"One cell for each of {words.count(total, unit)}."
        return (
            f'{bar}<ul class="legend">{"".join(items)}</ul><p class="muted">{told}</p>'
            + self._picture(cells(scan, self.name), f"{told} {self.state}")
            + '<p class="muted">When the probes left and when the answers came.</p>'
            + self._picture(timeline(scan), "A time line of probes and answers.")
        )

    def _picture(self, drawing: Drawing, alternative: str) -> str:
        """The drawing, and a still image of it where it stays."""
        if self.busy:
            return f'<div class="live" hidden="hidden">{drawing.svg}</div>'
        return figure.picture(drawing.svg, drawing.height, alternative, "scan_panel")
