"""What stands over a picture of scans: what was done, how real it was, and what to know before believing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portlab.view import figure, summary
from portlab.view.svg import escape

if TYPE_CHECKING:
    from portlab.evidence.result import Scan


def head(title: str, detail: str, *scans: Scan) -> str:
    """Title, detail, fidelity of each kind, and the warnings of these scans."""
    badges = "".join(figure.fidelity(name) for name in dict.fromkeys(scan.fidelity for scan in scans))
    told = "".join(f'<p class="warning">{escape(warning)}</p>' for warning in warnings(*scans))
    return figure.heading(title, detail, badges) + told


def warnings(*scans: Scan) -> list[str]:
    """What a reader must know before believing the picture, each sentence once."""
    return list(dict.fromkeys(warning for scan in scans for warning in summary.warnings(scan)))
