import math

import numpy as np
import pytest

from portlab.errors import BadTarget
from portlab.targets import at_least, limit_probes, positive


@pytest.mark.parametrize("value", [1, 0.25, np.float32(0.5), np.int64(3)])
def test_positive(value: float) -> None:
    assert positive("timeout", value) == value


@pytest.mark.parametrize(
    "value", [0, -1, math.nan, math.inf, -math.inf, True, None, "2", "fast", [1], 1j, b"1"]
)
def test_not_positive(value: object) -> None:
    with pytest.raises(BadTarget, match="timeout is a number above 0, in seconds") as caught:
        positive("timeout", value)
    assert f"timeout={value!r}" in str(caught.value)


@pytest.mark.parametrize("value", [1, 10, np.uint8(4)])
def test_at_least(value: int) -> None:
    assert at_least("tries", value, 1, 10) == value


@pytest.mark.parametrize("value", [0, 11, -1, 2.0, True, None, "2", math.nan])
def test_not_at_least(value: object) -> None:
    with pytest.raises(BadTarget, match="tries is a whole number from 1 to 10") as caught:
        at_least("tries", value, 1, 10)
    assert f"tries={value!r}" in str(caught.value)


def test_too_many_probes_say_how_to_narrow() -> None:
    limit_probes(256, 65_536)
    with pytest.raises(BadTarget, match=r"257 hosts with 65,536 ports .*common"):
        limit_probes(257, 65_536)
