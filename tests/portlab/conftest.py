import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portlab import lab, scope

OWN_NAMESPACE = os.stat("/proc/self/ns/net").st_ino

DESCRIPTOR = {
    "fidelity": "simulated",
    "networks": {"office": "10.77.1.0/24", "dmz": "10.77.2.0/24", "branch": "10.77.3.0/24"},
    "hosts": {
        "student": ["10.77.1.100"],
        "gateway": ["10.77.1.1", "10.77.2.1", "10.77.3.1"],
        "infra": ["10.77.1.10"],
        "files": ["10.77.1.20"],
        "web": ["10.77.2.10"],
        "db": ["10.77.2.20"],
    },
    "self": "student",
    "wire": "no_such_module:Wire",
    "netns": None,
    "control": None,
    "recordings": None,
}


@pytest.fixture(autouse=True)
def no_lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test begins in no lab and with nothing authorised, and leaves it so."""
    monkeypatch.delenv(lab.VARIABLE, raising=False)
    lab.use(None)
    scope.withdraw()
    yield
    lab.use(None)
    scope.withdraw()


@pytest.fixture
def describe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put this process in the lab of a descriptor; keywords replace its entries."""

    def write(**changes: object) -> Path:
        path = tmp_path / "lab.json"
        path.write_text(json.dumps(DESCRIPTOR | changes))
        monkeypatch.setenv(lab.VARIABLE, str(path))
        return path

    return write


@pytest.fixture
def in_lab(describe: Callable[..., Path]) -> Path:
    return describe()
