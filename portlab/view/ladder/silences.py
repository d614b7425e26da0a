"""Silence is an event, too: rows for the waits in which nothing came, and many alike told as one."""

from __future__ import annotations

from portlab.view import words
from portlab.view.ladder import sentences
from portlab.view.ladder.story import Path, RowKind, Speaker, StoryRow

LONG_NS = 500_000_000
"""A gap this long is told as silence even where an answer ends it."""

SHORT_NS = 1_000_000
"""Two tries closer than this are one question in two packets, as nmap asks over UDP; nobody waited between them."""

CALLED, TIMED_OUT = "connect()", "ETIMEDOUT"
"""What a call's short name is where it begins, and where it ends in vain."""

TOLD_TRIES = 2
"""Of many tries in vain, so many at the beginning are told one by one, and the last."""


def with_silences(rows: list[StoryRow], gave_up_ns: int | None) -> list[StoryRow]:
    """The same rows, with one for every wait in which nothing came; `gave_up_ns`: when the scanner gave up."""
    tries = max((row.attempt for row in rows), default=1)
    last_call = max((row.at_ns for row in rows if row.short == CALLED), default=0)
    told: list[StoryRow] = []
    answered = False
    for row in rows:
        timed_out = row.short == TIMED_OUT
        again = row.attempt > 1 or (row.short == CALLED and bool(told) and told[-1].short != TIMED_OUT)
        gap = row.at_ns - told[-1].at_ns if told else 0
        if gap > 0 and (timed_out or (again and gap >= SHORT_NS) or gap >= LONG_NS):
            gives_up = timed_out and row.at_ns > last_call
            told.append(_silence(told[-1].at_ns, row.at_ns, gives_up, tries, again, answered))
        told.append(row)
        answered |= is_answer(row)
    if told and gave_up_ns is not None and told[-1].short != TIMED_OUT:
        last_ns = told[-1].at_ns
        told.append(
            _silence(last_ns, gave_up_ns, True, tries, False, answered)
            if gave_up_ns > last_ns
            else _open_end(last_ns)
        )
    return told


def _open_end(at_ns: int) -> StoryRow:
    """A silence of which a capture file does not tell how long it was."""
    what = "silence to the end of the capture"
    told = "Nothing more was captured. How long the scanner waited is not known."
    return StoryRow(
        RowKind.SILENCE, at_ns, what, Speaker.NOBODY, until_ns=at_ns, short="silence", sentence=told
    )


def is_answer(row: StoryRow) -> bool:
    """Whether something came back, by which whoever asked knows more."""
    return row.kind is RowKind.PACKET and row.sender != 0 and not row.struck and row.protocol != "arp"


def _silence(
    start_ns: int, end_ns: int, gives_up: bool, tries: int, asks_again: bool, answered: bool
) -> StoryRow:
    length = words.duration(end_ns - start_ns)
    return StoryRow(
        RowKind.SILENCE,
        start_ns,
        f"{length} of silence" + (", then asked again" if asks_again else ""),
        Speaker.NOBODY,
        short=f"{length}, again" if asks_again else f"{length} of silence",
        until_ns=end_ns,
        sentence=sentences.of_silence(length, gives_up, max(tries, 1), asks_again, answered),
        gives_up=gives_up,
    )


def folded(rows: list[StoryRow]) -> list[StoryRow]:
    """The same rows, but of many tries in vain the ones in the middle told in one row.

    In vain is a probe that nothing is known to have come of, and the silence after it.
    """
    told: list[StoryRow] = []
    vain: list[StoryRow] = []
    for row in [*rows, None]:
        if row is not None and not row.decides and _in_vain(row):
            vain.append(row)
            continue
        told += _fold(vain)
        vain = []
        if row is not None:
            told.append(row)
    return told


def _in_vain(row: StoryRow) -> bool:
    waits = row.kind is RowKind.SILENCE or row.short in (CALLED, TIMED_OUT)
    return waits or (row.attempt > 0 and row.reaches is None)


def _fold(vain: list[StoryRow]) -> list[StoryRow]:
    """First tries, one row for the middle, last try; each try is (a call,) a probe and (mostly) a silence."""
    probes = [place for place, row in enumerate(vain) if row.kind is RowKind.PACKET]
    if len(probes) <= TOLD_TRIES + 2:
        return vain
    first, last = (place - (vain[place - 1].short == CALLED) for place in (probes[TOLD_TRIES], probes[-1]))
    middle = vain[first:last]
    attempts = [row.attempt for row in middle if row.attempt]
    start_ns, end_ns = middle[0].at_ns, vain[last].at_ns
    length = words.duration(end_ns - start_ns)
    tries = f"tries {attempts[0]} to {attempts[-1]}"
    row = StoryRow(
        RowKind.SILENCE,
        start_ns,
        f"{tries}, {length} of silence",
        Speaker.NOBODY,
        short=f"{tries}: silence",
        until_ns=end_ns,
        sentence=f"The scanner asks {len(attempts)} more times in {length}. Nothing arrives.",
        path=_shared_path(middle),
    )
    return [*vain[:first], row, *vain[last:]]


def _shared_path(rows: list[StoryRow]) -> Path | None:
    """What recordings tell of many tries in vain, where they tell the same of each."""
    fates = {row.path.fate for row in rows if row.path}
    if len(fates) != 1 or None in fates:
        return None
    return Path(0, None, None, (), f"Each of them is {fates.pop()} on the way.")
