"""Every notebook runs through, in the embedded lab and in the simulated one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("fidelity", [pytest.param("embedded", marks=pytest.mark.lab), "simulated"])
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_through(lab_exec: Any, notebook: Path, fidelity: str) -> None:
    nbval = [sys.executable, "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", str(notebook)]
    told = lab_exec(*nbval, options=["--fidelity", fidelity], timeout=600)
    assert told.returncode == 0, told.stdout + told.stderr
    assert " passed" in told.stdout.splitlines()[-1]
