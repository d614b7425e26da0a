"""Which frames of a capture were damaged on their way, and of which the checksum was only not filled in yet.

A capture does not tell who fills checksums in.  Where wrong sums are the rule for a sender, it left them to its
network card (offload), or they were spoilt afterwards, when the addresses of a capture were made anonymous: its
packets are read.  Where wrong sums are the exception, the packets were damaged, and no host would have read them
(RFC 1122 section 3.2.1.2).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.model import CHECKSUM_NOT_READY, DAMAGED
from portlab.packets.verify import EMPTY, PARTIAL, RIGHT, WRONG

Bytes = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def marks(source: NDArray[np.uint32], protocol: Bytes, header: Bytes, segment: Bytes) -> Bytes:
    """The mark of every frame: DAMAGED, CHECKSUM_NOT_READY, or 0 where nothing is wrong with it.

    `header` and `segment` are what `verify.check` found; both are 0 in a frame that is no IPv4.
    """
    unready = segment == PARTIAL
    damaged = np.zeros(len(source), bool)
    for found, kind in ((header, np.zeros_like(protocol)), (segment, protocol)):
        wrong = (found == WRONG) | (found == EMPTY)
        excused = wrong & _is_the_rule(source, kind, found, wrong)
        unready |= excused
        damaged |= wrong & ~excused
    return np.select([damaged, unready], [DAMAGED, CHECKSUM_NOT_READY], 0).astype(np.uint8)


def _is_the_rule(source: NDArray[np.uint32], kind: Bytes, found: Bytes, wrong: Mask) -> Mask:
    """Where a wrong sum is the rule for its sender: more of its sums of this kind are wrong than right.

    One packet alone makes no rule, unless its sum was left empty or wrong ones are the rule among several of its
    kind in the whole file.
    """
    rule = np.zeros(len(found), bool)
    if not wrong.any():
        return rule
    rows = np.flatnonzero(wrong | (found == RIGHT))
    sender = source[rows].astype(np.int64) << 8 | kind[rows]
    mostly, alone = _mostly(sender, wrong[rows])
    everywhere, only = _mostly(kind[rows].astype(np.int64), wrong[rows])
    rule[rows] = mostly & (~alone | (found[rows] == EMPTY) | (everywhere & ~only))
    return rule


def _mostly(group: NDArray[np.int64], wrong: Mask) -> tuple[Mask, Mask]:
    """For each row, whether most of its group is wrong, and whether it is the only one."""
    _, number = np.unique(group, return_inverse=True)
    all_, bad = np.bincount(number), np.bincount(number, wrong)
    return (2 * bad > all_)[number], (all_ == 1)[number]
