"""Times as text, exact to the nanosecond: 2026-01-31T12:00:00.123456789Z."""

from __future__ import annotations

import re
from datetime import UTC, datetime

NS = 1_000_000_000

_TEXT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", re.ASCII)


def as_text(time_ns: int) -> str:
    """Nanoseconds since 1970 as ISO 8601 in UTC."""
    seconds, rest = divmod(int(time_ns), NS)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"


def from_text(text: str) -> int:
    """What `as_text` wrote.  Raises ValueError for anything else."""
    parts = _TEXT.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is not a time such as 2026-01-31T12:00:00.123456789Z")
    seconds = datetime.fromisoformat(f"{parts[1]}+00:00").timestamp()
    return int(seconds) * NS + int(parts[2])
