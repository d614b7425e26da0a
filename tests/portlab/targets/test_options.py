import math
from fractions import Fraction

import numpy as np
import pytest

from portlab.errors import BadTarget
from portlab.targets import at_least, between, limit_probes, one_of, yes_or_no

HUGE = 10**5000  # more digits than Python writes


@pytest.mark.parametrize("value", [1, 0.25, np.float32(0.5), np.int64(3), Fraction(1, 2), 0.001, 3600])
def test_between(value: float) -> None:
    assert between("timeout", value, 0.001, 3600) == value
    assert type(between("timeout", value, 0.001, 3600)) is float


@pytest.mark.parametrize(
    "value",
    [0, -1, math.nan, math.inf, -math.inf, True, None, "2", "fast", [1], 1j, b"1", 0.0009, 3600.1, np.True_],
)
def test_not_between(value: object) -> None:
    with pytest.raises(BadTarget, match=r"timeout is a number from 0\.001 to 3,600, in seconds") as caught:
        between("timeout", value, 0.001, 3600)
    assert f"timeout={value!r}" in str(caught.value)


@pytest.mark.parametrize("value", [HUGE, -HUGE], ids=["huge", "minus huge"])
def test_number_too_long_to_be_written(value: int) -> None:
    for check in (lambda: between("rate", value, 1, 9), lambda: at_least("tries", value, 1, 9)):
        with pytest.raises(BadTarget, match="=a value of type int cannot be"):
            check()


@pytest.mark.parametrize("value", [1, 10, np.uint8(4)])
def test_at_least(value: int) -> None:
    assert at_least("tries", value, 1, 10) == value


@pytest.mark.parametrize("value", [0, 11, -1, 2.0, True, None, "2", math.nan, np.True_])
def test_not_at_least(value: object) -> None:
    with pytest.raises(BadTarget, match="tries is a whole number from 1 to 10") as caught:
        at_least("tries", value, 1, 10)
    assert f"tries={value!r}" in str(caught.value)


@pytest.mark.parametrize("value", [True, False, np.True_])
def test_yes_or_no(value: bool) -> None:
    assert yes_or_no("progress", value) is bool(value)


@pytest.mark.parametrize("value", [0, 1, None, "yes", []])
def test_neither_yes_nor_no(value: object) -> None:
    with pytest.raises(BadTarget, match="is neither: type progress=True or progress=False"):
        yes_or_no("progress", value)


def test_one_of() -> None:
    assert one_of("method", "icmp", {"icmp": 1}) == "icmp"
    for value in ("x", ["icmp"], None, b"icmp"):
        with pytest.raises(BadTarget, match=r"There is no method .* PortLab knows icmp, arp"):
            one_of("method", value, ("icmp", "arp"))


def test_too_many_probes_say_how_to_narrow() -> None:
    limit_probes(256, 65_536)
    with pytest.raises(BadTarget, match=r"257 hosts with 65,536 ports .*common"):
        limit_probes(257, 65_536)
