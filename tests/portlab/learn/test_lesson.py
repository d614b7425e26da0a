"""Predict, then see: nothing is shown before, nothing is lost after, and nothing raises in between."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import portlab as pl
from lab_env import lab
from portlab.errors import BadTarget, LabNotRunning
from portlab.evidence.result import Scan
from portlab.learn import Lesson, Question, keys
from portlab.learn.exercises import Task
from portlab.learn.misconceptions import ASKS, FOLLOWS, misconception
from portlab.learn.questions import _written, questions_of, written
from portlab.learn.waiting import Waiting
from portlab.model import Exchange
from tests.portlab.learn.conftest import opened


def door(lesson: Lesson) -> Any:
    return lesson.predict("open-door", "syn", "web", "9,22,80", about=("web", 80))


# --- before the commit ------------------------------------------------------------------------------------


def test_before_the_commit_nothing_is_asked_and_nothing_raises(lesson: Lesson, kept: Path) -> None:
    lesson._scanner = None  # a scan would fail
    gate = door(lesson)
    shown = [
        gate.scan,
        gate.scan["web", 80],
        gate.scan["web", 80].reason.value,
        gate.exchange(9),
        gate.ladders(80, 9, 22),
        gate.ladders(80, gate.exchange(9)),
    ]
    assert not gate.committed
    for each in shown:
        assert isinstance(each, Waiting)
        assert '"open-door" is not answered yet.' in repr(each)
        assert "Answer it above" in each._repr_mimebundle_()["text/html"]
    assert not kept.exists()


def test_the_gate_s_twin_tells_question_and_choices(lesson: Lesson) -> None:
    text = door(lesson)._repr_mimebundle_()["text/plain"]
    assert text == repr(door(lesson))
    assert "What will a SYN scan say about port 80 of web" in text
    assert "open / closed / filtered" in text
    assert "a SYN-ACK / a RST / an ICMP error / nothing at all" in text
    assert "Not answered yet." in text


# --- the commit -------------------------------------------------------------------------------------------


def test_an_answer_in_python_names_all_that_is_asked_for(lesson: Lesson) -> None:
    with pytest.raises(BadTarget, match=r"'open-door' asks for 2: state, packet\. You gave 1\."):
        door(lesson).answer("open")


def test_the_commit_runs_the_scan(lesson: Lesson) -> None:
    gate = door(lesson)
    gate.answer("open", "SYN-ACK")
    assert gate.committed
    assert isinstance(gate.scan, Scan)
    assert [row.port for row in gate.scan] == [9, 22, 80]
    assert gate.scan["web", 80].state == "open"
    assert len(gate.ladders(80, 9, 22).exchanges) == 3
    assert gate.exchange().result.port == 80
    assert gate.exchange(22).result.port == gate.exchange("web", 22).result.port == 22


FEEDBACK = [
    # port, said, mark, what is told
    (80, ("open", "SYN-ACK"), "✓ Right, and for the right reason.", "a SYN-ACK came back from web"),
    (80, ("open", "RST"), "½ Right state, other evidence.", "a RST says closed, and it takes a SYN-ACK to say open."),
    (9, ("filtered", "RST"), "½ Right evidence, other state.", "Source: RFC 9293 sections 3.10.7.1 and 3.5.2"),
    (80, ("open", "nothing"), "½ Right state, other evidence.", "to a SYN scan silence suggests filtered"),
    (9, ("open", "SYN-ACK"), "! The packets say otherwise.", "got through, and a program had listened there."),
    (22, ("open", "SYN-ACK"), "! The packets say otherwise.", "true if the question had got through, and"),
    (22, ("closed", "RST"), "! The packets say otherwise.", "true if the question had got through, and nobody"),
    (22, ("filtered", "ICMP error"), "½ Right state, other evidence.", "It would have been filtered all the same."),
    (22, ("filtered", "nothing"), "✓ Right, and for the right reason.", "nothing came back, though it was asked"),
    (8080, ("filtered", "ICMP error"), "✓ Right", "an ICMP error (type 3, code 13) came back from gateway"),
]  # fmt: skip


@pytest.mark.parametrize(("port", "said", "mark", "told"), FEEDBACK)
def test_feedback_explains_from_the_evidence(
    lesson: Lesson, port: int, said: tuple[str, str], mark: str, told: str
) -> None:
    gate = lesson.predict("a-door", "syn", "web", port)
    gate.answer(*said)
    words = " ".join(repr(gate).split())
    assert mark in words
    assert told in words
    assert f'The line that ran: pl.syn_scan("web", {port})' in words


ASKED = [
    ("connect", ("web", 8443), {}, ("closed", "ICMP error"), "type 3, code 3"),
    ("udp", ("infra", 53), {}, ("open", "UDP datagram"), "a UDP datagram came back from infra"),
    ("udp", ("web", 161), {}, ("filtered", "ICMP error"), "from gateway"),
    ("fin", ("web", 80), {}, ("open|filtered", "nothing"), "Silence cannot tell them apart"),
    ("ack", ("web", 9), {}, ("unfiltered", "RST"), "the packet got through"),
    ("ping", ("web",), {}, ("up", "echo reply"), "an echo reply came back from web"),
    ("ping", ("ghost",), {"method": "arp"}, ("down", "nothing"), "The host will be reported as"),
]


@pytest.mark.parametrize(("technique", "where", "options", "said", "told"), ASKED)
def test_every_technique_can_be_predicted(
    lesson: Lesson, technique: str, where: tuple[Any, ...], options: dict[str, str], said: Any, told: str
) -> None:
    gate = lesson.predict("a-door", technique, *where, **options)
    gate.answer(*said)
    assert "✓ Right, and for the right reason." in repr(gate)
    assert told in " ".join(repr(gate).split())
    assert isinstance(gate.exchange(), Exchange)


def test_the_first_answer_stays(lesson: Lesson) -> None:
    gate = door(lesson)
    gate.answer("closed", "RST")
    scan = gate.scan
    gate.answer("open", "SYN-ACK")
    assert gate.scan is scan
    assert lesson.answers()["open-door"]["state"] == "closed"


def test_the_page_commits_by_what_its_figure_tells(lesson: Lesson) -> None:
    gate = door(lesson)
    gate._live._hear(None, {"do": "commit", "picked": {"state": "open", "packet": "SYN-ACK"}}, [])
    assert gate.committed
    assert 'data-locked="1"' in gate._live.html
    assert gate._live.text == repr(gate)


def test_a_scan_that_fails_leaves_the_question_open_and_says_why(lesson: Lesson, kept: Path) -> None:
    gate = lesson.predict("outside", "syn", "192.0.2.1", 80)
    gate._live._hear(None, {"do": "commit", "picked": {"state": "open", "packet": "SYN-ACK"}}, [])
    assert not gate.committed
    assert "192.0.2.1" in gate._live.trouble
    assert isinstance(gate.scan, Waiting)
    assert not kept.exists()


def test_an_interrupted_scan_is_no_evidence(lesson: Lesson, kept: Path) -> None:
    gate = lesson.predict("slow", "syn", "db", "1-2000", about=("db", 1999), watch=lambda scan: True, rate=50)
    with pytest.raises(BadTarget, match="interrupted, so nothing is known yet"):
        gate.answer("filtered", "nothing")
    assert not gate.committed
    assert isinstance(gate.scan, Waiting)
    assert not kept.exists()


def test_an_answer_that_cannot_be_kept_counts_for_this_sitting(lesson: Lesson, kept: Path) -> None:
    kept.mkdir()  # so no file can be read or written there
    gate = door(lesson)
    gate.answer("open", "SYN-ACK")
    assert gate.committed
    assert "cannot be read" in gate._live.trouble


@pytest.mark.parametrize("values", [("open",), ("shut", "RST"), ("open", "SYNACL")])
def test_an_answer_by_hand_that_is_none_is_named(lesson: Lesson, values: tuple[str, ...]) -> None:
    with pytest.raises(BadTarget, match="open-door"):
        door(lesson).answer(*values)


def test_what_is_asked_about_must_be_known(lesson: Lesson) -> None:
    with pytest.raises(BadTarget, match=r'about=\("web", 80\)'):
        lesson.predict("which", "syn", "web", "9,22,80")


# --- kept -------------------------------------------------------------------------------------------------


def test_after_a_restart_of_the_kernel_the_answer_is_known_and_the_scan_runs(lesson: Lesson) -> None:
    door(lesson).answer("open", "RST")
    again = door(opened())
    assert again.committed
    assert isinstance(again.scan, Scan)
    assert "½ Right state, other evidence." in repr(again)


def test_an_earlier_answer_that_no_longer_fits_is_asked_anew(lesson: Lesson) -> None:
    lesson.keep("open-door", {"state": "open", "packet": "echo reply"})
    assert not door(opened()).committed


def test_starting_over(lesson: Lesson) -> None:
    door(lesson).answer("open", "SYN-ACK")
    lesson.forget()
    assert not door(opened()).committed


def test_what_is_kept_says_what_was_seen(lesson: Lesson, kept: Path) -> None:
    door(lesson).answer("open", "RST")
    record = json.loads(kept.read_text("utf-8"))["answers"]["04/open-door"]
    assert (record["state"], record["packet"], record["right"]) == ("open", "RST", False)
    assert record["at"] == "2026-03-01T10:00:00+00:00"
    seen = record["seen"]
    assert (seen["state"], seen["packet"], seen["fidelity"]) == ("open", "SYN-ACK", "simulated")


def test_what_is_handed_in(lesson: Lesson, tmp_path: Path) -> None:
    door(lesson).answer("open", "RST")
    lesson.check("how-many", 3, 3)
    handed = lesson.hand_in(tmp_path / "mine.json")
    assert handed.rows()[0] == ["how-many", "3", "", "✓ right"]
    assert handed.rows()[1][-1] == "½ half right"
    assert "open, from SYN-ACK (syn-ack, simulated)" in repr(handed)
    whole = json.loads((tmp_path / "mine.json").read_text("utf-8"))
    assert (whole["format"], whole["lesson"]) == ("PortLab hand-in", "04")
    assert set(whole["answers"]) == {"open-door", "how-many"}


# --- the key file -----------------------------------------------------------------------------------------


@pytest.fixture
def key(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def write(**answers: Any) -> None:
        path = tmp_path / "key.json"
        path.write_text(
            json.dumps({f"04/{name.replace('_', '-')}": value for name, value in answers.items()})
        )
        monkeypatch.setenv(keys.VARIABLE, str(path))

    return write


def test_a_key_commits_at_once_and_the_scan_really_runs(key: Any) -> None:
    key(open_door={"state": "Open", "packet": "syn/ack"})
    gate = door(opened())
    assert gate.committed
    assert gate.scan["web", 80].reason == "syn-ack"


@pytest.mark.parametrize("said", ["open", {"state": "open"}, {"state": "shut", "packet": "RST"}])
def test_a_key_that_does_not_fit_is_told(key: Any, said: Any) -> None:
    key(open_door=said)
    with pytest.raises(BadTarget):
        door(opened())


def test_a_key_answers_exercises_and_questions(key: Any) -> None:
    key(mail_doors=[25, 110], who="TTL", test={"a": "yes", "b": "not sure"})
    lesson = opened()
    assert lesson.check("mail-doors", [], [110, 25]).right
    assert lesson.ask("who", question=Question("who", "Which field?", ["TTL", "port"], "TTL")).committed
    assert lesson.quiz("test", questions()).committed


# --- counter-examples -------------------------------------------------------------------------------------


def test_a_belief_is_met_in_one_line_and_by_the_lab_if_that_is_wanted(lesson: Lesson) -> None:
    lesson._lab = lab
    gate = lesson.predict("a-door", "syn", "web", 9)
    gate.answer("filtered", "RST")
    press(gate, "offer")  # M02: a rule that drops is put before port 9, and taken away again
    words = " ".join(repr(gate).split())
    assert 'Your answer holds a common belief: "A port that refuses is blocked by a firewall."' in words
    assert "While the lab is like this" in words
    told, against = repr(gate).split("Counter-example")
    assert "nothing came back" not in " ".join(told.split())
    assert "filtered no-response" in " ".join(against.split())
    assert "put back as it was" in against  # closed again
    assert pl.syn_scan("web", 9)["web", 9].state == "closed"
    assert "Show what speaks against it" not in gate._live.html
    assert gate._live.trouble == ""


def test_an_earlier_wrong_answer_may_be_put_to_the_test_later(lesson: Lesson) -> None:
    lesson.predict("a-door", "syn", "web", 9).answer("filtered", "RST")
    again = opened(lab=lab).predict("a-door", "syn", "web", 9)
    assert 'Show what speaks against it: lesson.counter_example("M02", "syn")' in " ".join(
        repr(again).split()
    )
    assert "While the lab is like this" not in repr(again)
    press(again, "offer")
    assert "While the lab is like this" in repr(again)
    assert 'data-do="offer"' not in again._live.html


def press(gate: Any, do: str, thought: str = "") -> None:
    """Press one of the buttons that are offered with the feedback."""
    assert f'data-do="{do}"' in gate._live.html
    gate._live._hear(None, {"do": do, "thought": thought}, [])


def test_a_belief_that_merely_fits_is_asked_about_and_shown_only_then(lesson: Lesson) -> None:
    lesson._lab = lab
    gate = lesson.predict("a-door", "connect", "db", 9)
    gate.answer("closed", "RST")
    words = " ".join(repr(gate).split())
    assert "Did you think that a port that refuses is blocked by a firewall?" in words
    assert "common belief" not in words
    assert "Counter-example" not in words
    press(gate, "offer")
    shown = repr(gate).split("Counter-example")[1]
    assert "TCP connect scan: files, port 9" in shown  # not by SYN, which this lesson does not teach
    assert 'data-do="offer"' not in gate._live.html


def test_who_thought_something_else_may_say_so(lesson: Lesson) -> None:
    lesson._lab = lab
    gate = lesson.predict("a-door", "syn", "web", 22)
    gate.answer("closed", "RST")
    press(gate, "no", " that it was switched off ")
    assert "Noted: it was not that." in " ".join(repr(gate).split())
    assert "Counter-example" not in repr(gate)
    kept = lesson.answers()["a-door"]
    assert (kept["thought"], kept["state"]) == ("that it was switched off", "closed")


def test_what_nobody_offers_cannot_be_asked_for(lesson: Lesson) -> None:
    gate = door(lesson)
    gate.answer("open", "SYN-ACK")
    before = repr(gate)
    for do in ("offer", "no"):
        gate._live._hear(None, {"do": do}, [])
    assert (gate._live.trouble, repr(gate)) == ("", before)


def test_a_counter_example_is_offered_once_a_lesson(lesson: Lesson) -> None:
    lesson._lab = lab
    lesson.predict("a-door", "syn", "web", 9).answer("filtered", "RST")
    second = lesson.predict("another", "syn", "mail", 9)
    second.answer("filtered", "RST")
    assert "What speaks against it is offered further up." in " ".join(repr(second).split())
    assert "Counter-example" not in repr(second)
    assert not lesson.check("x", 1, 2, wrong_means="M02").counter
    lesson.predict("a-door", "syn", "web", 9)  # its cell is run again
    assert lesson.first_to_offer("M02", "a-door")


def test_what_the_next_cell_shows_is_left_to_it(lesson: Lesson) -> None:
    lesson._lab = lab
    gate = lesson.predict("a-door", "syn", "web", 9, next_shows=["M02"])
    gate.answer("filtered", "RST")
    assert "What follows shows what speaks against it." in " ".join(repr(gate).split())
    assert "Counter-example" not in repr(gate)
    assert lesson.first_to_offer("M02", "another")


@dataclass
class Case:
    title: str = "Something is changed."
    questions: tuple[Any, ...] = ()
    changes: dict[str, Any] = field(default_factory=dict)


class NoHands:
    @contextmanager
    def case(self, id_: str, technique: str) -> Iterator[Case]:
        raise LabNotRunning("This lab has no control socket.")
        yield Case()


@pytest.mark.parametrize("without", [None, object(), NoHands()])
def test_without_a_lab_that_can_show_it_the_example_is_told_in_words(lesson: Lesson, without: Any) -> None:
    lesson._lab = without
    told = lesson.counter_example("M04")
    assert told.meanwhile == ()
    assert "No lab is at hand" in repr(told)
    assert "A server whose queue is full" in repr(told)
    assert "Silence proves only that no answer arrived" in told._repr_mimebundle_()["text/html"]


def test_where_no_case_shows_it_words_do(lesson: Lesson) -> None:
    lesson._lab = lab
    assert "No packet of this lab shows it" in repr(lesson.counter_example("M26"))


def test_the_lab_is_asked_every_question_of_the_case(lesson: Lesson) -> None:
    lesson._lab = lab
    shown = lesson.counter_example("M09")
    assert [each.result.state for each in shown.meanwhile] == ["no-answer", "open"]
    assert shown.afterwards == ()


@pytest.mark.parametrize("id_", sorted({row.id for row in (*FOLLOWS, *ASKS)}))
def test_every_belief_that_a_prediction_can_point_to_is_shown_by_the_lab(lesson: Lesson, id_: str) -> None:
    lesson._lab = lab
    assert lesson.counter_example(id_).meanwhile


def test_a_lesson_may_say_what_a_wrong_answer_means(lesson: Lesson) -> None:
    gate = lesson.predict("desk", "fin", "desk", 3389, wrong_means="M18")
    gate.answer("open|filtered", "nothing")
    assert "Did you think that FIN, NULL and Xmas scans find open ports everywhere?" in " ".join(
        repr(gate).split()
    )


# --- questions --------------------------------------------------------------------------------------------


def questions() -> list[Question]:
    return [
        Question("a", "Is a closed port in use?", ["yes", "no"], "no", "Nobody listens there."),
        Question("b", "Has ICMP ports?", ["yes", "no"], "no"),
    ]


TWO_RESETS = Question(
    "two-resets", "Which field?", ["address", "TTL"], "TTL", "Each router lowers it.", {"address": "M22"}
)


def test_a_question_with_one_answer_may_have_a_scan(lesson: Lesson) -> None:
    item = lesson.ask("two-resets", "syn", "web", "9,3389", question=TWO_RESETS)
    assert isinstance(item.ladders(9, 3389), Waiting)
    item.answer("TTL")
    assert "✓ Right.\n  Each router lowers it." in repr(item)
    assert "SYN scan of web" in repr(item)  # two ports: the scan itself is the evidence
    assert len(item.ladders(9, 3389).exchanges) == 2
    assert lesson.answers()["two-resets"]["right"] is True
    assert lesson.ask("two-resets", question=TWO_RESETS).committed


def test_a_wrong_choice_points_to_a_belief(lesson: Lesson) -> None:
    item = lesson.ask("two-resets", question=TWO_RESETS)
    item.answer("address")
    words = " ".join(repr(item).split())
    assert "! Not this one. You said: address. It is: TTL. Each router lowers it." in words
    assert "A RST always comes from the host that was asked." in words


def test_a_question_without_a_scan_has_none_to_show(lesson: Lesson) -> None:
    with pytest.raises(BadTarget, match="'two-resets' is a question without a scan"):
        _ = lesson.ask("two-resets", question=TWO_RESETS).scan


def test_a_question_that_is_not_there_is_named(lesson: Lesson) -> None:
    with pytest.raises(BadTarget, match=r"no questions '04/what-22-say'.*04/what-22-says"):
        lesson.ask("what-22-say")


def test_an_answer_that_cannot_be_chosen_is_a_mistake_of_the_lesson() -> None:
    with pytest.raises(BadTarget, match="'c' to 'who'"):
        Question("who", "Who?", ["a", "b"], "c")


def test_every_question_that_is_written_down_is_whole() -> None:
    for name in _written():
        if "kind" in written(name)[0]:  # of an exercise
            [task] = [Task(**each) for each in written(name)]
            assert task.group().legend.endswith(("?", "."))
            assert task.kind != "choices" or set(task.answer or []) <= set(task.choices)
            continue
        for question in questions_of(name):
            assert len(set(question.choices)) == len(question.choices) >= 2
            assert question.because.endswith(".")
            assert {*question.wrong_means, *question.wrong_asks} <= {*question.choices} - {question.answer}
            assert not {*question.wrong_means} & {*question.wrong_asks}
            for id_ in (*question.wrong_means.values(), *question.wrong_asks.values(), *question.next_shows):
                assert misconception(id_).id == id_
            assert {*question.why_not} <= {*question.choices} - {question.answer}
            assert all(why.endswith(".") for why in question.why_not.values())


def test_a_test_does_not_tell_what_was_right_until_it_is_repeated(lesson: Lesson) -> None:
    before = lesson.quiz("before", questions())
    before.answer("yes", "not sure")
    assert "Kept." in repr(before)
    assert "Nobody listens there" not in repr(before)
    after = lesson.quiz("after", questions(), reveal=True, earlier="04/before")
    after.answer("no", "yes")
    words = repr(after)
    assert "1 of 2 right." in words
    assert "At the beginning it was 0 of 2." in words
    assert "1. ✓ no. Nobody listens there." in words
    assert "2. ! no." in words


# --- exercises --------------------------------------------------------------------------------------------


def test_a_check_waits_for_the_prediction_its_scan_waits_for(lesson: Lesson) -> None:
    gate = door(lesson)
    assert isinstance(lesson.check("x", 3, len, scan=gate.scan), Waiting)
    assert isinstance(lesson.check("x", "open", gate.scan["web", 80].state), Waiting)
    gate.answer("open", "SYN-ACK")
    assert lesson.check("x", 3, len, scan=gate.scan).right


def test_only_right_answers_are_kept(lesson: Lesson) -> None:
    assert not lesson.check("x", 4, 3).right
    assert lesson.answers() == {}
    assert lesson.check("x", 3, 3).right
    assert lesson.answers()["x"]["answer"] == 3


def test_a_wrong_answer_to_an_exercise_is_met_by_its_counter_example(lesson: Lesson) -> None:
    lesson._lab = lab
    told = lesson.check("ping", "down", "no answer", wrong_means="M09")
    assert "No reply to a ping means that the host is down." in repr(told)
    assert "pl-ladder" in told._repr_mimebundle_()["text/html"]


def test_a_damaged_progress_file_is_told(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept.write_text("{", "utf-8")
    opened()
    assert "put aside as 'progress.damaged-1.json'" in capsys.readouterr().out
