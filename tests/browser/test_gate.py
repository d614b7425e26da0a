"""The prediction gate under a learner's hands, on a page without a notebook."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from portlab.learn.evidence import packets_to_choose, states_to_choose
from portlab.learn.questions import questions_of
from portlab.view.gate import Choice, Feedback, Gate, Group, note

pytestmark = pytest.mark.browser

GATE = Gate(
    "a-door",
    "Predict first",
    "What will a UDP scan say about port 514 of ops, and what will decide it?",
    (
        Group(
            "state", "The port will be reported as", tuple(Choice(s, s, s) for s in states_to_choose("udp"))
        ),
        Group("packet", "because what comes back is", tuple(Choice(p) for p in packets_to_choose("udp"))),
    ),
    "Lock in and run the scan",
)
SAID = Feedback(
    "½", "Right evidence, other state.", ("Silence cannot tell them apart. " * 4,), "pl.udp_scan()"
)
QUESTIONS = tuple(question.group(question.text) for question in questions_of("pre-test"))
FIGURES = {
    "before": GATE.html(),
    "after": replace(GATE, picked={"state": "closed", "packet": "nothing"}, feedback=SAID).html(),
    "one": replace(GATE, groups=QUESTIONS[:1]).html(),
    "many": replace(GATE, groups=QUESTIONS).html(),
    "note": note(SAID),
}


def test_the_button_unlocks_when_every_group_has_a_choice(browser: Any) -> None:
    page = browser.new_page()
    page.set_content(f"<!doctype html><body>{GATE.html()}")
    page.evaluate("document.addEventListener('pl-tell', event => { window.told = event.detail; })")
    button = page.locator("button")
    page.locator("input[value=closed]").check()
    button.click(force=True)
    assert (button.get_attribute("aria-disabled"), page.evaluate("window.told")) == ("true", None)
    page.locator("input[value=nothing]").check()
    assert button.get_attribute("aria-disabled") == "false"
    button.click()
    assert page.evaluate("told") == {"do": "commit", "picked": {"state": "closed", "packet": "nothing"}}
    assert "One moment" in page.locator(".hint").inner_text()
    page.locator(".hint", has_text="Still waiting for Python").wait_for()
    assert button.get_attribute("aria-disabled") == "false"
    page.close()


def test_what_python_cannot_read_is_asked_again_at_once(browser: Any) -> None:
    page = browser.new_page()
    gate = replace(GATE, groups=(Group("gaps", "How many seconds?", unit="s"),))
    page.set_content(f"<!doctype html><body>{gate.html()}")
    page.clock.install()
    page.get_by_role("textbox").fill("soon")
    page.locator("button").click()
    assert "One moment" in page.locator(".bar .hint").inner_text()
    page.evaluate(
        "document.querySelector('figure').dispatchEvent(new CustomEvent('pl-trouble', {bubbles: true}))"
    )
    page.clock.run_for(60_000)
    assert page.locator(".bar .hint").inner_text() == ""
    assert page.locator("button").get_attribute("aria-disabled") == "false"
    page.close()
