"""The same functions from a terminal: portlab ping|connect|syn|udp TARGET..., portlab ports, portlab read FILE.

Exit status: 0 done, 2 wrong use or refused target, 1 anything else, 130 interrupted (what is known is printed).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from portlab.cli import outputs
from portlab.cli.typed import EXPORTS, WRONG_USE, parsed
from portlab.errors import BadTarget, MalformedPacket, OutOfScope, PortLabError

if TYPE_CHECKING:
    from portlab.evidence.result import Scan
    from portlab.evidence.scans import Scans

__all__ = ["DONE", "EXPORTS", "FAILED", "INTERRUPTED", "WRONG_USE", "main"]

DONE, FAILED, INTERRUPTED = 0, 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts threads that nobody here needs
    outputs.open_streams()
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the symbols still gets the words
    try:
        return _run(parsed(sys.argv[1:] if arguments is None else list(arguments)))
    except SystemExit as end:  # what argparse printed, such as --help
        if not outputs.say("", end=""):
            end.code = FAILED
        raise
    except (BadTarget, OutOfScope, MalformedPacket) as error:
        return _failed(error, WRONG_USE)
    except PortLabError as error:
        return _failed(error, FAILED)
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED)
    except OSError as error:
        return _failed(error, FAILED)


def _failed(what: object, status: int) -> int:
    outputs.complain(what)
    return status


def _run(typed: argparse.Namespace) -> int:
    wanted = outputs.checked(typed)
    if typed.command == "ports":
        from portlab import ports

        return DONE if outputs.say(repr(ports.find(" ".join(typed.query), typed.protocol))) else FAILED
    if typed.command == "read":
        return DONE if outputs.show(_read(typed.file), typed, wanted) else FAILED
    scan = _scan(typed)
    shown = outputs.show(scan, typed, wanted)
    if scan.complete or "deadline" in scan.stopped_by:
        return DONE if shown else FAILED
    return INTERRUPTED if scan.stopped_by == "interrupted" else FAILED


def _scan(typed: argparse.Namespace) -> Scan:
    """Run the scan that was typed."""
    from portlab.scanning import scan as scans

    _authorise(typed)
    options: dict[str, Any] = {
        name: getattr(typed, name) for name in ("timeout", "tries", "rate", "deadline", "seed")
    }
    options["progress"] = not (typed.no_progress or typed.quiet)
    if typed.command == "ping":
        return scans.ping(typed.targets, method=typed.method, **options)
    if typed.command == "udp":
        options["payload"] = typed.payload
    run = getattr(scans, f"{typed.command}_scan")
    found: Scan = run(typed.targets, "common" if typed.ports is None else typed.ports, **options)
    return found


def _authorise(typed: argparse.Namespace) -> None:
    from portlab import scope

    if not typed.authorise and (typed.exclude or typed.reason):
        raise BadTarget("--exclude and --reason go with --authorise NET: alone they say nothing.")
    for network in typed.authorise:
        inside = [address for address in typed.exclude if scope.contains(network, address)]
        scope.authorise(network, inside, typed.reason or "", tell=outputs.tell)
    left = [
        address for address in typed.exclude if not any(scope.contains(n, address) for n in typed.authorise)
    ]
    if left:
        raise BadTarget(f"{left[0]!r} cannot be excluded: it is in none of the networks authorised.")


def _read(path: str) -> Scans:
    """The scans in a file, whichever of our forms it has."""
    from portlab import exports, files
    from portlab.captures.as_scans import read_pcap
    from portlab.exports import other_readers

    readers = {b"{": exports.read_json, b"<": exports.read_nmap_xml}
    with files.reading(path) as file:  # a pipe can be read only once
        begins = file.peek(64)[:64]
        reader = readers.get(begins.lstrip(b"\xef\xbb\xbf \t\r\n")[:1], read_pcap)
        try:
            return reader(file)
        except MalformedPacket as error:
            clause = other_readers.nobody_reads(begins)
            if clause and reader is read_pcap:
                raise MalformedPacket(f"{path!r} is nothing that portlab reads: {clause}.") from error
            raise
