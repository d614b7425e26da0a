"""One place a beat: nothing before the answer, everything after it, and nothing has to be run again."""

from __future__ import annotations

import re
from typing import Any

import pytest

from portlab.errors import BadTarget
from portlab.learn import Lesson, explanations, recorded
from portlab.learn import lesson as lessons
from portlab.learn.exercises import Exercise, Task
from portlab.learn.explanations import sections
from portlab.learn.questions import Question
from portlab.view import conversations, follow
from portlab.view.beat import prose
from tests.portlab.learn.conftest import opened

WHY = "Three *packets*, as in `RFC 9293`."
SIDE = "Look at [both](04.ipynb)."


@pytest.fixture(autouse=True)
def written(monkeypatch: pytest.MonkeyPatch) -> None:
    explanations.explanations.cache_clear()
    monkeypatch.setattr(explanations, "explanations", lambda number: {"web-80": WHY, "both": SIDE})


def web(lesson: Lesson, port: int, **more: Any) -> Any:
    return lesson.predict(f"web-{port}", "syn", "web", port, **more)


def page(beat: Any) -> str:
    return str(beat._live.html)


# --- one beat ---------------------------------------------------------------------------------------------


def test_before_the_answer_there_is_neither_picture_nor_explanation(lesson: Lesson) -> None:
    beat = web(lesson, 80)
    assert "pl-ladder" not in page(beat)
    assert "RFC 9293" not in page(beat) + repr(beat)
    assert "pl next" not in page(beat)


def test_the_answer_fills_the_place_in_order(lesson: Lesson) -> None:
    beat = web(lesson, 80)
    beat.answer("closed", "RST")
    html = page(beat)
    order = ["a SYN-ACK came back", '<figure class="pl pl-ladder', "<em>packets</em>", "Next: Shift+Enter."]
    assert sorted(order, key=html.index) == order
    assert repr(beat).endswith(WHY)
    assert repr(beat).index("You said") < repr(beat).index("SYN scan: web")


def test_the_notebook_keeps_the_still_of_what_was_answered_and_nothing_else(lesson: Lesson) -> None:
    beat = web(lesson, 80)
    assert "pl-ladder" not in beat._repr_mimebundle_()["text/html"]
    beat.answer("open", "SYN-ACK")
    kept = beat._repr_mimebundle_()
    assert "pl-ladder" in kept["text/html"]
    assert WHY in kept["text/plain"]


def test_show_may_draw_several_pictures(lesson: Lesson) -> None:
    beat = web(lesson, 80, show=lambda beat: [beat.packet(2), beat.exchange()])
    beat.answer("open", "SYN-ACK")
    html = page(beat)
    assert html.index("pl-anatomy") < html.index('<figure class="pl pl-ladder')


def test_what_is_to_be_judged_stands_above_the_question_and_what_is_shown_does_not(lesson: Lesson) -> None:
    pages = recorded("web_pages")
    good, bad = (conversations(follow(pages, host, 80)) for host in ("web", "quiet"))
    question = Question("works", "Does it work?", ["yes", "no"], "no", "It says 500.")
    beat = lesson.ask("works", question=question, given=good, show=lambda _: bad)
    assert page(beat).index("What was said to web") < page(beat).index("Does it work?")
    assert "500" not in page(beat)
    beat.answer("no")
    assert page(beat).index("Does it work?") < page(beat).index("What was said to quiet")


def test_a_picture_that_fails_leaves_the_question_open(lesson: Lesson) -> None:
    beat = web(lesson, 80, show=lambda beat: beat.packet(99))
    with pytest.raises(IndexError):
        beat.answer("open", "SYN-ACK")
    assert not beat.committed
    assert lesson.answers() == {}


def test_after_a_restart_all_of_it_is_there_again(lesson: Lesson) -> None:
    web(lesson, 80).answer("open", "SYN-ACK")
    again = web(opened(), 80)
    assert "pl-ladder" in page(again)
    assert WHY in repr(again)


def test_a_cell_that_is_run_once_more_shows_the_packets_it_showed(lesson: Lesson) -> None:
    first = web(lesson, 80)
    first.answer("open", "SYN-ACK")
    assert web(lesson, 80).scan is first.scan
    assert web(lesson, 80, rate=50).scan is not first.scan  # another question


# --- answered again ---------------------------------------------------------------------------------------


