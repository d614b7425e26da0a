from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import portlab as pl
from lab_env import lab
from portlab.learn import Lesson, keys, progress


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where progress is kept in this test; no key is set."""
    path = tmp_path / "progress.json"
    monkeypatch.setenv(progress.VARIABLE, str(path))
    monkeypatch.delenv(keys.VARIABLE, raising=False)
    return path


@pytest.fixture
def lesson(kept: Path) -> Lesson:
    """A lesson in the simulated lab."""
    return opened()


def opened(**more: Any) -> Lesson:
    """A lesson as after the kernel was started."""
    lab.here()
    return Lesson("04", scanner=pl, now=lambda: datetime(2026, 3, 1, 10, tzinfo=UTC), **more)
