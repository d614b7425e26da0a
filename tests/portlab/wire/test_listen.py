"""capture(): where it may listen, what it keeps, and that it always stops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scapy.layers.inet import IP, TCP

import portlab as pl
from lab_env.lab import simulated
from lab_env.topology import topology
from portlab import lab
from portlab.errors import BadTarget, LabNotRunning
from portlab.model import Frames, no_frames
from portlab.wire import listen, tap
from tests.portlab.frames import frame_of
from tests.portlab.test_lab import OWN_NAMESPACE

FRAME = frame_of(IP(src="10.77.1.100", dst="10.77.2.10") / TCP(dport=80))


class Ears:
    """Hears one frame, and says what was done with it."""

    def __init__(self, interfaces: list[str]) -> None:
        self.interfaces, self.closed, self.lost = interfaces, False, 3

    @property
    def frames(self) -> Frames:
        assert self.closed  # the last frames come while it closes
        return FRAME

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> list[Ears]:
    """Taps on interfaces that are not there: every one that was made."""
    made: list[Ears] = []

    def make(interfaces: list[str]) -> Ears:
        made.append(Ears(interfaces))
        return made[-1]

    monkeypatch.setattr(tap, "Tap", make)
    monkeypatch.setattr(tap, "interfaces_in", lambda networks: ["eth0", "eth1"])
    return made


@pytest.fixture
def embedded(describe: Callable[..., Path]) -> Path:
    return describe(fidelity="embedded", netns=OWN_NAMESPACE)


def test_what_was_heard_is_there_when_the_block_has_ended(ears: list[Ears]) -> None:
    with pl.capture("lo") as c:
        assert len(c) == 0
        assert not ears[0].closed
    assert ears[0].interfaces == ["lo"]
    assert np.array_equal(c.frames, FRAME)
    assert (c.lost, c.damage) == (3, "")


def test_it_stops_listening_whatever_happens_in_the_block(ears: list[Ears]) -> None:
    with pytest.raises(ZeroDivisionError), pl.capture("lo") as c:
        1 / 0  # noqa: B018 - it only has to fail
    assert ears[0].closed
    assert len(c) == 1


@pytest.mark.usefixtures("embedded")
@pytest.mark.parametrize(
    ("interface", "listens"), [(None, ["eth0", "eth1"]), ("eth1", ["eth1"]), ("lo", ["lo"])]
)
def test_in_a_lab_its_links_and_loopback(ears: list[Ears], interface: str | None, listens: list[str]) -> None:
    with pl.capture(interface) as c:
        pass
    assert ears[0].interfaces == listens
    assert c.fidelity == "embedded"
    assert c.names[int.from_bytes(bytes([10, 77, 2, 10]), "big")] == "web"


@pytest.mark.usefixtures("embedded")
def test_other_interfaces_are_none_of_its_business(ears: list[Ears]) -> None:
    with pytest.raises(BadTarget, match=r"'wlan0' is no link to the lab. This machine has eth0, eth1, lo\."):
        pl.capture("wlan0").__enter__()
    assert ears == []


@pytest.mark.usefixtures("embedded")
def test_a_machine_without_a_link_says_what_to_type(
    ears: list[Ears], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tap, "interfaces_in", lambda networks: [])
    with pytest.raises(BadTarget, match=r'no link to the lab. Type pl.capture\("lo"\)'):
        pl.capture().__enter__()
    assert ears == []


@pytest.mark.parametrize("interface", [None, "eth0"])
def test_outside_a_lab_only_loopback(ears: list[Ears], interface: str | None) -> None:
    with pytest.raises(LabNotRunning, match=r'captures only loopback, .* Type pl.capture\("lo"\)'):
        pl.capture(interface).__enter__()
    assert ears == []


def test_the_simulated_lab_is_heard_without_any_interface(ears: list[Ears]) -> None:
    lab.use(simulated(topology()))
    with pl.capture() as c:
        found: Any = pl.syn_scan("web", 80, progress=False, seed=1)
    assert str(found["web", 80].state) == "open"
    assert c.fidelity == "simulated"
    assert len(c) >= 3  # SYN, SYN-ACK, RST
    assert ears == []


def test_the_simulated_ears_hear_to_the_end() -> None:
    class Wire:
        def __init__(self) -> None:
            self.closed, self.coming = False, [FRAME, FRAME, no_frames(), FRAME]

        def receive(self, wait: float) -> Frames:
            assert wait == listen.LINGER_S
            return self.coming.pop(0)

        def close(self) -> None:
            self.closed = True

    wire: Any = Wire()
    ears = listen.SimulatedEars(wire)
    ears.close()
    assert (len(ears.frames), ears.lost, wire.closed) == (2, 0, True)
