"""The port reference that asks the lab."""

from __future__ import annotations

from typing import Any

import pytest

from portlab import ports
from portlab.errors import OutOfScope
from portlab.evidence.result import Scan
from portlab.learn import port_reference
from tests.portlab.view import made


@pytest.fixture
def asked() -> list[tuple[int, str]]:
    return []


def pressed(live: Any, port: int, protocol: str = "tcp") -> list[Any]:
    """What the page is sent when the button of a row is pressed."""
    sent: list[Any] = []
    live.send_to_page = sent.append
    live._handle_custom_msg({"port": port, "protocol": protocol}, [])
    return sent


def test_a_pressed_button_probes_and_the_row_shows_what_was_found(asked: list[tuple[int, str]]) -> None:
    def probe(port: int, protocol: str) -> Scan:
        asked.append((port, protocol))
        return made.scan("syn", made.SYN_OPEN, port)

    live = port_reference(probe, rows=ports.find("http"))
    assert "in the lab" in live.html
    assert "80/tcp in the lab" not in live.text
    assert pressed(live, 80) == [{"asked": 80}]
    assert asked == [(80, "tcp")]
    assert "80/tcp in the lab: open on web" in live.text
    assert '<p class="told" role="status">80/tcp: open on web.</p>' in live.html


def test_several_scans_at_once_and_what_was_known_before_are_kept() -> None:
    known = made.scan("syn", made.SYN_OPEN, 80, "files")
    live = port_reference(
        lambda port, _: [made.scan("syn", made.SYN_OPEN, port)], [known], ports.find("http")
    )
    pressed(live, 80)
    assert "80/tcp in the lab: open on files, web" in live.text


def test_a_probe_that_asked_nothing_says_so() -> None:
    live = port_reference(lambda port, protocol: [])
    pressed(live, 53, "udp")
    assert "53/udp: nothing was asked." in live.html


def test_a_refused_probe_is_said_and_can_be_pressed_again() -> None:
    def refused(port: int, protocol: str) -> Scan:
        raise OutOfScope("192.0.2.1 is outside of the lab.")

    live = port_reference(refused)
    before = live.html
    assert pressed(live, 80) == [{"asked": 80}]
    assert live.trouble == "192.0.2.1 is outside of the lab."
    assert live.html == before
