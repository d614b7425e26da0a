"""Every prediction on one page, for authors: what is told, which belief is said or asked, what speaks against it.

    python -m bench.beliefs [FILE.html]         beliefs.html if left out

All of it is read from the tables that the lessons use.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path

from bench.gallery import STYLE, THEME
from bench.visible import VISIBLE
from lab_env.case import Case, Question
from lab_env.counterexamples import COUNTEREXAMPLES
from portlab.learn.evidence import packets_to_choose, states_to_choose
from portlab.learn.explain import asked, holds_together, would_be_true
from portlab.learn.misconceptions import ASKS, Imputed, Prediction, all_of_them, belief_of
from portlab.techniques import TECHNIQUES
from portlab.view.words import technique_name

WHERE = "beliefs.html"
NOTHING, RIGHT = "–", "right"
KEY = (
    f"M41: the answer holds that belief. M41?: it fits, and the learner is asked. {NOTHING}: nothing follows. "
    f"{RIGHT}: that is the right prediction. Struck out: a pair that contradicts itself. Of one that holds, with "
    'the right state, "It would have been … all the same." is told as well.'
)
Cells = list[str]


def predictions(technique: str) -> list[Prediction]:
    """All that can be said: every state with every packet."""
    pairs = itertools.product(states_to_choose(technique), packets_to_choose(technique))
    return [Prediction(*pair) for pair in pairs]


def outcomes(technique: str) -> list[Prediction]:
    """All that can be seen: what the technique's own table holds."""
    return [each for each in predictions(technique) if holds_together(technique, each)]


def combinations(technique: str) -> Iterator[tuple[Prediction, Cells]]:
    """For each prediction what is told of it, and for each outcome the belief."""
    seen = outcomes(technique)
    for said in predictions(technique):
        other = next(each for each in seen if each.state is not said.state)
        told = would_be_true(technique, said, other)
        yield said, [told, *(mark(technique, said, each) for each in seen)]


def mark(technique: str, said: Prediction, seen: Prediction) -> str:
    """One cell: the belief's id, with "?" where it is asked about."""
    imputed = belief_of(technique, said, seen)
    return RIGHT if said == seen else NOTHING if imputed is None else _id(imputed)


def _id(imputed: Imputed) -> str:
    return imputed.id + "?" * imputed.asks


def against(id_: str) -> list[Case]:
    """The cases that speak against a belief."""
    return [case for case in COUNTEREXAMPLES if case.belief == id_]


def _asks(question: Question) -> str:
    return " ".join(filter(None, (question.technique, question.host, str(question.port or ""))))


def _case(case: Case) -> str:
    shows = [("recorded by " + ", ".join(case.record)) if case.record else ""]
    shows += [f"sockets of {case.sockets}" if case.sockets else ""]
    shows += [f"headers: {', '.join(case.headers.fields)}" if case.headers else ""]
    shows += [f"conversation at port {port} of {host}" for _, host, port in case.talks]
    told = f"{case.title} Asks {'; '.join(map(_asks, case.questions))}."
    return f"<b>{case.id}</b> {escape(' '.join([told, *(f'({each})' for each in shows if each)]))}"


def _pair(technique: str, each: Prediction) -> str:
    words = escape(f"{each.state}, {each.packet}")
    return words if holds_together(technique, each) else f"<s>{words}</s>"


def _cell(text: str) -> str:
    return f'<a href="#{text.rstrip("?")}">{text}</a>' if text.startswith("M") else escape(text)


def _table(heads: Cells, rows: list[Cells]) -> str:
    """A table of HTML cells."""
    head = "".join(f"<th>{each}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _chapter(technique: str) -> str:
    heads = ["said", "what is told", *(f"seen: {_pair(technique, each)}" for each in outcomes(technique))]
    rows = [
        [_pair(technique, said), escape(told), *map(_cell, marks)]
        for said, (told, *marks) in combinations(technique)
    ]
    return f"<h2>{escape(technique_name(technique))}</h2>{_table(heads, rows)}"


def _at_known_ports() -> str:
    rows = [
        [
            ", ".join(row.techniques),
            str(row.port),
            _any(row.said),
            _any(row.seen),
            _cell(f"{row.id}?"),
        ]
        for row in ASKS
        if row.port is not None
    ]
    return f"<h2>At ports that one may know</h2>{_table(['technique', 'port', 'said', 'seen', ''], rows)}"


def _any(pair: tuple[object, object]) -> str:
    return escape(", ".join(str(each or "anything") for each in pair)) if any(pair) else "anything"


def _beliefs() -> str:
    rows = [
        [
            f'<b id="{id_}">{id_}</b> {held.name}',
            f"{escape(held.belief)}<br><i>{escape(asked(held))}</i>",
            escape(held.sentence),
            "<br>".join(map(_case, against(id_))) or f"In words: {escape(held.example)}",
            escape(VISIBLE[id_].sentence),
        ]
        for id_, held in all_of_them().items()
    ]
    heads = ["", "belief", "what corrects it", "what the lab shows", "what must be seen"]
    return f"<h2>Beliefs, and what speaks against them</h2>{_table(heads, rows)}"


def page() -> str:
    """The whole page."""
    body = "".join(map(_chapter, TECHNIQUES)) + _at_known_ports() + _beliefs()
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>PortLab: all predictions</title>'
        f"<style>{STYLE}td, th {{ border-top: 1px solid; padding: 4px 10px; text-align: left; vertical-align: top }}"
        "table { border-collapse: collapse } a { color: inherit }</style>"
        f'<body data-jp-theme-light="true">{THEME}<main><h1>PortLab: all predictions</h1>'
        f"<p>{escape(KEY)}</p>{body}</main>"
    )


def main(words: list[str]) -> int:
    """Write the page."""
    path = Path(words[0] if words else WHERE)
    path.write_text(page(), "utf-8")
    counted = sum(len(predictions(name)) * len(outcomes(name)) for name in TECHNIQUES)
    print(f"{path}: {counted} pairs of said and seen, {len(all_of_them())} beliefs")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
