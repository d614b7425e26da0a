"""Every error sentence of the package is mentioned by a test: what nobody ever read is often wrong.

A sentence is mentioned where ten letters in a row, which no other error sentence has, stand in a test, or the longest
of its fixed parts as a whole.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
ERRORS = {"PortLabError", "BadTarget", "OutOfScope", "NotPermitted", "MalformedPacket", "LabNotRunning"}
LONG = 10  # letters


def sentences() -> Iterator[tuple[str, tuple[str, ...]]]:
    """Where an error is made, and the parts of its sentence that are always the same."""
    for path in sorted((PROJECT / "portlab").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                parts = tuple(each for argument in node.args for each in _fixed(argument))
                if any(len(part) >= LONG for part in parts):
                    yield f"{path.relative_to(PROJECT)}:{node.lineno}", parts


def _fixed(node: ast.AST) -> Iterator[str]:
    """The fixed parts of a text, without what is put in where it is made."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        for value in node.values:
            yield from _fixed(value)


def _pieces(parts: tuple[str, ...]) -> set[str]:
    """All runs of LONG letters in these parts."""
    return {part[at : at + LONG] for part in parts for at in range(len(part) - LONG + 1)}


FOUND = list(sentences())
SHARED = Counter(piece for parts in {parts for _, parts in FOUND} for piece in _pieces(parts))


@pytest.fixture(scope="module")
def mentioned() -> str:
    """All texts in the tests, expressions freed of their backslashes."""
    texts = []
    for path in (PROJECT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts += [node.value, re.sub(r"\\(\W)", r"\1", node.value)]
    return "\n".join(texts)


def test_every_error_sentence_is_mentioned_by_a_test(mentioned: str) -> None:
    unmentioned = [
        f"{place}  {' ... '.join(parts)}"
        for place, parts in FOUND
        if max(parts, key=len).strip(" .") not in mentioned
        and not any(SHARED[piece] == 1 and piece in mentioned for piece in _pieces(parts))
    ]
    assert not unmentioned, "\n".join([f"{len(unmentioned)} of {len(FOUND)}:", *unmentioned])
