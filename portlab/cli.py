"""The same functions from a terminal: portlab ping|connect|syn|udp TARGET..., portlab ports, portlab read FILE.

Exit status: 0 done, 2 wrong use or refused target, 1 anything else, 130 interrupted (what is known is printed).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from portlab.errors import BadTarget, MalformedPacket, OutOfScope, PortLabError

if TYPE_CHECKING:
    from portlab.exports import Scans
    from portlab.result import Scan

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
EXPORTS = {"json": "to_json", "csv": "to_csv", "xml": "to_nmap_xml", "pcap": "to_pcap"}
MOST_LADDERS = 20
LOOKUPS = ("ports", "read")  # commands that need no technique

EPILOG = """\
examples:
  portlab syn web -p 9,22,80,443
  portlab ping office
  portlab udp infra -p 53,123 --json -
  portlab ports mail

Scan only what you may: inside the lab its hosts, elsewhere this machine itself (localhost) and what you
authorise with --authorise NET --reason TEXT.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy starts threads that nobody here needs
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")  # a terminal without the symbols still gets the words
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        status = _run(_parser(arguments).parse_args(arguments))
        sys.stdout.flush()
        return status
    except (BadTarget, OutOfScope, MalformedPacket) as error:
        return _failed(error, WRONG_USE)
    except PortLabError as error:
        return _failed(error, FAILED)
    except KeyboardInterrupt:
        return _failed("interrupted", INTERRUPTED)
    except BrokenPipeError:  # whoever read our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _failed(error, FAILED)


def _failed(what: object, status: int) -> int:
    print(f"portlab: {what}", file=sys.stderr)
    return status


