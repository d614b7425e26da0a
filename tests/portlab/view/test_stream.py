"""A conversation to be read: who said what, Telnet's negotiation told apart, bytes that are no text named so."""

from __future__ import annotations

import re

import pytest

from portlab.addresses import number
from portlab.captures.capture import Capture
from portlab.errors import BadTarget
from portlab.model import no_frames
from portlab.packets.streams import Said, Stream
from portlab.view.stream import Conversation, conversations, follow
from portlab.view.stream.turns import PartKind, is_telnet, parts, readable, turns

CLIENT, SERVER = (number("10.77.1.100"), 40_000), (number("10.77.3.10"), 23)
NAMES = {CLIENT[0]: "student", SERVER[0]: "voip"}
MS = 1_000_000


def stream(*said: tuple[str, bytes | int], port: int = 23, **more: object) -> Stream:
    """A connection on which this was said: ("c" or "s", bytes), or how many bytes are missing."""
    parts_ = []
    places = {"c": 0, "s": 0}
    for at, (side, data) in enumerate(said):
        missing, told = (data, b"") if isinstance(data, int) else (0, data)
        parts_.append(Said(side == "c", at * MS, places[side], told, missing))
        places[side] += missing or len(told)
    facts = {"time_ns": 0, "began": True, "ended": "FIN", "repeated": 0} | more
    return Stream(client=CLIENT, server=(SERVER[0], port), said=tuple(parts_), **facts)


LOGIN = stream(
    ("s", b"\xff\xfd\x18\xff\xfb\x01\r\nvoip login: "),
    ("c", b"\xff\xfc\x18\xff\xfd\x01"),
    *[pair for key in (b"m", b"e", b"\r\n") for pair in (("c", key), ("s", key))],
    ("s", b"Password: "),
    ("c", b"s"),
    ("c", b"ecret\r\n"),
    ("s", b"\r\n$ "),
)


def test_keys_that_are_echoed_make_one_turn_and_a_password_another() -> None:
    assert [(turn.by_client, turn.data, turn.echoed) for turn in turns(LOGIN)] == [
        (False, b"\xff\xfd\x18\xff\xfb\x01\r\nvoip login: ", False),
        (True, b"\xff\xfc\x18\xff\xfd\x01", False),
        (True, b"me\r\n", True),
        (False, b"Password: ", False),
        (True, b"secret\r\n", False),
        (False, b"\r\n$ ", False),
    ]


def test_the_text_shows_the_password_and_the_sides() -> None:
    text = str(Conversation(LOGIN, NAMES))
    assert text.startswith("What was said to voip, port 23 (telnet)\nstudent")
    assert "client ▶ me↵  (each key echoed)" in text
    assert "client ▶ secret↵" in text
    assert "[DO terminal type][WILL echo]" in text
    assert "    server ◀ Password: " in text


def test_the_page_says_the_same() -> None:
    page = Conversation(LOGIN, NAMES).html()
    assert page.count('<li class="turn client">') == 3
    assert page.count('<li class="turn server">') == 3
    assert '<small class="negotiation">DO terminal type</small>' in page
    assert re.search(r"<b>client</b>.*secret↵", page)


def test_all_bytes_stand_in_hexadecimal() -> None:
    text = str(Conversation(LOGIN, NAMES))
    rows = re.findall(r"(client|server) [0-9a-f]{6}  ((?:[0-9a-f]{2} ?)+)", text)
    for side, name in ((True, "client"), (False, "server")):
        assert bytes.fromhex("".join(row for who, row in rows if who == name)) == LOGIN.bytes_of(side)


NEGOTIATIONS = [
    (b"\xff\xfb\x03", "WILL suppress go ahead"),
    (b"\xff\xfe\x63", "DON'T option 99"),
    (b"\xff\xfa\x18\x00xterm\xff\xf0", "about terminal type: ·xterm"),
    (b"\xff\xf4", "interrupt process"),
]


@pytest.mark.parametrize(("data", "words"), NEGOTIATIONS)
def test_negotiation_in_words(data: bytes, words: str) -> None:
    (turn,) = turns(stream(("s", b"a" + data + b"b")))
    assert [(part.kind, part.words) for part in parts(turn, telnet=True)] == [
        (PartKind.TEXT, "a"),
        (PartKind.NEGOTIATION, words),
        (PartKind.TEXT, "b"),
    ]


def test_only_telnet_is_read_as_telnet() -> None:
    assert is_telnet(stream(("c", b"hello")))
    assert is_telnet(stream(("s", b"\xff\xfd\x18"), port=2323))
    assert not is_telnet(stream(("s", b"SSH-2.0-x\r\n"), port=22))


KINDS = [
    (b"GET / HTTP/1.1\r\n", PartKind.TEXT, "GET / HTTP/1.1↵"),
    (b"one\r\ntwo\tthree\n", PartKind.TEXT, "one↵\ntwo\tthree↵"),
    (bytes(range(128, 160)), PartKind.BYTES, "·" * 32),
    (b"names,in,clear\0\0", PartKind.BYTES, "names,in,clear··"),
]


@pytest.mark.parametrize(("data", "kind", "words"), KINDS)
def test_text_and_other_bytes(data: bytes, kind: PartKind, words: str) -> None:
    (turn,) = turns(stream(("c", data), port=22))
    assert [(part.kind, part.words) for part in parts(turn, telnet=False)] == [(kind, words)]


def test_gaps_are_named() -> None:
    lost = Conversation(
        stream(("c", b"one"), ("c", 12), ("c", b"three"), repeated=5, began=False, ended="RST")
    )
    assert "[12 bytes not in this capture]" in str(lost)
    assert '<small class="gap">12 bytes not in this capture</small>' in lost.html()
    assert len(lost.notes) == 4


def test_long_bytes_are_shortened_and_what_is_left_out_is_counted() -> None:
    assert "… and 1,800 more" in str(Conversation(stream(("s", b"\x80" * 2000), port=22)))


def test_what_is_said_is_never_taken_for_html() -> None:
    assert "<b>bold</b>" not in Conversation(stream(("s", b"<b>bold</b>"), port=80)).html()


def test_line_ends() -> None:
    assert readable(b"a\r\nb\r\0c\nd") == "a↵\nb↵\nc↵\nd"


def test_where_nothing_was_said_it_is_told_what_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    capture = Capture(no_frames(), "embedded", names=NAMES)
    with pytest.raises(BadTarget, match="It holds no conversation over TCP"):
        follow(capture, "voip", 23)
    monkeypatch.setattr(Capture, "streams", lambda self: [LOGIN, LOGIN])
    with pytest.raises(BadTarget, match=r"said to 'web', 80.*'voip', 23"):
        follow(capture, "web", 80)
    with pytest.raises(BadTarget, match="counted from 0 to 1"):
        follow(capture, "voip", 23, which=2)
    assert follow(capture, "voip.lab", 23).detail.endswith("connection 1 of 2")
    assert follow(capture, "10.77.3.10", 23, which=-1).detail.endswith("connection 2 of 2")


def test_a_pair_brings_its_style_once() -> None:
    page = conversations(Conversation(LOGIN), Conversation(LOGIN))._repr_mimebundle_()["text/html"]
    assert (page.count("<style>"), page.count("<figure")) == (1, 2)
