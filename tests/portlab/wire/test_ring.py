"""What the kernel left in the slots of a capture becomes rows of the frame table."""

import numpy as np
import pytest

from portlab.model import CHECKSUM_NOT_READY, RECEIVED, SENT, SNAP
from portlab.wire import ring

OTHER_HOST, MULTICAST = 3, 2  # <linux/if_packet.h>: to somebody else; to a group


def slots(*changes: dict[str, int], kept: int = SNAP) -> np.ndarray:
    """Slots as the kernel fills them: each holds a whole frame of 60 bytes, all of them 0xAA, for this host."""
    made = np.zeros(len(changes), ring.slot(kept))
    for slot, change in zip(made, changes, strict=True):
        values = {"status": ring.STATUS_USER, "length": 60, "captured": 60, "packet_type": ring.PACKET_HOST}
        for name, value in (values | change).items():
            slot[name] = value
        slot["frame"] = 0xAA
    return made


def test_a_frame_ends_where_it_ends_whatever_the_slot_held_before() -> None:
    (frame,) = ring._as_frames(slots({}))
    assert (frame["captured"], frame["length"]) == (60, 60)
    assert frame["data"].tolist() == [0xAA] * 60 + [0] * (SNAP - 60)


def test_of_a_long_frame_as_much_is_kept_as_the_table_holds() -> None:
    (frame,) = ring._as_frames(slots({"length": 1514, "captured": 190}))
    assert (frame["captured"], frame["length"]) == (SNAP, 1514)
    assert frame["data"].tolist() == [0xAA] * SNAP


def test_the_kernel_s_time_is_kept_to_the_nanosecond() -> None:
    (frame,) = ring._as_frames(slots({"seconds": 4_000_000_000, "nanoseconds": 999_999_999}))
    assert frame["time_ns"] == 4_000_000_000_999_999_999


@pytest.mark.parametrize(
    ("kind", "direction"),
    [(ring.PACKET_HOST, RECEIVED), (ring.PACKET_BROADCAST, RECEIVED), (ring.PACKET_OUTGOING, SENT)],
)
def test_what_went_out_was_sent_and_all_else_received(kind: int, direction: int) -> None:
    assert ring._as_frames(slots({"packet_type": kind}))["direction"].tolist() == [direction]


def test_what_is_for_others_is_left_out() -> None:
    found = ring._as_frames(slots({"packet_type": OTHER_HOST}, {"length": 61}, {"packet_type": MULTICAST}))
    assert found["length"].tolist() == [61]


@pytest.mark.parametrize(
    ("status", "marks"),
    [
        (ring.STATUS_USER, 0),
        (ring.STATUS_USER | ring.STATUS_CHECKSUM_NOT_READY, CHECKSUM_NOT_READY),
        (ring.STATUS_USER | 1 << 7, 0),  # TP_STATUS_CSUM_VALID
    ],
)
def test_a_checksum_that_the_card_was_to_fill_in_is_marked(status: int, marks: int) -> None:
    assert ring._as_frames(slots({"status": status}))["marks"].tolist() == [marks]


@pytest.mark.parametrize("kept", [SNAP, 1514, 0xFFFF])
def test_a_slot_is_a_power_of_two_and_holds_header_and_frame(kept: int) -> None:
    size = ring.slot(kept).itemsize
    assert size & (size - 1) == 0
    assert size // 2 < ring.FRAME_BEGINS + kept <= size
    assert ring.BLOCK % size == 0
