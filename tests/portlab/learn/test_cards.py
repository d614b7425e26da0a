"""Cards, and the memory of them: what is unlocked, what falls due, what is kept on disk."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from portlab import ports
from portlab.errors import BadTarget, MalformedPacket
from portlab.learn import Deck
from portlab.learn.memory import Memory, Review
from portlab.port_cards import WAYS, Card, cards_of
from portlab.view import cards

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def deck(tmp_path: Path) -> Deck:
    return Deck(tmp_path / ".portlab" / "cards.json")


# --- cards --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "question", "answers"),
    [
        ("22 service", "22", ["SSH Secure Shell · TCP", "SFTP SSH File Transfer Protocol · TCP"]),
        ("53 service", "53", ["DNS over TCP", "DNS Domain Name System · UDP"]),
        ("22 port sftp", "SFTP SSH File Transfer Protocol", ["22/tcp"]),
        ("53 port dns", "DNS Domain Name System", ["53/tcp", "53/udp"]),
        ("23 safer telnet", "23 Telnet", ["SSH (22)"]),
    ],
)
def test_card(key: str, question: str, answers: list[str]) -> None:
    card = {card.key: card for card in cards_of(ports.find())}[key]
    assert card.question == question
    assert [line for line, _ in card.answer] == answers


def test_every_port_of_the_exams_is_asked_both_ways_and_every_key_once() -> None:
    made = cards_of(ports.find())
    assert len({card.key for card in made}) == len(made)
    for exam in ports.EXAMS:
        rows = ports.find(exam=exam)
        asked = cards_of(rows)
        assert {card.port for card in asked if card.way == "service"} == {row.port for row in rows}
        assert {(c.port, c.service) for c in asked if c.way == "port"} == {(r.port, r.service) for r in rows}
        assert all(exam in card.exams for card in asked)
    assert [*dict.fromkeys(card.way for card in made)] == list(WAYS)


def test_what_is_encrypted_from_the_start_has_no_card_for_a_safer_way() -> None:
    safer = {(card.port, card.service) for card in cards_of(ports.find()) if card.way == "safer"}
    assert (23, "telnet") in safer
    assert not safer & {(r.port, r.service) for r in ports.reference() if r.encrypted in ("tls", "native")}


def test_practice_holds_question_and_answer_as_text() -> None:
    told = str(cards(ports.find(23)))
    assert told.splitlines()[0] == "Port cards: 3 cards"
    assert "23 Telnet (Clear text: what is the safer way?): SSH (22)" in told


# --- when cards fall due ------------------------------------------------------------------------------


def test_unlocked_cards_are_due_at_once_the_numbers_before_the_names() -> None:
    due = Memory().unlock([23, 22]).due(NINE)
    assert [card.key for card in due][:3] == ["22 service", "23 service", "22 port ssh"]
    assert {card.port for card in due} == {22, 23}


def test_a_port_of_the_exam_gives_its_exam_services_only() -> None:
    assert {card.service for card in Memory((443, 514)).cards} == {"", "https", "syslog"}
    assert {card.service for card in Memory((443, 853)).cards} == {"", "https", "dot", "doq"}


def test_a_card_that_is_known_falls_due_later_and_later() -> None:
    memory, now, waits = Memory((22,)), NINE, []
    for _ in range(5):
        memory = memory.answer("22 service", True, now)
        again = memory.due_times()["22 service"]
        assert again is not None
        waits.append(again - now)
        now = again
    assert waits == sorted(waits)
    assert waits[0] < timedelta(hours=1)
    assert waits[-1] > 30 * DAY
    forgotten = memory.answer("22 service", False, now).due_times()["22 service"]
    assert forgotten is not None
    assert forgotten - now < timedelta(hours=1)


def test_due_cards_come_before_new_ones_and_the_longest_overdue_first() -> None:
    memory = Memory((22, 23))
    memory = memory.answer("23 service", True, NINE).answer("22 service", True, NINE + MINUTE)
    assert "22 service" not in [card.key for card in memory.due(NINE + 2 * MINUTE)]
    assert [card.key for card in memory.due(NINE + DAY)][:3] == ["23 service", "22 service", "22 port ssh"]


@pytest.mark.parametrize("ports_", [[4], [22, 65_535], ["22"], [-1], [True]])
def test_what_cannot_be_unlocked_is_named(ports_: list[Any]) -> None:
    with pytest.raises(BadTarget, match=str(ports_[-1])):
        Memory().unlock(ports_)


def test_answers_to_locked_cards_and_times_without_a_zone_are_refused() -> None:
    with pytest.raises(BadTarget, match=r"'80 service'.*deck\.unlock"):
        Memory((22,)).answer("80 service", True, NINE)
    with pytest.raises(BadTarget, match="no time zone"):
        Memory((22,)).answer("22 service", True, NINE.replace(tzinfo=None))


# --- the file -----------------------------------------------------------------------------------------


def test_memory_comes_back_from_its_json_whatever_the_time_zone() -> None:
    memory = Memory().unlock([22, 23]).answer("22 service", True, NINE)
    memory = memory.answer("23 service", False, NINE.astimezone(timezone(timedelta(hours=9))))
    again = Memory.from_json(memory.to_json().encode())
    assert again == memory
    assert again.answers[1] == Review("23 service", NINE, False)
    assert json.loads(memory.to_json())["answers"][0] == ["22 service", "2026-03-02T09:00:00+00:00", True]
    assert Memory.from_json(Memory().to_json().encode()) == Memory()


DAMAGED = {
    "cut": b'{"format": "portlab cards", "version": 1, "unlocked": [22',
    "empty": b"",
    "no text": b"\xff\xfe\x00",
    "another file": b'{"format": "something else", "version": 1}',
    "a list": b"[1, 2]",
    "no answers": b'{"format": "portlab cards", "version": 1, "unlocked": [22]}',
    "not a time": b'{"format": "portlab cards", "version": 1, "unlocked": [], "answers": [["22", "noon", true]]}',
    "not a bool": b'{"format": "portlab cards", "version": 1, "unlocked": [], "answers": [["22", "2026-01-01", 1]]}',
    "too long": b'{"format": "portlab cards", "version": 1, "unlocked": [], "answers": [[1, 2, 3, 4]]}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_put_aside_and_never_written_over(deck: Deck, content: bytes) -> None:
    with pytest.raises(MalformedPacket):
        Memory.from_json(content)
    deck.unlock([80])
    for number in (1, 2):
        deck.path.write_bytes(content)
        with pytest.warns(UserWarning, match=f"cards.damaged-{number}.json"):
            deck.unlock([22])
        assert deck.path.with_name(f"cards.damaged-{number}.json").read_bytes() == content
        assert deck.memory.unlocked == (22,)


def test_a_newer_file_is_left_alone(deck: Deck) -> None:
    deck.unlock([22])
    newer = deck.path.read_text().replace('"version": 1', '"version": 2')
    deck.path.write_text(newer)
    for look in (deck.due, lambda: deck.unlock([23]), deck.review):
        with pytest.raises(BadTarget, match="update PortLab"):
            look()
    assert deck.path.read_text() == newer


def test_nothing_is_written_before_there_is_something_to_keep(deck: Deck) -> None:
    assert deck.due(NINE) == ()
    assert "lessons unlock them" in repr(deck)
    assert not deck.path.parent.exists()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(BadTarget, match="taken"):
        Deck(tmp_path / "taken" / "cards.json").unlock([22])


def test_answers_outlive_the_program(deck: Deck) -> None:
    code = "import sys; from portlab.learn import Deck; Deck(sys.argv[1]).unlock([22]).answer('22 service', True)"
    subprocess.run([sys.executable, "-c", code, str(deck.path)], check=True)
    assert deck.memory.unlocked == (22,)
    assert [answer.card for answer in deck.memory.answers] == ["22 service"]


def test_two_notebooks_lose_nothing_of_each_other(deck: Deck) -> None:
    code = "import sys; from portlab.learn import Deck\n"
    code += "for _ in range(20): Deck(sys.argv[1]).answer('22 service', True)"
    deck.unlock([22])
    others = [subprocess.Popen([sys.executable, "-c", code, str(deck.path)]) for _ in range(2)]
    assert [other.wait(60) for other in others] == [0, 0]
    assert len(deck.memory.answers) == 40


# --- in the notebook ----------------------------------------------------------------------------------


def told(deck: Deck, detail: dict[str, Any], now: datetime | None = None) -> list[Any]:
    """What the page is sent when its script tells this."""
    review, sent = deck.review(now), []
    review.send_to_page = sent.append
    review._handle_custom_msg(detail, [])
    assert review.trouble == ""
    return sent


def test_review_shows_what_is_due_and_keeps_what_is_answered(deck: Deck) -> None:
    review = deck.unlock([23]).review()
    assert review.text.splitlines()[0].startswith("3 cards are due.")
    assert "SSH (22)" not in review.text  # a twin of questions
    assert 'data-key="23 service"' in review.html
    assert told(deck, {"card": "23 service", "knew": True}) == [
        {"kept": "Kept. It comes back in 10 minutes."}
    ]
    assert [(answer.card, answer.knew) for answer in deck.memory.answers] == [("23 service", True)]
    assert len(deck.due()) == 2


def test_a_sitting_has_ten_cards_and_the_next_one_goes_on(deck: Deck) -> None:
    deck.unlock(range(20, 24)).unlock(row.port for row in ports.find("mail"))
    now, asked = datetime.now(UTC), deck.due()
    review = deck.review(now)
    assert review.text.splitlines()[0].startswith(f"{len(asked)} cards are due. Here are 10 of them")
    assert re.findall('data-key="([^"]+)"', review.html) == [card.key for card in asked[:10]]
    for card in asked[:10]:
        deck.answer(card, True, now)
    assert re.findall('data-key="([^"]+)"', deck.review(now).html) == [card.key for card in asked[10:20]]
    for card in asked[10:-3]:
        deck.answer(card, True, now)
    assert re.match(r"3 cards are due\. Answers are kept", deck.review(now).text)


def test_when_nothing_is_due_the_next_time_is_told(deck: Deck) -> None:
    now = datetime.now(UTC)
    for card in deck.unlock([22]).due():
        deck.answer(card, True, now)
        deck.answer(card, True, now + 10 * MINUTE)
    assert deck.review(now + 11 * MINUTE).text == "Nothing is due. The next card falls due in 2 days."
    assert deck.due(now + 3 * DAY) != ()


def test_an_answer_that_cannot_be_kept_is_said(deck: Deck) -> None:
    review = deck.unlock([22]).review()
    review._handle_custom_msg({"card": "80 service", "knew": True}, [])
    assert "'80 service'" in review.trouble


def test_card_is_answered_by_itself_or_by_its_key(deck: Deck) -> None:
    card: Card = deck.unlock([22]).due()[0]
    assert deck.answer(card, True, NINE) == NINE + 10 * MINUTE
    assert deck.answer(card.key, True, NINE + 10 * MINUTE) > NINE + DAY
