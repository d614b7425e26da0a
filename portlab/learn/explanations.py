"""Explanations: what is said of a beat when it is answered, one Markdown file a lesson, one section a beat.

    portlab/data/lessons/03.md          ## web-80
                                        Three packets, and both sides are connected ...

An author writes there, a translator translates it, and who has no kernel reads it; the notebook shows a section in
its beat's own place, and never before.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from portlab.errors import BadTarget
from portlab.view.beat import Part, prose

LABEL = "Explanation"
HEADING = re.compile(r"^## +(\S+) *\n", re.MULTILINE)


def sections(markdown: str) -> dict[str, str]:
    """The sections of such a file by their beats' names.  BadTarget where two have the same name."""
    names, texts = HEADING.findall(markdown), HEADING.split(markdown)[2::2]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadTarget(f"There are two explanations named {', '.join(sorted(twice))}.")
    return dict(zip(names, map(str.strip, texts), strict=True))


@cache
def explanations(number: str) -> dict[str, str]:
    """What lesson `number` explains, by beat; {} where there is no such file."""
    file = resources.files("portlab") / "data" / "lessons" / f"{number}.md"
    return sections(file.read_text("utf-8")) if file.is_file() else {}


def explained(number: str, name: str) -> tuple[Part, ...]:
    """The explanation of one beat, ready to be shown; () where there is none."""
    markdown = explanations(number).get(name)
    return (prose(_html(markdown), markdown, LABEL),) if markdown else ()


def _html(markdown: str) -> str:
    import mistune

    return str(mistune.create_markdown(escape=True, plugins=["table"])(markdown))
