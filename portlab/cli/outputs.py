"""What a command gives: the files that were asked for, and the table, whatever becomes of the files."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import TYPE_CHECKING, TextIO

from portlab import files
from portlab.cli.typed import EXPORTS
from portlab.errors import BadTarget, PortLabError, plain

if TYPE_CHECKING:
    from portlab.evidence.result import Scan
    from portlab.evidence.scans import Scans

MOST_LADDERS = 20
STREAMS = {"/dev/stdout": "standard output", "/dev/stderr": "the messages"}


def checked(typed: argparse.Namespace) -> dict[str, str]:
    """Which exports go where; refused before anything is sent where one cannot be written, or would be lost."""
    outputs = {name: getattr(typed, name) for name in EXPORTS if getattr(typed, name, None) is not None}
    streamed = [path for path in outputs.values() if files.is_standard_output(path)]
    if len(streamed) > 1:
        raise BadTarget(
            f'Only one of the exports can go to standard output ("-"): {" and ".join(streamed)} are the same. '
            "Give the others a file."
        )
    if sys.stdout is None and (streamed or not outputs):
        raise BadTarget(
            "Standard output is closed: nobody would see the result. Open it, or give a file: --json FILE."
        )
    taken = {files.identity(path): words for path, words in STREAMS.items() if os.path.isfile(path)}
    if hasattr(typed, "file"):
        source = "/dev/stdin" if typed.file == files.STANDARD_OUTPUT else typed.file
        taken[files.identity(source)] = "the file to be read"
    for name, path in outputs.items():
        files.check_writable(path)
        place, said = files.identity(path), f"--{name} {plain(path)}"
        if place is None or path in streamed:
            continue
        if place in taken:
            raise BadTarget(f"{said} and {taken[place]} are one file: one would be lost. Name another.")
        taken[place] = said
    return outputs


def show(found: Scan | Scans, typed: argparse.Namespace, outputs: dict[str, str]) -> bool:
    """Write the exports and print the table (not where an export took its place); whether all of it succeeded."""
    succeeded, streamed = True, False
    for name, path in outputs.items():
        try:
            streamed = streamed or files.is_standard_output(path)
            _export(found, name, path)
        except BrokenPipeError:  # whoever read it, such as `head`, has seen enough
            succeeded = False
            let_go(sys.stdout)
        except (Exception, KeyboardInterrupt) as error:  # whatever it is, the rest is not lost
            succeeded = False
            complain(error if isinstance(error, PortLabError) else f"{path!r} is not written: {_why(error)}.")
            if files.is_standard_output(path):
                let_go(sys.stdout)
                tell(str(found))
    if not streamed and not (typed.quiet and succeeded):
        succeeded &= say(str(found))
        if typed.ladder:
            for scan in found if isinstance(found, list) else [found]:
                succeeded &= _ladders(scan)
    return succeeded


def _export(found: Scan | Scans, name: str, path: str) -> None:
    """Write one export, unless there is nothing to be told and something to be lost."""
    old = os.path.isfile(path) and not files.is_standard_output(path)
    if old and not isinstance(found, list) and found.stopped_by and not len(found):
        raise BadTarget(
            f"{path!r} stays as it was: the scan ended before anything was known ({found.stopped_by})."
        )
    getattr(found, EXPORTS[name])(path)


def _ladders(scan: Scan) -> bool:
    told = [f"\n{scan.exchange(row.address, row.port)}" for row in list(scan)[:MOST_LADDERS]]
    if len(scan) > MOST_LADDERS:
        left = len(scan) - MOST_LADDERS
        told.append(f"\nThe other {left:,} rows are left out: ask fewer ports to see their packets.")
    return all(say(text) for text in told)


# --- streams that may be closed, full or gone ---------------------------------------------------------------


def open_streams() -> None:
    """Give closed streams a place to lead to, so that no file opened later takes theirs.

    sys.stdout stays None where it is closed: what nobody would see is not worth a packet.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number: this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115  # for as long as the process lives


def say(text: str, end: str = "\n") -> bool:
    """Print to standard output, or where that is full to where messages go; whether it could be printed."""
    try:
        print(text, end=end, flush=True)
        return True
    except BrokenPipeError:  # whoever read it, such as `head`, has seen enough
        let_go(sys.stdout)
    except OSError as error:
        let_go(sys.stdout)
        complain(f"standard output cannot be written: {_why(error)}.")
        tell(text)
    return False


def complain(what: object) -> None:
    """One line about what went wrong."""
    tell(f"portlab: {plain(str(what))}")


def tell(text: str) -> None:
    """Print to standard error, if anybody listens."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError):
        let_go(sys.stderr)


def let_go(stream: TextIO | None) -> None:
    """Lead a stream to nowhere, so that what is still in it is no second error at the end."""
    with contextlib.suppress(AttributeError, OSError):  # closed, or none of the system's
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())  # type: ignore[union-attr]


def _why(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    told = error.strerror if isinstance(error, OSError) else None
    return told or f"{type(error).__name__}: {error}"
