"""The house's order: imports go one way, pure rooms stay pure, importing portlab does next to nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PORTLAB = PROJECT / "portlab"

# Each room may use only rooms above it.
ROOMS = [
    "errors", "addresses", "files", "shown", "model", "ports", "port_cards", "packets", "techniques", "evidence",
    "lab", "exports", "captures", "view", "permission", "scope", "targets", "wire", "scanning", "learn", "cli",
    "__main__",
]  # fmt: skip
# Thin doors, opened when they are used: results show and export themselves.
DOORS = {
    ("model", "packets"), ("model", "view"), ("evidence", "view"), ("evidence", "exports"),
    ("captures", "view"), ("ports", "view"), ("ports", "port_cards"), ("ports", "exports"),
}  # fmt: skip

PURE = [
    "model",
    "packets",
    "techniques",
    "evidence",
    "scanning/pacing",
    "scanning/journal",
    "scanning/loop",
    "view",
]
IMPURE = {
    "socket",
    "select",
    "ssl",
    "time",
    "datetime",
    "random",
    "secrets",
    "subprocess",
    "threading",
    "asyncio",
    "os",
}
EXCUSED = {
    ("packets/pcap.py", "os"): "reads and writes the files it is handed",
    ("view/progress_bar.py", "os"): "the bar asks whether a terminal is there",
}

FOR_THE_LAB = {"errors", "model", "addresses", "packets", "wire", "lab", "techniques"}
"""What lab_env may use of portlab: the simulator speaks the same bytes, and the contract the same words."""


@dataclass(frozen=True)
class Import:
    """One import statement: where it stands, what it names, and when it is run."""

    file: str
    line: int
    module: str
    lazy: bool
    for_types: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def imports(package: Path) -> Iterator[Import]:
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text())
        yield from _imports_in(tree, path.relative_to(package).as_posix(), lazy=False, for_types=False)


def _imports_in(node: ast.AST, file: str, lazy: bool, for_types: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            names = [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{file}:{child.lineno}: the house imports by full names"
            package = child.module or ""
            names = (
                [f"{package}.{alias.name}" for alias in child.names] if package == "portlab" else [package]
            )
        else:
            in_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            types_only = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            yield from _imports_in(child, file, lazy or in_function, for_types or types_only)
            continue
        for name in names:
            yield Import(file, child.lineno, name, lazy, for_types)


def room_of(file: str) -> str:
    return file.split("/")[0].removesuffix(".py")


PORTLAB_IMPORTS = [each for each in imports(PORTLAB) if each.file != "__init__.py"]


def test_every_room_has_its_place() -> None:
    assert {room_of(each.file) for each in PORTLAB_IMPORTS} <= set(ROOMS)


def test_imports_go_one_way() -> None:
    wrong = []
    for each in PORTLAB_IMPORTS:
        top, _, rest = each.module.partition(".")
        if top != "portlab" or rest in ("", "__version__"):
            continue
        here, there = room_of(each.file), rest.split(".")[0]
        door = (each.lazy or each.for_types) and (here, there) in DOORS
        if ROOMS.index(there) > ROOMS.index(here) and not door:
            wrong.append(str(each))
    assert wrong == []


def test_portlab_knows_nothing_of_lab_env() -> None:
    assert [str(each) for each in imports(PORTLAB) if each.module.split(".")[0] == "lab_env"] == []


def test_lab_env_uses_only_portlabs_words_and_bytes() -> None:
    used = {}
    for each in imports(PROJECT / "lab_env"):
        top, _, rest = each.module.partition(".")
        if top == "portlab" and rest:
            used.setdefault(rest.split(".")[0], str(each))
    assert {room: where for room, where in used.items() if room not in FOR_THE_LAB} == {}


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_are_handed_time_and_chance(room: str) -> None:
    wrong = [
        str(each)
        for each in PORTLAB_IMPORTS
        if (each.file == f"{room}.py" or each.file.startswith(f"{room}/"))
        and not each.for_types
        and each.module.split(".")[0] in IMPURE
        and (each.file, each.module) not in EXCUSED
    ]
    assert wrong == []


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_draw_no_random_numbers(room: str) -> None:
    files = [path for path in [PORTLAB / f"{room}.py", *(PORTLAB / room).rglob("*.py")] if path.exists()]
    assert files
    for path in files:
        chance = [
            node.lineno
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("np.random", "numpy.random")
        ]
        assert not chance, f"{path.name}, lines {chance}"


def test_scapy_and_pandas_are_imported_only_where_they_are_used() -> None:
    heavy = {"scapy", "pandas", "matplotlib", "IPython", "ipywidgets"}
    at_the_top = [
        str(each) for each in PORTLAB_IMPORTS
        if each.module.split(".")[0] in heavy and not each.lazy and not each.for_types
    ]  # fmt: skip
    assert at_the_top == []


# --- import portlab ---------------------------------------------------------------------------------

WATCH = """
import sys
events = []
sys.addaudithook(lambda event, args: events.append(event) if event.split(".")[0] in WATCHED else None)
import portlab
for name in portlab.__all__:
    getattr(portlab, name)
print(sorted({name.split(".")[0] for name in sys.modules} & HEAVY), sorted(set(events)))
"""


def test_import_opens_starts_and_sends_nothing() -> None:
    """Not even when every public name has been looked at."""
    code = WATCH.replace("WATCHED", "('socket', 'subprocess', '_thread')").replace(
        "HEAVY", "{'scapy', 'pandas', 'matplotlib'}"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT)
    assert (told.stdout, told.stderr) == ("[] []\n", "")


def test_import_is_quick(record_property: pytest.FixtureRequest) -> None:
    """Measured against NumPy's own import, which a packet table cannot do without; the report has the figure."""
    code = "import sys, time; start = time.perf_counter(); import {0}; print(time.perf_counter() - start)"

    def seconds(module: str) -> float:
        command = [sys.executable, "-c", code.format(module)]
        return min(
            float(subprocess.run(command, capture_output=True, text=True, cwd=PROJECT).stdout)
            for _ in range(5)
        )

    portlab, numpy = seconds("portlab"), seconds("numpy")
    record_property("import portlab, ms", round(portlab * 1e3))  # type: ignore[operator]
    assert portlab < 2 * numpy
