"""The floor: all SYNs of a host sent and their answers counted, with no pacing, no matching and no verdicts.

No scanner written in Python with this wire can be faster; what PortLab takes longer is the price of being right.
"""

from __future__ import annotations

import sys

import numpy as np

from portlab import lab
from portlab.addresses import number
from portlab.packets import craft
from portlab.packets.headers import SYN
from portlab.wire.raw import RawWire

PORTS = 65_535
AT_ONCE = 1024


def main(host: str) -> None:
    """Send to every port of `host`, and stop when every answer is there or none came for a tenth of a second."""
    address = np.full(PORTS, number(lab.resolve(host) or host), np.uint32)
    wire = RawWire(lab.current())
    wire.record_sent = False
    wire.resolve(address[:1], 1.0)
    packets = craft.tcp(
        wire.source(int(address[0])),
        address,
        wire.source_port("tcp"),
        np.arange(1, PORTS + 1),
        sequence_number=7,
        control_bits=SYN,
    )
    heard = 0
    for start in range(0, PORTS, AT_ONCE):
        wire.send(packets[start : start + AT_ONCE])
        heard += len(wire.receive(0))
    while heard < PORTS and (frames := wire.receive(0.1)).size:
        heard += len(frames)
    wire.close()


if __name__ == "__main__":
    main(sys.argv[1])
