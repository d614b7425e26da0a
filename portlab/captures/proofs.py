"""What a capture proves beyond the answers in it, and what it cannot say.

Of one direction only, the scanner's own segments are left: a RST or an ACK with the number after a SYN's acknowledges
a SYN-ACK that was not captured (RFC 9293 sections 3.5 and 3.10.7.3).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from portlab.evidence.verdict import NO_EVENT, NOT_CAPTURED, PROVEN_BY_SCANNER, RST_AS_WELL, Asked, Findings
from portlab.model import SENT, Answer, Events, Frames, Probes
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, RST, SYN
from portlab.techniques.matching import NOBODY, Matches, ProbeTable, conversations


def proven(frames: Frames, probes: ProbeTable, matches: Matches) -> Matches:
    """The matches, and a SYN-ACK for each SYN of which the scanner's next segment was captured, but no answer."""
    seen = Dissected(frames)
    flags = seen.control_bits & (SYN | ACK | RST)
    next_ = np.flatnonzero(seen.is_tcp & ~seen.received & ((flags == RST) | (flags == ACK)))
    if not len(next_) or not len(probes):
        return matches
    probe = conversations(seen, probes, "tcp")
    answered = np.zeros(len(probes), bool)
    answered[matches.probe] = True
    next_ = next_[(probe[next_] != NOBODY) & ~answered[probe[next_]]]
    beyond = seen.sequence_number[next_] - probes.column("token", probe[next_]) - np.uint32(1)
    next_ = next_[beyond <= probes.column("data_length", probe[next_])]
    said = np.full(len(next_), Answer.SYN_ACK.code, np.uint8)
    return Matches(
        np.concatenate([matches.probe, probe[next_]]),
        np.concatenate([matches.answer, said]),
        np.concatenate([matches.event, next_]),
    )


def add_remarks(
    findings: Findings,
    asked: Asked,
    probes: Probes,
    events: Events,
    matches: Matches,
    *,
    deaf: bool,
) -> None:
    """Say in the findings what their own sentences do not tell; `deaf`: no frame to the scanner was captured."""
    silent = findings.answer == Answer.SILENCE.code
    if deaf:
        findings.remark[silent & (findings.remark == 0)] = NOT_CAPTURED
    own = matches.event[events.frames["direction"][matches.event] == SENT]
    rows = probes["row"][matches.probe[np.isin(matches.event, own)]]
    rows = rows[~silent[rows]]
    findings.remark[rows] = PROVEN_BY_SCANNER
    findings.answered_by[rows], findings.rtt_ms[rows] = asked.address[rows], np.nan
    findings.remark[_rst_first(findings, probes, matches)] = RST_AS_WELL


def _rst_first(findings: Findings, probes: Probes, matches: Matches) -> NDArray[np.int32]:
    """The open rows for which a RST came before the SYN-ACK."""
    count = len(probes)
    first = {word: np.full(count, np.iinfo(np.intp).max) for word in (Answer.RST, Answer.SYN_ACK)}
    for word, event in first.items():
        of_word = matches.answer == word.code
        np.minimum.at(event, matches.probe[of_word], matches.event[of_word])
    both = (first[Answer.RST] < first[Answer.SYN_ACK]) & (first[Answer.SYN_ACK] < np.iinfo(np.intp).max)
    rows = probes["row"][both]
    opened = np.isin(findings.answer[rows], (Answer.SYN_ACK.code, Answer.CONNECTED.code))
    return rows[opened & (findings.event[rows] != NO_EVENT)]
