import ipaddress
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portlab import scope
from portlab import targets as package
from portlab.addresses import dotted, number
from portlab.errors import BadTarget, OutOfScope
from portlab.targets import names, targets


@pytest.fixture(autouse=True)
def no_name_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A question to a name server, or any socket at all, is a failure; the hosts file is one of the test."""

    def refuse(*arguments: object) -> None:
        raise AssertionError(f"network touched: {arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "127.0.0.1 localhost\n127.0.1.1 mybox mybox.home # me\n93.184.216.34 far\n::1 six\nbad line\n"
    )
    monkeypatch.setattr(names, "HOSTS_FILE", hosts)


def dots(typed: object) -> list[str]:
    return [dotted(address) for address in targets(typed).addresses.tolist()]


UNDERSTOOD = [
    ("web", ["10.77.2.10"]),
    (" Web.LAB. ", ["10.77.2.10"]),
    ("gateway", ["10.77.1.1"]),
    ("localhost", ["127.0.0.1"]),
    ("LOCALHOST", ["127.0.0.1"]),
    ("mybox", ["127.0.1.1"]),
    ("10.77.2.10", ["10.77.2.10"]),
    ("10.77.1.10-12", ["10.77.1.10", "10.77.1.11", "10.77.1.12"]),
    ("10.77.1.10 - 11", ["10.77.1.10", "10.77.1.11"]),
    ("10.77.1.10-10.77.1.11", ["10.77.1.10", "10.77.1.11"]),
    ("10.77.1.7-7", ["10.77.1.7"]),
    ("10.77.1.253-255", ["10.77.1.253", "10.77.1.254"]),
    ("10.77.1.0-1", ["10.77.1.1"]),
    ("10.77.2.8/30", ["10.77.2.9", "10.77.2.10"]),
    ("10.77.2.10/30", ["10.77.2.9", "10.77.2.10"]),
    ("10.77.2.10/31", ["10.77.2.10", "10.77.2.11"]),
    ("10.77.2.10/32", ["10.77.2.10"]),
    (["web", "10.77.2.10", "db", "web"], ["10.77.2.10", "10.77.2.20"]),
    (("db", "web"), ["10.77.2.20", "10.77.2.10"]),
    (iter(["db"]), ["10.77.2.20"]),
    (np.array(["db", "web"]), ["10.77.2.20", "10.77.2.10"]),
    (ipaddress.IPv4Address("10.77.2.10"), ["10.77.2.10"]),
    (ipaddress.IPv4Network("10.77.2.8/30"), ["10.77.2.9", "10.77.2.10"]),
    (ipaddress.IPv4Interface("10.77.2.10/24"), ["10.77.2.10"]),
    ([ipaddress.IPv4Address("127.0.0.1"), "web"], ["127.0.0.1", "10.77.2.10"]),
    ("2130706433", ["127.0.0.1"]),
    ("0x7f000001", ["127.0.0.1"]),
    ("0X7F.1", ["127.0.0.1"]),
    ("127.1", ["127.0.0.1"]),
    ("127.0.1", ["127.0.0.1"]),
    ("127.0.0.1.", ["127.0.0.1"]),
    ("127.00.000.01", ["127.0.0.1"]),
    ("::ffff:127.0.0.1", ["127.0.0.1"]),
    ("::ffff:7f00:1", ["127.0.0.1"]),
    ("[::ffff:127.0.0.1]", ["127.0.0.1"]),
    (ipaddress.IPv6Address("::ffff:127.0.0.1"), ["127.0.0.1"]),
    ("0x0a4d020a", ["10.77.2.10"]),
    ("172818954", ["10.77.2.10"]),
]


@pytest.mark.parametrize(
    ("typed", "addresses"),
    UNDERSTOOD,
    ids=[repr(typed).partition(" at 0x")[0][:40] for typed, _ in UNDERSTOOD],
)
def test_targets_that_can_be_understood(in_lab: Path, typed: object, addresses: list[str]) -> None:
    assert dots(typed) == addresses


@pytest.mark.parametrize(
    "typed", ["office", "Office.lab", "10.77.1.0/24", "10.77.1.99/24", "10.77.1.1-254", "10.77.1.0-255"]
)
def test_sweep_leaves_out_what_is_no_host(in_lab: Path, typed: str) -> None:
    found = targets(typed)
    assert len(found) == 254
    assert set(found.left_out) <= {"10.77.1.0", "10.77.1.255"}
    assert number("10.77.1.100") in found.addresses  # the own address is asked too, as nmap does


def test_hosts_are_called_by_their_names(in_lab: Path) -> None:
    found = targets(["10.77.2.0/24", "gateway", "10.77.3.1", "mybox", "127.0.0.1"])
    called = {dotted(address): name for address, name in found.names.items()}
    assert called == {
        "10.77.2.1": "gateway",
        "10.77.2.10": "web",
        "10.77.2.20": "db",
        "10.77.1.1": "gateway",
        "10.77.3.1": "gateway",
        "127.0.1.1": "mybox",
        "127.0.0.1": "localhost",
    }


OUTSIDE = [
    ("8.8.8.8", "8.8.8.8"),
    ("134744072", "8.8.8.8"),
    ("0x08080808", "8.8.8.8"),
    ("010.8.8.8", "8.8.8.8"),
    ("010.010.010.010", "8.8.8.8"),
    ("8.8", "8.0.0.8"),
    ("8.8.2056", "8.8.8.8"),
    ("::ffff:8.8.8.8", "8.8.8.8"),
    ("[::ffff:808:808]", "8.8.8.8"),
    (ipaddress.IPv6Address("::ffff:8.8.8.8"), "8.8.8.8"),
    (ipaddress.IPv4Address("8.8.8.8"), "8.8.8.8"),
    ("8.8.8.8.", "8.8.8.8"),
    ("0", "0.0.0.0"),
    ("80", "0.0.0.80"),
    ("0.0.0.0", "0.0.0.0"),
    ("0.0.0.0/0", "0.0.0.0"),
    ("255.255.255.255", "255.255.255.255"),
    ("224.0.0.1", "224.0.0.1"),
    ("10.77.0.0/16", "10.77.0.0"),
    ("10.77.1.0/22", "10.77.0.0"),
    ("10.0.0.0/8", "10.0.0.0"),
    ("126.0.0.0/7", "126.0.0.0"),
    ("10.77.3.250-10.77.4.5", "10.77.4.5"),
    ("10.77.0.250-10.77.1.5", "10.77.0.250"),
    ("10.77.1.0", "10.77.1.0"),
    ("10.77.1.255", "10.77.1.255"),
    ("127.255.255.255", "127.255.255.255"),
    ("far", "93.184.216.34"),
    ("FAR.", "93.184.216.34"),
    (["web", "8.8.8.8"], "8.8.8.8"),
]


@pytest.mark.parametrize(("typed", "address"), OUTSIDE, ids=[str(typed) for typed, _ in OUTSIDE])
def test_refused_on_the_resolved_address(in_lab: Path, typed: object, address: str) -> None:
    with pytest.raises(OutOfScope) as caught:
        targets(typed)
    wrong = str(typed[1] if isinstance(typed, list) else typed)
    origin = "" if wrong == address else f" (from {wrong!r})"
    assert f"{address}{origin} " in str(caught.value)


def test_a_port_typed_as_a_target_is_told_as_a_port(in_lab: Path) -> None:
    with pytest.raises(OutOfScope, match=r"If you mean port 80: .*-p 80 ") as caught:
        targets(["web", "80"])
    assert "authorise(" not in str(caught.value)


def test_a_sweep_outside_is_advised_as_a_whole(in_lab: Path) -> None:
    for typed, whole in (("192.0.2.16/28", "192.0.2.16/28"), ("192.0.2.5-20", "192.0.2.0/27")):
        with pytest.raises(OutOfScope, match=rf'authorise\("{whole}"'):
            targets(typed)


LEADING_ZEROS = [
    ("010.77.2.10", "type 10.77.2.10, as you mean it"),  # octal it is 8.77.2.10, which would be refused
    ("0177.0.0.1", "type 127.0.0.1, as you mean it"),
    ("10.77.02.010", "type 10.77.2.10 or 10.77.2.8, as you mean it"),
]


@pytest.mark.parametrize(("typed", "advised"), LEADING_ZEROS)
def test_of_two_readings_only_those_are_advised_that_may_be_probed(
    in_lab: Path, typed: str, advised: str
) -> None:
    with pytest.raises(BadTarget, match=advised):
        targets(typed)


def test_network_over_two_of_the_lab(in_lab: Path) -> None:
    found = targets("10.77.3.0/23")  # its network is 10.77.2.0/23: all of dmz and branch
    assert len(found) == 508
    assert found.left_out == ("10.77.2.0", "10.77.2.255", "10.77.3.0", "10.77.3.255")


@pytest.mark.parametrize("typed", ["10.77.1.10", "0x0a4d010a", "10.77.1.0/24", "10.77.1.10-20"])
def test_lab_addresses_are_refused_outside_the_lab(typed: str) -> None:
    with pytest.raises(OutOfScope, match=r"\./run lab"):
        targets(typed)


@pytest.mark.parametrize("typed", ["web", "office", "web.lab"])
def test_lab_names_mean_nothing_outside_the_lab(typed: str) -> None:
    with pytest.raises(BadTarget, match=r"Known is only 'localhost'.*\./run lab"):
        targets(typed)


BAD = [
    "",
    " ",
    ".",
    "http://web/",
    "https://user:pw@web:443/x",
    "user@web",
    "web:80",
    "10.77.2.10:80",
    "web/24",
    "web/",
    "/24",
    "10.77.1.0/33",
    "10.77.1.0/-1",
    "10.77.1.0/255.255.255.0",
    "10.77.1.0/",
    "10.77.1.0//24",
    "10.77.1.0/²⁴",
    "10.77.1.20-10",
    "10.77.1.10-300",
    "10.77.1.10-",
    "-10.77.1.10",
    "10.77.1-3.10",
    "10.77.1.10-20-30",
    "10.77.1.*",
    "10.77.1.256",
    "256.1.1.1",
    "1.2.3.4.5",
    "4294967296",
    "0x1ffffffff",
    "0x",
    "127..1",
    ".1",
    "0177.0.0.1",
    "10.77.02.010",
    "127.0.0.08",
    "9" * 5000,
    "a" * 5000,
    "a" * 60 + "!",
    "１２７.0.0.1",
    "127。0。0。1",
    "wеb",  # a Cyrillic letter
    "web\u200b",
    "web\x00",
    "web\ninfra",
    "web infra",
    "web,infra",
    "web;infra",
    "$(id)",
    "-p",
    "::1",
    "[::1]",
    "::1/128",
    "fe80::1%eth0",
    "2001:db8::/32",
    "::ffff:127.0.0.1/128",
    "::",
    "nobody-here",
    "wbe",
    "scanme.example.org",
    2_130_706_433,
    127.1,
    True,
    None,
    b"127.0.0.1",
    {},
    {"web": 80},
    [],
    (),
    [""],
    [None],
    ["web", 80],
    [["web"]],
    ipaddress.IPv6Address("::1"),
    ipaddress.IPv6Network("2001:db8::/32"),
    object(),
]


@pytest.mark.parametrize("typed", BAD, ids=[ascii(typed).partition(" at 0x")[0][:40] for typed in BAD])
def test_bad_targets_are_quoted_with_what_is_accepted(in_lab: Path, typed: object) -> None:
    with pytest.raises(BadTarget) as caught:
        targets(typed)
    said = str(caught.value)
    items = typed if isinstance(typed, list) else []
    quotations = [repr(value)[:50] for value in [typed, str(typed), *items]]
    assert any(quotation in said for quotation in quotations), said
    assert any(word in said for word in ("Accepted are", "Known are", "type ", "comes first")), said
    assert len(said) < 500
    assert "\n" not in said


HINTS = [
    ("wbe", "Did you mean 'web'?"),
    ("gatway.lab", "Did you mean 'gateway'?"),
    ("offic", "Did you mean 'office'?"),
    ("zzz", "Known are student, gateway, infra, files, web, db, office, dmz, branch, localhost"),
    ("http://web/", "type the name of the host alone"),
    ("web:80", "type 'web' alone"),
    ("web,db", "as a list"),
    ("::1", "PortLab is IPv4 only"),
    ("10.77.02.010", "type 10.77.2.10 or 10.77.2.8"),
    ("127.0.0.0/8", "at most 65,536"),
]


@pytest.mark.parametrize(("typed", "hint"), HINTS)
def test_the_next_thing_to_type(in_lab: Path, typed: str, hint: str) -> None:
    with pytest.raises(BadTarget) as caught:
        targets(typed)
    assert hint in str(caught.value)


def authorise(network: str, *exclude: str) -> None:
    scope.authorise(network, exclude, "a test", tell=lambda text: None)


def test_excluded_addresses_are_passed_by_in_a_sweep_and_refused_by_name() -> None:
    authorise("192.0.2.0/29", "192.0.2.3")
    found = targets("192.0.2.0/29")
    assert [dotted(address) for address in found.addresses.tolist()] == [
        f"192.0.2.{n}" for n in (1, 2, 4, 5, 6)
    ]
    assert found.left_out == ("192.0.2.0", "192.0.2.3", "192.0.2.7")
    with pytest.raises(OutOfScope, match="excluded"):
        targets("192.0.2.3")
    with pytest.raises(OutOfScope, match="left out"):
        targets("192.0.2.3-3")


def test_name_server_is_asked_only_after_something_was_authorised(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def answer(name: str, *rest: object) -> list[tuple[object, ...]]:
        asked.append(name)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.5", 0))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with pytest.raises(BadTarget):
        targets("router.example")
    assert asked == []
    authorise("192.0.2.0/28")
    assert targets("router.example").names == {number("192.0.2.5"): "router.example"}
    scope.withdraw()
    authorise("198.51.100.0/28")
    with pytest.raises(OutOfScope, match=r"192\.0\.2\.5 \(from 'router\.example'\)"):
        targets("router.example")
    assert asked == ["router.example"] * 2


def test_name_server_that_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    authorise("192.0.2.0/28")
    with pytest.raises(BadTarget, match=r"'router\.example' has no IPv4 address.*Name or service not known"):
        targets("router.example")


def test_without_hosts_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(names, "HOSTS_FILE", tmp_path / "none")
    assert dots("localhost") == ["127.0.0.1"]


@given(st.integers(0, 2**32 - 1))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_spelling_comes_to_the_same_address(number_: int) -> None:
    a, b, c, d = ipaddress.IPv4Address(number_).packed
    spellings = [
        str(number_),
        hex(number_),
        f"{a}.{b << 16 | c << 8 | d}",
        f"{a}.{b}.{c << 8 | d}",
        f"::ffff:{a}.{b}.{c}.{d}",
    ]
    outcomes = {outcome(text) for text in [f"{a}.{b}.{c}.{d}", *spellings]}
    assert len(outcomes) == 1


def outcome(text: str) -> str:
    try:
        return str(targets(text).addresses.tolist())
    except OutOfScope as refusal:
        return str(refusal).split(" ")[0]


@given(st.text(alphabet="0123456789abx.:/-@ lw[]%", max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_a_target_in_scope_or_an_error(text: str) -> None:
    try:
        found = targets(text)
    except (BadTarget, OutOfScope):
        return
    assert (found.addresses >> 24 == 127).all()


def test_largest_sweep_is_quick(describe: Callable[..., Path]) -> None:
    describe(networks={"large": "10.77.0.0/16"})
    assert len(targets("large")) == 65_534


def test_room_is_complete() -> None:
    assert set(package.__all__) <= set(vars(package))


# --- names with several addresses, and what must not be asked ---------------------------------------------------


def answers(*addresses: str) -> object:
    def answer(name: str, *rest: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    return answer


def test_name_with_several_addresses_is_for_the_user_to_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers("192.0.2.5", "198.51.100.7", "192.0.2.5"))
    authorise("192.0.2.0/28")
    with pytest.raises(BadTarget) as caught:
        targets("two.example")
    assert str(caught.value) == (
        "'two.example' has 2 addresses: 192.0.2.5 (may be probed), 198.51.100.7 (may not be probed). "
        "Type the one that you mean."
    )
    monkeypatch.setattr(socket, "getaddrinfo", answers("192.0.2.5", "192.0.2.5"))
    assert targets("two.example").addresses.tolist() == [number("192.0.2.5")]


def test_hosts_file_with_several_addresses_of_a_name() -> None:
    names.HOSTS_FILE.write_text("127.0.0.5 twice\n::1 twice\n127.0.0.6 other twice\n127.0.0.5 twice once\n")
    with pytest.raises(BadTarget, match=r"127\.0\.0\.5 \(may be probed\), 127\.0\.0\.6 \(may be probed\)"):
        targets("twice")
    assert targets("once").addresses.tolist() == [number("127.0.0.5")]


@pytest.mark.parametrize("wrong", [5, "::1", "8.8.8.8", "10.0.0.9-1", ""])
def test_no_name_server_is_asked_while_anything_is_wrong(
    monkeypatch: pytest.MonkeyPatch, wrong: object
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, *rest: asked.append(name))
    authorise("192.0.2.0/28")
    with pytest.raises((BadTarget, OutOfScope)):
        targets(["router.example", wrong])
    assert asked == []