# --- what can be typed --------------------------------------------------------------------------------------


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    from portlab import __version__

    parser = argparse.ArgumentParser(
        prog="portlab",
        description="Learn ports and port scanning: real packets, and the reason for every verdict.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"PortLab {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    if not arguments or arguments[0] not in LOOKUPS:
        for name, summary in _techniques().items():
            _add_scan(commands.add_parser(name, help=summary, description=summary, allow_abbrev=False), name)
    _add_ports(commands)
    _add_read(commands)
    return parser


def _techniques() -> dict[str, str]:
    """Every technique that is a command of its own, with the first line of its file (kinds of ping are not)."""
    from portlab.techniques import TECHNIQUES, technique

    names = [name for name in TECHNIQUES if not name.startswith("ping-")]
    return {name: (technique(name).__doc__ or name).partition("\n")[0].rstrip(".") for name in names}


def _add_scan(parser: argparse.ArgumentParser, name: str) -> None:
    add = parser.add_argument
    add(
        "targets",
        metavar="TARGET",
        nargs="+",
        help='a name, address, network or range: "web", "10.77.1.0/24"',
    )
    if name == "ping":
        add("--method", default="icmp", help="icmp (an echo, the default), timestamp, arp, syn or ack")
    else:
        add("-p", "--ports", default="common", help='"20-25,80,https", "common" (the default) or "all"')
    if name == "udp":
        add("--payload", metavar="NAME", help="what to send: empty, dns, dhcp, ntp, snmp, sip or tftp")
    add(
        "--authorise",
        metavar="NET",
        action="append",
        default=[],
        help="a network you may probe (with --reason)",
    )
    add("--exclude", metavar="ADDR", action="append", default=[], help="what in it you may not")
    add("--reason", metavar="TEXT", help="why you may; it is recorded with the results")
    add("--timeout", metavar="SECONDS", type=_number, help="how long to wait for an answer")
    add("--tries", metavar="N", type=_number, help="how often to ask what stays silent")
    add("--rate", metavar="N", type=_number, help="probes a second at most")
    add("--deadline", metavar="SECONDS", type=_number, help="how long the whole scan may take")
    add("--seed", metavar="N", type=int, help="a number for a scan that can be repeated")
    add("--no-progress", action="store_true", help="no progress bar")
    _add_outputs(parser)


def _add_ports(commands: Any) -> None:
    about = "look up which service a port usually means, and the other way round"
    ports = commands.add_parser("ports", help=about, description=about, allow_abbrev=False)
    ports.add_argument(
        "query", metavar="QUERY", nargs="*", help="a number, a service, or a purpose such as mail"
    )
    ports.add_argument("--protocol", default="", help="tcp or udp")


def _add_read(commands: Any) -> None:
    about = "read a capture (pcap, pcapng), a result in JSON, or nmap's XML"
    read = commands.add_parser("read", help=about, description=about, allow_abbrev=False)
    read.add_argument("file", metavar="FILE", help='a file, a pipe, or "-" for standard input')
    _add_outputs(read)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    for name in EXPORTS:
        if name != "pcap" or not parser.prog.endswith(" read"):
            kind = "nmap's XML" if name == "xml" else name.upper()
            parser.add_argument(f"--{name}", metavar="FILE", help=f'write {kind}; "-" is standard output')
    parser.add_argument("--ladder", action="store_true", help="show the packets behind every verdict")
    parser.add_argument("--quiet", action="store_true", help="print no table")


def _number(text: str) -> int | float | str:
    """The number that was typed; what is none is quoted by whoever checks the option."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


# --- what is done -------------------------------------------------------------------------------------------


def _run(typed: argparse.Namespace) -> int:
    if typed.command == "ports":
        from portlab import ports

        print(repr(ports.find(" ".join(typed.query), typed.protocol)))
        return DONE
    outputs = _outputs(typed)
    if typed.command == "read":
        _show(_read(typed.file), typed, outputs)
        return DONE
    scan = _scan(typed)
    _show(scan, typed, outputs)
    if scan.complete or "deadline" in scan.stopped_by:
        return DONE
    return INTERRUPTED if scan.stopped_by == "interrupted" else FAILED


def _scan(typed: argparse.Namespace) -> Scan:
    """Run the scan that was typed."""
    from portlab import scan as scans

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
    found: Scan = run(typed.targets, typed.ports, **options)
    return found


def _authorise(typed: argparse.Namespace) -> None:
    from portlab import scope

    if not typed.authorise and (typed.exclude or typed.reason):
        raise BadTarget("--exclude and --reason go with --authorise NET: alone they say nothing.")
    for network in typed.authorise:
        inside = [address for address in typed.exclude if scope.contains(network, address)]
        scope.authorise(network, inside, typed.reason or "", tell=lambda text: print(text, file=sys.stderr))
    left = [
        address for address in typed.exclude if not any(scope.contains(n, address) for n in typed.authorise)
    ]
    if left:
        raise BadTarget(f"{left[0]!r} cannot be excluded: it is in none of the networks authorised.")


def _read(path: str) -> Scans:
    """The scans in a file, whichever of our forms it has."""
    from portlab import exports, files

    readers = {b"{": exports.read_json, b"<": exports.read_nmap_xml}
    with files.reading(path) as file:  # a pipe can be read only once
        begins = file.peek(64)[:64].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
        return readers.get(begins, exports.read_pcap)(file)


def _outputs(typed: argparse.Namespace) -> dict[str, str]:
    """Which exports go where; refused before anything is sent, if they cannot be written."""
    from portlab import files

    outputs = {name: getattr(typed, name) for name in EXPORTS if getattr(typed, name, None) is not None}
    if list(outputs.values()).count(files.STANDARD_OUTPUT) > 1:
        raise BadTarget('Only one of the exports can go to standard output ("-"): give the others a file.')
    for path in outputs.values():
        files.check_writable(path)
    return outputs


def _show(found: Any, typed: argparse.Namespace, outputs: dict[str, str]) -> None:
    """Write the exports; print the table, unless standard output is taken by an export."""
    from portlab import files

    for name, path in outputs.items():
        getattr(found, EXPORTS[name])(path)
    if typed.quiet or files.STANDARD_OUTPUT in outputs.values():
        return
    print(found)
    if typed.ladder:
        for scan in found if isinstance(found, list) else [found]:
            _ladders(scan)


def _ladders(scan: Scan) -> None:
    for row in list(scan)[:MOST_LADDERS]:
        print(f"\n{scan.exchange(row.address, row.port)}")
    if len(scan) > MOST_LADDERS:
        print(
            f"\nThe other {len(scan) - MOST_LADDERS:,} rows are left out: ask fewer ports to see their packets."
        )


if __name__ == "__main__":
    sys.exit(main())
