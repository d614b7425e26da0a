"""Every mistake of a caller is a PortLabError of one line that says what was given; and nothing was sent.

One table of odd values against every public function of `portlab` and `portlab.view`, argument by argument.
"""

from __future__ import annotations

import itertools
import math
import re
import socket
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scapy.layers.inet import IP, UDP
from scapy.packet import Raw

import portlab as pl
from lab_env.lab import simulated
from lab_env.topology import topology
from portlab import exports, lab, scope, view
from portlab.addresses import number
from portlab.errors import PortLabError
from portlab.evidence.scans import Scans
from portlab.learn.lesson import _prediction
from portlab.learn.memory import Memory
from portlab.scanning import scan as scans
from portlab.scanning import send
from portlab.view import plots
from portlab.wire import tap
from portlab.wire.kernel import source_address
from portlab.wire.raw import RawWire, permitted
from tests.portlab.exports.made import made, scanned

HUGE = 10**5000  # more digits than Python writes


class Silly:
    """A thing that cannot even say what it is."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def endless() -> Iterator[Any]:
    return itertools.count()


ODD: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "True": lambda: True,
    "-1": lambda: -1,
    "huge": lambda: HUGE,
    "2.5": lambda: 2.5,
    "nan": lambda: math.nan,
    "inf": lambda: math.inf,
    "1j": lambda: 1j,
    "fraction": lambda: Fraction(-1, 3),
    "bytes": lambda: b"web",
    "text": lambda: "no such thing",
    "control": lambda: "\x1b[31mweb\n",
    "empty text": lambda: "",
    "empty list": list,
    "list": lambda: [None],
    "nested": lambda: [[["web"]]],
    "dict": lambda: {"web": 80},
    "set": lambda: {2.5},
    "generator": lambda: (each for each in [None]),
    "endless": endless,
    "endless words": lambda: itertools.repeat("no such thing"),
    "path": lambda: Path("/no/such/file"),
    "numpy int": lambda: np.int64(-7),
    "numpy nan": lambda: np.float32("nan"),
    "numpy bool": lambda: np.True_,
    "numpy none": lambda: np.array([]),
    "numpy flat": lambda: np.array(None),
    "numpy table": lambda: np.zeros((2, 2)),
    "frame": lambda: pd.DataFrame({"x": [1]}),
    "object": lambda: Silly(),
    "class": lambda: str,
    "function": lambda: print,
    "scan": lambda: scanned("syn"),
    "scans": lambda: Scans([scanned("syn"), scanned("udp")]),
    "no scans": lambda: Scans(),
}

ASK = {name: getattr(pl, name) for name in pl.__all__ if name.endswith("_scan")}
READERS = {name: getattr(pl, name) for name in pl.__all__ if name.startswith("read_")}
OPTIONS = {
    # None leaves an option out; what else of the odd values is right stands beside it
    "tries": {"None"},
    "timeout": {"None", "2.5"},
    "rate": {"None", "2.5"},
    "deadline": {"None", "2.5"},
    "seed": {"None"},
    "progress": {"True", "numpy bool"},
    "watch": {"None", "class", "function"},
}

EMPTY = ("empty list", "numpy none", "no scans")


def scan() -> Any:
    return scanned("syn")


FACES: dict[str, tuple[Callable[[Any], Any], set[str]]] = {}
"""What is called with each odd value in one place -> the odd values that are right there."""


def face(name: str, call: Callable[[Any], Any], *right: str) -> None:
    FACES[name] = call, set(right)


for name, ask in ASK.items():
    face(f"{name}(x)", lambda x, ask=ask: ask(x, 80))
    face(f"{name}(_, x)", lambda x, ask=ask: ask("web", x))
    face(f"{name}(port=x)", lambda x, ask=ask: ask("web", port=x))
    for option, right in OPTIONS.items():
        face(f"{name}({option}=x)", lambda x, ask=ask, o=option: ask("web", 80, **{o: x}), *right)
face("udp_scan(payload=x)", lambda x: pl.udp_scan("web", 53, payload=x), "None")
face("ping(x)", lambda x: pl.ping(x))
face("ping(method=x)", lambda x: pl.ping("web", method=x))
face("ping(ports=x)", lambda x: pl.ping("web", ports=x))  # type: ignore[call-arg]
for option, right in OPTIONS.items():
    face(f"ping({option}=x)", lambda x, o=option: pl.ping("web", **{o: x}), *right)
face("send(x)", lambda x: pl.send(x))
face("send(timeout=x)", lambda x: pl.send(bytes(IP(dst="10.77.2.10") / UDP()), timeout=x), "2.5")
face("capture(x)", lambda x: pl.capture(x).__enter__(), "None")
face("authorise(x)", lambda x: pl.authorise(x, reason="mine"))
face("authorise(exclude=x)", lambda x: pl.authorise("192.0.2.0/28", exclude=x, reason="mine"), *EMPTY)
face("authorise(rate=x)", lambda x: pl.authorise("192.0.2.0/28", reason="mine", rate=x), "2.5", "None")
face("authorise(until=x)", lambda x: pl.authorise("192.0.2.0/28", reason="mine", until=x), "None")
face(
    "authorise(owner=x)",
    lambda x: pl.authorise("192.0.2.0/28", reason="mine", owner=x),
    "text",
    "control",
    "empty text",
)
face("authorise(reason=x)", lambda x: pl.authorise("192.0.2.0/28", reason=x), "text", "control")
face(
    "authorise(tell=x)", lambda x: scope.authorise("192.0.2.0/28", reason="mine", tell=x), "class", "function"
)
for name, reader in READERS.items():
    face(f"{name}(x)", lambda x, reader=reader: reader(x))
face("ports.find(x)", lambda x: pl.ports.find(x), "text", "empty text", "control")
face("ports.find(_, x)", lambda x: pl.ports.find(22, x), "empty text")
face("ports.find(exam=x)", lambda x: pl.ports.find(exam=x), "empty text")
face("ports.service_name(x)", lambda x: pl.ports.service_name(x), "None", "-1", "huge", "numpy int")
face("ports.service_name(_, x)", lambda x: pl.ports.service_name(22, x), "text", "control", "empty text")
face("ports.numbers_of(x)", lambda x: pl.ports.numbers_of(x, "tcp"), "text", "control", "empty text")
face("ports.common(x)", lambda x: pl.ports.common(x))
face("ports.find().to_anki(x)", lambda x: pl.ports.find(22).to_anki(x), "text", "control")
# results
face("scan[x]", lambda x: scan()[x])
face("scan[x, _]", lambda x: scan()[x, 80])
face("scan['web', x]", lambda x: scan()["web", x])
face("scan['web', 80, x]", lambda x: scan()["web", 80, x])
face("scan.exchange(x)", lambda x: scan().exchange(x, 80))
face("scan.exchange(_, x)", lambda x: scan().exchange("web", x))
face("exchange.both_ends(x)", lambda x: scan().exchange("web", 80).both_ends(x))
for name in ("to_csv", "to_json", "to_nmap_xml", "to_pcap"):
    right = ["None"] if name == "to_json" else []
    face(f"scan.{name}(x)", lambda x, name=name: getattr(scan(), name)(x), *right, "text", "control")
# pictures
face("port_map(x)", lambda x: view.port_map(x))
face("port_map(_, x)", lambda x: view.port_map(scan(), x))
face("host_table(x)", lambda x: view.host_table(x), "scan")
face("lab_map(x)", lambda x: view.lab_map(x))
face("lab_map(_, x)", lambda x: view.lab_map(lab.current(), x), "scan")
face("ladders(x)", lambda x: view.ladders(x))
face("meanings(x)", lambda x: view.meanings(x))
face("anatomy(x)", lambda x: view.anatomy(x), "bytes")
face("anatomy(_, x)", lambda x: view.anatomy(scan().events.frames[0], x), "text", "control", "empty text")
face("cards(x)", lambda x: view.cards(x), *EMPTY)
SS = "Netid State Recv-Q Send-Q Local Address:Port Peer Address:Port"
face("listening(x, _)", lambda x: view.listening(x, SS))
face("listening(_, x)", lambda x: view.listening("web", x))
face("reference(x)", lambda x: view.reference(x), *EMPTY, "scans")
face("reference(_, x)", lambda x: view.reference((), x), *EMPTY, "None")
face("conversations(x)", lambda x: view.conversations(x))
face("follow(x)", lambda x: view.follow(x, "web", 80))
face("follow(_, x)", lambda x: view.follow(capture(), x, 80))
face("follow(_, _, x)", lambda x: view.follow(capture(), "web", x))
face("follow(which=x)", lambda x: view.follow(capture(), "web", 80, which=x))
for name in ("rtt", "states"):
    face(f"plots.{name}(x)", lambda x, name=name: getattr(plots, name)(x))
    face(f"plots.{name}(_, x)", lambda x, name=name: getattr(plots, name)(scan().to_frame(), x), "None")
face("plots.compare(x, _)", lambda x: plots.compare(x, scan().to_frame()))
face("plots.compare(_, x)", lambda x: plots.compare(scan().to_frame(), x))
face("plots.compare(labels=x)", lambda x: plots.compare(scan().to_frame(), scan().to_frame(), labels=x))
for name in ("timeline", "icmp_staircase"):
    face(f"plots.{name}(x)", lambda x, name=name: getattr(plots, name)(x), "scan")
face("plots.describe(x)", lambda x: plots.describe(x))
face("plots.themed(x)", lambda x: plots.themed(x))


def capture() -> Any:
    from portlab.captures.capture import Capture

    return Capture(scanned("syn").events.frames, "simulated")


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In the simulated lab, with no wire and no name server to be asked."""
    for name in ("syn", "udp", "ping"):
        scanned(name)
    lab.use(simulated(topology()))

    ask = socket.getaddrinfo

    def only_addresses(name: str, *arguments: Any) -> Any:
        assert re.fullmatch(r"[0-9.]+", name), f"a name server was asked for {name!r}"
        return ask(name, *arguments)

    def begin(*arguments: object) -> None:
        raise NothingWrongWithIt

    for opens in (scans, send):
        monkeypatch.setattr(opens, "open_wire", begin)
    monkeypatch.setattr(socket, "getaddrinfo", only_addresses)
    monkeypatch.chdir(tmp_path)


