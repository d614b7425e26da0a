"""A packet made by hand is held against one on the wire, field by field."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scapy.all import ICMP, IP

from portlab.learn import Lesson, keys
from portlab.learn.built import held_against, packet_in
from portlab.learn.exercises import Task
from portlab.learn.waiting import Waiting
from tests.portlab.learn.conftest import opened


def asked(lesson: Lesson) -> Any:
    gate = lesson.predict("ping-files", "ping", "files")
    gate.answer("up", "echo reply")
    return gate


def copied(sent: bytes, **other: Any) -> Any:
    """The packet again, by Scapy, from what its fields say."""
    seen = IP(sent)
    fields = {"id": seen[ICMP].id, "seq": seen[ICMP].seq, **other}
    return (
        IP(src=seen.src, dst=seen.dst, id=seen.id, flags="DF") / ICMP(type=8, **fields) / seen[ICMP].payload
    )


def test_the_same_bytes_are_right_and_kept(lesson: Lesson, kept: Path) -> None:
    beat = asked(lesson)
    sent = packet_in(beat.exchange().frames[0])
    assert lesson.built("echo", copied(sent), like=beat).right
    record = json.loads(kept.read_text("utf-8"))["answers"]["04/echo"]
    assert bytes.fromhex(record["answer"]) == sent


def test_what_differs_is_named_and_what_it_should_be_is_not(lesson: Lesson, kept: Path) -> None:
    beat = asked(lesson)
    checked = lesson.built("echo", copied(packet_in(beat.exchange().frames[0]), seq=7), like=beat)
    assert not checked.right
    assert checked.feedback.lines == (
        "ICMP, Sequence number: yours says 7.",
    )  # and not the checksum after it
    assert "04/echo" not in kept.read_text("utf-8")


def test_a_wrong_checksum_is_named_where_nothing_else_is_wrong(lesson: Lesson) -> None:
    sent = packet_in(asked(lesson).exchange().frames[0])
    assert held_against(copied(sent, chksum=1), sent).lines == ("ICMP, Checksum: yours says 0x0001.",)


def test_a_field_that_is_missing_is_named(lesson: Lesson) -> None:
    sent = packet_in(asked(lesson).exchange().frames[0])
    bare = copied(sent)
    bare[ICMP].remove_payload()
    assert held_against(bare, sent).lines == (
        "Payload, Data: yours has none.",
        "Yours has 28 bytes, the other 84.",
    )


def test_before_the_beat_is_answered_it_waits(lesson: Lesson) -> None:
    beat = lesson.predict("ping-files", "ping", "files")
    assert isinstance(lesson.built("echo", IP() / ICMP(), like=beat), Waiting)


def test_a_key_file_stands_for_the_right_packet(
    kept: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key.json"
    key.write_text('{"04/echo": "the same bytes"}', "utf-8")
    monkeypatch.setenv(keys.VARIABLE, str(key))
    lesson = opened()
    assert lesson.built("echo", IP() / ICMP(), like=asked(lesson)).right


def test_what_an_exercise_is_read_from_may_wait_for_a_beat(lesson: Lesson) -> None:
    beat = lesson.predict("ping-files", "ping", "files")
    task = Task(
        "told", "What may you say?", "choices", answer=["it is there"], choices=["it is there", "more"]
    )
    exercise = lesson.exercise("told", task=task, given=lambda: beat.scan)
    assert 'This waits for your answer to "ping-files"' in repr(exercise)
    beat.answer("up", "echo reply")
    assert "echo-reply" in repr(exercise)
