"""What a result file claims is believed only where it can be true: its kinds, its ranges, and no contradiction.

Everything here raises ValueError with the words of the complaint; readers add the file's name to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import Any, TypeVar

from portlab.addresses import number
from portlab.errors import quoted
from portlab.evidence.result import SCAN
from portlab.evidence.verdict import FROM_NEW_PORT, NOT_CAPTURED, REMARK_NAMES
from portlab.model import Reason, State
from portlab.techniques import is_ping, technique

FOREIGN = ("nmap", "masscan")
"""Whose verdicts are not PortLab's own: their pairs of state and reason need not be ours."""

BY_THE_HOST = {
    Reason.SYN_ACK,
    Reason.RESET,
    Reason.UDP_RESPONSE,
    Reason.ECHO_REPLY,
    Reason.TIMESTAMP_REPLY,
    Reason.ARP_RESPONSE,
}
"""Only the host that was asked can say these."""
NOT_BY_IP = {Reason.NO_RESPONSE, Reason.ARP_RESPONSE}
NO_ICMP = {Reason.SYN_ACK, Reason.RESET, Reason.UDP_RESPONSE, Reason.ARP_RESPONSE, Reason.NO_RESPONSE}
MOST_PORTS, MOST_BYTE, LATEST = 65_535, 255, 2**63 - 1

Row = Mapping[str, Any]
Place = tuple[str, int | None]  # address and port; a ping has no port
Kind = TypeVar("Kind")
Word = TypeVar("Word", State, Reason)

known_number = lru_cache(65_536)(number)
"""The number of an address; files repeat theirs in every row."""

# --- single values ------------------------------------------------------------------------------------------


def a(kind: type[Kind], value: Any, name: str) -> Kind:
    """The value, if it is of that kind (true and false are no numbers)."""
    if isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    words = {dict: "an object", list: "a list", str: "text", bool: "true or false", int: "a whole number"}
    raise ValueError(f"{name} is {quoted(value)} and not {words[kind]}")


def whole(value: Any, name: str, most: int = LATEST) -> int:
    """A whole number from 0 to `most`."""
    if not 0 <= a(int, value, name) <= most:
        raise ValueError(f"{name} is {quoted(value)} and not from 0 to {most:,}")
    return int(value)


