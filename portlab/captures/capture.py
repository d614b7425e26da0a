"""A capture: whole frames in order of time, and the TCP connections and scans in it.

`with pl.capture() as c:` (see `listen`) makes one of what passes this machine's link, `read_capture` one of a file.
A scan keeps 128 bytes of each frame; here frames are whole, so that what was said on a connection can be read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from portlab import files, lab
from portlab.addresses import dotted
from portlab.errors import MalformedPacket
from portlab.model import Frames
from portlab.packets import left_out, pcap
from portlab.packets.dissect import Dissected
from portlab.packets.streams import Stream, first_bytes, streams

if TYPE_CHECKING:
    from portlab.evidence.scans import Scans


@dataclass(eq=False, repr=False)
class Capture:
    """Frames as they passed.  `frames` is a table like a scan's (see `model.frame_table`), with whole frames in it.

    `lost` counts frames that this machine could not keep up with; `damage` says what was wrong with the file it was
    read from, "" if nothing; `foreign` counts frames of it that are not here, by the name of their link.
    """

    frames: Frames
    fidelity: str
    lost: int = 0
    damage: str = ""
    names: dict[int, str] = field(default_factory=dict)
    foreign: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.frames)

    def streams(self) -> list[Stream]:
        """The TCP connections in it on which something was said, in order of their beginning."""
        return streams(self.frames)

    def scans(self) -> Scans:
        """The scans in it, as `pl.read_pcap` finds them in a file."""
        from portlab.captures.as_scans import scans_in

        return scans_in(first_bytes(self.frames), self.damage, self.foreign)

    @property
    def left_out(self) -> left_out.Counts:
        """Which frames say nothing to PortLab: why, and how many."""
        return left_out.counted(left_out.why(first_bytes(self.frames)), self.foreign)

    def to_pcap(self, path: files.Pathish) -> None:
        """Write the frames as a capture file (pcapng, or classic pcap where the name ends in .pcap)."""
        pcap.write(path, self.frames)

    def __repr__(self) -> str:
        from portlab.view import listing

        return listing.text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from portlab.view import listing

        return listing.mimebundle(self)


def read_capture(path: files.Source) -> Capture:
    """All frames of a pcap or pcapng file, whole: to look at single packets and to follow connections.

    `pl.read_pcap` reads the same file as scans.  Raises MalformedPacket for what is no capture.
    """
    from portlab.exports.other_readers import no_capture

    try:
        read = pcap.read(path, whole=True)
    except MalformedPacket as error:
        raise no_capture(path, error) from error
    names = names_in(read.frames)
    return Capture(read.frames, "capture", damage=read.damage, names=names, foreign=read.foreign)


def names_in(frames: Frames) -> dict[int, str]:
    """How the lab calls the addresses that occur in these frames."""
    seen = Dissected(first_bytes(frames))
    told = (seen.is_ipv4, (seen.source, seen.destination)), (seen.is_arp, (seen.arp_sender, seen.arp_target))
    addresses = {address for mask, columns in told for column in columns for address in column[mask].tolist()}
    named = {address: lab.name_of(dotted(address)) for address in addresses}
    return {address: name for address, name in named.items() if name}
