"""Whether the checksums of packets are right, wherever they lie in a table of bytes (RFC 1071)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.packets.headers import (
    ICMP_PROTOCOL,
    ICMP_SIZE,
    IPV4,
    IPV4_SIZE,
    TCP_PROTOCOL,
    TCP_SIZE,
    UDP_PROTOCOL,
    UDP_SIZE,
)

UNJUDGED, RIGHT, WRONG, EMPTY, PARTIAL = range(5)
"""What a checksum is.  UNJUDGED: there is none, or not all that it covers was captured.  EMPTY: wrong, and zero.
PARTIAL: the sum of the pseudo header alone, which is left there for a network card to complete.
"""
PLACES = {TCP_PROTOCOL: 16, UDP_PROTOCOL: 6, ICMP_PROTOCOL: 2}
"""Protocol -> where in its header the checksum stands."""
SMALLEST = {TCP_PROTOCOL: TCP_SIZE, UDP_PROTOCOL: UDP_SIZE, ICMP_PROTOCOL: ICMP_SIZE}
FRAGMENT = 0x3FFF  # of the IPv4 flags and fragment offset: "more fragments", and the offset

Bytes = NDArray[np.uint8]
Index = NDArray[np.intp]


def check(raw: Bytes, at: Index, end: Index) -> tuple[Bytes, Bytes]:
    """Whether the checksums of IPv4 packets are right: of each header, and of each TCP, UDP or ICMP segment.

    The packets lie in `raw`, at least 20 bytes each, from `at`, captured up to `end`.  RFC 1071, RFC 791, RFC 9293
    section 3.1, RFC 768, RFC 792.
    """
    numbers = _BytesAsNumbers(raw)
    ip = np.lib.stride_tricks.sliding_window_view(raw, IPV4_SIZE)[at].view(IPV4)[:, 0]
    size = (ip["version_ihl"] & 0xF).astype(np.intp) * 4
    whole = (size >= IPV4_SIZE) & (at + size <= end)
    header = np.full(len(at), UNJUDGED, np.uint8)
    rows = np.flatnonzero(whole)
    sums = numbers.sums(at[rows], (at + size)[rows])
    header[rows] = np.where(sums == 0xFFFF, RIGHT, np.where(ip["header_checksum"][rows] == 0, EMPTY, WRONG))
    segment = np.full(len(at), UNJUDGED, np.uint8)
    beyond = at + ip["total_length"]
    whole &= (beyond <= end) & (ip["flags_fragment_offset"] & FRAGMENT == 0)
    for protocol, place in PLACES.items():
        fits = whole & (ip["protocol"] == protocol) & (at + size + SMALLEST[protocol] <= beyond)
        rows = np.flatnonzero(fits)
        if len(rows):
            segment[rows] = _segments(numbers, ip[rows], (at + size)[rows], beyond[rows], place)
    return header, segment


def _segments(numbers: _BytesAsNumbers, ip: NDArray[np.void], at: Index, beyond: Index, place: int) -> Bytes:
    """The checksums of segments of one protocol."""
    protocol = int(ip["protocol"][0])
    stored = numbers.at(at + place)
    if protocol == UDP_PROTOCOL:  # it says itself how long it is, and a sum of zero means that there is none
        length = numbers.at(at + 4)
        beyond = np.where((length >= UDP_SIZE) & (at + length < beyond), at + length, beyond)
    sums = numbers.sums(at, beyond)
    pseudo = np.zeros(len(at), np.int64)
    if protocol != ICMP_PROTOCOL:
        for end in ("source_address", "destination_address"):
            pseudo += (ip[end] >> 16).astype(np.int64) + (ip[end] & 0xFFFF)
        pseudo += protocol
    length = beyond - at
    total = _folded(sums + pseudo + length * (protocol != ICMP_PROTOCOL))
    right = (total == 0xFFFF) | (total == 0)  # Linux answers an echo without a single bit with the checksum 0
    # cards that cut a large segment into many are given the sum without its length
    partial = (stored == _folded(pseudo + length)) | (stored == _folded(pseudo))
    partial &= protocol != ICMP_PROTOCOL
    none = (protocol == UDP_PROTOCOL) & (stored == 0)
    kinds = [none, right, partial, stored == 0]
    return np.select(kinds, [UNJUDGED, RIGHT, PARTIAL, EMPTY], WRONG).astype(np.uint8)


class _BytesAsNumbers:
    """The bytes of a table as 16-bit numbers in network order, with sums over any stretch of them."""

    def __init__(self, raw: Bytes) -> None:
        self._raw = raw
        words = raw[: len(raw) // 2 * 2].view(">u2")
        self._totals = np.zeros(len(words) + 1, np.uint32)  # differences hold although it overflows
        np.cumsum(words, dtype=np.uint32, out=self._totals[1:])

    def at(self, where: Index) -> NDArray[np.int64]:
        return self._raw[where].astype(np.int64) << 8 | self._raw[where + 1]

    def sums(self, begin: Index, end: Index) -> NDArray[np.int64]:
        """The folded sum of the 16-bit words of each stretch; an odd last byte counts as if a zero followed it.

        A stretch that begins at an odd place is summed as it lies, and the result swapped (RFC 1071 section 2 (B)).
        """
        odd = begin % 2 == 1
        total = (self._totals[end // 2] - self._totals[(begin + 1) // 2]).astype(np.int64)
        total += np.where(odd, self._raw[begin], 0)
        total += np.where(end % 2 == 1, self._raw[end - 1].astype(np.int64) << 8, 0)
        total = _folded(total)
        return np.where(odd, (total & 0xFF) << 8 | total >> 8, total)


def _folded(total: NDArray[np.int64]) -> NDArray[np.int64]:
    """With the carries added back in."""
    for _ in range(3):
        total = (total & 0xFFFF) + (total >> 16)
    return total
