"""Every lesson from top to bottom in the Docker lab, with the key's predictions; test_lessons.py has pytest run this.

Each is run by a kernel as JupyterLab starts one; what a page of it would show is judged as the saved notebook has it.
"""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

LESSONS = sorted(Path("/opt/portlab/notebooks").glob("*.ipynb"))
HOPE = 1200  # seconds for one cell


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_lesson(lesson, tmp_path):
    variables = {
        "PORTLAB_KEY": "/work/.tests/tests/notebooks/key.json",
        "PORTLAB_PROGRESS": str(tmp_path / "progress.json"),
    }
    notebook = nbformat.read(lesson, 4)
    client = NotebookClient(notebook, timeout=HOPE, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=os.environ | variables)  # raises where a cell does
    told = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert [
        output for output in told if output.output_type == "error" or output.get("name") == "stderr"
    ] == []
    shown = "".join(str(output.get("data", {}).get("text/html", "")) for output in told)
    assert shown.count('<figure class="pl pl-ladder') >= 3  # one output may hold several
    assert "is not answered yet." not in str(told)
    assert "SIMULATED" not in str(told)
    assert "docker" in str(told).lower()