def test_an_answer_can_be_changed_and_the_first_stays_on_the_record(lesson: Lesson) -> None:
    beat = web(lesson, 80)
    beat.answer("closed", "RST")
    scan = beat.scan
    beat._live._hear(None, {"do": "again"}, [])
    assert not beat.committed
    assert "pl-ladder" not in page(beat)
    beat.answer("open", "RST")
    beat.again()
    beat.answer("open", "SYN-ACK")
    assert beat.scan is scan
    kept = lesson.answers()["web-80"]
    assert (kept["state"], kept["right"]) == ("open", True)
    assert (kept["first"]["state"], kept["first"]["right"]) == ("closed", False)
    assert "first" not in kept["first"]
    [[_, said, *_]] = lesson.hand_in().rows()
    assert said == "open, from SYN-ACK (first: closed, from RST)"


# --- several beats ----------------------------------------------------------------------------------------


def test_a_picture_of_several_beats_waits_for_all_and_fills_itself(lesson: Lesson) -> None:
    one, two = web(lesson, 80), web(lesson, 9)
    both = lesson.together("both", one, two)
    assert 'your answer to "web-80" and "web-9"' in repr(both)
    one.answer("open", "SYN-ACK")
    assert 'your answer to "web-9"' in repr(both)
    assert "pl-ladder" not in page(both)
    two.answer("closed", "RST")
    assert page(both).count('<figure class="pl pl-ladder') == 2
    assert repr(both).endswith(SIDE)
    assert '<a href="04.ipynb">' in page(both)


def test_two_pictures_of_one_exchange_share_no_ids(lesson: Lesson) -> None:
    one, two = web(lesson, 80), web(lesson, 9)
    both = lesson.together("both", one, two)
    one.answer("open", "SYN-ACK")
    two.answer("closed", "RST")
    ids = [set(re.findall(r'\bid="([^"]+)"', page(each))) for each in (one, two, both)]
    assert all(ids)
    assert len(set.union(*ids)) == sum(map(len, ids))
    for html in map(page, (one, two, both)):  # and all that is referred to is there
        assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(re.findall(r'\bid="([^"]+)"', html))


def test_it_fills_though_a_cell_was_run_again_in_between(lesson: Lesson) -> None:
    both = lesson.together("both", web(lesson, 80), web(lesson, 9), show=lambda one, two: one.ladders(80, 80))
    web(lesson, 80).answer("open", "SYN-ACK")
    web(lesson, 9).answer("closed", "RST")
    assert "pl-ladder" in page(both)


def test_a_beat_whose_picture_is_another_s_waits_for_that_one(lesson: Lesson) -> None:
    one = web(lesson, 80)
    question = Question("which", "Which number?", ["1", "2"], "2", "It counts.")
    asked = lesson.ask("which", question=question, show=lambda _: one.packet(2))
    asked.answer("2")
    assert "✓ Right." in repr(asked)
    assert 'your answer to "web-80"' in repr(asked)
    one.answer("open", "SYN-ACK")
    assert "pl-anatomy" in page(asked)


def test_the_summary_waits_for_what_it_sums_up(lesson: Lesson, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "explained", lambda number, name: (prose("<p>So.</p>", "So.", "x"),))
    one = web(lesson, 80)
    said = lesson.summary(one)
    assert "So." not in repr(said)
    one.answer("open", "SYN-ACK")
    assert repr(said) == "So."


# --- explanations -----------------------------------------------------------------------------------------


def test_sections_are_named_by_their_beats() -> None:
    assert sections("# A lesson\n\n## one\n\nText.\n\n### More\n\n## two-b \nEnd.\n") == {
        "one": "Text.\n\n### More",
        "two-b": "End.",
    }
    with pytest.raises(BadTarget, match="two explanations named one"):
        sections("## one\nA\n## one\nB\n")


def test_markup_in_an_explanation_stays_words() -> None:
    assert "&lt;b&gt;" in explanations._html("a <b> c")


# --- exercises --------------------------------------------------------------------------------------------

DOORS = Task("doors", "Which ports are open?", "numbers", hints=["Look at the rows.", "Look for open."])
GAP = Task("gap", "How long?", "number", answer=3, unit="s", within=0.5)
HOSTS = Task("hosts", "Which answer?", "choices", answer=["web", "db"], choices=["web", "db", "quiet"])


def open_of(scan: Any) -> list[int]:
    return [row.port for row in scan if row.state == "open"]


