"""What a step takes in the browser, from the event to the finished layout: the median of many.

    python -m bench.steps

Needs what the tests need: Playwright, and a Chromium.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
from typing import Any

from bench.pictures import pictures

MEASURE = """([what, count]) => {
  const steps = {
    ladder: () => document.querySelector("[data-do=next]").click(),
    anatomy: (i) => {
      const fields = document.querySelectorAll("button.field");
      fields[i % fields.length].focus();
    },
    map: (i) => {
      const input = document.querySelector("input");
      input.value = (i * 1500) % 65536;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    },
  };
  return Array.from({ length: count }, (_, i) => {
    const start = performance.now();
    steps[what](i);
    document.querySelector("figure").getBoundingClientRect();
    return performance.now() - start;
  });
}"""
STEPS = {
    "ladder, 40 frames": ("ladder", 40),
    "anatomy, TCP SYN with options": ("anatomy", 40),
    "port map, 1,024 ports": ("map", 40),
    "port map, 65,536 ports": ("map", 40),
}
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]  # the pages are our own


def main() -> int:
    """One line a picture."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        print(
            "Steps in the browser are not measured: that needs Playwright and Chromium.  Type: ./run test",
            file=sys.stderr,
        )
        return 1
    print(f"A step in the browser; load {os.getloadavg()[0]:.1f}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
        for name, how in STEPS.items():
            report(name, measure(browser, pictures()[name](), how))
        browser.close()
    return 0


def measure(browser: Any, html: str, how: tuple[str, int]) -> list[float]:
    """Milliseconds of each step."""
    page = browser.new_page(viewport={"width": 900, "height": 900})
    page.set_content(f'<!doctype html><meta charset="utf-8"><body data-jp-theme-light="true">{html}')
    times: list[float] = page.evaluate(MEASURE, list(how))
    page.close()
    return times


def report(name: str, times: list[float]) -> None:
    """One line."""
    print(f"  {name:34} median {statistics.median(times):6.1f} ms  ({min(times):.1f} to {max(times):.1f})")


if __name__ == "__main__":
    sys.exit(main())
