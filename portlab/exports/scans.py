"""Several scans together, as they come from one file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portlab.files import Pathish
from portlab.result import Scan

if TYPE_CHECKING:
    from pandas import DataFrame


class Scans(list[Scan]):
    """A list of scans that exports all of them at once, one row a port."""

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
        return "\n\n".join(repr(scan) for scan in self) if self else "No scan was found."

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundles = [scan._repr_mimebundle_() for scan in self]
        return {"text/plain": repr(self), "text/html": "".join(bundle["text/html"] for bundle in bundles)}


def together(scans: Scan | list[Scan]) -> list[Scan]:
    """One scan or several, as a list."""
    return [scans] if isinstance(scans, Scan) else list(scans)
