"""A slip of the pen is met in plain words, and what a stopped cell was to set is judged by nobody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.events import EventManager, available_events
from IPython.core.interactiveshell import ExecutionInfo, ExecutionResult

from portlab.learn import Lesson
from portlab.learn.slips import Slips, names_in, plain_words


class Shell:
    """As much of a notebook's shell as hears of cells; `run` is what JupyterLab does with one."""

    def __init__(self) -> None:
        self.events = EventManager(self, available_events)
        self.shown: list[str] = []
        self.display_pub = SimpleNamespace(
            publish=lambda data, metadata: self.shown.append(data["text/plain"])
        )
        self.user: dict[str, Any] = {}

    def run(self, cell: str, cell_id: str) -> ExecutionResult:
        info = ExecutionInfo(cell, False, False, True, cell_id)
        result = ExecutionResult(info)
        self.events.trigger("pre_run_cell", info)
        try:
            exec(compile(cell, cell_id, "exec"), self.user)
        except SyntaxError as error:
            result.error_before_exec = error
        except Exception as error:
            result.error_in_exec = error
        self.events.trigger("post_run_cell", result)
        return result


@pytest.fixture
def shell(lesson: Lesson) -> Shell:
    made = Shell()
    lesson._slips = Slips(made)
    made.user["lesson"] = lesson
    return made


def test_a_quote_forgotten_is_met_in_plain_words(shell: Shell) -> None:
    shell.run("hosts = [web, db]", "a")
    [told] = shell.shown
    assert "Nothing is called web so far." in told
    assert 'it wants quotes: "web".' in told
    assert "run that cell first" in told


def test_what_python_cannot_read_is_met_in_plain_words(shell: Shell) -> None:
    shell.run('ports = [25, 110\nhost = "web', "a")
    [told] = shell.shown
    assert "Python could not read this cell." in told
    assert "Look at line" in told


def test_the_value_from_before_is_not_judged(shell: Shell) -> None:
    check = 'checked = lesson.check("doors", ports, [25, 80])'
    shell.run("ports = [25, 80]", "a")
    shell.run(check, "b")
    assert shell.user["checked"].right
    shell.run("ports = [25, 80", "a")
    shell.run(check, "b")
    assert not shell.user["checked"].right
    assert "The cell that sets ports stopped at a mistake." in repr(shell.user["checked"])
    shell.run("ports = [25]", "a")
    shell.run(check, "b")
    assert "Still missing" in repr(shell.user["checked"])


def test_another_cell_s_mistake_is_no_matter(shell: Shell) -> None:
    shell.run("ports = [25, 80]", "a")
    shell.run("other = [web]", "c")
    shell.run('checked = lesson.check("doors", ports, [25, 80])', "b")
    assert shell.user["checked"].right


def test_other_errors_are_left_to_python(shell: Shell) -> None:
    shell.run("x = 1 / 0", "a")
    assert shell.shown == []
    assert plain_words(KeyError("x")) is None


def test_names_that_a_cell_sets_and_uses() -> None:
    assert names_in("a = b + c") == ({"a"}, {"b", "c"})
    assert names_in("a = [1\nb == 2\n") == ({"a"}, set())
