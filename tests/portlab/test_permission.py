"""A written permission: what can be said in one, and what cannot."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from portlab import permission, scope
from portlab.errors import BadTarget, quoted
from portlab.permission import Authorisation

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HUGE = 10**5000  # more digits than Python writes
BEYOND = datetime.max.replace(tzinfo=timezone(timedelta(hours=-23)))
CARD = ["office", "dmz"]


def written(network: object = "192.0.2.0/28", **terms: object) -> Authorisation:
    given = {"exclude": (), "reason": "a test", "rate": None, "until": None, "owner": ""} | terms
    return permission.written(network, now=NOON, **given)  # type: ignore[arg-type]


def test_every_term_is_said_in_words_and_as_a_table() -> None:
    given = written(["192.0.2.0/28", "198.51.100.7"], exclude="192.0.2.9", rate=50, owner=" my school ")
    assert str(given) == (
        "192.0.2.0/28, 198.51.100.7 without 192.0.2.9, at most 50 packets a second, allowed by my school (a test)"
    )
    assert given.rows() == [
        ("Allowed by", "my school"),
        ("In scope", "192.0.2.0/28, 198.51.100.7"),
        ("Out of scope", "192.0.2.9"),
        ("Rate", "at most 50 packets a second"),
        ("Reason", "a test"),
    ]
    shown = given._repr_mimebundle_()
    assert shown["text/plain"] == str(given)
    assert all(words in shown["text/html"] for row in given.rows() for words in row)


def test_what_was_not_said_is_not_shown() -> None:
    assert str(written()) == "192.0.2.0/28 (a test)"
    assert [what for what, _ in written().rows()] == ["In scope", "Reason"]
    assert written().left(NOON) == float("inf")


def test_its_words_are_no_html() -> None:
    assert "<b>" not in written(owner="<b>", reason="<b>").html()


def test_a_lab_s_names_mean_its_networks_and_all_addresses_of_its_hosts(in_lab: Path) -> None:
    given = written(CARD, exclude=["db", "Gateway.lab"], rate=50)
    assert given.networks == ("10.77.1.0/24", "10.77.2.0/24")
    assert given.exclude == ("10.77.2.20", "10.77.1.1", "10.77.2.1", "10.77.3.1")
    assert str(given).startswith(
        "office 10.77.1.0/24, dmz 10.77.2.0/24 without db 10.77.2.20, gateway 10.77.1.1,"
    )


@pytest.mark.parametrize("exclude", ["web", "branch", "10.77.3.7"])
def test_what_lies_elsewhere_cannot_be_excluded(in_lab: Path, exclude: str) -> None:
    with pytest.raises(BadTarget, match=r"cannot be excluded: it is not inside '10\.77\.1\.0/24'"):
        written("office", exclude=exclude)


@pytest.mark.parametrize("network", ["office", "vault.example"])
def test_outside_a_lab_no_name_is_taken(network: str) -> None:
    with pytest.raises(BadTarget, match=r"names are not accepted.*only a lab's own are, inside it"):
        written(network)


@pytest.mark.parametrize("rate", [0, -1, True, "50", 1e9, float("nan"), HUGE, [50]], ids=quoted)
def test_a_rate_is_a_number_of_packets(rate: object) -> None:
    with pytest.raises(BadTarget, match="cannot be: it is how many packets a second are allowed at most"):
        written(rate=rate)


@pytest.mark.parametrize(
    ("until", "moment"),
    [
        ("2026-11-27T13:30+00:00", NOON + timedelta(minutes=90)),
        (NOON + timedelta(days=1), NOON + timedelta(days=1)),
        (" 23:59:59.5+00:00 ", NOON + timedelta(hours=12, seconds=-0.5)),
    ],
)
def test_it_may_end(until: object, moment: datetime) -> None:
    given = written(until=until)
    assert given.until == moment
    assert given.left(NOON) == (moment - NOON).total_seconds()
    assert f", until {given.end} (" in str(given)
    assert ("Until", given.end) in given.rows()


def test_a_time_without_a_zone_is_local() -> None:
    assert written(until="2026-12-24 18:00").until == datetime(2026, 12, 24, 18).astimezone()


@pytest.mark.parametrize("until", ["tomorrow", "25:00", "", 18, BEYOND, [NOON]])
def test_what_is_no_time(until: object) -> None:
    with pytest.raises(BadTarget, match="is no time: type until=") as caught:
        written(until=until)
    assert "18:00" in str(caught.value)


@pytest.mark.parametrize("until", [NOON, "2026-11-27T11:59:59+00:00"])
def test_what_has_ended_allows_nothing(until: object) -> None:
    with pytest.raises(BadTarget, match="has passed: a permission that has ended allows nothing"):
        written(until=until)


def test_an_owner_is_a_name() -> None:
    with pytest.raises(BadTarget, match="owner=5 is no name: type who allowed it"):
        written(owner=5)


def test_authorise_takes_all_of_them(in_lab: Path) -> None:
    told: list[str] = []
    given = scope.authorise(
        CARD,
        "db",
        "lesson 00",
        told.append,
        rate=50,
        until=datetime.now(UTC) + timedelta(hours=1),
        owner="you",
    )
    assert scope.authorised() == (given,)
    assert (given.rate, given.owner, given.exclude) == (50, "you", ("10.77.2.20",))
    assert told == [f"Authorised for probing, on your word: {given}"]
