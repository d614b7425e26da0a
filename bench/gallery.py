"""Every picture in every state on one page, to be looked at and judged.

    python -m bench.gallery [FILE.html]         gallery.html if left out

The scans are simulated, with fixed seeds.  The page needs no network, no kernel and no script.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from bench import gallery_exchanges, gallery_learn, gallery_scans
from lab_env import lab

WHERE = "gallery.html"


@dataclass(frozen=True)
class Piece:
    """One picture of the gallery: its name, what should be seen in it, and its HTML."""

    name: str
    look_for: str
    html: str

    @property
    def id(self) -> str:
        return re.sub(r"\W+", "-", self.name.lower()).strip("-")


Made = Iterator[tuple[str, str, Any]]
CHAPTERS: dict[str, Callable[[], Made]] = {
    "Ladders: what the scanner saw": gallery_exchanges.ladders_alone,
    "Ladders: with what others recorded": gallery_exchanges.both_ends,
    "Ladders side by side": gallery_exchanges.side_by_side,
    "Anatomy of one packet": gallery_exchanges.anatomies,
    "What was said": gallery_exchanges.streams,
    "Scans": gallery_scans.summaries,
    "Ports and hosts": gallery_scans.maps,
    "Plots": gallery_scans.plotted,
    "Port reference and cards": gallery_learn.reference_and_cards,
    "Gates": gallery_learn.gates,
    "Scan panel": gallery_learn.panels,
}


def pieces() -> dict[str, list[Piece]]:
    """All pictures by chapter, from a simulated lab in this process."""
    lab.here()
    return {
        title: [Piece(name, look_for, _html(shown)) for name, look_for, shown in chapter()]
        for title, chapter in CHAPTERS.items()
    }


def _html(shown: Any) -> str:
    """A picture's HTML; a live one is shown as it is while Python listens, under a name that is always the same."""
    html: str = shown if isinstance(shown, str) else shown._repr_mimebundle_()["text/html"]
    html = re.sub(r'data-live="[^"]*"', 'data-alive="1"', html)
    return re.sub(r'(needs-python"[^>]*) hidden="hidden"', r"\1", html)


def page(chapters: dict[str, list[Piece]]) -> str:
    """The whole page; its buttons choose the theme as JupyterLab does."""
    contents = "".join(
        f"<li>{escape(title)}: "
        + ", ".join(f'<a href="#{piece.id}">{escape(piece.name)}</a>' for piece in shown)
        for title, shown in chapters.items()
    )
    body = "".join(
        f"<h2>{escape(title)}</h2>{''.join(map(_section, shown))}" for title, shown in chapters.items()
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>PortLab: all pictures</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style>"
        f'<body data-jp-theme-light="true">{THEME}<main><h1>PortLab: all pictures</h1>'
        f'<nav aria-label="Pictures"><ul>{contents}</ul></nav>{body}</main>'
    )


def _section(piece: Piece) -> str:
    return (
        f'<section id="{piece.id}"><h3>{escape(piece.name)}</h3>'
        f'<p class="see">{escape(piece.look_for)}</p>{piece.html}</section>'
    )


STYLE = """
body { margin: 0 16px 32px; font: 14px/1.45 system-ui, sans-serif }
body[data-jp-theme-light="true"] { background: #fff; color: #1c2128; color-scheme: light }
body[data-jp-theme-light="false"] { background: #111; color: #e6e9ed; color-scheme: dark }
main { max-width: 1200px; margin: auto }
h2 { margin-top: 48px; border-bottom: 2px solid }
h3 { margin: 40px 0 0 }
nav a { color: inherit }
.see { font-style: italic; max-width: 76ch; margin: 4px 0 12px }
#themes { position: sticky; top: 0; z-index: 9; padding: 8px 0; text-align: right }
#themes button { min-height: 28px }
@media print { #themes, nav { display: none } }
"""
THEME = """<div id="themes" hidden="hidden">
<button type="button" value="true">Light</button> <button type="button" value="false">Dark</button></div>
<script>{
  const themes = document.getElementById("themes");
  themes.hidden = false;
  themes.addEventListener("click", ({ target }) => {
    if (target.value) document.body.dataset.jpThemeLight = target.value;
  });
}</script>"""


def main(words: list[str]) -> int:
    """Write the page."""
    path = Path(words[0] if words else WHERE)
    chapters = pieces()
    html = page(chapters)
    path.write_text(html, "utf-8")
    print(f"{path}: {sum(map(len, chapters.values()))} pictures, {len(html) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
