import ipaddress
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from portlab import scope
from portlab.errors import BadTarget, OutOfScope

OWN_NAMESPACE = os.stat("/proc/self/ns/net").st_ino


def numbers(*addresses: str) -> scope.Addresses:
    return np.array([int(ipaddress.IPv4Address(address)) for address in addresses], np.uint32)


def quietly(network: str, exclude: tuple[str, ...] = (), reason: str = "a test") -> scope.Authorisation:
    return scope.authorise(network, exclude, reason, tell=lambda text: None)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.1.1", "127.255.255.254"])
def test_loopback_is_always_in_scope(address: str) -> None:
    scope.check(numbers(address))


OUTSIDE = [
    "8.8.8.8",
    "10.77.1.10",
    "1.0.0.0",
    "128.0.0.0",
    "126.255.255.255",
    "192.168.0.1",
    "223.255.255.255",
]


@pytest.mark.parametrize("address", OUTSIDE)
def test_everything_else_is_refused_by_default(address: str) -> None:
    with pytest.raises(OutOfScope) as caught:
        scope.check(numbers("127.0.0.1", address), "what was typed")
    assert address in str(caught.value)
    assert "'what was typed'" in str(caught.value)
    assert "pl.authorise(" in str(caught.value)
    assert "./run lab" in str(caught.value)


NOBODYS = [
    ("0.0.0.0", "'this network'", "This machine itself is 127.0.0.1"),
    ("0.0.0.80", "'this network'", "Type the address of a host"),
    ("224.0.0.1", "multicast", "a network, each of whose hosts is then asked"),
    ("239.255.255.250", "multicast", "Type the address of a host"),
    ("240.0.0.1", "reserved", "Type the address of a host"),
    ("255.255.255.255", "broadcast", "a network, each of whose hosts is then asked"),
]


@pytest.mark.parametrize(("address", "because", "instead"), NOBODYS)
def test_what_nobody_may_authorise_is_not_advised(address: str, because: str, instead: str) -> None:
    with pytest.raises(OutOfScope, match="cannot be authorised") as caught:
        scope.check(numbers("127.0.0.1", address), "what was typed")
    told = str(caught.value)
    assert f"{address} (from 'what was typed')" in told
    assert because in told
    assert instead in told
    assert "pl.authorise(" not in told
    assert "--authorise" not in told


@pytest.mark.parametrize("said", ["80", "0", "443", "8080", "65535"])
def test_a_port_in_the_place_of_a_target_is_told_as_one(said: str) -> None:
    with pytest.raises(OutOfScope) as caught:
        scope.check([int(said)], said)
    assert (
        f'If you mean port {said}: ports have their own place, -p {said} or syn_scan("web", {said}).'
        in str(caught.value)
    )
    assert "pl.authorise(" not in str(caught.value)


SWEEPS = [
    ("192.0.2.16/28", "192.0.2.16", "192.0.2.31", "192.0.2.16/28"),
    ("192.0.2.5-20", "192.0.2.5", "192.0.2.20", "192.0.2.0/27"),
    ("192.0.2.9", "192.0.2.9", "192.0.2.9", "192.0.2.9"),
    ("172.16.0.0/16", "172.16.0.0", "172.16.255.255", "172.16.0.0/16"),
    ("10.0.0.0/8", "10.0.0.0", "10.255.255.255", ""),
    ("223.255.255.0-224.0.0.9", "223.255.255.0", "224.0.0.9", ""),
]


@pytest.mark.parametrize(("said", "first", "last", "advised"), SWEEPS)
def test_a_sweep_is_advised_as_a_whole(said: str, first: str, last: str, advised: str) -> None:
    begin, end = numbers(first, last).tolist()
    with pytest.raises(OutOfScope) as caught:
        scope.check([begin, end], said, (begin, end))
    assert ("pl.authorise(" in str(caught.value)) == bool(advised)
    if not advised:
        assert "Type a smaller network" in str(caught.value)
        return
    assert f'pl.authorise("{advised}", ' in str(caught.value)
    quietly(advised)
    scope.check([begin, end], said, (begin, end))


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**17))
def test_what_a_refusal_advises_is_accepted(first: int, more: int) -> None:
    last = min(first + more, 2**32 - 1)
    try:
        scope.check([first, last], "a-sweep", (first, last))
    except OutOfScope as refusal:
        advice = re.search(r'pl\.authorise\("([^"]*)"', str(refusal))
        if advice:
            quietly(advice[1])
            scope.check([first, last])
            scope.withdraw()


def test_lab_addresses_count_only_inside_the_lab(describe: Callable[..., Path]) -> None:
    describe(fidelity="embedded", netns=OWN_NAMESPACE)
    scope.check(numbers("10.77.1.10", "10.77.2.99", "10.77.3.254"))
    describe(fidelity="embedded", netns=OWN_NAMESPACE + 1)
    with pytest.raises(OutOfScope, match=r"10\.77\.1\.10"):
        scope.check(numbers("10.77.1.10"))


@pytest.mark.parametrize("address", ["10.77.0.255", "10.77.4.0", "10.78.1.10", "8.8.8.8"])
def test_lab_does_not_open_its_neighbours(in_lab: Path, address: str) -> None:
    with pytest.raises(OutOfScope, match=address.replace(".", r"\.")):
        scope.check(numbers(address))


@pytest.mark.parametrize("address", ["10.77.1.0", "10.77.1.255", "127.0.0.0", "127.255.255.255"])
def test_network_and_broadcast_addresses_are_no_hosts(in_lab: Path, address: str) -> None:
    with pytest.raises(OutOfScope, match="not a host"):
        scope.check(numbers(address))
    assert scope.left_out(numbers(address)).all()


