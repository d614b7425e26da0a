"""The checker finds what it is there to find: a sound little lesson, and one planted fault at a time."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.notebooks.checker import RULES, faults
from tests.notebooks.lesson import read

KEYS = {"42/web-80": {}, "42/who": "the gateway", "42/task-0": [25, 110], "42/task-1": 2, "42/task-2": 3}
TRUTHS = {"42/web-80": "closed", "42/who": "the gateway"}
EXPLAINED = "".join(f"## {name}\nSo.\n" for name in ("web-80", "both", "task-0", "task-1", "task-2", "say-it-aloud"))
README = "| [42](42_knock.ipynb) | Knock: ask a door | 15 |"


def cell(kind: str, tag: str, source: str) -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": [tag]}, "source": source}
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def sound() -> dict[str, Any]:
    opening = (
        "# Knock: ask a door\n\n**What you'll do.** A.\n\n**What you'll learn.** B.\n\n"
        "**What you need.** C. About 15 minutes.\n\nClick, and the keys are its own; Esc gives them back."
    )
    cells = [
        cell("markdown", "opening", opening),
        cell("code", "lab", "import portlab as pl\nlab.here()"),
        cell("markdown", "explain", "A port is a number. ![one arrow](picture.png)"),
        cell("markdown", "predict", "## Port 80\n\n**Predict:** what comes back?"),
        cell("code", "predict", 'web_80 = lesson.predict("web-80", "syn", "web", 80)\nweb_80'),
        cell("markdown", "ask", "## Who was it?"),
        cell("code", "ask", 'lesson.ask("who", show=lambda _: web_80.packet(2))'),
        cell("markdown", "see", "## Side by side"),
        cell("code", "see", 'lesson.together("both", web_80, web_80)'),
    ]
    for number in range(3):
        cells += [
            cell("markdown", "exercise", f"## Exercise {number}"),
            cell("code", "check", f'lesson.exercise("task-{number}", open_ports, of=web_80)'),
        ]
    cells += [
        cell("markdown", "stretch", "More."),
        cell("markdown", "summary", "## Say it aloud\n\nWhat is a port?"),
        cell("code", "summary", "lesson.summary(web_80)"),
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

    def check(
        notebook: dict[str, Any], keys: dict[str, Any] = KEYS, explained: str | None = EXPLAINED
    ) -> set[str]:
        path = tmp_path / "42_knock.ipynb"
        return {fault.rule for fault in faults(read(path, notebook, keys, README, explained, TRUTHS))}

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


# The places of the cells: 2 prose, 3 and 4 a prediction, 5 and 6 a question, 7 and 8 a picture of both, 9 to 14 exercises.
PLANTED = [
    ("tags", "an unknown tag", put(2, metadata={"tags": ["aside"]})),
    ("tags", "no tag", put(2, metadata={})),
    ("opening", "a title without a verb and a subject", opening("Knock: ask", "Ask")),
    ("opening", "nothing said of what is needed", opening("need", "want")),
    ("opening", "too many minutes", opening("15", "90")),
    ("opening", "other minutes than the list says", opening("15", "16")),
    ("marks", "a state with another's mark", add(2, "\n\n| × open | SYN-ACK |")),
    ("marks", "escaped as Markdown asks for it", add(2, "\n\n| ● open\\|filtered | silence |")),
    ("keys_of_pictures", "nothing said of the keys", opening("Esc", "Tab")),
    ("keys_of_pictures", "said twice", add(2, " Esc gives them back.")),
    ("minutes", "fewer minutes than it takes", opening("15", "10")),
    ("first_code", "a first cell that does not say where", source(1, "import portlab as pl")),
    ("close", "no summary", source(-3, "## Goodbye")),
    ("close", "nothing to read", source(-1, "## Thanks")),
    ("beat", "a gate that nothing asks for", source(3, "Look.")),
    ("beat", "a gate without prose before it", without(5)),
    ("exercises", "two exercises only", without(9)),
    ("exercises", "an exercise without a check", without(10)),
    ("exercises", "nothing to stretch", without(-4)),
    ("sizes", "a wall of words", add(2, " word" * 121)),
    ("sizes", "a long code cell", add(4, "\nx = 1" * 15)),
    ("sizes", "a wide line", add(4, "\nx = '" + "y" * 90 + "'")),
    ("outputs", "a stored output", put(4, outputs=[{"output_type": "stream", "name": "stdout", "text": "open"}])),
    ("outputs", "a cell that was run", put(4, execution_count=3)),
    ("outputs", "widgets' state", lambda n: n["metadata"].update(widgets={})),
    ("addresses", "an address in prose", add(2, " It is 10.1.2.3.")),
    ("code", "a function", add(4, "\ndef f(): pass")),
    ("code", "what does not parse", add(4, "\nif")),
    ("code", "a socket", add(4, "\nimport socket")),
    ("code", "Scapy's send", add(4, "\nfrom scapy.all import sr1\nsr1(packet)")),
    ("code", "Scapy's send by attribute", add(4, "\nscapy.sniff()")),
    ("links", "a dead link", add(2, " [there](nowhere.ipynb)")),
    ("links", "a link into the internet", add(2, " [there](https://example.org)")),
    ("alternatives", "a picture without words", add(2, " ![](picture.png)")),
    ("alternatives", "an <img> without words", add(2, ' <img src="picture.png">')),
    ("keys", "a prediction that the key does not know", source(4, 'web_80 = lesson.predict("gate", "syn", "web", 80)')),
    ("keys", "the same name twice", add(4, '\nlesson.ask("web-80")')),
    ("file_format", "an old notebook", lambda n: n.update(nbformat=3)),
    ("file_format", "two cells of one name", put(4, id="c3")),
    ("explanations", "a beat that nothing explains", source(8, 'lesson.together("side", web_80, web_80)')),
    ("explanations", "an explanation of nothing", without(8)),
    ("neutral_names", "a telling variable", source(4, 'closed_door = lesson.predict("web-80", "syn", "web", 80)')),
    ("neutral_names", "a telling name of a beat", source(4, 'web_80 = lesson.predict("silent-door", "syn", "web", 80)')),
    ("neutral_headings", "a telling heading", source(3, "## Knock where nobody listens\n\n**Predict.**")),
    ("neutral_headings", "a heading that tells by a state", source(9, "## Exercise 3: refused, but by whom?")),
    ("expected_values", "an expected list", source(10, 'lesson.check("task-0", mine, [465, 993, 995])')),
    ("expected_values", "an expected word", source(10, 'lesson.exercise("task-0", truth="slow")')),
    ("expected_values", "an answer of the key file", add(4, "\nmail = pl.syn_scan('mail', [110, 25])")),
    ("expected_values", "a hint", source(10, 'lesson.exercise("task-0", open_ports, of=web_80, hint="Two.")')),
    ("prose_after_a_gate", "an explanation", put(5, metadata={"tags": ["explain"]})),
    ("prose_after_a_gate", "the state in the next prompt", add(5, " Port 80 was **closed**.")),
    ("prose_after_a_gate", "the packet in the next prompt", add(5, " Who sent that RST?")),
    ("prose_after_a_gate", "the right choice in the next prompt", add(7, " The gateway spoke.")),
    ("summary", "a summary that tells", source(-3, "## Say it aloud\n\n- What? A port is a door.")),
    ("summary", "a summary that asks nothing", source(-3, "## Say it aloud\n\nA port is a door.")),
    ("summary", "no sentences in the end", without(-2)),
    ("evidence", "a ladder beside its gate", source(8, "web_80.exchange()")),
    ("evidence", "a recording beside its question", source(8, "conversations(follow(pages, 'web', 80))")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "what", "plant"), PLANTED, ids=[f"{rule}: {what}" for rule, what, _ in PLANTED]
)
def test_a_planted_fault_is_found(rule: str, what: str, plant: Any, found: Any) -> None:
    notebook = copy.deepcopy(sound())
    plant(notebook)
    assert rule in found(notebook)


def test_an_explanation_that_answers_the_next_question_is_found(found: Any) -> None:
    told = EXPLAINED.replace("## web-80\nSo.", "## web-80\nIt was the gateway that spoke.")
    assert found(sound(), explained=told) == {"explanations_before"}


def test_a_lesson_without_explanations_is_not_held_to_the_law_of_sight(found: Any) -> None:
    notebook = sound()
    notebook["cells"][3]["source"] = "## Knock where nobody listens\n\n**Predict.**"
    assert found(notebook, explained=None) == set()


def test_a_key_that_nothing_asks_is_found(found: Any) -> None:
    assert found(sound(), KEYS | {"42/window": 1}) == {"keys"}


def test_every_rule_has_a_planted_fault() -> None:
    assert {rule for rule, _, _ in PLANTED} | {"explanations_before"} == set(RULES)
