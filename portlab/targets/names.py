"""Names that the lab does not know: this machine's hosts file, and a name server where that is allowed."""

from __future__ import annotations

import difflib
import ipaddress
import re
import socket
from pathlib import Path

from portlab import lab, scope
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
    known = {LOCALHOST: "127.0.0.1"} | _hosts_file()
    if name.lower() in known:
        return int(ipaddress.IPv4Address(known[name.lower()]))
    if scope.authorised():
        try:
            return _ask_name_server(name)
        except OSError as error:
            raise BadTarget(f"{quoted(name)} has no IPv4 address: {error}.{_known_names()}") from None
    raise BadTarget(f"There is no host called {quoted(name)} here.{_did_you_mean(name)}{_known_names()}")


def _ask_name_server(name: str) -> int:
    answers = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
    return int(ipaddress.IPv4Address(answers[0][4][0]))


def _hosts_file() -> dict[str, str]:
    """The IPv4 names of this machine's hosts file; the first line that has a name counts."""
    try:
        lines = HOSTS_FILE.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    known: dict[str, str] = {}
    for line in lines:
        address, *its_names = line.partition("#")[0].split() or [""]
        if address.count(".") == 3 and _is_address(address):
            for name in its_names:
                known.setdefault(name.lower(), address)
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
