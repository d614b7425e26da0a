"""Every counter-example makes visible what it must, in the simulated and in the embedded lab."""

from __future__ import annotations

from dataclasses import replace

import pytest

import portlab as pl
from bench.visible import VISIBLE, drawn
from lab_env import lab
from lab_env.counterexamples import COUNTEREXAMPLES
from portlab.learn.counter import CounterExample, show
from portlab.learn.misconceptions import all_of_them, misconception

CASES = [(case.belief, case.id.partition("-")[2]) for case in COUNTEREXAMPLES]
IN_WORDS = [(id_, "") for id_ in all_of_them() if id_ not in {belief for belief, _ in CASES}]
IDS = [f"{id_}-{technique}".rstrip("-") for id_, technique in CASES + IN_WORDS]


def shown(id_: str, technique: str, fidelity: str) -> CounterExample:
    example = show(misconception(id_), lab, pl, technique)
    assert {each.result.fidelity for each in example.meanwhile} <= {fidelity}
    return example


def test_every_belief_has_a_sight() -> None:
    assert list(VISIBLE) == list(all_of_them())
    assert all(sight.sentence.endswith(".") for sight in VISIBLE.values())


@pytest.mark.parametrize(("id_", "technique"), CASES + IN_WORDS, ids=IDS)
def test_simulated(id_: str, technique: str) -> None:
    lab.here()
    example = shown(id_, technique, "simulated")
    assert VISIBLE[id_].shown(example), drawn(example)
    if example.afterwards:  # without the change it would not be seen
        assert not VISIBLE[id_].shown(replace(example, meanwhile=example.afterwards))


@pytest.mark.inlab
@pytest.mark.parametrize(("id_", "technique"), [(i, t) for i, t in CASES if t not in ("null", "xmas")])
def test_embedded(id_: str, technique: str) -> None:
    example = shown(id_, technique, "embedded")
    assert VISIBLE[id_].shown(example), drawn(example)


@pytest.mark.parametrize(("id_", "technique"), CASES, ids=IDS[: len(CASES)])
def test_a_case_of_a_technique_asks_by_it(id_: str, technique: str) -> None:
    lab.here()
    with lab.case(id_, technique) as case:
        assert {technique} - {""} <= {asked.technique for asked in case.questions}
