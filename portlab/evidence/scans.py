"""Several scans together, as they come from one file."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from portlab.evidence.result import ORDINARY, Scan
from portlab.evidence.traffic import in_short
from portlab.files import Pathish
from portlab.packets.left_out import IPV6, WORDS, Counts, sentence

if TYPE_CHECKING:
    from pandas import DataFrame


IPV6_WORDS = WORDS[IPV6]


class Scans(list[Scan]):
    """A list of scans that exports all of them at once, one row a port.

    `notes` are sentences about what the file holds besides, and `left_out` says which of its frames were not read:
    why, and how many.  (What concerns one scan stands in that scan's own.)
    """

    def __init__(
        self,
        scans: Iterable[Scan] = (),
        notes: Iterable[str] = (),
        *,
        left_out: Counts = (),
        damage: str = "",
    ) -> None:
        super().__init__(scans)
        self.notes = tuple(notes)
        self.left_out, self.damage = left_out, damage

    def to_frame(self) -> DataFrame:
        """All rows as one tidy DataFrame."""
        from portlab.exports.table import to_frame

        return to_frame(self)

    def to_csv(self, path: Pathish) -> None:
        """All rows as one CSV file."""
        from portlab.exports.table import to_csv

        to_csv(self, path)

    def to_json(self, path: Pathish | None = None) -> str | None:
        """All rows in one JSON document; without a path it is returned."""
        from portlab.exports.as_json import to_json

        return to_json(self, path)

    def to_nmap_xml(self, path: Pathish) -> None:
        """All rows as nmap would write them."""
        from portlab.exports.nmap_xml import to_nmap_xml

        to_nmap_xml(self, path)

    @property
    def only(self) -> Scans:
        """The scans without the ordinary traffic beside them."""
        return Scans(scan for scan in self if scan.traffic != ORDINARY)

    @property
    def ordinary(self) -> Scans:
        """Connections, datagrams and pings of ordinary programs, as far as a capture holds such."""
        return Scans(scan for scan in self if scan.traffic == ORDINARY)

    def __repr__(self) -> str:
        told = [part if isinstance(part, str) else repr(part) for part in self._in_order_of_interest()]
        notes = "\n".join(f"! {note}" for note in self._besides())
        return "\n\n".join([*told, notes] if notes else told)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        figures = [
            f"<p>{part}</p>" if isinstance(part, str) else part._repr_mimebundle_()["text/html"]
            for part in self._in_order_of_interest()
        ]
        notes = [f"<p><strong>!</strong> {html.escape(note)}</p>" for note in self._besides()]
        return {"text/plain": repr(self), "text/html": "".join(figures + notes)}

    def _besides(self) -> list[str]:
        """What a reader must know of the file."""
        told = [*self.notes, sentence(self.left_out)]
        if any(words == IPV6_WORDS for words, _ in self.left_out):
            told.append("PortLab reads IPv4 only.")
        if not self:
            told.append(self.damage)
        return [note for note in told if note]

    def _in_order_of_interest(self) -> list[Scan | str]:
        """The scans, a sentence about the ordinary traffic, and that traffic."""
        scans, rest = self.only, self.ordinary
        told: list[Scan | str] = [*scans] if scans else ["No scan was found."]
        return [*told, f"No scan, but ordinary traffic: {in_short(rest)}.", *rest] if rest else told


def together(scans: Scan | list[Scan]) -> list[Scan]:
    """One scan or several, as a list."""
    return [scans] if isinstance(scans, Scan) else list(scans)


def notes_of(scans: Scan | list[Scan]) -> tuple[str, ...]:
    """The notes that belong to the file and to none of its scans."""
    return scans.notes if isinstance(scans, Scans) else ()
