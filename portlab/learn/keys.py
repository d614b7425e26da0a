"""Key files: predictions committed by a file instead of a hand, so that a lesson can run through with nobody there.

    PORTLAB_KEY=key.json        {"04/open-door": {"state": "open", "packet": "SYN-ACK"},
                                 "04/two-resets": "TTL",
                                 "04/mail-doors": [25, 110, 143]}

A prediction is a state and a packet, a question's answer its words, an exercise's whatever it asks for.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from portlab import files
from portlab.errors import BadTarget

VARIABLE = "PORTLAB_KEY"
ASKING = ("predict", "ask", "check", "quiz")
"""The methods of a lesson whose first argument is a name that a key file can hold."""


def load(path: files.Pathish) -> dict[str, Any]:
    """The answers of a key file.  BadTarget where it is none."""
    try:
        key = json.loads(files.read(path))
    except ValueError as error:
        raise BadTarget(f"The key file {str(path)!r} is no JSON: {error}.") from error
    if not isinstance(key, dict) or not all("/" in name for name in key):
        raise BadTarget(
            f"The key file {str(path)!r} must map names such as '04/open-door' to answers: "
            '{"04/open-door": {"state": "open", "packet": "SYN-ACK"}}.'
        )
    return key


def from_environment() -> dict[str, Any]:
    """The key that the environment names; {} where it names none."""
    named = os.environ.get(VARIABLE)
    return load(named) if named else {}


def names_asked(notebook: Path) -> list[str]:
    """The names that a notebook's lesson asks for, such as "04/open-door", in order."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    lesson, names = "", []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        for call in _calls("".join(cell["source"])):
            called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            first = (
                ast.literal_eval(call.args[0]) if call.args and isinstance(call.args[0], ast.Constant) else ""
            )
            if called == "Lesson" and first:
                lesson = first
            elif called in ASKING and first:
                names.append(f"{lesson}/{first}")
    return names


def _calls(source: str) -> Iterable[ast.Call]:
    """The calls in a cell, in order of their lines."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def check(key: dict[str, Any], asked: Iterable[str]) -> None:
    """BadTarget where the key has names that no notebook asks for, or lacks some that one does."""
    wanted = list(asked)
    unknown = [name for name in key if name not in wanted]
    missing = [name for name in wanted if name not in key]
    if unknown or missing:
        told = [f"nobody asks for {', '.join(unknown)}"] if unknown else []
        told += [f"it lacks {', '.join(missing)}"] if missing else []
        raise BadTarget(
            f"The key does not fit: {'; '.join(told)}. The notebooks ask for {', '.join(wanted)}."
        )
