"""Results as JSON: facts about the scan, then one object a port under "results"."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from portlab import files
from portlab.errors import MalformedPacket
from portlab.exports.scans import Scans, together
from portlab.exports.table import COLUMNS, rows, scan_of
from portlab.exports.times import NS, as_text, from_text
from portlab.packets.left_out import Counts
from portlab.result import Scan

FACTS = ("technique", "fidelity", "started", "elapsed_s", "complete", "authorised", "lost_here")


def to_json(scans: Scan | list[Scan], path: files.Pathish | None = None) -> str | None:
    """One JSON document, no NaN in it; written to `path` ("-" is standard output), without one returned.

    Of several scans the facts are of all together; "scans" holds those of each, and each row says which "scan".
    """
    every = together(scans)
    facts = header(every[0]) if len(every) == 1 else _of_all(every)
    if isinstance(scans, Scans) and scans.left_out:
        facts["left_out_of_file"] = dict(scans.left_out)
    results = [
        row if len(every) == 1 else row | {"scan": index}
        for index, scan in enumerate(every)
        for row in rows(scan)
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
    """The scans that `to_json` wrote.  Raises MalformedPacket for anything else."""
    data = files.read(path)
    try:
        return from_document(json.loads(data, parse_constant=_no_constant))
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise MalformedPacket(
            f"{files.name_of(path)!r} is not a result of PortLab in JSON ({type(error).__name__}: {error}). "
            "Such files are written by scan.to_json(path) and by: portlab syn TARGET --json FILE"
        ) from error


def from_document(document: dict[str, Any]) -> Scans:
    """The scans of a parsed document."""
    headers = document.get("scans", [document] if document["results"] or "technique" in document else [])
    by_scan: list[list[dict[str, Any]]] = [[] for _ in headers]
    for row in document["results"]:
        missing = [name for name in COLUMNS[:7] if name not in row]
        if missing:
            raise KeyError(f"a row without {missing[0]!r}")
        by_scan[row.get("scan", 0)].append(row)
    return Scans(
        (scan_of(its_rows, facts_of(head)) for head, its_rows in zip(headers, by_scan, strict=True)),
        left_out=_counts(document.get("left_out_of_file", {})),
    )


def facts_of(head: dict[str, Any]) -> dict[str, Any]:
    """A header as Scan takes it."""
    return {
        "technique": head["technique"],
        "fidelity": str(head["fidelity"]),
        "started_ns": from_text(head["started"]),
        "elapsed_s": float(head["elapsed_s"]),
        "complete": bool(head["complete"]),
        "authorised": tuple(head["authorised"]),
        "lost_here": int(head["lost_here"]),
        "matched": bool(head.get("matched", True)),
        "stopped_by": str(head.get("stopped_by", "")),
        "never_asked": tuple((address, port) for address, port in head.get("never_asked", [])),
        "left_out": _counts(head.get("left_out", {})),
    }


def _counts(left_out: dict[str, Any]) -> Counts:
    return tuple((str(why), int(count)) for why, count in left_out.items())


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
