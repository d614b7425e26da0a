"""The checker finds what it is there to find: a sound little lesson, and one planted fault at a time."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.checker import RULES, faults, read

KEYS = frozenset({"42/door", "42/task-0", "42/task-1", "42/task-2"})
README = "| [42](42_knock.ipynb) | Knock: ask a door | 20 |"


def cell(kind: str, tag: str, source: str) -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": [tag]}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def sound() -> dict[str, Any]:
    opening = (
        "# Knock: ask a door\n\n**What you'll do.** A.\n\n**What you'll learn.** B.\n\n"
        "**What you need.** C. About 20 minutes."
    )
    cells = [
        cell("markdown", "opening", opening),
        cell("code", "lab", "import portlab as pl\nlab.here()"),
        cell("markdown", "predict", "**Predict:** open or closed?"),
        cell("code", "predict", 'door = lesson.predict("door", "syn", "web", 80)\ndoor'),
        cell("code", "see", "door.ladder()"),
        cell("markdown", "explain", "An answer says open. ![one arrow](picture.png)"),
    ]
    for number in range(3):
        cells += [
            cell("markdown", "exercise", f"## Exercise {number}"),
            cell("code", "check", f'lesson.check("task-{number}")'),
        ]
    cells += [
        cell("markdown", "stretch", "More."),
        cell("markdown", "summary", "## Say it aloud\n\n- A."),
        cell("markdown", "further", "## Further reading\n\n- RFC 9293"),
    ]
    for number, each in enumerate(cells):
        each["id"] = f"c{number}"
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "cells": cells,
    }


@pytest.fixture
def found(tmp_path: Path) -> Any:
    (tmp_path / "picture.png").write_bytes(b"")

    def check(notebook: dict[str, Any], keys: frozenset[str] = KEYS, readme: str = README) -> set[str]:
        path = tmp_path / "42_knock.ipynb"
        return {fault.rule for fault in faults(read(path, notebook, keys, readme))}

    return check


def test_a_sound_lesson_has_no_fault(found: Any) -> None:
    assert found(sound()) == set()


def source(place: int, text: str) -> Any:
    def plant(notebook: dict[str, Any]) -> None:
        notebook["cells"][place]["source"] = text

    return plant


def opening(old: str, new: str) -> Any:
    def plant(notebook: dict[str, Any]) -> None:
        notebook["cells"][0]["source"] = notebook["cells"][0]["source"].replace(old, new)

    return plant


def add(place: int, text: str) -> Any:
    def plant(notebook: dict[str, Any]) -> None:
        notebook["cells"][place]["source"] += text

    return plant


def without(place: int) -> Any:
    return lambda notebook: notebook["cells"].pop(place)


def swapped(one: int, other: int) -> Any:
    def plant(notebook: dict[str, Any]) -> None:
        cells = notebook["cells"]
        cells[one], cells[other] = cells[other], cells[one]

    return plant


def put(place: int, **values: Any) -> Any:
    return lambda notebook: notebook["cells"][place].update(values)


PLANTED = [
    ("tags", "an unknown tag", put(5, metadata={"tags": ["aside"]})),
    ("tags", "no tag", put(5, metadata={})),
    ("opening", "a title without a verb and a subject", opening("Knock: ask", "Ask")),
    ("opening", "nothing said of what is needed", opening("need", "want")),
    ("opening", "too many minutes", opening("20", "90")),
    ("opening", "other minutes than the list says", opening("20", "25")),
    ("first_code", "a first cell that does not say where", source(1, "import portlab as pl")),
    ("close", "no summary", swapped(-2, -3)),
    ("close", "nothing to read", source(-1, "## Thanks")),
    ("beat", "explained before it is seen", swapped(4, 5)),
    ("beat", "never seen", without(4)),
    ("beat", "a gate that nothing asks for", source(2, "Look.")),
    ("exercises", "two exercises only", without(6)),
    ("exercises", "an exercise without a check", without(7)),
    ("exercises", "nothing to stretch", without(-3)),
    ("sizes", "a wall of words", add(5, " word" * 121)),
    ("sizes", "a long code cell", add(4, "\nx = 1" * 15)),
    ("sizes", "a wide line", add(4, "\nx = '" + "y" * 90 + "'")),
    ("outputs", "a stored output", put(4, outputs=[{"output_type": "stream", "name": "stdout", "text": "open"}])),
    ("outputs", "a cell that was run", put(4, execution_count=3)),
    ("outputs", "widgets' state", lambda n: n["metadata"].update(widgets={})),
    ("addresses", "an address in prose", add(5, " It is 10.1.2.3.")),
    ("code", "a function", add(4, "\ndef f(): pass")),
    ("code", "what does not parse", add(4, "\nif")),
    ("code", "a socket", add(4, "\nimport socket")),
    ("code", "Scapy's send", add(4, "\nfrom scapy.all import sr1\nsr1(packet)")),
    ("code", "Scapy's send by attribute", add(4, "\nscapy.sniff()")),
    ("links", "a dead link", add(5, " [there](nowhere.ipynb)")),
    ("links", "a link into the internet", add(5, " [there](https://example.org)")),
    ("alternatives", "a picture without words", add(5, " ![](picture.png)")),
    ("alternatives", "an <img> without words", add(5, ' <img src="picture.png">')),
    ("keys", "a prediction that the key does not know", source(3, 'door = lesson.predict("gate", "syn", "web", 80)')),
    ("keys", "the same name twice", add(4, '\nlesson.ask("door")')),
    ("file_format", "an old notebook", lambda n: n.update(nbformat=3)),
    ("file_format", "two cells of one name", put(4, id="c3")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "what", "plant"), PLANTED, ids=[f"{rule}: {what}" for rule, what, _ in PLANTED]
)
def test_a_planted_fault_is_found(rule: str, what: str, plant: Any, found: Any) -> None:
    notebook = copy.deepcopy(sound())
    plant(notebook)
    assert rule in found(notebook)


def test_a_key_that_nothing_asks_is_found(found: Any) -> None:
    assert found(sound(), KEYS | {"42/window"}) == {"keys"}


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, _, _ in PLANTED} == set(RULES)
