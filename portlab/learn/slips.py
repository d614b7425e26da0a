"""Slips: a cell that stopped at a quote forgotten or a name unknown is met in plain words, below what Python says.

    hosts = [web, db]           NameError: name 'web' is not defined
                                "web" is not known here. If it is a word, it wants quotes ...

What such a cell was to set still has its value from before.  A check that uses it says so and judges nothing.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from typing import Any

from portlab.view.gate import Feedback, note

NOT_READ = "Python could not read this cell."
NOT_KNOWN = "A name is not known."
SETS = re.compile(r"^\s*([A-Za-z_]\w*)\s*=(?!=)", re.MULTILINE)


def names_in(cell: str) -> tuple[set[str], set[str]]:
    """The names that a cell sets, and those that it uses; the first also where Python cannot read it."""
    try:
        nodes = [node for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.Name)]
    except SyntaxError:
        return set(SETS.findall(cell)), set()
    sets = {node.id for node in nodes if isinstance(node.ctx, ast.Store)}
    return sets, {node.id for node in nodes} - sets


def plain_words(error: BaseException) -> Feedback | None:
    """What to say of an error; None where Python's own words must do."""
    if isinstance(error, SyntaxError):
        where = f"Look at line {error.lineno}: {(error.text or '').strip()}" if error.lineno else ""
        often = "Often a quote, a comma or a bracket is missing, there or just before."
        return Feedback("", NOT_READ, tuple(filter(None, (where, often))))
    if isinstance(error, NameError) and error.name:
        quoted = f'If it is a word, it wants quotes: "{error.name}".'
        made = "If a cell above makes it, run that cell first, then this one again."
        return Feedback("", NOT_KNOWN, (f"Nothing is called {error.name} so far.", quoted, made))
    return None


class Slips:
    """Hears of every cell that is run in this notebook."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._stopped: dict[str, set[str]] = {}  # cell -> the names that it was to set
        self._used: set[str] = set()
        shell.events.register("pre_run_cell", self._begins)
        shell.events.register("post_run_cell", self._ends)

    def stale(self) -> list[str]:
        """The names in the cell that runs now that were to be set anew by one that stopped."""
        return sorted(self._used & set().union(*self._stopped.values()))

    def _begins(self, info: Any) -> None:
        self._used = names_in(info.raw_cell)[1]

    def _ends(self, result: Any) -> None:
        info, error = result.info, result.error_before_exec or result.error_in_exec
        cell = info.cell_id or info.raw_cell
        self._stopped.pop(cell, None)
        if error is None:
            return
        self._stopped[cell] = names_in(info.raw_cell)[0]
        if said := plain_words(error):
            bundle = {"text/plain": str(said), "text/html": note(said)}
            self._shell.display_pub.publish(data=bundle, metadata={})


@cache
def _of(shell: Any) -> Slips:
    return Slips(shell)


def watch() -> Slips | None:
    """The one that hears this notebook's cells, however often its lesson is opened; None outside of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return _of(shell) if shell is not None else None
