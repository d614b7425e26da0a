import pytest

from portlab.view import words

DURATIONS = [
    (0, "0 µs"),
    (84_400, "84 µs"),
    (999_400, "999 µs"),
    (999_600, "1.00 ms"),
    (1_904_000, "1.90 ms"),
]
DURATIONS += [
    (41_260_000, "41.3 ms"),
    (250_000_000, "250 ms"),
    (999_600_000, "1.00 s"),
    (7 * 10**9, "7.00 s"),
]


@pytest.mark.parametrize(("ns", "text"), DURATIONS)
def test_durations_have_units_and_three_digits(ns: int, text: str) -> None:
    assert words.duration(ns) == text


@pytest.mark.parametrize(
    ("ports", "text"),
    [
        ([], ""),
        ([80], "80"),
        ([3, 1, 2, 2, 80], "1-3, 80"),
        ([1, 3, 5, 7, 8, 9], "1, 3 and 4 more"),
        (range(65_536), "0-65535"),
    ],
)
def test_port_ranges(ports: list[int], text: str) -> None:
    assert words.port_ranges(ports, most=2) == text


def test_address_ranges() -> None:
    assert words.address_ranges([0x0A000002, 0x0A000003, 0x0A000009]) == "10.0.0.2-10.0.0.3, 10.0.0.9"


def test_counts() -> None:
    assert [words.count(1, "port"), words.count(65_535, "port"), words.count(0, "reply", "replies")] == [
        "1 port",
        "65,535 ports",
        "0 replies",
    ]


def test_only_the_simulated_lab_is_loud() -> None:
    assert words.fidelity_name("simulated") == "SIMULATED: computed, not measured"
    assert words.fidelity_name("embedded") == "real packets, embedded lab"
