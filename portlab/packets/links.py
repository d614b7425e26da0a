"""Links: where in a frame IPv4 begins, whatever the link was, by the link types of https://www.tcpdump.org/linktypes.html.

Every frame comes back as Ethernet would carry it.  A link's own header is read first; then tags and tunnels of the
link layer (VLAN, 802.1ah, PPPoE, LLC/SNAP, MPLS) are taken off, one round for all frames at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from portlab.model import RECEIVED, SENT
from portlab.packets.headers import ETHERNET_SIZE, ETHERTYPE_ARP, ETHERTYPE_IPV4

Bytes = NDArray[np.uint8]
Index = NDArray[np.intp]

ETHERTYPE_IPV6, NO_ETHERTYPE = 0x86DD, 0
UNTOLD = 255
"""The direction of a frame whose link does not tell it."""
LINK_BITS = 0xFFFF  # of a file's link type; above them stands whether a checksum (FCS) follows each frame
FCS_PRESENT, FCS_SHIFT = 0x0400_0000, 28  # and how many 16-bit words long it is

NAMES = {
    3: "AX.25", 6: "Token Ring", 7: "ARCNET", 105: "Wi-Fi", 107: "Frame Relay", 109: "OpenBSD enc",
    117: "OpenBSD pflog", 119: "Wi-Fi with Prism header", 122: "IP over Fibre Channel", 123: "SunATM",
    127: "Wi-Fi with radiotap header", 129: "ARCNET", 139: "SS7 MTP2", 140: "SS7 MTP2", 141: "SS7 MTP3",
    142: "SS7 SCCP", 143: "DOCSIS", 144: "IrDA", 163: "Wi-Fi with AVS header", 165: "BACnet MS/TP", 177: "LAPD",
    182: "Frame Relay, multilink", 187: "Bluetooth HCI", 189: "USB", 190: "CAN bus", 191: "IEEE 802.15.4",
    192: "PPI", 195: "IEEE 802.15.4", 197: "ERF", 201: "Bluetooth HCI", 203: "LAPD", 209: "I2C", 212: "LIN bus",
    215: "IEEE 802.15.4", 220: "USB", 224: "Fibre Channel", 226: "IPNET", 227: "CAN bus", 230: "IEEE 802.15.4",
    231: "D-Bus", 235: "DVB-CI", 239: "NFLOG", 242: "IP over InfiniBand", 245: "NFC", 247: "InfiniBand",
    249: "USBPcap", 251: "Bluetooth LE", 252: "Wireshark upper PDU", 253: "netlink", 254: "Bluetooth monitor",
    256: "Bluetooth LE", 258: "PKTAP", 266: "USB", 271: "vsock", 283: "IEEE 802.15.4", 288: "USB",
    **dict.fromkeys((*range(130, 138), *range(178, 182)), "Juniper"), **dict.fromkeys(range(147, 163), "private use"),
}  # fmt: skip
"""What links of other types are called, for sentences that say they were left out."""


@dataclass(eq=False)
class Located:
    """Where each frame's packet lies in `raw`: begin and end, EtherType, addresses, and what the link's header told.

    `hardware` is the place of six bytes destination and six bytes source; -1: the link has none.
    """

    raw: Bytes  # padded, so that a look beyond the end of a frame stays inside
    at: Index
    end: Index
    ethertype: NDArray[np.int64]
    hardware: Index
    direction: Bytes

    def number(self, where: Index, rows: Index | slice = slice(None)) -> NDArray[np.int64]:
        """The 16-bit numbers that stand at these places; 0 beyond the end of a frame."""
        there = np.minimum(where, len(self.raw) - 2)
        value = self.raw[there].astype(np.int64) << 8 | self.raw[there + 1]
        return np.where(where + 2 <= self.end[rows], value, 0)


def name(link: int) -> str:
    """How messages call a link: its name, and its number."""
    known = LINKS[link][0] if link in LINKS else NAMES.get(link, "")
    return f"{known} (link type {link})" if known else f"link type {link}"


def find(raw: Bytes, start: Index, end: Index, link: int) -> Located:
    """The packets of frames that lie in `raw` from `start` to `end`; `link` is one of LINKS."""
    nothing = np.full(len(start), -1, np.intp)
    untold = np.full(len(start), UNTOLD, np.uint8)
    found = Located(raw, start.copy(), end, np.zeros(len(start), np.int64), nothing, untold)
    LINKS[link][1](found)
    for _ in range(MOST_LAYERS):
        if not _unwrap(found):
            break
    return found


def as_ethernet(found: Located, kept: int) -> Bytes:
    """The first `kept` bytes of every frame, with an Ethernet header of 14 bytes, zero padded."""
    frames = np.zeros((len(found.at), kept), np.uint8)
    with_hardware = np.flatnonzero(found.hardware >= 0)
    addresses = np.lib.stride_tricks.sliding_window_view(found.raw, 12)
    frames[with_hardware, :12] = addresses[found.hardware[with_hardware]]
    frames[:, 12], frames[:, 13] = found.ethertype >> 8, found.ethertype & 0xFF
    room = kept - ETHERNET_SIZE
    packets = np.lib.stride_tricks.sliding_window_view(found.raw, room)
    frames[:, ETHERNET_SIZE:] = packets[found.at]
    short = np.flatnonzero(found.end - found.at < room)
    beyond = np.arange(room) >= (found.end - found.at)[short, np.newaxis]
    frames[short, ETHERNET_SIZE:] *= ~beyond
    return frames


# --- links --------------------------------------------------------------------------------------------------


def _typed(header: int, where: int, hardware: int = -1) -> Callable[[Located], None]:
    """A link whose header of `header` bytes has an EtherType at `where`, and the addresses at `hardware`."""

    def read(found: Located) -> None:
        found.ethertype = found.number(found.at + where)
        if hardware >= 0:
            found.hardware = np.where(found.at + header <= found.end, found.at + hardware, -1)
        found.at = np.minimum(found.at + header, found.end)

    return read


def _logical(header: int) -> Callable[[Located], None]:
    """A link whose header of `header` bytes is followed by LLC (IEEE 802.2): a length stands for the EtherType."""

    def read(found: Located) -> None:
        found.at = np.minimum(found.at + header, found.end)

    return read


def _ip(found: Located) -> None:
    """Raw IP: the version says which."""
    version = found.number(found.at) >> 12
    found.ethertype = np.select([version == 4, version == 6], [ETHERTYPE_IPV4, ETHERTYPE_IPV6], NO_ETHERTYPE)


IPV6_FAMILIES = (10, 24, 28, 30)  # AF_INET6 of Linux, NetBSD, FreeBSD, macOS; AF_INET is 2 everywhere


def _family(found: Located) -> None:
    """Four bytes of address family, in the byte order of the machine that captured."""
    low, high = found.number(found.at) >> 8, found.number(found.at + 2) & 0xFF
    family = np.maximum(low, high)
    found.ethertype = np.select(
        [family == 2, np.isin(family, IPV6_FAMILIES)], [ETHERTYPE_IPV4, ETHERTYPE_IPV6], NO_ETHERTYPE
    )
    found.at = np.minimum(found.at + 4, found.end)


FROM_US = 4
"""The packet type of a cooked frame that this machine sent (PACKET_OUTGOING)."""


def _cooked(found: Located) -> None:
    """LINKTYPE_LINUX_SLL: packet type, hardware type, address length, address (8), EtherType."""
    found.direction = np.where(found.number(found.at) == FROM_US, SENT, RECEIVED).astype(np.uint8)
    _typed(16, 14, hardware=0)(found)


def _cooked2(found: Located) -> None:
    """LINKTYPE_LINUX_SLL2: EtherType, reserved, interface, hardware type, packet type and length, address (8)."""
    found.direction = np.where(found.number(found.at + 10) >> 8 == FROM_US, SENT, RECEIVED).astype(np.uint8)
    _typed(20, 0, hardware=6)(found)


PPP_PROTOCOLS = {0x0021: ETHERTYPE_IPV4, 0x0057: ETHERTYPE_IPV6, 0x0281: 0x8847, 0x0283: 0x8848}
"""PPP protocol -> EtherType (RFC 1332, RFC 5072, RFC 3032)."""


def _ppp(found: Located) -> None:
    """PPP: address and control, unless left out; a protocol of two bytes, or of one that is odd (RFC 1661)."""
    first = found.number(found.at)
    found.at = np.minimum(found.at + 2 * (first & 0xFF == 0x03), found.end)
    number = found.number(found.at)
    short = number >> 8 & 1 == 1
    number = np.where(short, number >> 8, number)
    found.ethertype = _ppp_ethertype(number)
    found.at = np.minimum(found.at + np.where(short, 1, 2), found.end)


def _ppp_ethertype(protocol: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.select([protocol == one for one in PPP_PROTOCOLS], list(PPP_PROTOCOLS.values()), NO_ETHERTYPE)


def _slip(found: Located) -> None:
    """A byte of direction, 0 received, and 15 of a compressed header (RFC 1144), which is not read."""
    found.direction = np.where(found.number(found.at) >> 8 == 0, RECEIVED, SENT).astype(np.uint8)
    _after(16, _ip)(found)


def _ppp_of_pppd(found: Located) -> None:
    """The first byte, which is always 255, is replaced: 0 received, else sent."""
    found.direction = np.where(found.number(found.at) >> 8 == 0, RECEIVED, SENT).astype(np.uint8)
    _ppp(found)


def _ppp_with_direction(found: Located) -> None:
    """A byte before PPP: 0 received, else sent."""
    found.direction = np.where(found.number(found.at) >> 8 == 0, RECEIVED, SENT).astype(np.uint8)
    found.at = np.minimum(found.at + 1, found.end)
    _ppp(found)


def _pppoe(found: Located) -> None:
    found.ethertype[:] = PPPOE


def _after(header: int, read: Callable[[Located], None]) -> Callable[[Located], None]:
    """A link that puts `header` bytes before the frames of another."""

    def read_after(found: Located) -> None:
        found.at = np.minimum(found.at + header, found.end)
        read(found)

    return read_after


_ethernet = _typed(ETHERNET_SIZE, 12, hardware=0)

LINKS: dict[int, tuple[str, Callable[[Located], None]]] = {
    0: ("BSD loopback", _family),
    1: ("Ethernet", _ethernet),
    9: ("PPP", _ppp),
    8: ("SLIP", _slip),
    10: ("FDDI", _logical(13)),
    11: ("ATM with LLC (RFC 1483)", _logical(0)),
    12: ("raw IP", _ip),
    14: ("raw IP", _ip),
    50: ("PPP over HDLC", _ppp),
    51: ("PPPoE", _pppoe),
    100: ("ATM with LLC (RFC 1483)", _logical(0)),
    101: ("raw IP", _ip),
    104: ("Cisco HDLC", _typed(4, 2)),
    106: ("ATM with LLC (Linux)", _logical(0)),
    108: ("OpenBSD loopback", _family),
    113: ("Linux cooked", _cooked),
    138: ("IP over IEEE 1394 (Apple)", _typed(18, 16)),
    166: ("PPP of pppd", _ppp_of_pppd),
    204: ("PPP with direction", _ppp_with_direction),
    228: ("IPv4", _ip),
    229: ("IPv6", _ip),
    240: ("Ethernet of a netANALYZER", _after(4, _ethernet)),
    276: ("Linux cooked v2", _cooked2),
    281: ("Ethernet with a Broadcom switch tag", _typed(18, 16, hardware=0)),
    282: ("Ethernet after a Broadcom switch tag", _after(4, _ethernet)),
    284: ("Ethernet with a DSA switch tag", _typed(18, 16, hardware=0)),
    285: ("Ethernet with an EDSA switch tag", _typed(22, 20, hardware=0)),
}
"""Link type -> name, and how its header is read."""

# --- inside a link ------------------------------------------------------------------------------------------

MOST_LAYERS = 16
TAGS = {0x8100: (2, 4), 0x88A8: (2, 4), 0x9100: (2, 4), 0x9200: (2, 4), 0x88E7: (16, 18), 0x892F: (4, 6)}
"""Tag -> where the next EtherType stands, and how long it is: VLANs (802.1Q, 802.1ad, and older), 802.1ah, HSR."""
MAC_IN_MAC, ITS_ADDRESSES = 0x88E7, 4
PPPOE = 0x8864
MPLS = (0x8847, 0x8848)
LARGEST_LENGTH = 1500  # up to here an EtherType is a length, and LLC follows
SNAP_BEGINS, IP_SAP = 0xAAAA, 0x0606


def _unwrap(found: Located) -> bool:
    """Take the outermost tag or tunnel off every frame; False where there was none."""
    known = np.isin(found.ethertype, (ETHERTYPE_IPV4, ETHERTYPE_ARP, ETHERTYPE_IPV6))
    rows = np.flatnonzero(~known & (found.at < found.end))
    if not len(rows):
        return False
    kind, at = found.ethertype[rows], found.at[rows]
    ethertype, skip = kind.copy(), np.zeros(len(rows), np.intp)
    for tag, (where, size) in TAGS.items():
        is_tag = kind == tag
        ethertype[is_tag] = found.number(at + where, rows)[is_tag]
        skip[is_tag] = size
    inner = rows[kind == MAC_IN_MAC]
    found.hardware[inner] = found.at[inner] + ITS_ADDRESSES
    is_pppoe = kind == PPPOE  # version and code, session, length, PPP's protocol (RFC 2516)
    ethertype[is_pppoe] = _ppp_ethertype(found.number(at + 6, rows))[is_pppoe]
    skip[is_pppoe] = 8
    is_llc = kind <= LARGEST_LENGTH
    service = found.number(at, rows)
    is_snap, is_ip = is_llc & (service == SNAP_BEGINS), is_llc & (service == IP_SAP)
    ethertype[is_snap] = found.number(at + 6, rows)[is_snap]
    ethertype[is_ip] = ETHERTYPE_IPV4
    skip[is_snap], skip[is_ip] = 8, 3
    is_mpls = np.isin(kind, MPLS)  # a label of 20 bits, 3 of class, and whether it is the last (RFC 3032)
    last = is_mpls & (found.number(at + 2, rows) >> 8 & 1 == 1)
    version = found.number(at + 4, rows) >> 12
    ethertype[last] = np.select([version == 4, version == 6], [ETHERTYPE_IPV4, ETHERTYPE_IPV6], 0)[last]
    skip[is_mpls] = 4
    found.ethertype[rows] = ethertype
    found.at[rows] = np.minimum(at + skip, found.end[rows])
    return bool(skip.any())
