"""The ladder as plain text: lifelines drawn with characters, at most 100 columns."""

from __future__ import annotations

import textwrap

from portlab.view.ladder.story import RowKind, Story, StoryRow
from portlab.view.tokens import LOOKS
from portlab.view.words import duration

WIDTH = 100
LEFT = 15  # column of the scanner's lifeline: the number and the time stand before it
RIGHT = 67  # column of the target's
SHAFTS = {"udp": "- ", "icmp": ". ", "arp": ". "}
"""How the line of an arrow is drawn; TCP's is solid, and that of a packet left out is struck out."""


def transcript(story: Story) -> str:
    """The whole ladder: title, lifelines, what each step means, the verdict."""
    lines = [f"{story.title}  ({story.asked})"]
    if story.fidelity:
        lines.append(story.fidelity)
    lines += ["", *_heads(story), *_ladder(story), ""]
    lines += [_wrapped(f"{number:>2}  ", _told(row)) for number, row in enumerate(story.rows, 1)]
    return "\n".join([line.rstrip() for line in lines] + _verdict(story))


def _told(row: StoryRow) -> str:
    """What a row means, and what recordings add to it."""
    return f"{row.sentence} {row.path.told}".strip() if row.path else row.sentence


def _columns(story: Story) -> list[int]:
    """The column of each actor's lifeline; whoever stands between is nearer to the target."""
    between = len(story.actors) - 2
    if between <= 0:
        return [LEFT, RIGHT]
    first = 54 - 12 * (between - 1)
    return [LEFT, *(first + 12 * place for place in range(between)), RIGHT]


def _heads(story: Story) -> list[str]:
    names, addresses = [" " * WIDTH, " " * WIDTH]
    for actor, column in zip(story.actors, _columns(story), strict=True):
        names = _centred(names, actor.name, column)
        addresses = _centred(addresses, actor.address, column)
    return [names, addresses]


def _centred(line: str, text: str, column: int) -> str:
    start = max(0, column - len(text) // 2)
    if line[start - 1 : start + len(text) + 1].strip():  # do not touch what is there already
        start = len(line[: start + len(text)].rstrip()) + 1
    return line[:start] + text + line[start + len(text) :]


def _ladder(story: Story) -> list[str]:
    columns = _columns(story)
    lines = []
    for number, row in enumerate(story.rows, 1):
        claim = f"<= {story.whole_claim}" if row.decides else ""
        left_out = ""
        match row.kind:
            case RowKind.PACKET:
                body = _packet(row, columns)
                left_out = "" if row.detail in body else row.detail
            case RowKind.SILENCE:
                body = _broken(columns, f"({row.what})")
            case RowKind.CALL:
                body = _call(row, columns)
        fate = row.path.fate if row.path else None
        aside = "  ".join(filter(None, [claim, fate, left_out, row.note]))
        time = duration(row.at_ns)
        lines.append(f"{number:>2}  {time:>8}  {body[LEFT - 1 :]}  {aside}")
        if row.gives_up:
            lines.append(
                f"    {duration(row.until_ns):>8}  {_broken(columns, '', '|')[LEFT - 1 :]}  scanner gives up"
            )
    return lines


def _lifelines(columns: list[int], character: str = "|") -> str:
    line = [" "] * (columns[-1] + 1)
    for column in columns:
        line[column] = character
    return "".join(line)


def _broken(columns: list[int], text: str, character: str = ":") -> str:
    """The lifelines with a text over them: nothing is on its way."""
    return _over(_lifelines(columns, character), LEFT + 10, text)


def _over(line: str, start: int, text: str) -> str:
    return line[:start] + text + line[start + len(text) :]


def _call(row: StoryRow, columns: list[int]) -> str:
    """What the program said or heard, beside the scanner's lifeline."""
    text = f"{row.what} ({row.detail})" if row.detail else row.what
    return _over(_lifelines(columns), LEFT, f"* {text}")


def _packet(row: StoryRow, columns: list[int]) -> str:
    """An arrow with its name; one of which nobody knows how far it came fades out, one that died ends in an X."""
    sender, end, fate = (
        (row.path.sender, row.path.end, row.path.fate) if row.path else (row.sender, row.reaches, None)
    )
    near, far = sorted((columns[sender], columns[row.receiver if end is None else end]))
    room = far - near - 1
    names = (f"{row.what}  {row.detail}".strip(), row.what)
    label = next((name for name in names if len(name) <= room - 7), row.short)
    shaft = "/ " if row.struck else SHAFTS.get(row.protocol, "-")
    before = (shaft * 4)[:3]
    after = (shaft * room)[: room - len(label) - 6]
    if end is None:
        after = (after[: len(after) // 3] + "  -" + "   -" * room)[: len(after) - 2] + " ?"
        return _over(_lifelines(columns), near + 1, f"{before} {label} {after}")
    head = "X" if fate else ">" if row.sender == 0 else "<"
    arrow = f"{before} {label} {after}{head}" if row.sender == 0 else f"{head}{before} {label} {after}"
    return _over(_lifelines(columns), near + 1, arrow[:room])


def _wrapped(start: str, text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent=start, subsequent_indent=" " * len(start))


def _verdict(story: Story) -> list[str]:
    result = story.result
    if result is None:
        return ["", "=>  Nothing is concluded from a packet made by hand: read the rows."]
    look = LOOKS[result.state]
    lines = ["", f"=>  {look.character} {look.words}   {result.reason}"]
    lines.append(_wrapped("    ", result.sentence))
    if story.untouched:
        lines.append(f"    {story.actors[-1].name} recorded, and saw nothing of this.")
    if result.caveat:
        lines.append(_wrapped("  ! ", result.caveat))
    return [*lines, _wrapped("    ", f"Source: {result.source}")]
