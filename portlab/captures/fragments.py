"""Probes in fragments put together, so that their flags can be read (nmap -f; RFC 791 section 3.2)."""

from __future__ import annotations

import numpy as np

from portlab.captures.talks import Index, Mask, ids
from portlab.model import Frames
from portlab.packets.checksum import fold, words_sum
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ETHERNET_SIZE, IPV4, IPV4_SIZE, TCP_PROTOCOL, TCP_SIZE


def put_together(frames: Frames) -> Frames:
    """The same frames, but a segment whose first fragment does not hold its whole header stands there in one piece.

    Of such a segment the other fragments are left out.  Where one is missing, all stay as they are: nobody could have
    read it.
    """
    seen = Dissected(frames, forgiving=True)
    segments = seen.is_ipv4 & (seen.protocol == TCP_PROTOCOL)
    fragment = np.flatnonzero(segments & (seen.more_fragments | (seen.fragment_offset > 0)))
    if not len(fragment):
        return frames
    same = ids(*(column[fragment] for column in (seen.source, seen.destination, seen.identification)))
    split = np.isin(same, same[_header_is_split(seen)[fragment]])
    fragment, same = fragment[split], same[split]
    order = np.lexsort((seen.fragment_offset[fragment], same))
    bounds = np.flatnonzero(np.diff(same[order], prepend=-1))
    whole, left_out = frames.copy() if len(fragment) else frames, np.zeros(len(frames), bool)
    for pieces in np.split(fragment[order], bounds[1:]):
        if len(pieces) and _complete(seen, pieces):
            whole[pieces[0]] = _joined(seen, frames, pieces)
            left_out[pieces[1:]] = True
    return whole[~left_out]


def _header_is_split(seen: Dissected) -> Mask:
    room = seen.total_length.astype(np.int64) - seen.ip_header_length
    too_short = (room < TCP_SIZE) | (room < seen.tcp_header_length)
    return seen.more_fragments & (seen.fragment_offset == 0) & too_short


def _complete(seen: Dissected, pieces: Index) -> bool:
    """Whether these fragments follow each other without a gap, from the first to the last."""
    begins = seen.fragment_offset[pieces].astype(np.int64)
    ends = begins + seen.total_length[pieces] - seen.ip_header_length[pieces]
    return bool(begins[0] == 0 and (begins[1:] == ends[:-1]).all() and not seen.more_fragments[pieces[-1]])


def _joined(seen: Dissected, frames: Frames, pieces: Index) -> np.void:
    """The first fragment's frame with the data of all."""
    data = b""
    for piece in pieces:
        begins = ETHERNET_SIZE + int(seen.ip_header_length[piece])
        data += frames["data"][piece, begins : ETHERNET_SIZE + int(seen.total_length[piece])].tobytes()
    row = frames[pieces[:1]].copy()
    header = ETHERNET_SIZE + int(seen.ip_header_length[pieces[0]])
    ip = row["data"][:, ETHERNET_SIZE : ETHERNET_SIZE + IPV4_SIZE].copy().view(IPV4)
    ip["total_length"], ip["flags_fragment_offset"], ip["header_checksum"] = (
        header - ETHERNET_SIZE + len(data),
        0,
        0,
    )
    row["data"][:, ETHERNET_SIZE : ETHERNET_SIZE + IPV4_SIZE] = ip.view(np.uint8)
    checksum = fold(words_sum(row["data"][:, ETHERNET_SIZE:header]))
    row["data"][:, ETHERNET_SIZE + 10 : ETHERNET_SIZE + 12] = checksum.view(np.uint8)
    kept = data[: row["data"].shape[1] - header]
    row["data"][0, header:] = 0
    row["data"][0, header : header + len(kept)] = np.frombuffer(kept, np.uint8)
    row["captured"], row["length"] = header + len(kept), header + len(data)
    joined: np.void = row[0]
    return joined
