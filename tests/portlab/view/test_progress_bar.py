import io
import sys
from typing import Any

import pytest

from portlab.view import progress_bar
from portlab.view.progress_bar import Notebook, ProgressBar, Terminal


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


class Screen:
    def __init__(self) -> None:
        self.said: list[Any] = []

    def show(self, text: str, done: int, total: int) -> None:
        self.said.append((text, done, total))

    def clear(self) -> None:
        self.said.append("cleared")


def test_nothing_in_the_first_second_then_five_times_a_second() -> None:
    clock, screen = Clock(), Screen()
    with ProgressBar("SYN scan", clock, screen) as bar:
        for done in range(300):  # three seconds
            bar(done, 300)
            clock.time += 0.01
    *shown, last = screen.said
    assert shown[0][1] in (100, 101)
    assert 9 <= len(shown) <= 11
    assert last == "cleared"


def test_a_short_scan_shows_nothing() -> None:
    screen = Screen()
    with ProgressBar("SYN scan", Clock(), screen) as bar:
        bar(1, 2)
    assert screen.said == []


def test_a_terminal_line_is_drawn_over_itself_and_erased() -> None:
    stream = io.StringIO()
    line = Terminal(stream)
    line.show("SYN scan of web", 32_768, 65_536)
    line.clear()
    assert "###############...............]" in stream.getvalue()
    assert "32,768 of 65,536" in stream.getvalue()
    assert "\n" not in stream.getvalue()
    assert stream.getvalue().endswith("\r\x1b[K")


def test_a_notebook_output_is_updated_in_place_and_left_empty() -> None:
    sent: list[dict[str, Any]] = []

    class Shell:
        class display_pub:  # noqa: N801  # IPython's own name
            publish = staticmethod(lambda **message: sent.append(message))

    output = Notebook(Shell())
    output.show("<b>", 1, 2)
    output.show("<b>", 2, 2)
    output.clear()
    assert [message["update"] for message in sent] == [False, True, True]
    assert len({message["transient"]["display_id"] for message in sent}) == 1
    assert "&lt;b&gt;" in sent[0]["data"]["text/html"]
    assert sent[-1]["data"] == {"text/plain": "", "text/html": ""}


def test_where_nobody_looks_nothing_is_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    clock = Clock()
    with ProgressBar("SYN scan", clock) as bar:
        clock.time += 5
        bar(1, 2)
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]
    assert capsys.readouterr().out == ""


def test_a_terminal_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Teletype(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stderr", Teletype())
    assert isinstance(progress_bar.find_screen(), Terminal)


@pytest.mark.parametrize(
    ("done", "total", "part"), [(0, 10, 0), (5, 10, 50), (10, 10, 100), (11, 10, 100), (0, 0, 100)]
)
def test_percent(done: int, total: int, part: int) -> None:
    assert progress_bar.percent(done, total) == part


def test_terminal_that_has_gone_is_no_matter() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(5, "Input/output error")

    terminal = Terminal(Gone())
    terminal.show("SYN scan", 1, 2)
    terminal.clear()
