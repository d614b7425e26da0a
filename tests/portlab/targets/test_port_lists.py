import math
import time
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portlab import ports as reference
from portlab.errors import BadTarget
from portlab.targets import ports

TYPED = [
    (22, [22]),
    (0, [0]),
    ("0", [0]),
    (65_535, [65_535]),
    ("65535", [65_535]),
    ("0080", [80]),
    (" 22 ", [22]),
    ("20-25,80,443", [20, 21, 22, 23, 24, 25, 80, 443]),
    ("443, 80 ,20 - 22", [443, 80, 20, 21, 22]),
    ("80-80", [80]),
    ("80,22,80,22-23", [80, 22, 23]),
    ([443, 80, 443], [443, 80]),
    ((22, 80), [22, 80]),
    ({22}, [22]),
    (range(20, 23), [20, 21, 22]),
    (iter([22, 80]), [22, 80]),
    ([22, "80-81", np.int64(443)], [22, 80, 81, 443]),
    (["ssh", "http,https"], [22, 80, 443]),
    ("ssh,http", [22, 80]),
    ("SSH", [22]),
    ("domain", [53]),
    ("ftp-data", [20]),
    (np.int32(22), [22]),
    (np.uint16(65_535), [65_535]),
    (np.array([80, 22]), [80, 22]),
    (np.array(["22", "ssh", "80"]), [22, 80]),
    (pd.Series([80, 22]), [80, 22]),
]


@pytest.mark.parametrize(
    ("typed", "meant"), TYPED, ids=[repr(typed).partition(" at 0x")[0][:40] for typed, _ in TYPED]
)
def test_ports_that_can_be_understood(typed: object, meant: list[int]) -> None:
    found = ports(typed)
    assert found.tolist() == meant
    assert found.dtype == np.uint16


def test_words_for_many() -> None:
    assert ports("all").tolist() == list(range(1, 65_536))
    assert ports("common").tolist() == reference.common("tcp")
    assert ports("common", "udp").tolist() == reference.common("udp")
    assert ports("snmp,dns", "udp").tolist() == [161, 53]
    assert ports("common,0,22").tolist() == [*reference.common("tcp"), 0]


BAD = [
    "",
    " ",
    ",",
    "80,",
    "80,,443",
    "abc",
    "80-20",
    "-",
    "-5",
    "5-",
    "1-2-3",
    "-1",
    "65536",
    "1-65536",
    "99999999999999999999",
    "9" * 5000,
    "1-" + "9" * 5000,
    "80.5",
    "0x50",
    "1e3",
    "80 443",
    "80;443",
    "80/tcp",
    "T:80",
    "U:53,T:80",
    "*",
    "８０",
    "٨٠",
    "80\x00",
    "80\n443",
    "ssh,,http",
    "nosuchservice",
    "../../etc/passwd",
    65_536,
    -1,
    10**30,
    80.5,
    80.0,
    math.nan,
    math.inf,
    True,
    False,
    None,
    b"80",
    Fraction(80),
    {},
    {80: "http"},
    [],
    (),
    [80, True],
    [80, None],
    [80, 65_536],
    [80, -1],
    [80, 10**30],
    [80, 80.5],
    [80, "x"],
    [[80, 443]],
    range(80, 80),
    range(-2, 3),
    range(65_530, 65_540),
    np.array([80.0]),
    np.array([True]),
    np.array([], np.int64),
    np.array([65_536]),
    np.array([-1]),
    np.bool_(True),
    np.float64(80),
    pd.Series([80.0, math.nan]),
    object(),
]


@pytest.mark.parametrize("typed", BAD, ids=[repr(typed).partition(" at 0x")[0][:40] for typed in BAD])
def test_bad_ports_are_quoted_with_what_is_accepted(typed: object) -> None:
    with pytest.raises(BadTarget) as caught:
        ports(typed)
    said = str(caught.value)
    assert any(part in said for part in quotations(typed)), said
    assert "Accepted are" in said or "type " in said
    assert len(said) < 500
    assert "\n" not in said


def quotations(typed: object) -> list[str]:
    """How a message may quote it: whole, its beginning, or the item in it that is wrong."""
    items = list(typed) if isinstance(typed, list | range | np.ndarray | pd.Series) else []
    if isinstance(typed, str):
        items = [part.strip() for part in typed.replace("-", ",").split(",")] + typed.split(",")
    wanted = [typed, *items]
    return [" ".join(repr(value).split())[:50] for value in wanted] + [
        repr(getattr(v, "item", lambda v=v: v)()) for v in items
    ]


HINTS = [
    ("-", '"all"'),
    ("5-", "1-1024"),
    ("-5", "1-1024"),
    ("T:80", "different scans"),
    ("80/tcp", "type the number alone"),
    ("80 443", "comma"),
    ("80,,443", "between commas"),
    ("80-20", "20-80"),
    ("snmp", "161/udp"),
    ("nosuch", "portlab ports"),
]


@pytest.mark.parametrize(("typed", "hint"), HINTS)
def test_the_next_thing_to_type(typed: str, hint: str) -> None:
    with pytest.raises(BadTarget) as caught:
        ports(typed)
    assert hint.lower() in str(caught.value).lower()


@given(st.lists(st.integers(0, 65_535), min_size=1, max_size=50))
def test_repeats_are_merged_in_first_order(numbers: list[int]) -> None:
    once = list(dict.fromkeys(numbers))
    assert ports(numbers).tolist() == once
    assert ports(",".join(map(str, numbers))).tolist() == once
    assert ports(np.array(numbers)).tolist() == once


@given(st.text(alphabet="0123456789-, Tcpsh:x", max_size=12))
def test_any_text_is_ports_or_one_sentence(text: str) -> None:
    try:
        found = ports(text)
    except BadTarget:
        return
    assert 0 < len(found) == len(set(found.tolist()))


@pytest.mark.parametrize("typed", ["all", "1-65535", list(range(65_535, 0, -1)), np.arange(1, 65_536)])
def test_all_ports_are_quick(typed: object) -> None:
    assert min(_seconds(typed) for _ in range(5)) < 0.03


def _seconds(typed: object) -> float:
    began = time.perf_counter()
    assert len(ports(typed)) == 65_535
    return time.perf_counter() - began


def test_table_is_no_list() -> None:
    with pytest.raises(BadTarget, match=r"array\(\[\[ ?80, 443\]\]\) is not a column"):
        ports(np.array([[80, 443]]))
