"""The tidy table: one row a port, the same columns in every export, and a Scan built back from such rows."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portlab import files
from portlab.addresses import dotted
from portlab.evidence.result import Scan
from portlab.evidence.scans import together
from portlab.evidence.verdict import NO_EVENT, NO_PORT, NO_TTL, REMARK_NAMES, Asked, Findings
from portlab.exports.claims import FOREIGN, known_number, word
from portlab.model import PROBE, Answer, Events, Reason, State, no_errnos, no_frames
from portlab.techniques import technique

if TYPE_CHECKING:
    from pandas import DataFrame

COLUMNS = {
    "host": "str",
    "address": "str",
    "port": "Int64",
    "protocol": "category",
    "technique": "category",
    "state": "category",
    "reason": "category",
    "rtt_ms": "float64",
    "tries": "Int64",
    "answered_by": "str",
    "icmp_type": "Int64",
    "icmp_code": "Int64",
    "ttl": "Int64",
    "service": "category",
    "fidelity": "category",
    "scanner": "str",
    "traffic": "category",
}
"""Name -> its type in pandas.  Whole numbers may be missing: a ping has no port, most answers no ICMP."""
FLAT = COLUMNS | {"complete": "bool"}
"""The columns where nothing stands above the table, as in CSV: each row says whether its scan went on to its end."""
FORMULA = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")  # how what a spreadsheet reckons with begins

Columns = dict[str, list[Any]]


def columns(scans: Scan | list[Scan]) -> Columns:
    """The flat table as plain Python values, column by column; None where there is none."""
    parts = [_columns(scan) | {"complete": [scan.complete] * len(scan)} for scan in together(scans)]
    return {name: [value for part in parts for value in part[name]] for name in FLAT}


def rows(scan: Scan) -> list[dict[str, Any]]:
    """The table of one scan row by row; a row of which more is to be said has a `remark`."""
    table = _columns(scan)
    told = [dict(zip(table, values, strict=True)) for values in zip(*table.values(), strict=True)]
    for index in np.flatnonzero(scan.findings.remark).tolist():
        told[index]["remark"] = REMARK_NAMES[int(scan.findings.remark[index])]
    return told


def _columns(scan: Scan) -> Columns:
    count = len(scan)
    return {
        "host": scan.host,
        "address": [dotted(address) for address in scan.address.tolist()],
        "port": [None if port == NO_PORT else port for port in scan.port.tolist()],
        "protocol": [scan.protocol] * count,
        "technique": [scan.technique] * count,
        "state": [str(word) for word in State.words(scan.state)],
        "reason": [str(word) for word in Reason.words(scan.reason)],
        "rtt_ms": [None if rtt != rtt else rtt for rtt in scan.rtt_ms.tolist()],
        "tries": scan.tries.tolist(),
        "answered_by": [dotted(address) if address else None for address in scan.answered_by.tolist()],
        "icmp_type": [None if value < 0 else value for value in scan.icmp_type.tolist()],
        "icmp_code": [None if value < 0 else value for value in scan.icmp_code.tolist()],
        "ttl": [None if value < 0 else value for value in scan.ttl.tolist()],
        "service": scan.service,
        "fidelity": [scan.fidelity] * count,
        "scanner": [dotted(address) if address else None for address in scan.scanner.tolist()],
        "traffic": [scan.traffic] * count,
    }


def to_frame(scans: Scan | list[Scan]) -> DataFrame:
    """A tidy DataFrame.  Words are categories, whole numbers may be missing, rtt_ms is in milliseconds.

    `complete` is False in each row of a scan that ended early: ports that are not in the table were not asked, or had
    not answered yet (`scan.never_asked`, `scan.unanswered`).
    """
    import pandas as pd

    table = columns(scans)
    frame = pd.DataFrame({name: pd.Series(values, dtype=FLAT[name]) for name, values in table.items()})
    for name, kind in (("state", State), ("reason", Reason)):
        seen = [str(word) for word in kind if str(word) in set(table[name])]
        frame[name] = pd.Categorical(table[name], categories=seen)
    return frame


def to_csv(scans: Scan | list[Scan], path: files.Pathish) -> None:
    """The table as CSV (RFC 4180), nothing where there is no value; "-" is standard output.

    The last column, `complete`, is False in each row of a scan that ended early, as in the DataFrame.  A spreadsheet
    takes text that begins with = + - @ or a tab for a formula: such text gets an apostrophe before it.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FLAT)
    table = [[_no_formula(value) for value in column] for column in columns(scans).values()]
    writer.writerows(zip(*table, strict=True))
    files.write(path, text.getvalue())


