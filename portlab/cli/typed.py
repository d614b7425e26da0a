"""What can be typed: the commands and their options, and one sentence about what is none of them."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from portlab.errors import plain

EXPORTS = {"json": "to_json", "csv": "to_csv", "xml": "to_nmap_xml", "pcap": "to_pcap"}
LOOKUPS = ("ports", "read")  # commands that need no technique
WRONG_USE = 2

EPILOG = """\
examples:
  portlab syn web -p 9,22,80,443
  portlab ping office
  portlab udp infra -p 53,123 --json -
  portlab ports mail

Scan only what you may: inside the lab its hosts, elsewhere this machine itself (localhost) and what you
authorise with --authorise NET --reason TEXT.
"""

_PORTS = re.compile(r"[0-9][0-9,-]*|all|common")


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """The command that was typed.  What is none leaves by SystemExit, with status 2, as argparse does."""
    parser = _parser(arguments)
    typed, over = parser.parse_known_args(arguments)
    if over:
        parser.prog += f" {typed.command}"
        parser.error(_left_over(typed, over))
    if isinstance(getattr(typed, "ports", None), list):
        typed.ports = ",".join(typed.ports)
    return typed


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in two lines; the whole usage is for those who ask for it."""

    def error(self, message: str) -> NoReturn:
        end = "" if message.endswith(("?", ".")) else "."
        usage = f"usage: {self.prog} ...  (in full: {self.prog} --help)"
        self.exit(WRONG_USE, f"portlab: {plain(message)}{end}\n{usage}\n")


class _Once(argparse.Action):
    """An option that is given once: of two values one would be lost without a word."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option: Any = None) -> None:
        given = vars(namespace).setdefault("_given", set())
        if self.dest in given:
            parser.error(f"{option} is given twice: which one is meant?")
        given.add(self.dest)
        setattr(namespace, self.dest, values)


def _left_over(typed: argparse.Namespace, over: list[str]) -> str:
    """Why words stand where nothing can."""
    first, words = over[0], " ".join(over)
    if first.startswith("-") and len(first) > 1:
        known = [f"--{name.replace('_', '-')}" for name in vars(typed) if not name.startswith("_")]
        close = difflib.get_close_matches(first.partition("=")[0], known, 1, 0.6)
        return f"there is no option {first!r}" + (f". Did you mean {close[0]}?" if close else "")
    ports = getattr(typed, "ports", None)
    if isinstance(ports, list) and all(_PORTS.fullmatch(word) for word in over):
        joined = ",".join(part.strip(",") for part in [*ports, *over])
        return f"{words!r} stands apart from the other ports: type -p {joined}"
    if hasattr(typed, "targets"):
        beside = " ".join([*typed.targets, *over])
        return f"{words!r} stands apart: type the targets side by side, before the options: {beside}"
    return f"{words!r} is too much: portlab {typed.command} takes one at a time"


# --- the commands -------------------------------------------------------------------------------------------


def _parser(arguments: Sequence[str]) -> _Parser:
    from portlab import __version__

    parser = _Parser(
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
    """Every technique that is a command of its own, with the first line of its file (kinds of ping are one)."""
    from portlab.techniques import port_techniques, technique

    names = ["ping", *port_techniques()]
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
        from portlab.techniques import ping_methods

        *others, last = [method for method in ping_methods() if method != "icmp"]
        add(
            "--method",
            action=_Once,
            default="icmp",
            help=f"icmp (an echo, the default), {', '.join(others)} or {last}",
        )
    else:
        add(
            "-p",
            "--ports",
            action="append",
            help='"20-25,80,https", "common" (the default) or "all"; given twice, both count',
        )
    if name == "udp":
        add(
            "--payload",
            action=_Once,
            metavar="NAME",
            help="what to send: empty, dns, dhcp, ntp, snmp, sip or tftp",
        )
    add(
        "--authorise",
        metavar="NET",
        action="append",
        default=[],
        help="a network you may probe (with --reason)",
    )
    add("--exclude", metavar="ADDR", action="append", default=[], help="what in it you may not")
    add("--reason", metavar="TEXT", action=_Once, help="why you may; it is recorded with the results")
    add(
        "--timeout",
        metavar="SECONDS",
        action=_Once,
        type=_number,
        help="how long to wait for an answer, from 0.001",
    )
    add("--tries", metavar="N", action=_Once, type=_number, help="how often to ask what stays silent")
    add("--rate", metavar="N", action=_Once, type=_number, help="probes a second at most")
    add(
        "--deadline",
        metavar="SECONDS",
        action=_Once,
        type=_number,
        help="how long the whole scan may take",
    )
    add("--seed", metavar="N", action=_Once, type=int, help="a number for a scan that can be repeated")
    add("--no-progress", action="store_true", help="no progress bar")
    _add_outputs(parser)


def _add_ports(commands: Any) -> None:
    about = "look up which service a port usually means, and the other way round"
    ports = commands.add_parser("ports", help=about, description=about, allow_abbrev=False)
    ports.add_argument(
        "query", metavar="QUERY", nargs="*", help="a number, a service, or a purpose such as mail"
    )
    ports.add_argument("--protocol", action=_Once, default="", help="tcp or udp")


def _add_read(commands: Any) -> None:
    about = "read a capture (pcap, pcapng), a result in JSON, or nmap's XML"
    read = commands.add_parser("read", help=about, description=about, allow_abbrev=False)
    read.add_argument("file", metavar="FILE", help='a file, a pipe, or "-" for standard input')
    _add_outputs(read)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    for name in EXPORTS:
        if name != "pcap" or not parser.prog.endswith(" read"):
            kind = "nmap's XML" if name == "xml" else name.upper()
            parser.add_argument(
                f"--{name}", action=_Once, metavar="FILE", help=f'write {kind}; "-" is standard output'
            )
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
