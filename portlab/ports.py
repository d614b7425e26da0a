"""The common-ports reference: which service a port number usually means, and the other way round.

    find(22)            what usually listens there, TCP and UDP
    find("ssh")         which number a service has; also by what it is for: find("mail")
    find(exam="009")    the ports of one version of the Network+ exam
    service_name(22)    "ssh"

In a notebook the module itself, and every table that `find` brings, shows as a reference to search and to print.

A number is a habit, not proof: any program may listen on any port.  The rows lie in data/ports.csv;
`checked` says whether the port number was looked up in the text of the standard that the row names.
"""

from __future__ import annotations

import csv
import operator
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from importlib import resources
from os import PathLike
from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from portlab.errors import BadTarget, quoted
from portlab.shown import text_table

if TYPE_CHECKING:
    import pandas as pd

PROTOCOLS = ("tcp", "udp")
HIGHEST = 65_535
EXAMS = ("008", "009")  # versions of CompTIA Network+: N10-008, N10-009
WIDEST = 40  # characters of one cell of the table in a terminal; find(22)[0] has the whole text


@dataclass(frozen=True, slots=True)
class Port:
    """One row of the reference.

    `encrypted` is "clear", "tls" (from the first byte), "starttls" (upgraded inside the connection),
    "native" (the protocol's own) or "optional".  `udp_answer`: which datagram gets an answer; empty for TCP.
    """

    port: int
    protocol: str
    service: str
    name: str
    purpose: str
    encrypted: str
    secure_alternative: str
    exam_n10_008: bool
    exam_n10_009: bool
    standard: str
    section: str
    iana_name: str
    udp_answer: str
    remark: str
    checked: bool

    @property
    def where(self) -> str:
        """The number with its transport: "22/tcp"."""
        return f"{self.port}/{self.protocol}"

    @property
    def exams(self) -> tuple[str, ...]:
        """The versions of the exam whose table has this port: "008", "009"."""
        return tuple(exam for exam in EXAMS if getattr(self, f"exam_n10_{exam}"))

    @property
    def safer(self) -> str:
        """What to use instead, where this port can be clear text; "" where nothing better is offered."""
        return "" if self.secure_alternative.startswith(("(", "none")) else self.secure_alternative

    def __str__(self) -> str:
        return f"{self.where} {self.service}: {self.name}. {self.purpose}."


class PortTable(Sequence[Port]):
    """Rows of the reference, shown as a table; an empty one says what to try."""

    def __init__(self, rows: Sequence[Port], query: str) -> None:
        self._rows = tuple(rows)
        self.query = query

    @overload
    def __getitem__(self, index: int) -> Port: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Port, ...]: ...

    def __getitem__(self, index: int | slice) -> Port | tuple[Port, ...]:
        return self._rows[index]

    def __len__(self) -> int:
        return len(self._rows)

    def __repr__(self) -> str:
        if not self._rows:
            return _nothing(self.query)
        lines = [_HEADINGS, *(tuple(map(_short, _cells(row))) for row in self._rows)]
        return "\n".join(text_table(lines))

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from portlab.view.port_reference import Reference

        return Reference(self)._repr_mimebundle_()

    def to_frame(self) -> pd.DataFrame:
        """All columns of these rows as a DataFrame."""
        import pandas as pd

        names = [field.name for field in fields(Port)]
        return pd.DataFrame([astuple(row) for row in self._rows], columns=names)

    def to_anki(self, path: str | PathLike[str]) -> None:
        """Write flash cards of these rows as a package that Anki imports (.apkg); a newer one updates an older."""
        from portlab.exports.anki import write_package
        from portlab.port_cards import cards_of

        write_package(cards_of(self), path)


def find(query: SupportsIndex | str = "", protocol: str = "", exam: str = "") -> PortTable:
    """Look a port up by number, by service name, or by what it is for; the best match first.

    find(22), find("22"), find("ssh"), find("mail"), find(53, "udp"), find(exam="009"); find() is the whole
    reference.  Nothing found is an empty table, not an error.  Raises BadTarget for a number that no port can
    have, an unknown protocol and an unknown exam.
    """
    if not isinstance(protocol, str) or protocol:
        _known_protocol(protocol)
    version = exam.upper().removeprefix("N10-") if isinstance(exam, str) else None
    if version is None or (version and version not in EXAMS):
        raise BadTarget(
            f"{quoted(exam)} is not an exam of the reference: type '009' (N10-009) or '008' (N10-008)."
        )
    rows = [row for row in reference() if protocol in ("", row.protocol)]
    rows = [row for row in rows if not version or version in row.exams]
    words = _words_of(query)
    if not words:
        found = rows
    elif len(words) == 1 and words[0].isdecimal() and words[0].isascii():
        found = [row for row in rows if row.port == _number(words[0])]
    else:
        ranked = [(_rank(row, words), row) for row in rows]
        found = [row for rank, row in sorted(ranked, key=lambda pair: pair[0]) if rank < _NO_MATCH]
    asked = query if isinstance(query, str) else str(operator.index(query))
    return PortTable(found, " ".join(filter(None, (asked, protocol, version))))


