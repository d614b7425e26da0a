"""What an answer was on the wire: the learner is asked for packets, a technique says answers."""

from __future__ import annotations

import pytest

from portlab.learn.evidence import Packet, packet_of
from portlab.techniques import TECHNIQUES, technique


@pytest.mark.parametrize("name", TECHNIQUES)
def test_every_answer_that_a_technique_reads_is_a_packet(name: str) -> None:
    for answer in technique(name).MEANINGS:
        assert (packet_of(answer) is Packet.ICMP_ERROR) is answer.is_icmp_error
