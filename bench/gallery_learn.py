"""The gallery's learning: reference, cards, gates, the scan panel."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import portlab as pl
from lab_env import lab
from portlab import ports
from portlab.evidence.result import Scan
from portlab.learn import Lesson, open_ports
from portlab.learn.exercises import Task
from portlab.learn.live import Live
from portlab.learn.progress import Progress
from portlab.port_cards import cards_of
from portlab.view import cards
from portlab.view.flash_cards import html as deck
from portlab.view.port_reference import Reference
from portlab.view.scan_panel import Order, Panel

SEED = 5
QUICK: dict[str, Any] = {"seed": SEED, "progress": False}
Made = Iterator[tuple[str, str, Any]]


def reference_and_cards() -> Made:
    """The table of ports, and cards of it."""
    found = (pl.syn_scan(["web", "mail"], "common", **QUICK), pl.udp_scan("infra", "common", **QUICK))
    yield "Port reference", "Search, filters, all rows.", Reference(ports.find())
    yield "Port reference with a live probe", "What was found, and a button beside each row.", Reference(
        ports.find("mail"), found, probe=True, told="25/tcp: open on mail."
    )  # fmt: skip
    yield "Cards to practise", "One card; the list behind it.", cards(ports.find("mail"))
    due = cards_of(ports.find("ssh"))
    yield (
        "Cards that are due",
        "Mixed, in the order given.",
        deck(due, "2 cards are due.", "Cards that are due", True),
    )
    yield (
        "No cards",
        "Says so in one line.",
        deck((), "No cards yet: lessons unlock them.", "Cards that are due"),
    )


class Seeded:
    """PortLab's scans, with the same seed each time."""

    def __getattr__(self, name: str) -> Any:
        return partial(getattr(pl, name), seed=SEED)


def gates() -> Made:
    """A gate in each of its states."""
    with tempfile.TemporaryDirectory() as folder:
        lesson = Lesson("04", scanner=Seeded(), lab=lab, progress=Progress(Path(folder) / "progress.json"))
        yield "Gate: open", "Two groups; the button waits for both.", lesson.predict("a", "syn", "web", 80)
        right = lesson.predict("b", "syn", "web", 443)
        right.answer("open", "SYN-ACK")
        yield "Gate: right", "A tick, and the packet that says so.", right
        half = lesson.predict("c", "syn", "web", 22)
        half.answer("filtered", "RST")
        yield "Gate: half right", "Says which half.", half
        asking = lesson.predict("asks", "syn", "web", 22)
        asking.answer("closed", "RST")
        yield "Gate: wrong, and asked why", "A question with two buttons and a line to write on.", asking
        wrong = lesson.predict("d", "syn", "web", 22)
        wrong.answer("closed", "nothing")
        wrong.counter_example()
        yield "Gate: wrong, with a counter-example", "What speaks against it, as ladders.", wrong
        waits = lesson.predict("e", "syn", "web", 9)
        yield "A scan that waits", "Used too early: says what to do.", waits.exchange()
        yield "A picture of two gates", "Names the one it waits for.", lesson.together("f", right, waits)
        task = Task("doors", "Which ports are open?", "numbers", hints=["Each row marked open is one."])
        doors = lesson.exercise("doors", open_ports, of=pl.syn_scan("mail", "20-30", **QUICK), task=task)
        doors.answer("22, 25")
        yield "Exercise: not yet", "The evidence, a field, what is wrong and a hint.", doors
        yield "Question", "One group.", lesson.ask("next-packet")
        quiz = lesson.quiz("pre-test")
        yield "Test", "Several questions, one button.", quiz
        yield "Check: not yet", "What is wrong with the answer, and a hint.", lesson.check(
            "doors", [25, 80], [25, 110, 143], hint="Each row marked open is one."
        )  # fmt: skip
        yield (
            "Counter-example with headers",
            "Ports and numbers, the same and not.",
            lesson.counter_example("M37"),
        )
        yield (
            "Counter-example with recordings",
            "Who made the RST; two times to live.",
            lesson.counter_example("M22"),
        )
        yield "Check: right", "A tick.", lesson.check("tries", 3, 3, because="Silence was asked again.")


def panels() -> Made:
    """The panel before, while and after it runs, as it is while Python listens."""
    names, hosts = ("syn_scan", "connect_scan", "udp_scan", "ping"), ("web", "db", "infra")
    idle = Panel("panel-idle", names, hosts, Order("syn_scan", "mail", "1-1024"))
    yield "Scan panel: idle", "Fields, the line of Python, a start button.", _heard(idle)
    seen: list[Scan] = []

    def watch(so_far: Scan) -> bool:
        seen.append(so_far)
        return len(seen) > 3

    order = Order("syn_scan", "mail", "1-1024", "400")
    pl.syn_scan("mail", "1-1024", rate=400, watch=watch, **QUICK)
    running = Panel("panel-running", names, hosts, order, busy=True, scan=seen[-1])
    yield "Scan panel: running", "A map that fills, a timeline, a stop button.", _heard(running)
    order, scan = Order("syn_scan", "db", "1400-1530"), pl.syn_scan("db", "1400-1530", **QUICK)
    done = Panel("panel-done", names, hosts, order, scan=scan)
    yield "Scan panel: done", "The same with the result below it.", _heard(done)
    order, error = Order("syn_scan", "nowhere"), "There is no host 'nowhere'."
    refused = Panel("panel-refused", names, hosts, order, error=error)
    yield "Scan panel: refused", "The mistake in words; nothing was sent.", _heard(refused)


def _heard(panel: Panel) -> Live:
    return Live(panel.html(), str(panel))
