"""What joins a live picture to Python, in a page of its own: a model that plays the kernel's part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import portlab.learn
from portlab.learn.live import Live

pytestmark = pytest.mark.browser

MODULE = (Path(portlab.learn.__file__).parent / "live.js").read_text("utf-8")
FAKE = """async ([code, state]) => {
  const module = await import(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const answers = {}, model = {
    get: (name) => state[name],
    on: (names, answer) => names.split(" ").forEach((name) => (answers[name] = answer)),
    send: (detail) => (window.told ??= []).push(detail),
  };
  window.change = (name, value) => { state[name] = value; answers[`change:${name}`](); };
  window.say = (name, ...what) => answers[name](...what);
  module.default.initialize({ model, signal: new AbortController().signal });
}"""


TELL = "this.dispatchEvent(new CustomEvent('pl-tell', {bubbles: true, detail: {go: 1}}))"


def figure(words: str, more: str = "") -> str:
    return f"""<figure class="pl"><p class="words">{words}</p><input id="typed" value="a">
<button id="go" class="needs-python" hidden="hidden" onclick="{TELL}">Go</button>{more}</figure>"""


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    opened = browser.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    opened.close()
    assert complaints == []


def show(page: Any, words: str = "first") -> str:
    """The output as JupyterLab shows it, and the module beside it; the output's HTML."""
    live = Live(figure(words), words)
    output: str = live._repr_mimebundle_()["text/html"]
    page.set_content(f'<!doctype html><meta charset="utf-8"><div id="output">{output}</div>')
    state = {"name": live.name, "html": live.html, "passing": "", "trouble": ""}
    page.evaluate(FAKE, [MODULE, state])
    return output


def active(page: Any) -> str:
    focused: str = page.evaluate("document.activeElement.id")
    return focused


def test_controls_that_need_python_are_there_only_while_it_listens(page: Any) -> None:
    show(page)
    assert page.locator("#go").is_visible()
    assert not page.locator(".asleep").is_visible()
    page.evaluate("say('comm_live_update')")
    assert not page.locator("#go").is_visible()
    assert page.locator(".asleep").is_visible()


def test_what_the_figure_tells_reaches_python(page: Any) -> None:
    show(page)
    page.click("#go")
    assert page.evaluate("told") == [{"go": 1}]


def test_what_python_says_reaches_the_figure(page: Any) -> None:
    show(page)
    page.evaluate(
        "document.querySelector('figure').addEventListener('pl-hear', e => window.heard = e.detail)"
    )
    page.evaluate("say('msg:custom', {line: 'hello'})")
    assert page.evaluate("heard") == {"line": "hello"}


def test_a_new_picture_leaves_focus_and_typed_text_where_they_are(page: Any) -> None:
    show(page)
    page.fill("#typed", "my own")
    page.evaluate("html => change('html', html)", figure("second", "<b>more</b>"))
    assert page.locator(".words").inner_text() == "second"
    assert page.locator("figure b").inner_text() == "more"
    assert (active(page), page.input_value("#typed")) == ("typed", "my own")
    assert page.locator("#go").is_visible()


def test_a_passing_picture_is_shown_before_the_kept_one(page: Any) -> None:
    show(page)
    page.evaluate("html => change('passing', html)", figure("half way"))
    assert page.locator(".words").inner_text() == "half way"
    page.evaluate("change('passing', '')")
    assert page.locator(".words").inner_text() == "first"


def test_an_output_drawn_anew_gives_way_to_the_one_in_use(page: Any) -> None:
    """JupyterLab draws the whole output again when the kept picture changes."""
    output = show(page)
    page.fill("#typed", "my own")
    page.evaluate("html => { document.getElementById('output').innerHTML = html }", output)
    page.wait_for_function("document.activeElement.id === 'typed'")
    assert page.input_value("#typed") == "my own"
    assert page.locator("figure").count() == 1
    page.click("#go")
    assert page.evaluate("told") == [{"go": 1}]


def test_a_script_that_comes_with_a_new_picture_runs_once(page: Any) -> None:
    show(page)
    counting = figure("second") + "<script>window.runs = (window.runs ?? 0) + 1</script>"
    page.evaluate("html => change('html', html)", counting)
    page.evaluate("html => change('html', html)", counting.replace("second", "third"))
    assert page.evaluate("runs") == 1


def test_trouble_is_an_alert_that_goes_away_again(page: Any) -> None:
    show(page)
    alert = page.locator("[role=alert]")
    assert not alert.is_visible()
    page.evaluate("document.addEventListener('pl-trouble', e => (window.met ??= []).push(e.target.tagName))")
    page.evaluate("change('trouble', 'There is no <b>host</b> called so.')")
    assert alert.inner_text() == "There is no <b>host</b> called so."
    assert page.evaluate("met") == ["FIGURE"]
    page.evaluate("html => change('html', html)", figure("second"))
    assert alert.inner_text() == "There is no <b>host</b> called so."
    page.evaluate("change('trouble', '')")
    assert not alert.is_visible()
