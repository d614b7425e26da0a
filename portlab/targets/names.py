"""Names that the lab does not know: this machine's hosts file, and a name server where that is allowed."""

from __future__ import annotations

import difflib
import ipaddress
import re
import socket
from pathlib import Path

from portlab import lab, scope
from portlab.addresses import dotted
from portlab.errors import BadTarget, quoted

HOSTS_FILE = Path("/etc/hosts")
LOCALHOST = "localhost"

LONGEST = 253  # characters of a name (RFC 1035 section 2.3.4, without the length bytes at both ends)

_LABEL = r"[a-z0-9_][a-z0-9_-]{0,62}"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*", re.IGNORECASE)


def look_up(name: str) -> int:
    """The address of a name, as a number.  Raises BadTarget, with the names there are, if nobody knows it."""
    if len(name) > LONGEST or not _NAME.fullmatch(name):
        raise BadTarget(f"{quoted(name)} is neither a name nor an IPv4 address.{_known_names()}")
    known = _hosts_file() | {LOCALHOST: ["127.0.0.1"]}
    if name.lower() in known:
        return _only_one(name, known[name.lower()])
    if scope.reaches_out():
        try:
            return _only_one(name, _ask_name_server(name))
        except (OSError, UnicodeError) as error:  # UnicodeError: an empty or too long part between two dots
            raise BadTarget(f"{quoted(name)} has no IPv4 address: {error}.{_known_names()}") from None
    raise BadTarget(f"There is no host called {quoted(name)} here.{_did_you_mean(name)}{_known_names()}")


def _only_one(name: str, addresses: list[str]) -> int:
    """The address of a name.  Which of several is meant is for the user to say: each is told, and judged."""
    numbers = list(dict.fromkeys(int(ipaddress.IPv4Address(address)) for address in addresses))
    if len(numbers) == 1:
        return numbers[0]
    told = [
        f"{dotted(number)} ({'may' if scope.may_probe(number) else 'may not'} be probed)"
        for number in numbers
    ]
    raise BadTarget(
        f"{quoted(name)} has {len(told)} addresses: {', '.join(told)}. Type the one that you mean."
    )


def _ask_name_server(name: str) -> list[str]:
    answers = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return [str(answer[4][0]) for answer in answers]


def _hosts_file() -> dict[str, list[str]]:
    """The IPv4 names of this machine's hosts file."""
    try:
        lines = HOSTS_FILE.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    known: dict[str, list[str]] = {}
    for line in lines:
        address, *its_names = line.partition("#")[0].split() or [""]
        if address.count(".") == 3 and _is_address(address):
            for name in its_names:
                known.setdefault(name.lower(), []).append(address)
    return known


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _did_you_mean(name: str) -> str:
    close = difflib.get_close_matches(name.lower().removesuffix(".lab"), [LOCALHOST, *lab.names()], 1, 0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def _known_names() -> str:
    names = lab.names()
    if not names:
        return f" Known is only {LOCALHOST!r}. {lab.why_not()}"
    return f" Known are {', '.join([*names, LOCALHOST])}."
