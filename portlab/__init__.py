"""PortLab: ports and port scanning, with real packets, the picture of them, and the reasoning about them.

    import portlab as pl
    pl.ping("office")
    scan = pl.syn_scan("web", "20-25,80,443")
    scan                        # a summary
    scan["web", 22]             # one verdict
    scan.exchange("web", 22)    # the packets behind it

Importing opens nothing, starts nothing and sends nothing; each room is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portlab import lab, ports
    from portlab.captures.capture import read_capture
    from portlab.errors import (
        BadTarget,
        LabNotRunning,
        MalformedPacket,
        NotPermitted,
        OutOfScope,
        PortLabError,
    )
    from portlab.exports import read_json, read_nmap_xml
    from portlab.scanning.scan import (
        ack_scan,
        connect_scan,
        fin_scan,
        maimon_scan,
        null_scan,
        ping,
        syn_scan,
        udp_scan,
        xmas_scan,
    )
    from portlab.scanning.send import send
    from portlab.scope import authorise
    from portlab.wire.listen import capture

__version__ = "0.1.0"

_ROOMS = {
    "captures.as_scans": ["read_pcap"],
    "captures.capture": ["read_capture"],
    "wire.listen": ["capture"],
    "errors": ["BadTarget", "LabNotRunning", "MalformedPacket", "NotPermitted", "OutOfScope", "PortLabError"],
    "exports": ["read_json", "read_nmap_xml"],
    "scanning.send": ["send"],
    "scanning.scan": [
        "ack_scan",
        "connect_scan",
        "fin_scan",
        "maimon_scan",
        "null_scan",
        "ping",
        "syn_scan",
        "udp_scan",
        "xmas_scan",
    ],
    "scope": ["authorise"],
}
_PLACE = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = ("lab", "ports")

__all__ = [
    "BadTarget",
    "LabNotRunning",
    "MalformedPacket",
    "NotPermitted",
    "OutOfScope",
    "PortLabError",
    "ack_scan",
    "authorise",
    "capture",
    "connect_scan",
    "fin_scan",
    "lab",
    "maimon_scan",
    "null_scan",
    "ping",
    "ports",
    "read_capture",
    "read_json",
    "read_nmap_xml",
    "read_pcap",
    "send",
    "syn_scan",
    "udp_scan",
    "xmas_scan",
]


def __getattr__(name: str) -> Any:
    """Load the room that holds `name` when it is first asked for."""
    if name in _PLACE:
        value = getattr(import_module(f"portlab.{_PLACE[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"portlab.{name}")
    else:
        raise AttributeError(f"module 'portlab' has no attribute {name!r}; it has {', '.join(__all__)}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
