"""Which lab this process is in, read from the descriptor that the lab's runner wrote.

One environment variable, PORTLAB_LAB, names one JSON file:

    {"fidelity": "embedded",                              "simulated", "embedded" or "docker"
     "networks": {"office": "10.77.1.0/24", ...},         what is in scope inside the lab
     "hosts": {"web": ["10.77.2.10"], ...},               names; the first address is the one a name means
     "self": "student",                                   the host this process is on
     "wire": "portlab.wire.raw:RawWire",                  opens the wire: module:callable, called with the Lab
     "netns": 4026532345,                                 inode of its network namespace; null: simulated
     "control": "/run/portlab/control",                   where the hosts' control sockets lie, or null
     "firewall": "gateway", "slow": "branch"}             for the map: who filters, what lies behind the slow link

The network namespace must be the process's own, or the scope stays shut: a stale variable on the host opens
nothing.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from portlab.errors import LabNotRunning

VARIABLE = "PORTLAB_LAB"
HOST_FIDELITY = "host"
SIMULATED = "simulated"
START = "Start one with: ./run lab"


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab as its descriptor tells it: names to CIDRs, names to addresses, and how to reach the wire."""

    fidelity: str
    networks: dict[str, str]
    hosts: dict[str, tuple[str, ...]]
    self_name: str
    wire: str
    netns: int | None = None
    control: str | None = None
    firewall: str = ""
    slow: str = ""


_used: Lab | None = None


def current() -> Lab | None:
    """The lab this process is in; None where there is none (`why_not` says why).

    Raises LabNotRunning where the descriptor is there but damaged.
    """
    lab = _used or _described()
    return lab if lab is not None and not _shut(lab) else None


def why_not() -> str:
    """One sentence about why this process is in no lab; "" where it is in one."""
    path = os.environ.get(VARIABLE)
    lab = _used or _described()
    if lab is not None:
        return _shut(lab)
    if path:
        return f"{VARIABLE} names {path!r}, which is not there: that lab has ended.  {START}"
    return f"No lab is running around this process.  {START}"


def use(lab: Lab | None) -> None:
    """Open a lab in this process, as a notebook does with the simulated one; None closes it again.

    Raises LabNotRunning where the lab is another network namespace than the process's own.
    """
    global _used
    if lab is not None and (reason := _shut(lab)):
        raise LabNotRunning(reason)
    _used = lab


def fidelity() -> str:
    """How real the network is: "simulated", "embedded", "docker", or "host" where there is no lab."""
    lab = current()
    return HOST_FIDELITY if lab is None else lab.fidelity


def resolve(name: str) -> str | None:
    """What a name of the lab means: "web", "web.lab" or "WEB" an address, "office" a CIDR; else None."""
    lab = current()
    if lab is None:
        return None
    short = name.lower().removesuffix(".lab")
    addresses = lab.hosts.get(short)
    return addresses[0] if addresses else lab.networks.get(short)


def names() -> list[str]:
    """Every name of the lab, hosts before networks; empty where there is no lab."""
    lab = current()
    return [] if lab is None else [*lab.hosts, *lab.networks]


def name_of(address: str) -> str:
    """The name of the lab's host that has this address; "" where none has."""
    lab = current()
    if lab is None:
        return ""
    return next((name for name, addresses in lab.hosts.items() if address in addresses), "")


def open_wire(lab: Lab) -> Any:
    """Import the lab's wire and call it with the lab.  Raises LabNotRunning where there is no such wire."""
    module, _, attribute = lab.wire.partition(":")
    try:
        opener = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise LabNotRunning(
            f"The lab's wire {lab.wire!r} cannot be opened: {error}.  Type: ./run doctor"
        ) from error
    return opener(lab)


def _described() -> Lab | None:
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    try:
        modified = os.stat(path).st_mtime_ns
    except OSError:
        return None
    return _load(path, modified)


@lru_cache(maxsize=4)
def _load(path: str, modified: int) -> Lab:  # `modified` is part of the key: a rewritten file is read anew
    try:
        described = json.loads(Path(path).read_text("utf-8"))
        return _lab(described)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise LabNotRunning(
            f"The lab's descriptor {path!r}, named by {VARIABLE}, is damaged "
            f"({type(error).__name__}: {error}).  Start the lab again with: ./run lab"
        ) from error


def _lab(described: dict[str, Any]) -> Lab:
    """The descriptor as a Lab, every address checked."""
    networks = {name: str(ipaddress.IPv4Network(cidr)) for name, cidr in described["networks"].items()}
    hosts = {
        name: tuple(str(ipaddress.IPv4Address(address)) for address in addresses)
        for name, addresses in described["hosts"].items()
    }
    netns = described["netns"]
    if netns is None and described["fidelity"] != SIMULATED:
        raise ValueError("only a simulated lab has no network namespace")
    return Lab(
        fidelity=str(described["fidelity"]),
        networks=networks,
        hosts=hosts,
        self_name=str(described["self"]),
        wire=str(described["wire"]),
        netns=None if netns is None else int(netns),
        control=described.get("control"),
        firewall=str(described.get("firewall", "")),
        slow=str(described.get("slow", "")),
    )


def _shut(lab: Lab) -> str:
    """Why the lab's addresses are not in scope here; "" where they are."""
    if lab.netns is None:
        return ""
    if lab.netns == _own_namespace():
        return ""
    return (
        f"{VARIABLE} speaks of the {lab.fidelity} lab in network namespace {lab.netns}, but this process is "
        f"outside of it.  Type inside the lab: ./run exec --attach -- COMMAND"
    )


def _own_namespace() -> int | None:
    try:
        return os.stat("/proc/self/ns/net").st_ino
    except OSError:  # not Linux: no namespaces, so no lab but the simulated one
        return None