class NothingWrongWithIt(Exception):
    """Something would be sent now."""


@pytest.mark.parametrize("name", FACES)
def test_every_odd_value_is_said_to_be_one(name: str) -> None:
    call, right = FACES[name]
    wrong = []
    for odd, value in ODD.items():
        scope.withdraw()
        try:
            call(value())
            said = "" if odd in right else f"{odd}: nothing is said"
        except NothingWrongWithIt:
            said = "" if odd in right else f"{odd}: it is taken"
        except PortLabError as error:
            said = f"{odd}: refused, {error}" if odd in right else told_badly(str(error), odd)
        except Exception as error:
            said = f"{odd}: {type(error).__name__}: {str(error)[:200]}"
        if said:
            wrong.append(said)
    assert not wrong, "\n".join(wrong)


def told_badly(message: str, odd: str) -> str:
    """What is wrong with a message: it is one short line that ends and holds no control character."""
    if not message.isprintable():
        return f"{odd}: control characters in {message!r}"
    if len(message) > 700 or not re.search(r"[\w.?:)'\"/]$", message):
        return f"{odd}: {len(message)} characters, {message!r}"
    return ""


def test_every_public_function_is_in_the_table() -> None:
    functions = [name for name in pl.__all__ if not name[0].isupper() and name not in ("lab", "ports")]
    called = " ".join(FACES)
    for name in [*functions, *view.__all__, *(n for n in plots.__all__ if n[0].islower())]:
        assert f"{name}(" in called, name
    for name in exports.__all__:
        assert name[0].isupper() or f"{name}(" in called or hasattr(made(), name), name


