"""Wrong sums that are the rule for their sender are offload, and are read; as an exception they are damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scapy.layers import inet
from scapy.layers.l2 import Ether

from portlab.model import CHECKSUM_NOT_READY, DAMAGED
from portlab.packets import damage, pcap
from portlab.packets.verify import EMPTY, PARTIAL, RIGHT, UNJUDGED, WRONG
from tests.portlab.packets.made import write_classic

TCP, UDP, NONE = 6, 17, 0
FINE, UNREADY = 0, CHECKSUM_NOT_READY
A, B, C = 1, 2, 3  # senders

CASES = {
    "all right": ([(A, TCP, RIGHT, RIGHT)] * 3, [FINE] * 3),
    "the exception": ([(A, TCP, RIGHT, RIGHT)] * 3 + [(A, TCP, RIGHT, WRONG)], [FINE] * 3 + [DAMAGED]),
    "the exception, left empty": (
        [(A, TCP, RIGHT, RIGHT)] * 3 + [(A, TCP, RIGHT, EMPTY)],
        [FINE] * 3 + [DAMAGED],
    ),
    "the exception, in the header": (
        [(A, TCP, RIGHT, RIGHT)] * 3 + [(A, TCP, WRONG, RIGHT)],
        [FINE] * 3 + [DAMAGED],
    ),
    "the rule": ([(A, TCP, RIGHT, WRONG)] * 3 + [(A, TCP, RIGHT, RIGHT)], [UNREADY] * 3 + [FINE]),
    "as often right as wrong": (
        [(A, TCP, RIGHT, WRONG), (A, TCP, RIGHT, RIGHT)] * 2,
        [DAMAGED, FINE, DAMAGED, FINE],
    ),
    "the rule of one, the exception of another": (
        [(A, TCP, RIGHT, WRONG)] * 2 + [(B, TCP, RIGHT, RIGHT)] * 2 + [(B, TCP, RIGHT, WRONG)],
        [UNREADY] * 2 + [FINE] * 2 + [DAMAGED],
    ),
    "the rule for TCP, the exception for UDP": (
        [(A, TCP, RIGHT, WRONG)] * 9 + [(A, UDP, RIGHT, RIGHT)] * 2 + [(A, UDP, RIGHT, WRONG)],
        [UNREADY] * 9 + [FINE] * 2 + [DAMAGED],
    ),
    "alone, left empty": ([(A, TCP, RIGHT, RIGHT), (B, TCP, RIGHT, EMPTY)], [FINE, UNREADY]),
    "alone, an empty header sum": ([(A, TCP, RIGHT, RIGHT), (B, TCP, EMPTY, RIGHT)], [FINE, UNREADY]),
    "alone, any other number": ([(A, TCP, RIGHT, RIGHT), (B, TCP, RIGHT, WRONG)], [FINE, DAMAGED]),
    "alone, where all are wrong": (
        [(A, TCP, RIGHT, WRONG), (B, TCP, RIGHT, WRONG), (C, TCP, RIGHT, WRONG)],
        [UNREADY] * 3,
    ),
    "alone of its kind in the whole file": (
        [(A, TCP, RIGHT, RIGHT)] * 2 + [(B, UDP, RIGHT, WRONG)],
        [FINE] * 2 + [DAMAGED],
    ),
    "pseudo header alone": (
        [(A, TCP, RIGHT, RIGHT)] * 5 + [(A, TCP, RIGHT, PARTIAL)],
        [FINE] * 5 + [UNREADY],
    ),
    "never judged": ([(A, NONE, UNJUDGED, UNJUDGED), (A, TCP, RIGHT, UNJUDGED)], [FINE] * 2),
    "spoilt addresses, damaged besides": (
        [(A, TCP, WRONG, RIGHT)] * 5 + [(A, TCP, WRONG, WRONG)],
        [UNREADY] * 5 + [DAMAGED],
    ),
    "nothing at all": ([], []),
}


@pytest.mark.parametrize(("rows", "found"), CASES.values(), ids=CASES)
def test_what_a_wrong_sum_means(rows: list[tuple[int, int, int, int]], found: list[int]) -> None:
    source, protocol, header, segment = np.array(rows, np.uint32).reshape(-1, 4).T
    marks = damage.marks(source, *(column.astype(np.uint8) for column in (protocol, header, segment)))
    assert marks.tolist() == found


def test_a_file_s_rule_is_that_of_one_sender_and_one_protocol(tmp_path: Path) -> None:
    """Its card fills in the sums of TCP, not those of UDP; another host fills in all by itself."""
    near, far = (inet.IP(src=f"10.0.0.{host}", dst="10.0.0.9") for host in (1, 2))
    offloaded, wrong = inet.TCP(chksum=1), inet.UDP(chksum=1)
    packets = [near / offloaded] * 3 + [near / inet.UDP()] * 2 + [near / wrong]
    packets += [far / inet.TCP()] * 2 + [far / offloaded]
    write_classic(tmp_path / "file", 1, *(bytes(Ether() / packet) for packet in packets))
    marks = [UNREADY] * 3 + [FINE] * 2 + [DAMAGED] + [FINE] * 2 + [DAMAGED]
    assert pcap.read(tmp_path / "file").frames["marks"].tolist() == marks