def amount(value: Any, name: str) -> float:
    """A number that is neither negative nor endless."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name} is {quoted(value)} and not a number")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is {quoted(value)} and not a number from 0 on")
    return float(value)


def text(value: Any, name: str) -> str:
    """Text that can be shown: control characters would reach a terminal."""
    if not a(str, value, name).isprintable():
        raise ValueError(f"{name} is {quoted(value)}, which holds characters that cannot be shown")
    return str(value)


def texts(value: Any, name: str) -> tuple[str, ...]:
    """A list of text."""
    return tuple(text(item, name) for item in a(list, value, name))


def places(value: Any, name: str) -> tuple[Place, ...]:
    """A list of [address, port], none of them twice; a host that was to be pinged has no port."""
    found: list[Place] = []
    for item in a(list, value, name):
        if len(a(list, item, name)) != 2:
            raise ValueError(f"{name} holds {quoted(item)} and not [address, port]")
        found.append(_place(*item))
    _no_doubles(found, name)
    return tuple(found)


def _place(address: Any, port: Any) -> Place:
    known_number(a(str, address, "address"))
    return address, None if port is None else whole(port, "port", MOST_PORTS)


def _no_doubles(found: Iterable[Place], name: str) -> None:
    seen: set[Place] = set()
    for place in found:
        if place in seen:
            raise ValueError(f"{_said(place)} stands twice in {name}")
        seen.add(place)


def _said(place: Place) -> str:
    address, port = place
    return address if port is None else f"{address} port {port}"


# --- a scan and its rows ------------------------------------------------------------------------------------


def check_facts(facts: Mapping[str, Any]) -> None:
    """The facts of one scan fit each other."""
    if facts["complete"] and (facts["stopped_by"] or facts["never_asked"] or facts["unanswered"]):
        raise ValueError("the scan is called complete, and was stopped or did not ask everything")


def check_rows(rows: Iterable[Row], facts: Mapping[str, Any]) -> None:
    """The rows fit the scan and each other: each port once, each address by one name, each verdict by its reason."""
    names: dict[str, str] = {}
    seen: set[Place] = {*facts["never_asked"], *facts["unanswered"]}
    for line, row in enumerate(rows, 1):
        try:
            place = _place(row["address"], row["port"])
            if (place[1] is None) is not is_ping(facts["technique"]):
                raise ValueError(
                    f"port is {quoted(place[1])}: a ping has none, and whatever else is asked has one"
                )
            if place in seen:
                raise ValueError(f"{_said(place)} stands there twice")
            seen.add(place)
            known = names.get(row["address"])
            name = known if known is not None and known == row["host"] else _name(row["host"], row["address"])
            if names.setdefault(row["address"], name) != name:
                raise ValueError(
                    f"{row['address']} is called {quoted(names[row['address']])} and {quoted(name)}"
                )
            _check_row(row, facts)
        except ValueError as error:
            raise ValueError(f"row {line}: {error}") from error


def _name(host: Any, address: str) -> str:
    """A host's name.  What reads as an address must be the host's own."""
    name = text(host, "host")
    try:
        number(name)
    except ValueError:
        if name:
            return name
        raise ValueError("host is empty") from None
    if name != address:
        raise ValueError(f"host is {name} and address is {address}")
    return name


def _check_row(row: Row, facts: Mapping[str, Any]) -> None:
    name, foreign = facts["technique"], facts["fidelity"] in FOREIGN
    expected = {"technique": name, "protocol": technique(name).PROTOCOL, "fidelity": facts["fidelity"]}
    expected["traffic"] = facts.get("traffic", SCAN)
    for key, value in expected.items():
        if row.get(key, value) != value:
            raise ValueError(f"{key} is {quoted(row[key])} in a scan where it is {value!r}")
    if (asker := row.get("scanner")) is not None and not known_number(a(str, asker, "scanner")):
        raise ValueError("scanner is 0.0.0.0, which is nobody's address")
    state, reason = word(State, row["state"]), word(Reason, row["reason"])
    pairs = _pairs(name)
    fits = state in {state for state, _ in pairs} if foreign else (state, reason) in pairs
    if not fits:
        raise ValueError(f"state {state} with reason {reason} is nothing that {name} can find")
    _check_answer(row, reason, by_errno=not (foreign or technique(name).EVIDENCE == "frames"))
    if "remark" in row:
        _check_remark(row["remark"], state, reason, expected["protocol"])


def _check_remark(remark: Any, state: State, reason: Reason, protocol: str) -> None:
    """What is said besides: some of it of silence, some of open ports."""
    if remark not in REMARK_NAMES.values():
        raise ValueError(f"{quoted(remark)} is not a remark")
    of_silence = remark in (REMARK_NAMES[FROM_NEW_PORT], REMARK_NAMES[NOT_CAPTURED])
    fits = reason is Reason.NO_RESPONSE if of_silence else state is State.OPEN
    if not fits or (remark == REMARK_NAMES[FROM_NEW_PORT] and protocol != "udp"):
        raise ValueError(f"the remark {remark} cannot be said of {state} with reason {reason}")


def _check_answer(row: Row, reason: Reason, *, by_errno: bool) -> None:
    """Who answered, and how: silence has no sender, and ICMP numbers belong to ICMP."""
    whole(row.get("tries", 0), "tries", MOST_BYTE)
    speaker, rtt = row.get("answered_by"), row.get("rtt_ms")
    if rtt is not None:
        amount(rtt, "rtt_ms")
    if speaker is not None and not known_number(a(str, speaker, "answered_by")):
        raise ValueError("answered_by is 0.0.0.0, which is nobody's address")
    if reason is Reason.NO_RESPONSE and (speaker, rtt) != (None, None):
        raise ValueError("there was no response, and somebody or some time of it is given")
    if reason in BY_THE_HOST and speaker not in (None, row["address"]):
        raise ValueError(f"{reason} is said to come from {speaker}; only the host itself can say that")
    if (ttl := row.get("ttl")) is not None:
        whole(ttl, "ttl", MOST_BYTE)
        if speaker is None or reason in NOT_BY_IP or by_errno:
            raise ValueError(f"ttl is {ttl}, and no IP packet is known to have decided")
    numbers = [row.get("icmp_type"), row.get("icmp_code")]
    if numbers != [None, None]:
        for value, key in zip(numbers, ("icmp_type", "icmp_code"), strict=True):
            whole(value, key, MOST_BYTE)
        if reason in NO_ICMP:
            raise ValueError(f"{reason} is no ICMP message, and ICMP numbers are given")


def word(kind: type[Word], value: Any) -> Word:
    """The state or reason that is spelled so."""
    for member in kind:
        if member == value:
            return member
    raise ValueError(f"{quoted(value)} is not a {kind.__name__.lower()}")


@cache
def _pairs(name: str) -> set[tuple[State, Reason]]:
    """What a technique can find: its states with their reasons."""
    return {(meaning.state, meaning.reason) for meaning in technique(name).MEANINGS.values()}
