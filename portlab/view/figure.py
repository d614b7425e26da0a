"""The frame around every picture: one <figure> with its own style, in the page's light or dark theme.

No widget: it lives in the notebook file as text, so it shows in JupyterLab with no kernel, and in exported HTML.  A
picture that moves under the learner's hand brings its script (scripts/NAME.js) with it, and is complete without it.
Where a notebook is not trusted, style, script and SVG are taken out of it: then a still <img> is left.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from hashlib import sha1
from importlib import resources
from itertools import zip_longest

from portlab.view.svg import escape
from portlab.view.tokens import css_variables, in_light, state_rules
from portlab.view.words import fidelity_name


@cache
def css(name: str) -> str:
    """One of the style sheets in styles/, without its comments and line breaks, its rules about STATE written out."""
    sheet = (resources.files("portlab.view") / "styles" / f"{name}.css").read_text("utf-8")
    lines = [line.strip() for line in sheet.splitlines() if not line.strip().startswith("/*")]
    return "".join(state_rules(line) if "STATE" in line else line for line in lines)


@cache
def style(kind: str, *names: str) -> str:
    """The rules that a picture needs, with the colours of both themes.

    A page holds many pictures, and each brings the rules that all of them share.  Those of its own kind must win
    over them wherever on the page they stand, and leave the other kinds alone, so each is tied to its kind's class.
    """
    own = re.sub(r"(?:\.pl)+(?![\w-])", rf"\g<0>.pl-{kind}", "".join(css(name) for name in names))
    return f"<style>.pl{{{css_variables()}}}{css('figure')}{own}</style>"


@cache
def script(name: str) -> str:
    """The script of one kind of picture, with what all of them stand on, as an HTML element."""
    folder = resources.files("portlab.view") / "scripts"
    return (
        "<script>"
        + "".join((folder / f"{each}.js").read_text("utf-8") for each in ("page", name))
        + "</script>"
    )


@cache
def _light_rules(*names: str) -> str:
    return in_light("".join(css(name) for name in names))


def identity(content: str) -> str:
    """A short id that follows from the content, so that figures of one page do not share one."""
    return "pl" + sha1(content.encode(), usedforsecurity=False).hexdigest()[:8]


def heading(title: str, detail: str, extra: str = "") -> str:
    """Title and subtitle; `extra` is HTML."""
    words = f'<p class="title">{escape(title)}</p><p class="muted">{escape(detail)}</p>'
    return f'<div class="heading">{words}{extra}</div>'


def fidelity(name: str) -> str:
    """How real the packets were, as a badge in HTML; a model's is loud."""
    loud = " loud" if name == "simulated" else ""
    return f'<span class="fidelity{loud}">{escape(fidelity_name(name))}</span>'


def scrolling(label: str, content: str) -> str:
    """HTML that may be wider than the page: the keyboard reaches it to scroll it, and hears it by its label.

    A group, not a region: a page of many pictures would have as many landmarks.  JupyterLab leaves its keys alone.
    """
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{escape(label)}" '
        f'data-lm-suppress-shortcuts="true">{content}</div>'
    )


def table(
    label: str,
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    css_class: str = "",
    marks: Sequence[str] = (),
) -> str:
    """A table of what `label` says; cells are HTML, the first of each row is its header.

    `marks`: each row's attributes, for a script.
    """
    head = "".join(f'<th scope="col">{escape(words)}</th>' for words in heads)
    body = "".join(_table_row(row, mark) for row, mark in zip_longest(rows, marks, fillvalue=""))
    whole = f'<table class="table {css_class}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return scrolling(f"Table: {label}", whole)


def _table_row(row: Sequence[str], mark: str) -> str:
    first, *rest = row
    cells = "".join(f"<td>{cell}</td>" for cell in rest)
    return f'<tr{mark and " " + mark}><th scope="row">{first}</th>{cells}</tr>'


def button(action: str, words: str, **attributes: str) -> str:
    """A button that calls the script's `action`; `words` is HTML.  Underscores in attributes become hyphens."""
    more = "".join(f' {name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return f'<button type="button" class="button" data-do="{action}"{more}>{words}</button>'


def controls(label: str, *parts: str) -> str:
    """Buttons and the like (HTML) in a row, hidden until the script that they need is awake."""
    return f'<div class="controls" role="group" aria-label="{escape(label)}" hidden="hidden">{"".join(parts)}</div>'


def picture(
    svg: str, height: float, alternative: str, *sheets: str, left: float = 84, right: float = 52
) -> str:
    """The SVG, and a still image of it, 760 wide, for where SVG and style are not allowed.

    `left` and `right` are the margins of the still that the SVG's own labels stand in.

    The live one stands in a hidden element that only our own style shows: without the style its text stays hidden.
    (JupyterLab's sanitizer takes out attributes that have no value.)
    """
    still = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="760" height="{height + 16:g}"><style>'
        f"svg{{font:13px {in_light('var(--ui)')};fill:{in_light('var(--ink)')}}}{_light_rules(*sheets)}</style>"
        f'<rect width="100%" height="100%" fill="{in_light("var(--paper)")}"/>'
        f'<svg x="{left:g}" y="8" width="{760 - left - right:g}" height="{height:g}" overflow="visible">'
        f"{in_light(svg)}</svg></svg>"
    )
    encoded = base64.b64encode(still.encode()).decode()
    return (
        f'<div class="live" hidden="hidden">{svg}</div>'
        f'<img class="still" alt="{escape(alternative)}" src="data:image/svg+xml;base64,{encoded}">'
    )


def wrap(
    kind: str, label: str, body: str, *sheets: str, script_name: str = "", data: str = "", bare: bool = False
) -> str:
    """The whole figure as HTML; `script_name` names the script that moves it, `data` holds attributes for it.

    A `bare` one stands beside others and leaves it to them to bring style and script.
    """
    moves = f' data-pl="{script_name}" {data}' if script_name else ""
    no_formulas = "mathjax_ignore tex2jax_ignore"  # what stands between two dollar signs is bytes
    code = script(script_name) if script_name else ""
    figure = f'<figure class="pl pl-{kind} {no_formulas}" aria-label="{escape(label)}"{moves}>{body}</figure>'
    return figure if bare else f"{style(kind, *sheets)}{figure}{code}"
