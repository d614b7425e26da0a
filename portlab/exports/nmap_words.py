"""nmap's words where they are not PortLab's: kinds of scan, reasons in their plural, lists of ports."""

from __future__ import annotations

import re
from functools import cache

from portlab.errors import quoted
from portlab.exports.claims import MOST_PORTS
from portlab.model import Reason
from portlab.techniques import ping_methods, technique

TAKEN_FOR_GRANTED = ("user-set", "localhost-response")  # -Pn, and nmap's own machine: nothing was asked

SYNONYMS = {
    "conn-accept": Reason.SYN_ACK,  # connect() got through
    "rst": Reason.RESET,  # masscan spells the flags
    "rst-ack": Reason.RESET,
}
PLURALS = (("", ""), ("s", ""), ("es", ""), ("ies", "y"))  # "8 resets", "2 port-unreaches", "3 echo-replies"

Run = tuple[int, int]  # the first and the last of consecutive ports
LISTED_BY = "nmap lists them from version 7.92 on"

_RUN = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?", re.ASCII)


@cache
def pings_by_reason() -> dict[str, str]:
    """What an nmap ping was answered with -> which technique of PortLab it was."""
    pings = {name: technique(name).PING for name in ping_methods().values()}
    return {str(ping.found): name for name, ping in pings.items() if ping is not None}


@cache
def reason_named(said: str) -> Reason:
    """The reason that is meant; UNKNOWN where none is given, or one that PortLab does not know."""
    if said in SYNONYMS:
        return SYNONYMS[said]
    for ending, instead in PLURALS:
        singular = said.removesuffix(ending) + instead if said.endswith(ending) else said
        for reason in Reason:
            if reason == singular:
                return reason
    return Reason.UNKNOWN


@cache
def runs(text: str) -> tuple[Run, ...]:
    """A list of ports as first and last: "1-3,22" -> ((1, 3), (22, 22)).  Raises ValueError for what is none."""
    found = []
    for part in text.split(",") if text else []:
        run = _RUN.fullmatch(part)
        first, last = (int(run[1]), int(run[2] or run[1])) if run else (1, 0)
        if not first <= last <= MOST_PORTS:
            raise ValueError(f"{quoted(part)} is not a range of ports")
        found.append((first, last))
    return tuple(found)


def whole_number(text: str, most: int = 2**63 - 1) -> int:
    """The number that digits are."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= most):
        raise ValueError(f"{quoted(text)} is not a number from 0 to {most:,}")
    return int(text)
