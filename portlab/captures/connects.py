"""What connect() would have said: the errnos of a connect scan, worked out from the frames it left on the wire.

Linux turns each ICMP error that reaches a connection attempt into an errno (its table `icmp_err_convert`; measured).
"""

from __future__ import annotations

import errno

import numpy as np
from numpy.typing import NDArray

from portlab.model import ERRNO, Answer, Errnos, Frames
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, RST, SYN
from portlab.techniques.matching import Matches, ProbeTable, conversations

_ERRNOS = {
    Answer.SYN_ACK: 0,
    Answer.SYN: 0,  # it is answered by SYN-ACK, and the connection stands (RFC 9293 section 3.5, figure 7)
    Answer.RST: errno.ECONNREFUSED,
    Answer.PORT_UNREACH_BY_TARGET: errno.ECONNREFUSED,
    Answer.PORT_UNREACH_BY_OTHER: errno.ECONNREFUSED,
    Answer.PROTO_UNREACH_BY_TARGET: errno.ENOPROTOOPT,
    Answer.PROTO_UNREACH_BY_OTHER: errno.ENOPROTOOPT,
    Answer.NET_UNREACH: errno.ENETUNREACH,
    Answer.NET_PROHIBITED: errno.ENETUNREACH,
    Answer.HOST_UNREACH: errno.EHOSTUNREACH,
    Answer.HOST_PROHIBITED: errno.EHOSTUNREACH,
    Answer.ADMIN_PROHIBITED: errno.EHOSTUNREACH,
    Answer.TIME_EXCEEDED: errno.EHOSTUNREACH,
}


def errnos(frames: Frames, matches: Matches, probes: ProbeTable) -> Errnos:
    """The errno of each connection attempt, from the first answer to it; attempts that met silence have none.

    Where the handshake was finished, whatever came before the SYN-ACK did not end the attempt.
    """
    finished = np.isin(matches.probe, _finished(frames, probes)) & (matches.answer == Answer.SYN_ACK.code)
    order = np.lexsort((matches.event, ~finished, matches.probe))
    _, at = np.unique(matches.probe[order], return_index=True)
    first = order[at]
    event, answer = matches.event[first], matches.answer[first]
    seen = Dissected(frames[event])
    ends = np.zeros(len(first), ERRNO)
    ends["probe"], ends["time_ns"] = matches.probe[first], frames["time_ns"][event]
    ends["heard_ns"] = ends["time_ns"]
    ends["errno"] = _table()[answer]
    ends["icmp_type"] = np.where(seen.is_error, seen.icmp_type.astype(np.int16), -1)
    ends["icmp_code"] = np.where(seen.is_error, seen.icmp_code.astype(np.int16), -1)
    ends["answered_by"] = np.where(seen.is_error, seen.source, 0)
    return ends[np.argsort(ends["time_ns"], kind="stable")]


def _finished(frames: Frames, probes: ProbeTable) -> NDArray[np.intp]:
    """The attempts of which the asker's ACK was captured."""
    seen = Dissected(frames)
    acks = seen.is_tcp & ~seen.received & (seen.control_bits & (SYN | ACK | RST) == ACK)
    return np.unique(conversations(seen, probes, "tcp")[acks])


def _table() -> NDArray[np.int32]:
    """Answer code -> errno; what Linux has no errno for ends in ETIMEDOUT, as silence does."""
    table = np.full(256, errno.ETIMEDOUT, np.int32)
    for answer, number in _ERRNOS.items():
        table[answer.code] = number
    return table