def test_authorised_network_is_in_scope_until_withdrawn() -> None:
    quietly("192.0.2.0/28")
    scope.check(numbers("192.0.2.0", "192.0.2.15"))
    with pytest.raises(OutOfScope):
        scope.check(numbers("192.0.2.16"))
    scope.withdraw()
    with pytest.raises(OutOfScope):
        scope.check(numbers("192.0.2.1"))


def test_excluded_address_is_refused_even_where_something_else_allows_it(in_lab: Path) -> None:
    quietly("10.77.2.0/24", exclude=("10.77.2.20",))
    with pytest.raises(OutOfScope, match=r"10\.77\.2\.20 \(from 'db'\) was excluded"):
        scope.check(numbers("10.77.2.20"), "db")
    scope.check(numbers("10.77.2.10"))
    assert scope.left_out(numbers("10.77.2.10", "10.77.2.20")).tolist() == [False, True]


def test_authorisation_is_told_and_kept() -> None:
    told: list[str] = []
    given_ = scope.authorise("192.0.2.0/28", ["192.0.2.9"], " my own router ", tell=told.append)
    assert given_ == scope.Authorisation(("192.0.2.0/28",), ("192.0.2.9",), "my own router")
    assert scope.authorised() == (given_,)
    assert told == ["Authorised for probing, on your word: 192.0.2.0/28 without 192.0.2.9 (my own router)"]


def test_what_is_authorised_twice_is_kept_once() -> None:
    first = quietly("192.0.2.0/28", ("192.0.2.9",), "mine")
    assert quietly("192.0.2.0/28", ("192.0.2.9",), " mine ") == first
    assert scope.authorised() == (first,)
    other = quietly("192.0.2.0/28", (), "mine")  # says something else, so both count
    assert scope.authorised() == (first, other)


def test_authorising_prints_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    scope.authorise("192.0.2.7", reason="mine")
    assert "192.0.2.7 (mine)" in capsys.readouterr().out


REFUSED = [
    ("0.0.0.0/0", "too large"),
    ("10.0.0.0/8", "too large"),
    ("192.0.0.0/15", "too large"),
    ("224.0.0.0/24", "multicast"),
    ("239.255.255.250", "multicast"),
    ("255.255.255.255", "broadcast"),
    ("0.0.0.0", "this network"),
    ("240.0.0.1", "reserved"),
    ("192.0.2.5/28", "'192.0.2.0/28' would be one"),
    ("10.0.0.1/8", "'10.0.0.0/8' is too large"),
    ("240.0.0.1/28", "'240.0.0.0/28' cannot be authorised"),
    ("scanme.example", "names are not accepted"),
    ("2001:db8::/64", "IPv4 only"),
    ("192.0.2.0/33", "CIDR"),
    ("192.0.2.010", "CIDR"),
    ("", "CIDR"),
    (None, "None"),
    (3221225985, "3221225985"),
]


@pytest.mark.parametrize(("network", "because"), REFUSED)
def test_what_cannot_be_authorised(network: str, because: str) -> None:
    with pytest.raises(BadTarget) as caught:
        quietly(network)
    assert because in str(caught.value)
    assert f"'{network}'" in str(caught.value)
    assert scope.authorised() == ()


@pytest.mark.parametrize("reason", ["", "  ", None, 7])
def test_a_reason_is_needed(reason: str) -> None:
    with pytest.raises(BadTarget, match=r"'192\.0\.2\.0/28' needs a reason"):
        quietly("192.0.2.0/28", reason=reason)
    assert scope.authorised() == ()


def test_spaces_around_a_network_are_nothing() -> None:
    assert quietly(" 192.0.2.0/28\n", exclude=(" 192.0.2.9 ",)) == quietly(
        "192.0.2.0/28", exclude=("192.0.2.9",)
    )


@pytest.mark.parametrize("form", [str, ipaddress.IPv4Network])
def test_what_is_excluded_is_recorded_as_it_was_said(form: type) -> None:
    granted = scope.authorise("192.0.2.0/28", form("192.0.2.8/30"), "a test", tell=lambda text: None)
    assert granted.exclude == ("192.0.2.8/30",)


@pytest.mark.parametrize("exclude", ["192.0.3.1", "192.0.2.0/24", "web", ""])
def test_exclusions_lie_inside(exclude: str) -> None:
    with pytest.raises(BadTarget, match=repr(exclude)):
        quietly("192.0.2.0/28", exclude=(exclude,))
    assert scope.authorised() == ()


@given(st.integers(0, 2**32 - 1))
def test_only_loopback_without_lab_and_authorisation(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    inside = address.is_loopback and str(address) not in ("127.0.0.0", "127.255.255.255")
    if inside:
        scope.check(np.array([number], np.uint32))
    else:
        with pytest.raises(OutOfScope, match=str(address).replace(".", r"\.")):
            scope.check(np.array([number], np.uint32))


def test_sixty_five_thousand_addresses_are_quick(in_lab: Path) -> None:
    quietly("172.16.0.0/16")
    addresses = np.arange(65_536, dtype=np.uint32) + np.uint32(int(ipaddress.IPv4Address("172.16.0.0")))
    quickest = min(_seconds(addresses) for _ in range(5))
    assert quickest < 0.02


def _seconds(addresses: scope.Addresses) -> float:
    began = time.perf_counter()
    scope.check(addresses)
    return time.perf_counter() - began
