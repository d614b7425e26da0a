import re
import time
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from portlab.model import Exchange
from portlab.view import ladder, ladders
from portlab.view.ladder import drawing
from portlab.view.ladder.describe import describe
from portlab.view.ladder.story import RowKind
from portlab.view.tokens import LOOKS
from portlab.view.words import duration
from tests.portlab.view import made

VOID = {"img", "br"}


class Balanced(HTMLParser):
    """Whether every tag that opens also closes."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def table_rows(html: str) -> list[list[str]]:
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", body, re.S)
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
        for row in rows
    ]


@pytest.mark.parametrize("name", made.EXCHANGES)
def test_the_transcript_is_narrow_and_complete(name: str) -> None:
    exchange = made.EXCHANGES[name]()
    text = ladder.transcript(exchange)
    assert max(len(line) for line in text.splitlines()) <= 100
    story = describe(exchange)
    assert story.result is not None
    look = LOOKS[story.result.state]
    assert f"=>  {look.character} {look.words}   {story.result.reason}" in text
    folded = " ".join(text.split())
    assert " ".join(story.result.sentence.split()) in folded
    assert " ".join(story.result.source.split()) in folded
    assert text.count(f"<= {story.claim}") == 1
    for row in story.rows:
        assert row.sentence.split()[0] in folded


@pytest.mark.parametrize("name", made.EXCHANGES)
def test_the_table_tells_the_same_rows_as_the_picture(name: str) -> None:
    story = describe(made.EXCHANGES[name]())
    svg, _ = drawing.draw(story, "x")
    root = ElementTree.fromstring(svg)
    drawn = [group for group in root.iter("g") if "event" in str(group.get("class"))]
    *told, verdict = table_rows(ladder.html(story))
    assert len(drawn) == len(told) == len(story.rows)
    for row, group, cells in zip(story.rows, drawn, told, strict=True):
        words = ["".join(text.itertext()) for text in group.iter("text")]
        what = "silence" if row.kind is RowKind.SILENCE else row.what.replace("<", "&lt;")
        assert any(text.startswith(row.what) for text in words)
        assert cells[3].startswith(what)
        assert cells[1].startswith(duration(row.at_ns))
        assert ("decides" in str(group.get("class"))) == row.decides == ("This s" in cells[4])
    assert story.result is not None
    assert verdict[3] == LOOKS[story.result.state].words


@pytest.mark.parametrize("name", made.EXCHANGES)
def test_the_figure_is_well_formed_and_accessible(name: str) -> None:
    html = ladder.mimebundle(made.EXCHANGES[name]())["text/html"]
    page = Balanced()
    page.feed(html)
    assert page.open == []
    live = re.search(r'<div class="live" hidden="hidden">(<svg.*?</svg>)</div><img', html, re.S)
    assert live is not None
    root = ElementTree.fromstring(live[1])
    assert root.get("role") == "img"
    assert "The table below says the same" in str(root.get("aria-label"))
    assert '<img class="still" alt="' in html
    assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", re.sub(r"base64,[^\"]+", "", html))


def test_no_text_is_smaller_than_12_px() -> None:
    html = ladder.mimebundle(made.EXCHANGES["syn rejected"]())["text/html"]
    sizes = [float(size) for size in re.findall(r"font(?:-size)?:[^;}\"]*?([\d.]+)px", html)]
    assert sizes
    assert min(sizes) >= 12


def test_ids_belong_to_one_figure() -> None:
    pages = [ladder.html(describe(made.EXCHANGES[name]())) for name in ("syn open", "syn closed")]
    ids = [set(re.findall(r' id="([^"]+)"', page)) for page in pages]
    assert ids[0]
    assert not ids[0] & ids[1]
    for page, own in zip(pages, ids, strict=True):
        assert set(re.findall(r"url\(#([^)]+)\)", page)) <= own


def test_names_are_escaped() -> None:
    exchange = made.exchange("syn", made.SYN_OPEN, host='<b onload="x">&')
    html = ladder.mimebundle(exchange)["text/html"]
    assert "<b onload" not in html
    assert "&lt;b onload=&quot;x&quot;&gt;&amp;" in html


@pytest.mark.parametrize(("name", "loud"), [("syn open", False), ("syn simulated", True)])
def test_what_is_computed_says_so(name: str, loud: bool) -> None:
    bundle = ladder.mimebundle(made.EXCHANGES[name]())
    assert ("SIMULATED" in bundle["text/plain"]) == loud
    assert ('class="fidelity loud">SIMULATED' in bundle["text/html"]) == loud
    assert ("a model's, not measured" in bundle["text/html"]) == loud
    assert ("read on the scanner" in bundle["text/html"]) != loud


def test_three_lifelines_where_somebody_else_speaks() -> None:
    text = ladder.transcript(made.EXCHANGES["syn rejected"]())
    assert "somebody else" in text
    svg, _ = drawing.draw(describe(made.EXCHANGES["syn rejected"]()), "x")
    assert len(re.findall('class="life"', svg)) == 3


def test_ladders_side_by_side() -> None:
    both = ladders(made.EXCHANGES["syn open"](), made.EXCHANGES["syn closed"]())
    bundle = both._repr_mimebundle_()
    assert bundle["text/html"].count("<figure") == 2
    assert bundle["text/html"].count("Gaps are compressed") == 1
    assert "says open" in str(both)
    assert "says closed" in bundle["text/plain"]


def test_an_exchange_without_a_single_event() -> None:
    nothing = made.exchange("syn", [], 80)
    assert "filtered" in ladder.transcript(nothing)
    assert "<figure" in ladder.mimebundle(nothing)["text/html"]


def test_a_packet_made_by_hand() -> None:
    bundle = ladder.mimebundle(made.by_hand((0, True, made.syn())))
    assert "Nothing is concluded" in bundle["text/plain"]
    assert "pill" not in bundle["text/html"].split("</style>")[1]


def test_the_work_grows_with_the_frames_and_no_faster() -> None:
    """What it takes in seconds, `./run bench pictures` says."""
    few, many = made.forty(), made.forty(times=4)
    assert len(many.frames) == 4 * len(few.frames)
    assert _best(many) < 8 * _best(few)


def _best(exchange: Exchange) -> float:
    """Processor time of one picture, the least of several."""
    times = []
    for _ in range(7):
        start = time.process_time()
        ladder.mimebundle(exchange)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize(("name", "diamonds"), [("syn open", 1), ("connect open", 0), ("connect timeout", 0)])
def test_a_diamond_is_what_the_kernel_sent_by_itself(name: str, diamonds: int) -> None:
    svg, _ = drawing.draw(describe(made.EXCHANGES[name]()), "x")
    assert len(re.findall('<path [^>]*class="sender"', svg)) == diamonds
