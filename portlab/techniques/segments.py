"""TCP probes: a segment without data for each row of the probes table.  The token is the sequence number."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from portlab.model import Probes
from portlab.packets import craft
from portlab.techniques.matching import identification


def segments(probes: Probes, control_bits: int, acknowledgment_number: ArrayLike = 0) -> NDArray[np.uint8]:
    """Segments with these flags, from each probe's source port to its port."""
    return craft.tcp(
        probes["source"],
        probes["address"],
        probes["source_port"],
        probes["port"],
        sequence_number=probes["token"],
        acknowledgment_number=acknowledgment_number,
        control_bits=control_bits,
        identification=identification(probes["token"]),
    )
