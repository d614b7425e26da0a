"""Several scans together, as they come from one file."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from portlab.files import Pathish
from portlab.packets.left_out import IPV6, WORDS, Counts, sentence
from portlab.result import Scan

if TYPE_CHECKING:
    from pandas import DataFrame


IPV6_WORDS = WORDS[IPV6]


class Scans(list[Scan]):
    """A list of scans that exports all of them at once, one row a port.

    `left_out` says which frames of their file were not read: why, and how many.
    """

    def __init__(self, scans: Iterable[Scan] = (), *, left_out: Counts = (), damage: str = "") -> None:
        super().__init__(scans)
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

    def __repr__(self) -> str:
        told = "\n\n".join(repr(scan) for scan in self) if self else "No scan was found."
        return "\n".join([told, *(f"! {note}" for note in self._notes())])

    def _notes(self) -> list[str]:
        """What a reader must know of the file."""
        notes = [sentence(self.left_out)]
        if any(words == IPV6_WORDS for words, _ in self.left_out):
            notes.append("PortLab reads IPv4 only.")
        return [note for note in notes if note] + [self.damage] * bool(self.damage and not self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundles = [scan._repr_mimebundle_() for scan in self]
        notes = "".join(f"<p>{html.escape(note)}</p>" for note in self._notes())
        figures = "".join(bundle["text/html"] for bundle in bundles)
        return {"text/plain": repr(self), "text/html": figures + notes}


def together(scans: Scan | list[Scan]) -> list[Scan]:
    """One scan or several, as a list."""
    return [scans] if isinstance(scans, Scan) else list(scans)