def _no_formula(value: Any) -> Any:
    """Text that a spreadsheet would reckon with (also in the wide letters of East Asia), made plain text."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" ")[:1] in FORMULA else value


# --- and back -----------------------------------------------------------------------------------------------


def scan_of(rows: Iterable[Mapping[str, Any]], facts: Mapping[str, Any]) -> Scan:
    """A Scan from rows of the table and the facts of its header.  It has verdicts, but no packets to show.

    Raises KeyError, ValueError or TypeError where a value is missing or cannot be.
    """
    table = list(rows)
    kind = technique(facts["technique"])
    asked = Asked(
        np.array([_address(row["address"]) for row in table], np.uint32),
        np.array([NO_PORT if row["port"] is None else _port(row["port"]) for row in table], np.int32),
        {_address(row["address"]): str(row["host"]) for row in table if row["host"] != row["address"]},
        np.array([_address(row["scanner"]) if row.get("scanner") else 0 for row in table], np.uint32),
    )
    states = [word(State, row["state"]) for row in table]
    reasons = [word(Reason, row["reason"]) for row in table]
    speakers = [row.get("answered_by") for row in table]
    foreign = facts["fidelity"] in FOREIGN
    remarks = {None: 0} | {name: remark for remark, name in REMARK_NAMES.items()}
    answers = [
        answer_of(kind.MEANINGS, state, reason, speaker, row["address"], foreign=foreign)
        for row, state, reason, speaker in zip(table, states, reasons, speakers, strict=True)
    ]
    findings = Findings(
        answer=np.array([answer.code for answer in answers], np.uint8),
        state=np.array([state.code for state in states], np.uint8),
        reason=np.array([reason.code for reason in reasons], np.uint8),
        rtt_ms=np.array([_or(row.get("rtt_ms"), np.nan) for row in table], np.float64),
        tries=np.array([_or(row.get("tries"), 0) for row in table], np.uint8),
        answered_by=np.array([_address(speaker) if speaker else 0 for speaker in speakers], np.uint32),
        icmp_type=np.array([_or(row.get("icmp_type"), -1) for row in table], np.int16),
        icmp_code=np.array([_or(row.get("icmp_code"), -1) for row in table], np.int16),
        event=np.full(len(table), NO_EVENT, np.intp),
        ttl=np.array([_or(row.get("ttl"), NO_TTL) for row in table], np.int16),
        remark=np.array([remarks[row.get("remark")] for row in table], np.uint8),
    )
    return _without_packets(asked, findings, facts)


def scan_of_columns(
    facts: Mapping[str, Any],
    names: dict[int, str],
    rows: NDArray[np.int32],
    port: NDArray[np.int32],
    *columns: NDArray[np.int64],
) -> Scan:
    """The same from columns of which many rows share a place: `rows` says for each row which.

    The columns are address, answer, state, reason (as codes), the number of the address that answered, and the TTL.
    """
    types = (np.uint32, np.uint8, np.uint8, np.uint8, np.uint32, np.int16)
    address, answer, state, reason, answered_by, ttl = (
        column.astype(type_)[rows] for column, type_ in zip(columns, types, strict=True)
    )
    findings = Findings(
        answer=answer,
        state=state,
        reason=reason,
        rtt_ms=np.full(len(rows), np.nan),
        tries=np.zeros(len(rows), np.uint8),
        answered_by=answered_by,
        icmp_type=np.full(len(rows), -1, np.int16),
        icmp_code=np.full(len(rows), -1, np.int16),
        event=np.full(len(rows), NO_EVENT, np.intp),
        ttl=ttl,
    )
    return _without_packets(Asked(address, port, names), findings, facts)


def _without_packets(asked: Asked, findings: Findings, facts: Mapping[str, Any]) -> Scan:
    nothing = Events(no_frames(), no_errnos())
    return Scan(asked=asked, findings=findings, probes=np.empty(0, PROBE), recorded=nothing, **facts)


def _port(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65_535:
        raise ValueError(f"{value!r} is not a port number")
    return value


def _address(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not an address")
    return known_number(value)


def _or(value: Any, missing: float) -> float:
    if value is None:
        return missing
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return value


def answer_of(
    meanings: Mapping[Answer, Any], state: State, reason: Reason, speaker: Any, address: str, *, foreign: bool
) -> Answer:
    """The answer that this technique would read as this state for this reason, said by this speaker.

    UNKNOWN where it would read none so.  Of `foreign` verdicts it is not known that nobody answered ARP.
    """
    fitting = [answer for answer, said in meanings.items() if (said.state, said.reason) == (state, reason)]
    if foreign:
        fitting = [answer for answer in fitting if answer is not Answer.NO_NEIGHBOUR]
    if speaker is None:
        fitting = [a for a in fitting if a in (Answer.SILENCE, Answer.NO_NEIGHBOUR)] or fitting
    else:
        whose = "-by-target" if speaker == address else "-by-other"
        fitting = [answer for answer in fitting if answer.endswith(whose)] or fitting
    return fitting[0] if fitting else Answer.UNKNOWN
