"""Results as JSON: facts about the scan, then one object a port under "results"."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from portlab import files
from portlab.errors import MalformedPacket, quoted
from portlab.evidence.result import FLOOD, ORDINARY, SCAN, Scan
from portlab.evidence.scans import Scans, notes_of, together
from portlab.exports import claims
from portlab.exports.other_readers import NOT_SUCH_A_FILE, looks_like, why
from portlab.exports.table import rows, scan_of
from portlab.exports.times import NS, as_text, from_text
from portlab.packets.left_out import Counts
from portlab.techniques import technique

NEEDED = ("host", "address", "port", "protocol", "technique", "state", "reason")
"""What every row of a file has; without the others, less is known."""


def to_json(scans: Scan | list[Scan], path: files.Pathish | None = None) -> str | None:
    """One JSON document, no NaN in it; written to `path` ("-" is standard output), without one returned.

    Of several scans the facts are of all together; "scans" holds those of each, and each row says which "scan".  So
    it is where the file that they were read from has notes of its own.
    """
    every, notes = together(scans), notes_of(scans)
    alone = len(every) == 1 and not notes
    facts = header(every[0]) if alone else _of_all(every) | ({"notes": list(notes)} if notes else {})
    if isinstance(scans, Scans) and scans.left_out:
        facts["left_out_of_file"] = dict(scans.left_out)
    results = [
        row if alone else row | {"scan": index} for index, scan in enumerate(every) for row in rows(scan)
    ]
    lines = [f"  {json.dumps(name)}: {json.dumps(value, allow_nan=False)}," for name, value in facts.items()]
    body = ",\n".join(f"    {json.dumps(row, allow_nan=False)}" for row in results)
    text = "\n".join(["{", *lines, '  "results": [', *([body] if body else []), "  ]", "}", ""])
    if path is None:
        return text
    files.write(path, text)
    return None


def header(scan: Scan) -> dict[str, Any]:
    """The facts about one scan."""
    return {
        "technique": scan.technique,
        "fidelity": scan.fidelity,
        "started": as_text(scan.started_ns),
        "elapsed_s": float(scan.elapsed_s),
        "complete": scan.complete,
        "authorised": list(scan.authorised),
        "lost_here": int(scan.lost_here),
        "matched": scan.matched,
        "stopped_by": scan.stopped_by,
        "never_asked": [list(pair) for pair in scan.never_asked],
        "traffic": scan.traffic,
        "notes": list(scan.notes),
        "unanswered": [list(pair) for pair in scan.unanswered],
        "left_out": dict(scan.left_out),
    }


def _of_all(scans: list[Scan]) -> dict[str, Any]:
    ends = [scan.started_ns / NS + scan.elapsed_s for scan in scans]
    started = min((scan.started_ns for scan in scans), default=0)
    return {
        "technique": ", ".join(dict.fromkeys(scan.technique for scan in scans)),
        "fidelity": ", ".join(dict.fromkeys(scan.fidelity for scan in scans)),
        "started": as_text(started),
        "elapsed_s": max(max(ends, default=0) - started / NS, 0.0),
        "complete": all(scan.complete for scan in scans),
        "authorised": list(dict.fromkeys(item for scan in scans for item in scan.authorised)),
        "lost_here": sum(int(scan.lost_here) for scan in scans),
        "scans": [header(scan) for scan in scans],
    }


def read_json(path: files.Source) -> Scans:
    """The scans that `to_json` wrote.

    Nothing in the file is taken on trust: a value of the wrong kind, a port or a key that stands there twice, a
    verdict that its own reason contradicts raise MalformedPacket, as does whatever else is no such result.
    """
    data = files.read(path)
    try:
        document = json.loads(data, parse_constant=_no_constant, object_pairs_hook=each_once)
        return from_document(document)
    except NOT_SUCH_A_FILE as error:
        raise MalformedPacket(
            f"{files.name_of(path)!r} is not a result of PortLab in JSON "
            f"({looks_like(path, data, 'read_json') or why(error)}). "
            "Such files are written by scan.to_json(path) and by: portlab syn TARGET --json FILE"
        ) from error


def from_document(document: Any) -> Scans:
    """The scans of a parsed document.  Raises one of NOT_SUCH_A_FILE where it cannot be true."""
    results = claims.a(dict, document, "the document")["results"]
    headers = claims.a(list, document.get("scans", [document]), "scans")
    notes = claims.texts(document.get("notes", []), "notes") if "scans" in document else ()
    by_scan: list[list[dict[str, Any]]] = [[] for _ in headers]
    for line, row in enumerate(claims.a(list, results, "results"), 1):
        missing = [name for name in NEEDED if name not in claims.a(dict, row, f"row {line}")]
        if missing:
            raise ValueError(f"row {line} has no {missing[0]!r}")
        by_scan[claims.whole(row.get("scan", 0), "scan", len(headers) - 1)].append(row)
    scans = []
    for head, rows_ in zip(headers, by_scan, strict=True):
        facts = facts_of(claims.a(dict, head, "scans"))
        claims.check_rows(rows_, facts)
        scans.append(scan_of(rows_, facts))
    if "complete" in document and document["complete"] is not all(scan.complete for scan in scans):
        raise ValueError("all together are complete, and one is not")
    left_out = _counts(document.get("left_out_of_file", {}), "left_out_of_file")
    return Scans(scans, notes, left_out=left_out)


def facts_of(head: dict[str, Any]) -> dict[str, Any]:
    """A header as Scan takes it."""
    name = technique(claims.text(head["technique"], "technique")).NAME
    facts = {
        "technique": name,
        "fidelity": claims.text(head["fidelity"], "fidelity"),
        "started_ns": claims.whole(from_text(claims.text(head["started"], "started")), "started"),
        "elapsed_s": claims.amount(head["elapsed_s"], "elapsed_s"),
        "complete": claims.a(bool, head["complete"], "complete"),
        "authorised": claims.texts(head["authorised"], "authorised"),
        "lost_here": claims.whole(head["lost_here"], "lost_here"),
        "matched": claims.a(bool, head.get("matched", True), "matched"),
        "stopped_by": claims.text(head.get("stopped_by", ""), "stopped_by"),
        "never_asked": claims.places(head.get("never_asked", []), "never_asked"),
        "unanswered": claims.places(head.get("unanswered", []), "unanswered"),
        "traffic": _traffic(head.get("traffic", SCAN)),
        "notes": claims.texts(head.get("notes", []), "notes"),
        "left_out": _counts(head.get("left_out", {}), "left_out"),
    }
    claims.check_facts(facts)
    return facts


def _traffic(value: Any) -> str:
    if value not in (SCAN, ORDINARY, FLOOD):
        raise ValueError(f"{value!r} is no kind of traffic")
    return str(value)


def _counts(value: Any, name: str) -> Counts:
    counts = claims.a(dict, value, name)
    return tuple((claims.text(why, name), claims.whole(count, name)) for why, count in counts.items())


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys are all different: of two values under one key, JSON readers drop one."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for place, (key, _) in enumerate(pairs) if key in dict(pairs[:place]))
        raise ValueError(f"{quoted(twice)} stands twice in one object")
    return found