def test_an_exercise_shows_the_evidence_and_goes_on_until_it_is_solved(lesson: Lesson) -> None:
    scan = lesson._scanner.syn_scan("mail", "25,80,110")
    task = lesson.exercise("doors", open_of, of=scan, task=DOORS)
    assert page(task).index("SYN scan of mail") < page(task).index("Which ports are open?")
    task.answer("25, 80")
    assert "Not 80. Port 80 came back closed. Still missing: 1 of 2 answers." in " ".join(repr(task).split())
    assert "Look at the rows." in repr(task)
    assert not task.committed
    assert lesson.answers() == {}
    task.answer("25 and 110")
    assert "✓ Right." in repr(task)
    assert lesson.answers()["doors"] == {
        "at": "2026-03-01T10:00:00+00:00",
        "answer": [25, 110],
        "right": True,
    }
    assert opened().exercise("doors", open_of, of=scan, task=DOORS).committed


def test_hints_come_one_after_the_other_and_then_the_answer(lesson: Lesson) -> None:
    task = lesson.exercise("doors", open_of, of=lesson._scanner.syn_scan("mail", "25,80"), task=DOORS)
    seen = []
    for said in ("80", "81", "82"):
        task.answer(said)
        seen.append(("Look for open." in repr(task), "Show the answer" in page(task)))
    assert seen == [(False, False), (True, False), (True, True)]
    task._live._hear(None, {"do": "offer"}, [])
    assert "The evidence says 25." in repr(task)
    assert (lesson.answers()["doors"]["answer"], lesson.answers()["doors"]["right"]) == ([82], False)


def test_an_exercise_about_a_beat_waits_for_it(lesson: Lesson) -> None:
    beat = web(lesson, 80)
    task = lesson.exercise("doors", open_of, of=beat, task=DOORS)
    task._live._hear(None, {"do": "commit", "picked": {"doors": "80"}}, [])
    assert task._live.trouble == "This is about web-80: answer that first, above."
    beat.answer("open", "SYN-ACK")
    assert "pl-ladder" in page(task)
    task.answer("80")
    assert task.committed


SAID = [
    (GAP, "3", True),
    (GAP, "3.4 s", True),
    (GAP, "3s", True),
    (GAP, "4", False),
    (HOSTS, ["db", "web"], True),
    (HOSTS, ["web", "db", "quiet"], False),
    (HOSTS, "web", False),
]


@pytest.mark.parametrize(("task", "said", "right"), SAID, ids=[str(said) for _, said, _ in SAID])
def test_kinds_of_exercises(lesson: Lesson, task: Task, said: Any, right: bool) -> None:
    gate = lesson.exercise(task.name, task=task)
    gate.answer(said)
    assert gate.committed is right


UNREADABLE = [(DOORS, "eighty", "'eighty' is no number"), (DOORS, " ", "Write a number first"),
              (GAP, "3 5", "One number is asked for"), (GAP, "3 m", "'m' is no number. Write digits, .* or in s"),
              (HOSTS, ["ops"], "'ops' is none of web, db, quiet")]  # fmt: skip


@pytest.mark.parametrize(("task", "said", "told"), UNREADABLE, ids=[told for *_, told in UNREADABLE])
def test_what_cannot_be_read_is_said_and_judged_by_nobody(
    lesson: Lesson, task: Task, said: Any, told: str
) -> None:
    gate = Exercise(lesson, task, lambda scan: [1], lesson._scanner.syn_scan("web", 80))
    with pytest.raises(BadTarget, match=told):
        gate.answer(said)
    assert "Not quite" not in repr(gate)


def test_what_was_said_before_is_not_said_of_an_answer_that_cannot_be_read(lesson: Lesson) -> None:
    gate = Exercise(lesson, DOORS, lambda scan: [1], lesson._scanner.syn_scan("web", 80))
    gate.answer("80")
    assert "Not quite" in repr(gate)
    gate._live._hear(None, {"do": "commit", "picked": {DOORS.name: "eighty"}}, [])
    assert "'eighty' is no number" in gate._live.trouble
    assert "Not quite" not in repr(gate)


def test_an_exercise_without_a_truth_is_a_mistake_of_the_lesson(lesson: Lesson) -> None:
    with pytest.raises(BadTarget, match="What is right in 'doors'"):
        lesson.exercise("doors", task=DOORS)
