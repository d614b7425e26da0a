"""The events of a scan as a tidy table: a row for each probe that left and each answer that came for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.evidence.verdict import hear
from portlab.model import SENT, Answer
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, SYN
from portlab.techniques import is_ping, technique
from portlab.techniques.matching import NOBODY, Matches, ProbeTable, conversations

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = (
    "time_ms",  # since the first probe
    "direction",  # "sent" or "received"
    "host",
    "address",
    "port",
    "protocol",
    "technique",
    "attempt",  # 1 for the first try
    "answer",  # what came back, such as "syn-ack"; none for a probe
    "answered_by",
    "state",  # what this answer says
    "clock",  # "capture": read from the packet; "program": the scanner's own, for a whole batch of probes
    "fidelity",
)
Row = dict[str, Any]


def to_events_frame(scan: Scan) -> DataFrame:
    """A tidy DataFrame of what was sent and what came back for it, in order of time.

    Packets that answer no probe are left out.  Raises BadTarget for a scan without its packets, such as one that was
    read from JSON.
    """
    import pandas as pd

    if not len(scan.probes):
        raise BadTarget(
            "This scan has verdicts but no packets, so nothing is known of when they were sent.  "
            "Run it again, or read its capture: pl.read_pcap(path)"
        )
    rows: list[Row] = sorted(_sent(scan) + _received(scan), key=lambda row: row["time_ms"])
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    types = dict.fromkeys(("direction", "protocol", "technique", "clock", "fidelity"), "category")
    return frame.astype({"port": "Int64", "attempt": "Int64", **types})


def _sent(scan: Scan) -> list[Row]:
    probe, time_ns, attempt = _tries(scan)
    captured = bool((scan.recorded.frames["direction"] == SENT).any())
    clock = "capture" if captured else "program"
    rows = _rows(scan, probe, time_ns, [clock] * len(probe))
    return [
        row | {"direction": "sent", "attempt": number}
        for row, number in zip(rows, attempt.tolist(), strict=True)
    ]


def _tries(scan: Scan) -> tuple[NDArray[np.intp], NDArray[np.int64], NDArray[np.int64]]:
    """Every try as (probe, time, number): the scanner's own, and those a connecting kernel made by itself."""
    ours = np.flatnonzero((scan.probes["attempt"] > 0) & (scan.probes["time_ns"] > 0))
    time_ns, attempt = scan.probes["time_ns"][ours], scan.probes["attempt"][ours].astype(np.int64)
    frames = scan.recorded.frames[scan.recorded.frames["direction"] == SENT]
    if technique(scan.technique).EVIDENCE == "frames" or not len(frames):
        return ours, time_ns, attempt
    seen = Dissected(frames)
    asking = conversations(seen, ProbeTable(scan.probes), scan.protocol)
    asking[(seen.control_bits & (SYN | ACK)) != SYN] = NOBODY
    again = [(p, t) for p, t in zip(asking.tolist(), frames["time_ns"].tolist(), strict=True) if p != NOBODY]
    number: dict[int, int] = {}
    more = []
    for probe, at in again:
        number[probe] = number.get(probe, 0) + 1
        if number[probe] > 1:  # the first is the probe itself
            more.append((probe, at, number[probe]))
    extra = np.array(more, np.int64).reshape(-1, 3)
    return (
        np.concatenate([ours, extra[:, 0]]),
        np.concatenate([time_ns, extra[:, 1]]),
        np.concatenate([attempt, extra[:, 2]]),
    )


def _received(scan: Scan) -> list[Row]:
    kind = technique(scan.technique)
    matches = kind.recognise(scan.recorded, ProbeTable(scan.probes))
    known = scan.probes["row"][matches.probe] >= 0
    matches = Matches(matches.probe[known], matches.answer[known], matches.event[known])
    heard = hear(kind, scan.recorded, matches.event, scan.probes["address"][matches.probe])
    captured = np.ones(len(matches.event), bool)
    if kind.EVIDENCE == "errnos":
        captured = scan.recorded.errnos["heard_ns"][matches.event] > 0
    clock = ["capture" if each else "program" for each in captured.tolist()]
    rows = _rows(scan, matches.probe, heard.heard_ns, clock)
    told = []
    for row, code, speaker, attempt in zip(
        rows,
        matches.answer.tolist(),
        heard.answered_by.tolist(),
        scan.probes["attempt"][matches.probe].tolist(),
        strict=True,
    ):
        meaning = kind.MEANINGS.get(Answer.of(code), kind.MEANINGS[Answer.SILENCE])
        said = {"answer": str(Answer.of(code)), "state": str(meaning.state)}
        told.append(
            row
            | said
            | {
                "direction": "received",
                "answered_by": dotted(speaker) if speaker else None,
                "attempt": attempt,
            }
        )
    return told


def _rows(scan: Scan, probe: NDArray[np.intp], time_ns: NDArray[np.int64], clock: list[str]) -> list[Row]:
    """What all events have in common: when, and which host and port it is about."""
    first = scan.probes["time_ns"][scan.probes["time_ns"] > 0]
    began = int(first.min()) if len(first) else scan.started_ns
    address, port = scan.probes["address"][probe], scan.probes["port"][probe]
    called = {a: scan.asked.names.get(a) or dotted(a) for a in np.unique(address).tolist()}
    no_port = is_ping(scan.technique)  # its probes have a port all the same, or a number
    return [
        {
            "time_ms": at,
            "host": called[asked],
            "address": dotted(asked),
            "port": None if no_port else at_port,
            "protocol": scan.protocol,
            "technique": scan.technique,
            "clock": whose,
            "fidelity": scan.fidelity,
        }
        for at, asked, at_port, whose in zip(
            ((time_ns - began) / 1e6).tolist(), address.tolist(), port.tolist(), clock, strict=True
        )
    ]
