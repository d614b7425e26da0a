"""What a lesson remembers of its sitting: the map keeps every scan, a panel's too, and a refusal is shown."""

from __future__ import annotations

import re

from portlab.learn import Lesson


def test_the_map_fills_with_every_scan_of_the_lesson(lesson: Lesson) -> None:
    found = lesson.map()
    assert "0 asked so far" in repr(found)
    lesson.predict("web-80", "syn", "web", 80).answer("closed", "RST")
    lesson.predict("web-443", "syn", "web", 443).answer("open", "SYN-ACK")
    assert "1 asked so far, 2 open ports found" in repr(found)
    assert "2 open: 80 http, 443 https" in repr(found)


def test_the_map_keeps_what_was_found_before_it_was_drawn_and_by_hand(lesson: Lesson) -> None:
    lesson.predict("ping", "ping", "files").answer("up", "echo reply")
    found = lesson.map()
    panel = lesson.panel("ops", 23)
    panel.start()
    panel.wait(60)
    assert "files, 10.77.1.20: ▲ host up" in repr(found)
    assert "1 open: 23 telnet" in repr(found)


def test_the_map_knows_nothing_of_a_lab_that_was_changed_for_an_example(lesson: Lesson) -> None:
    found = lesson.map()
    lesson.counter_example("M04")
    assert "0 asked so far" in repr(found)


def test_two_maps_share_no_ids(lesson: Lesson) -> None:
    maps = [lesson.map()._repr_mimebundle_()["text/html"] for _ in range(2)]
    ids = [set(re.findall(r'\bid="([^"]+)"', html)) for html in maps]
    assert not ids[0] & ids[1]


def test_what_may_not_be_scanned_is_refused_in_words_and_is_on_no_map(lesson: Lesson) -> None:
    found = lesson.map()
    refused = lesson.attempt("syn", "192.0.2.1", 80)
    what, why, instead, *_ = str(refused).splitlines()
    assert what == "Refused."
    assert why.startswith("  192.0.2.1 may not be probed")
    assert 'type: pl.authorise("192.0.2.1"' in instead
    assert 'The line that ran: pl.syn_scan("192.0.2.1", 80)' in str(refused)
    assert "0 asked so far" in repr(found)


def test_an_attempt_that_is_allowed_brings_its_scan(lesson: Lesson) -> None:
    assert lesson.attempt("ping", "files")["files"].state == "up"
