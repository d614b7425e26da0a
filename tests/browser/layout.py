"""What is wrong with how pictures are laid out, asked of a page by scripts: each answers with what and where.

A page's pictures stand in sections that have ids.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

SHOWN = """const where = (e) => (e.closest("section")?.id ?? "") + ": " + e.textContent.trim().slice(0, 40);
const shown = (selector) => [...document.querySelectorAll(selector)]
  .filter((e) => e.getClientRects().length && e.checkVisibility() && e.textContent.trim());
"""
FAULTS = {
    "wider than the page": """const more = document.documentElement.scrollWidth - innerWidth;
        return more > 0 ? [more] : [];""",
    "overlaps": """const pictures = Map.groupBy(shown("svg.ladder text, .portmap text, .plot text"),
          (text) => text.closest("section, body"));
        const hits = [];
        for (const texts of pictures.values()) {
          const boxes = texts.map((text) => [text, text.getBoundingClientRect()]);
          boxes.forEach(([text, a], i) => boxes.slice(i + 1).forEach(([other, b]) => {
            const x = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const y = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (x > 2 && y > 4) hits.push(where(text) + " / " + other.textContent);
          }));
        }
        return hits;""",
    "outside": """return shown("svg.ladder text, .portmap text, .plot text").filter((text) => {
          const box = text.getBoundingClientRect(), plot = text.closest(".plot svg")?.getBoundingClientRect();
          const slack = text.closest(".ladder") ? 0 : 1;
          return box.left < (plot?.left ?? 0) - slack || box.right > (plot?.right ?? innerWidth) + slack;
        }).map(where);""",
    # Matplotlib writes points, and the viewBox makes pixels of them.
    "too small": """const enlarged = (e) => { const m = e.getScreenCTM?.(); return m ? Math.hypot(m.a, m.b) : 1; };
        return [...document.querySelectorAll(".pl *")]
          .filter((e) => e.getClientRects().length)
          .filter((e) => [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
          .filter((e) => {
            const size = parseFloat(getComputedStyle(e).fontSize), seen = size * enlarged(e);
            return e.closest(".plot svg") ? seen < 11.99 : size < 12 || seen < 11.9;
          }).map(where);""",
    "cut off": """return [...document.querySelectorAll("section .pl")]
          .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.closest("section").id);""",
    "wider than its place": """return [...document.querySelectorAll(".pl .heading > *, .pl .button, .pl .title")]
          .filter((e) => e.getClientRects().length)
          .filter((e) => e.getBoundingClientRect().right > e.closest(".pl").getBoundingClientRect().right + 1)
          .map(where);""",
}


def faults(page: Any, kinds: Iterable[str] = FAULTS) -> dict[str, list[str]]:
    """By kind of fault, what has it; {} is what we want."""
    found = {kind: page.evaluate(f"() => {{ {SHOWN}{FAULTS[kind]} }}") for kind in kinds}
    return {kind: told for kind, told in found.items() if told}
