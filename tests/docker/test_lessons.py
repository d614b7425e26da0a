"""The lessons in the Docker lab: all of them without a browser, and one as a learner sees it, through the door.

What a browser makes of the others is the same as in the embedded lab, where `tests/browser` looks at each.
"""

import pytest

from tests.browser.desk import KNOCK, NOTEBOOKS, Sitting
from tests.browser.test_notebooks import look_through

from .test_inside import assert_passed

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_each_lesson_runs_through_with_the_keys_predictions_and_shows_whole_pages_without_a_complaint(
    running,
):
    outcomes = running.pytest("tests/docker/inside_lessons.py")["tests.docker.inside_lessons"]
    assert_passed(outcomes)
    assert len(outcomes) == len(NOTEBOOKS)


@pytest.mark.browser
def test_run_all(running, browser, tmp_path):
    desk = running.desk
    assert desk._answers()
    sitting = Sitting(None, "docker", desk.folder.parent, f"http://127.0.0.1:{desk.port}", desk.token)
    look_through(browser, sitting, KNOCK, tmp_path)
