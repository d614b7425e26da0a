"""The doctor: what is broken is found, named, and decides the exit status."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab_env import doctor, embedded, fidelity, jupyter
from lab_env.doctor import Finding


def test_these_packages_fit() -> None:
    assert list(doctor.unmet_requirements()) == []


def test_packages_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "requirements.txt").write_text(
        "# a comment\nnumpy>=1\nscapy>=900,<901  # too new\nno-such-package\n"
        'neither-here ; sys_platform == "amiga"  # not for this system\n'
    )
    monkeypatch.setattr(doctor, "PROJECT", tmp_path)
    found = doctor.packages()
    assert not found.ok
    assert "scapy is " in found.text
    assert "not <901,>=900; no-such-package is missing" in found.text
    assert "pip install -r requirements.txt" in found.text
    assert "numpy" not in found.text
    assert "neither-here" not in found.text


def test_the_obstacle_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fidelity, "obstacles", lambda: ["the kernel says no.  Type: sudo ./run lab"])
    assert str(doctor.embedded_lab()) == "  --  embedded lab: the kernel says no.  Type: sudo ./run lab"


@pytest.mark.parametrize(("status", "ok"), [(0, True), (3, False)])
def test_a_lab_that_stands_but_cannot_be_scanned_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int, ok: bool
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(fidelity, "obstacles", list)
    monkeypatch.setattr(embedded, "run", lambda command: commands.append(command) or status)
    found = doctor.embedded_lab()
    assert found.ok == ok
    assert "lab_env.trial" in commands[0]
    assert ("does not bring back what it must" in found.text) != ok
    assert ("Type: ./run lab --fidelity simulated" in found.text) != ok


def test_no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jupyter, "has_display", lambda: False)
    assert "open the address" in str(doctor.browser())


@pytest.mark.parametrize(
    ("broken", "status", "verdict"),
    [
        (None, 0, "`./run lab` will work, with real packets."),
        ("embedded_lab", 0, "with the simulated lab only."),
        ("nmap", 0, "with real packets."),
        ("browser", 0, "with real packets."),
        ("python", 1, "will not work yet"),
        ("packages", 1, "will not work yet"),
        ("jupyterlab", 1, "will not work yet"),
    ],
)
def test_verdict(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broken: str | None,
    status: int,
    verdict: str,
) -> None:
    monkeypatch.setattr(fidelity, "obstacles", list)
    for name in ("python", "packages", "embedded_lab", "jupyterlab", "browser", "nmap"):
        finding = Finding(
            name != broken, f"about {name}", needed=name in ("python", "packages", "jupyterlab")
        )
        trial = (lambda result: lambda: result)(finding)
        trial.__name__ = name
        monkeypatch.setattr(doctor, name, trial)
    assert doctor.examine() == status
    told = capsys.readouterr().out
    assert verdict in told
    assert ("Type: ./run lab --fidelity simulated" in told) == (broken == "embedded_lab")
    assert ("  NO  about " in told) == (status == 1)


@pytest.mark.lab
@pytest.mark.slow
def test_here(capfd: pytest.CaptureFixture[str]) -> None:
    assert doctor.examine() == 0
    told = capfd.readouterr().out
    assert "ok  embedded lab: built, a raw socket opened, web answered a SYN scan as it must" in told
    assert "ok  JupyterLab: answered at http://127.0.0.1:" in told