def service_name(port: SupportsIndex | None, protocol: str = "tcp") -> str:
    """The usual service of a port, in one word ("ssh" for 22); "" where the reference has none."""
    if port is None:
        return ""
    number = _whole(port)
    if number is None or not isinstance(protocol, str):
        raise BadTarget(f"{quoted(port)}, {quoted(protocol)} is not a port: type service_name(22, 'tcp').")
    return _services().get((number, protocol), "")


def _whole(value: object) -> int | None:
    """The whole number that a value is, also one of NumPy's; None where it is none."""
    try:
        return None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]  # it may be anything
    except TypeError:
        return None


def numbers_of(name: str, protocol: str) -> list[int]:
    """The ports that carry exactly this service name (the usual or the registered one) over this protocol."""
    _known_protocol(protocol)
    if not isinstance(name, str):
        raise BadTarget(f"{quoted(name)} is not the name of a service: type numbers_of('ssh', 'tcp').")
    wanted = name.lower()
    rows = (row for row in reference() if row.protocol == protocol)
    return sorted({row.port for row in rows if wanted in (row.service, row.iana_name)})


def common(protocol: str = "tcp") -> list[int]:
    """The port numbers of the reference for one protocol, ascending: what "common" means in a scan."""
    _known_protocol(protocol)
    return sorted({row.port for row in reference() if row.protocol == protocol})


def _known_protocol(protocol: object) -> None:
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        raise BadTarget(f"{quoted(protocol)} is not a protocol of the reference: type 'tcp' or 'udp'.")


@cache
def reference() -> tuple[Port, ...]:
    """All rows of data/ports.csv, by number."""
    text = resources.files("portlab").joinpath("data", "ports.csv").read_text("utf-8")
    return tuple(_row(row) for row in csv.DictReader(text.splitlines()))


def _row(row: dict[str, str]) -> Port:
    truth = {name: row.pop(name) == "yes" for name in ("exam_n10_008", "exam_n10_009", "checked")}
    return Port(port=int(row.pop("port")), **row, **truth)  # type: ignore[arg-type]  # the rest of the columns are text


@cache
def _services() -> dict[tuple[int | None, str], str]:
    rows = reversed(reference())  # so that the first row of a port wins
    return {(row.port, row.protocol): row.service for row in rows}


def _words_of(query: SupportsIndex | str) -> list[str]:
    if isinstance(query, str):
        return query.lower().split()
    number = _whole(query)
    if number is None:
        raise BadTarget(
            f"{quoted(query)} cannot be looked up: type a port number or a word, such as 22 or 'ssh'."
        )
    if not 0 <= number <= HIGHEST:
        raise BadTarget(f"{quoted(number)} is not a port number: ports go from 0 to 65535.")
    return [str(number)]


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    if len(digits) > 5 or int(digits) > HIGHEST:
        raise BadTarget(f"{quoted(digits)} is not a port number: ports go from 0 to 65535.")
    return int(digits)


_NO_MATCH = 4


def _rank(row: Port, words: list[str]) -> int:
    """How well a row matches: 0 its service, 1 a word of its names, 2 part of a name, 3 its purpose."""
    names = f"{row.service} {row.iana_name} {row.name}".lower()
    if " ".join(words) in (row.service, row.iana_name):
        return 0
    if all(word in names.replace("-", " ").split() for word in words):
        return 1
    if all(word in names for word in words):
        return 2
    return 3 if all(word in f"{names} {row.purpose}".lower() for word in words) else _NO_MATCH


_HEADINGS = ("port", "service", "name", "purpose", "encrypted", "secure alternative")


def _cells(row: Port) -> tuple[str, ...]:
    return (row.where, row.service, row.name, row.purpose, row.encrypted, row.secure_alternative)


def _short(cell: str) -> str:
    return cell if len(cell) <= WIDEST else f"{cell[: WIDEST - 1]}…"


def _nothing(query: str) -> str:
    return (
        f"The reference has no port for {query!r}.  That says nothing about what may listen there.  "
        'Try a number, a service name or a purpose: find(22), find("ssh"), find("mail").'
    )


def _repr_mimebundle_(include: Any = None, exclude: Any = None) -> dict[str, str]:
    """What a notebook shows for `pl.ports` itself: the whole reference."""
    return find()._repr_mimebundle_()
