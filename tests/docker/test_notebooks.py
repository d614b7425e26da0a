"""The lessons in the Docker lab: in a real browser as in the other labs, and without one, inside the workstation."""

import shlex

import pytest

from lab_env.docker.engine import PROJECT
from tests.browser import test_notebooks as in_a_browser
from tests.browser.test_notebooks import NOTEBOOKS, Sitting

pytestmark = [pytest.mark.docker, pytest.mark.slow]

test_run_all = pytest.mark.browser(in_a_browser.test_run_all)  # with the sitting below


@pytest.fixture(scope="module")
def sitting(running):
    desk = running.desk
    assert desk._answers()
    return Sitting(None, "docker", desk.folder.parent, f"http://127.0.0.1:{desk.port}", desk.token)


@pytest.mark.parametrize("notebook", [path.name for path in NOTEBOOKS])
def test_runs_through_with_the_keys_predictions(running, notebook):
    key = PROJECT / "tests" / "notebooks" / "key.json"
    (running.desk.folder / "key.json").write_text(key.read_text())
    nbval = ["python3", "-m", "pytest", "--nbval-lax", "-q", "-p", "no:cacheprovider", f"/tmp/{notebook}"]
    script = f"cp /opt/portlab/notebooks/{notebook} /tmp && cd /tmp && {shlex.join(nbval)}"
    done = running.run(
        "env",
        "PORTLAB_KEY=/work/key.json",
        "PORTLAB_PROGRESS=/tmp/progress.json",
        "sh",
        "-c",
        script,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout.splitlines()[-1]
