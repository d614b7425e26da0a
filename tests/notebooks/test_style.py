"""Every notebook keeps to the beat and to the limits that CONTRIBUTING and notebooks/README state."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
LINE_WIDTH, CODE_LINES, MEDIAN_LINES, PROSE_WORDS, CELLS, MINUTES = 88, 15, 5, 120, 60, 45

ADDRESS = r"\b(?:10|127|172|192)(?:\.\d+){3}\b"  # a section of an RFC has four numbers, too, but smaller ones
Cell = dict[str, Any]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str = "") -> list[Cell]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if kind in ("", cell["cell_type"])]


def source(cell: Cell) -> str:
    return "".join(cell["source"])


def lines(cell: Cell) -> list[str]:
    return [line for line in source(cell).splitlines() if line.strip()]


def words(cell: Cell) -> int:
    """Words of prose; drawings, tables' rules and HTML tags are none."""
    text = re.sub(r"```.*?```|<[^>]+>|[|*`#]", " ", source(cell), flags=re.S)
    return len(re.findall(r"[^\W_][\w'’.-]*", text))


def tag(cell: Cell) -> str:
    return str(cell["metadata"].get("tags", [""])[0])


def test_there_are_notebooks() -> None:
    assert {"00_start_here", "04_knock_and_run_the_syn_scan"} <= {path.stem for path in NOTEBOOKS}


@each_notebook
def test_no_output_is_stored(path: Path) -> None:
    stored = [
        cell["id"] for cell in cells(path, "code") if cell["outputs"] or cell["execution_count"] is not None
    ]
    assert stored == []


@each_notebook
def test_cells_are_small(path: Path) -> None:
    code = cells(path, "code")
    assert [cell["id"] for cell in code if len(lines(cell)) > CODE_LINES] == []
    assert [line for cell in code for line in lines(cell) if len(line) > LINE_WIDTH] == []
    assert median(len(lines(cell)) for cell in code) < MEDIAN_LINES
    assert [(cell["id"], words(cell)) for cell in cells(path, "markdown") if words(cell) > PROSE_WORDS] == []
    assert len(cells(path)) <= CELLS


@each_notebook
def test_it_opens_with_what_it_is_for(path: Path) -> None:
    opening = source(cells(path)[0])
    assert re.match(r"# \w+.*: \w+", opening)
    assert [
        word for word in ("What you'll do", "What you'll learn", "What you need") if word not in opening
    ] == []
    minutes = re.search(r"About (\d+) minutes", opening)
    assert minutes
    assert int(minutes[1]) <= MINUTES
    title = opening.splitlines()[0].removeprefix("# ")
    assert f"[{path.stem[:2]}]({path.name}) | {title} | {minutes[1]} |" in (FOLDER / "README.md").read_text(
        "utf-8"
    )


@each_notebook
def test_the_first_code_cell_says_which_lab_this_is(path: Path) -> None:
    assert source(cells(path, "code")[0]).rstrip().endswith("lab.here()")


@each_notebook
def test_it_closes_with_a_summary_and_further_reading(path: Path) -> None:
    *_, summary, further = [source(cell) for cell in cells(path, "markdown")]
    assert summary.startswith("## Say it aloud")
    assert further.startswith("## Further reading")


@each_notebook
def test_the_beat(path: Path) -> None:
    """Who predicts, runs and sees before anything is explained; an exercise is checked."""
    tags = [tag(cell) for cell in cells(path)]
    assert all(tags)
    for place, name in enumerate(tags):
        if name == "predict" and tags[place + 1] != "predict":
            following = tags[place + 1 :]
            assert following.index("explain") > min(
                following.index(step) for step in ("run", "see") if step in following
            )
    code_tags = [tag(cell) for cell in cells(path, "code")]
    assert code_tags.count("exercise") == code_tags.count("check") >= 3
    assert "predict" in code_tags
    assert "stretch" in tags


@each_notebook
def test_hosts_are_called_by_name(path: Path) -> None:
    found = {address for cell in cells(path) for address in re.findall(ADDRESS, source(cell))}
    assert {
        address for address in found if not address.startswith("192.0.2.")
    } == set()  # RFC 5737: for examples
    assert "10.77" not in path.read_text("utf-8")


@each_notebook
def test_code_defines_nothing_and_sends_nothing_past_the_scope(path: Path) -> None:
    for cell in cells(path, "code"):
        tree = ast.parse(source(cell))
        nodes = list(ast.walk(tree))
        assert not [
            node for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda)
        ], cell["id"]
        modules = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
        assert not {
            module for module in modules if module and module.split(".")[0] in ("socket", "subprocess", "os")
        }
        called = {node.func for node in nodes if isinstance(node, ast.Call)}
        names = {func.id for func in called if isinstance(func, ast.Name)}
        names |= {
            func.attr
            for func in called
            if isinstance(func, ast.Attribute)
            and not (isinstance(func.value, ast.Name) and func.value.id == "pl")
        }
        assert not names & {"send", "sendp", "sr", "sr1", "srp", "srp1", "sniff", "AsyncSniffer"}, cell["id"]


@each_notebook
def test_any_jupyter_can_open_it(path: Path) -> None:
    notebook = json.loads(path.read_text("utf-8"))
    assert (notebook["nbformat"], notebook["metadata"]["kernelspec"]["name"]) == (4, "python3")
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(ids) == len(set(ids))
    assert "widgets" not in notebook["metadata"]
