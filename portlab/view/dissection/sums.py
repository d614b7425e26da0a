"""Is a checksum right?  It is added up anew from the bytes that were kept (RFC 1071)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from portlab.packets.checksum import fold, words_sum

NOT_READY = "the sending kernel had not filled it in yet when the frame was captured"


@dataclass(frozen=True, slots=True)
class Datagram:
    """An IPv4 packet as far as it was kept: its bytes, and whether its checksums were ready when it was captured."""

    data: bytes
    ready: bool = True

    @property
    def _header_size(self) -> int:
        return (self.data[0] & 0xF) * 4 if self.data else 0

    def header_checksum(self, said: int, quoted: bool) -> str:
        """What the header's own checksum is worth."""
        header = self.data[: self._header_size]
        if len(header) < self._header_size or not header:
            return "covers the header, which is not here whole"
        return f"covers this header: {judged(said, header, 10, quoted)}"

    def segment(self) -> bytes | None:
        """What follows the header, whole; None where it was not kept whole, or is only a fragment."""
        total = int.from_bytes(self.data[2:4], "big")
        if len(self.data) < total or self.data[6] & 0x3F or self.data[7]:
            return None
        return self.data[self._header_size : total]

    def pseudo_header(self, length: int) -> bytes:
        """What TCP and UDP add to their sums: addresses, protocol, length (RFC 9293 section 3.1)."""
        return self.data[12:20] + bytes([0, self.data[9]]) + length.to_bytes(2, "big")


def checksum_meaning(said: int, datagram: Datagram, place: int, quoted: bool) -> str:
    """What the checksum of a TCP, UDP or ICMP message is worth; `place`: where in it the checksum lies."""
    protocol = datagram.data[9] if len(datagram.data) > 9 else 0
    covers = "covers the message" if protocol == 1 else "covers addresses, header and data"
    if protocol == 17 and said == 0:
        return "0: the sender made none (RFC 768)"
    if not datagram.ready:
        return f"{covers}: {NOT_READY}"
    segment = datagram.segment()
    if segment is None:
        return f"{covers}: cannot be checked, not all of it is here"
    before = b"" if protocol == 1 else datagram.pseudo_header(len(segment))
    return f"{covers}: {judged(said, before + segment, len(before) + place, quoted)}"


def judged(said: int, data: bytes, place: int, quoted: bool) -> str:
    """Right, or what it would have to be."""
    without = data[:place] + b"\0\0" + data[place + 2 :]
    wanted = checksum(without)
    if said == wanted or {said, wanted} == {0, 0xFFFF}:  # two ways to write zero
        return "right"
    if quoted:
        return (
            "does not fit: something on the way had changed the packet before it was quoted, or it is wrong"
        )
    return f"wrong, it would have to be 0x{wanted:04x}; a host throws such a packet away"


def checksum(data: bytes) -> int:
    """The Internet checksum of some bytes."""
    native = fold(words_sum(np.frombuffer(data, np.uint8)[np.newaxis]))
    return int.from_bytes(native.tobytes(), "big")
