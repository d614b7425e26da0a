import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from portlab import lab
from portlab.errors import LabNotRunning

DESCRIPTOR = {
    "fidelity": "simulated",
    "networks": {"office": "10.77.1.0/24"},
    "hosts": {"web": ["10.77.2.10"]},
    "self": "student",
    "wire": "no_such_module:Wire",
    "netns": None,
}
OWN_NAMESPACE = os.stat("/proc/self/ns/net").st_ino
Describe = Callable[..., Path]


def a_lab(**changes: object) -> lab.Lab:
    values = {"fidelity": "simulated", "networks": {}, "hosts": {}, "self_name": "student", "wire": "m:f"}
    return lab.Lab(**(values | changes))  # type: ignore[arg-type]


def test_no_descriptor_is_no_lab() -> None:
    assert lab.current() is None
    assert lab.fidelity() == "host"
    assert lab.resolve("web") is None
    assert lab.name_of("10.77.2.10") == ""
    assert lab.names() == []
    assert "./run lab" in lab.why_not()


def test_descriptor_is_read(in_lab: Path) -> None:
    here = lab.current()
    assert here is not None
    assert here.self_name == "student"
    assert here.hosts["gateway"] == ("10.77.1.1", "10.77.2.1", "10.77.3.1")
    assert lab.fidelity() == "simulated"
    assert lab.why_not() == ""
    with pytest.raises(FrozenInstanceError):
        here.fidelity = "host"  # type: ignore[misc]


def test_own_namespace_is_the_lab(describe: Describe) -> None:
    describe(fidelity="embedded", netns=OWN_NAMESPACE)
    assert lab.fidelity() == "embedded"


def test_other_namespace_opens_nothing(describe: Describe) -> None:
    describe(fidelity="embedded", netns=OWN_NAMESPACE + 1)
    assert lab.current() is None
    assert lab.resolve("web") is None
    assert str(OWN_NAMESPACE + 1) in lab.why_not()
    assert "./run exec --attach" in lab.why_not()


def test_descriptor_that_is_gone_is_no_lab(in_lab: Path) -> None:
    in_lab.unlink()
    assert lab.current() is None
    assert repr(str(in_lab)) in lab.why_not()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"fidelity": "simulated"}',
        json.dumps(DESCRIPTOR | {"networks": {"office": "10.0.0.1/8"}}),
        json.dumps(DESCRIPTOR | {"hosts": {"web": ["web"]}}),
        json.dumps(DESCRIPTOR | {"fidelity": "embedded"}),
        "\x00\xff",
    ],
)
def test_damaged_descriptor_says_so(in_lab: Path, text: str) -> None:
    in_lab.write_text(text)
    os.utime(in_lab, ns=(1, 1))
    with pytest.raises(LabNotRunning, match=r"damaged.*\./run lab") as caught:
        lab.current()
    assert repr(str(in_lab)) in str(caught.value)


def test_rewritten_descriptor_is_read_anew(describe: Describe) -> None:
    path = describe()
    os.utime(path, ns=(1, 1))
    assert lab.resolve("web") == "10.77.2.10"
    describe(hosts={"web": ["10.77.2.99"]})
    assert lab.resolve("web") == "10.77.2.99"


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("web", "10.77.2.10"),
        ("WEB.Lab", "10.77.2.10"),
        ("gateway", "10.77.1.1"),
        ("office", "10.77.1.0/24"),
        ("office.lab", "10.77.1.0/24"),
        ("nobody", None),
        ("", None),
        (".lab", None),
    ],
)
def test_resolve(in_lab: Path, name: str, meaning: str | None) -> None:
    assert lab.resolve(name) == meaning


@pytest.mark.parametrize(
    ("address", "name"), [("10.77.3.1", "gateway"), ("10.77.2.20", "db"), ("10.77.2.21", "")]
)
def test_name_of(in_lab: Path, address: str, name: str) -> None:
    assert lab.name_of(address) == name


def test_use_comes_before_the_descriptor_and_is_taken_back(in_lab: Path) -> None:
    lab.use(a_lab(hosts={"web": ("10.1.1.1",)}))
    assert lab.resolve("web") == "10.1.1.1"
    lab.use(None)
    assert lab.resolve("web") == "10.77.2.10"


def test_use_refuses_another_namespace() -> None:
    with pytest.raises(LabNotRunning, match=r"namespace 1,"):
        lab.use(a_lab(fidelity="embedded", netns=1))
    assert lab.current() is None


def test_open_wire_calls_what_the_descriptor_names() -> None:
    assert lab.open_wire(a_lab(wire="builtins:repr")).startswith("Lab(")


@pytest.mark.parametrize("wire", ["no_such_module:Wire", "builtins:no_such_name", "builtins"])
def test_wire_that_is_not_there(wire: str) -> None:
    with pytest.raises(LabNotRunning, match=repr(wire)):
        lab.open_wire(a_lab(wire=wire))


def test_lab_imports_no_numpy() -> None:
    code = "import sys, portlab.lab; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