# --- what is said in single cases ---------------------------------------------------------------------------------

SAID: list[tuple[Callable[[], Any], str]] = [
    (lambda: pl.syn_scan("web", 80, timeout=0.0009), "timeout is a number from 0.001 to 3,600"),
    (lambda: pl.syn_scan("web", 80, timeout=3601), "timeout=3601 cannot be"),
    (lambda: pl.syn_scan("web", 80, timeout=HUGE), "timeout=a value of type int cannot be"),
    (lambda: pl.syn_scan("web", 80, watch=5), "watch=5 is not a function"),
    (lambda: pl.syn_scan("web", 80, progress=1), "progress=1 is neither: type progress=True or progress=False"),
    (lambda: pl.syn_scan("web", port=80), "There is no option 'port' here. Did you mean 'ports'?"),
    (lambda: pl.syn_scan("web", 80, time_out=1), "Did you mean 'timeout'?"),
    (lambda: pl.ping("web", ports=80), "A ping asks hosts, no ports."),  # type: ignore[call-arg]
    (lambda: pl.ping("web", method=["icmp"]), "There is no ping method ['icmp']. PortLab knows icmp, timestamp"),
    (lambda: pl.udp_scan("web", 53, payload=["dns"]), "There is no payload ['dns']. PortLab knows empty, dns"),
    (lambda: pl.authorise("192.0.2.0/28", exclude=None, reason="x"), "exclude=None is no list of addresses"),
    (lambda: pl.authorise("192.0.2.0/28", exclude=endless(), reason="x"), "has no end"),
    (lambda: pl.syn_scan(endless(), 80), "gives more than 65,536 targets"),
    (lambda: pl.syn_scan("web", int), "<class 'int'> is not a port number"),
    (lambda: pl.syn_scan(itertools.repeat("web"), 80), "gives more than 65,536 targets"),
    (lambda: pl.syn_scan("web", itertools.repeat(80)), "gives more than 131,072 ports"),
    (lambda: pl.syn_scan("web", itertools.repeat("all")), "gives more than 131,072 ports"),
    (lambda: pl.syn_scan("web", itertools.count()), "65536 is not a port number"),
    (lambda: pl.syn_scan("web", range(10**20)), "99999999999999999999 is not a port number"),
    (lambda: pl.syn_scan("web", "0" * 5000 + "99999"), "is not a port number"),
    (lambda: view.port_map(Scans([scan(), scan()])), "This list holds 2 scans, and this shows one: type"),
    (lambda: view.port_map(Scans()), "There is no scan in this list"),
    (lambda: view.port_map(scan().to_frame()), "A value of type DataFrame is not a scan. Type port_map(scan)."),
    (lambda: view.lab_map(None), "There is no lab here to be drawn. Start one with: ./run lab"),  # type: ignore[arg-type]
    (lambda: view.ladders(scan()), "A value of type Scan is not an exchange. Type ladders(scan.exchange"),  # type: ignore[arg-type]
    (lambda: plots.rtt(scan()), "A value of type Scan is not a table. Type plots.rtt(scan.to_frame())."),
    (lambda: plots.rtt(pd.DataFrame()), "This table has no column 'host': it is no scan's."),
    (lambda: plots.compare(scan().to_frame(), scan().to_frame(), labels=("x",)), "it names both scans, such as"),  # type: ignore[arg-type]
    (lambda: view.reference(5), "5 is no list."),  # type: ignore[arg-type]
    (lambda: view.reference(itertools.repeat(scan())), "has no end, or more than 65,536 items"),
    (lambda: pl.authorise("192.0.2.0/28", exclude=itertools.repeat("192.0.2.1"), reason="x"), "items: type networks"),
    (lambda: view.anatomy(scan().events.frames), "frames. Choose one of them"),
    (lambda: view.anatomy(b"x", 5), "5 is not a title"),  # type: ignore[arg-type]
    (lambda: scan()["web"], "A syn scan has a row a port: name one. Type scan['web', 22]."),
    (lambda: scan()["web", "22"], "'22' is not the number of a port. Type scan["),
    (lambda: scan()[22], "22 is not the name or address of a host. Type scan["),
    (lambda: scan()["web", 22, "tcp"], "names more than a host and a port. Type scan["),
    (lambda: scan()["web", 7], "This scan did not ask 'web', 7. It asked its ports 22, 53, 80"),
    (lambda: scan()["nobody", 7], "This scan did not ask 'nobody', 7. It asked db, infra"),
    (lambda: scanned("ping")["web", 22], "A ping asks hosts, no ports. Type scan['web']."),
    (lambda: scan().exchange("web", 80).both_ends(None), "None is no recording. Make one by: with lab.recording("),  # type: ignore[arg-type]
    (lambda: pl.ports.find(10**6), "1000000 is not a port number: ports go from 0 to 65535."),
    (lambda: pl.ports.find("00070000"), "'70000' is not a port number: ports go from 0 to 65535."),
    (lambda: pl.ports.service_name("22"), "'22', 'tcp' is not a port: type service_name(22, 'tcp')."),  # type: ignore[arg-type]
    (lambda: pl.ports.numbers_of(22, "tcp"), "22 is not the name of a service: type numbers_of('ssh', 'tcp')."),  # type: ignore[arg-type]
    (lambda: pl.send(5), "5 is no packet. Give Scapy's IP(dst=...)/... or bytes."),
    (lambda: pl.send(IP(dst="10.77.2.10") / UDP() / Raw(b"x" * 70_000)), "Scapy cannot build this packet"),
    (lambda: view.anatomy(IP(dst="10.77.2.10") / UDP() / Raw(b"x" * 70_000)), "). Look at it with: packet.show()"),
    (lambda: pl.send(UDP() / b"x"), "does not begin with an IPv4 header. Begin with IP(dst=...)/..."),
    (lambda: pl.syn_scan([], 80), "[] names no target. Accepted are"),
    (lambda: pl.syn_scan(" ", 80), "' ' names no target. Accepted are"),
    (lambda: pl.syn_scan(5, 80), "5 is not a target. Accepted are"),
    (lambda: pl.syn_scan("http://web/", 80), "'http://web/' is not a target: type the name of the host alone"),
    (lambda: pl.syn_scan("10.77.02.010", 80), "has leading zeros, octal to some: type 10.77.2.10 or 10.77.2.8, as"),
    (lambda: pl.syn_scan("127.0.0.0/8", 80), "one scan takes at most 65,536. Type a smaller network, such as a /24."),
    (lambda: pl.syn_scan("web", []), "[] names no port. Accepted are"),
    (lambda: pl.syn_scan("web", "80-20"), "'80-20' runs backwards: type 20-80."),
    (lambda: pl.syn_scan("web", "80;443"), "'80;443' is not a port"),
    (lambda: pl.syn_scan("web", 65_536), "65536 is not a port number: ports go from 0 to 65535. Accepted are"),
    (lambda: pl.syn_scan("web", 80, tries=2.5), "tries=2.5 is not a whole number: tries is a whole number from 1 to"),
    (lambda: pl.syn_scan("web", 80, rate=0), "rate=0 cannot be: rate is a number from 0.01 to 10,000,000, in probes"),
    (lambda: pl.authorise("192.0.2.0/28", exclude=["10.0.0.1"], reason="x"), "cannot be excluded: it is not inside"),
    (lambda: pl.authorise("224.0.0.0/24", reason="x"), "'224.0.0.0/24' cannot be authorised: '224.0.0.0/4' is"),
    (lambda: pl.read_json(5), '5 is not the name of a file: type one in quotes, such as "result.json".'),  # type: ignore[arg-type]
    (lambda: pl.read_json("a\0b"), "cannot be read: no name of a file holds a zero byte."),
    (lambda: view.port_map(scan(), 5), "5 is not the name of a host.  Name one in quotes: "),  # type: ignore[arg-type]
    (lambda: scope.authorise("192.0.2.7", reason="x", tell=5), "tell=5 is not a function: leave it out, or"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize(("call", "told"), SAID, ids=[row[1][:50] for row in SAID])
def test_what_is_said(call: Callable[[], Any], told: str) -> None:
    with pytest.raises(PortLabError) as caught:
        call()
    assert told in str(caught.value)


@pytest.mark.parametrize("port", [22, np.int64(22), np.uint16(22), "22", "00022"])
def test_a_port_is_found_by_every_kind_of_whole_number(port: Any) -> None:
    assert [row.service for row in pl.ports.find(port)] == ["ssh", "sftp"]
    assert pl.ports.service_name(np.int64(22)) == "ssh"
    assert scan()["web", np.int32(80)].port == 80


# --- and elsewhere --------------------------------------------------------------------------------------------------


def test_a_way_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    with pytest.raises(
        pl.NotPermitted, match=r"way to 192\.0\.2\.1 \(Network is unreachable\)\. Is it an address of"
    ):
        source_address(number("192.0.2.1"))


def test_a_lab_whose_wire_is_not_there() -> None:
    there = lab.Lab("simulated", {}, {}, "student", "no_such_module:Wire")
    with pytest.raises(pl.LabNotRunning, match=r"The lab's wire 'no_such_module:Wire' cannot be opened: "):
        lab.open_wire(there)


def test_a_machine_without_a_link_to_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "interfaces_in", lambda networks: [])
    monkeypatch.setattr(lab, "current", lambda: lab.Lab("embedded", {}, {}, "student", "no_such_module:Wire"))
    with pytest.raises(pl.BadTarget, match="This machine has no link to the lab") as caught, pl.capture():
        pass
    assert 'Type pl.capture("lo") for its loopback.' in str(caught.value)


def test_cards_and_predictions_that_are_none() -> None:
    with pytest.raises(pl.MalformedPacket, match="not the cards of PortLab: its format is 5"):
        Memory.from_json(b'{"format": 5}')
    with pytest.raises(pl.BadTarget, match=r"5 is no prediction\. Write \{"):
        _prediction("syn", 5)


@pytest.mark.skipif(not permitted(), reason="needs raw sockets")
def test_the_real_wire_s_way(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = RawWire()
    try:
        monkeypatch.setattr(wire, "source", lambda address: 0)
        monkeypatch.setattr(wire, "_routes", [])
        with pytest.raises(
            pl.NotPermitted, match=r"way to 192\.0\.2\.1\. Is it an address of the lab you are in\?"
        ):
            wire.on_link(number("192.0.2.1"))
    finally:
        wire.close()
