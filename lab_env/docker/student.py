"""The first program of the student's workstation in Docker, and the way into it for everything after that.

    python3 -m lab_env.docker.student              be the workstation: JupyterLab
    python3 -m lab_env.docker.student COMMAND...   run a command as the learner, as `./run exec --docker` does

Both run as the owner of the learner's folder, so that files made here are the host user's, with one right beside
that: raw packets.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
from pathlib import Path

from lab_env.docker import compose
from lab_env.embedded import network
from lab_env.topology import STUDENT, topology
from lab_env.workbook import STATE as WORKBOOK_STATE
from lab_env.workbook import Workbook

DESCRIPTOR = "/run/portlab/lab.json"
PASSWORDS = "/run/portlab/passwd"
FOLDER = Path("/work")
HOME = "/home/student"
DOOR = Path("/door")
USUAL_ID = 1000
ALL_IDS = "4294967295"
ONLY_RAW = "-all,+net_raw"
PYTHON = "/opt/venv/bin/python3"
LEARNER = "PORTLAB_LEARNER"  # set for the learner's own step: prepare the notebooks, then JupyterLab


def main(command: list[str]) -> None:
    """Become the learner and run the command; without one, set the workstation up and open JupyterLab."""
    if os.environ.pop(LEARNER, ""):
        open_desk()
    user, group = owner()
    os.environ.update(environment())
    if not command:
        set_up(user, group)
        os.environ[LEARNER] = "1"
        command = [PYTHON, "-m", "lab_env.docker.student"]
    become(user, group, command)


def owner() -> tuple[int, int]:
    """Whose files the learner's are: named by ./run, else the owner of the folder.

    Root of the computer only where ./run says so; under an engine that runs without root, root in here is its user.
    """
    if named := os.environ.get("PORTLAB_OWNER", ""):
        user, _, group = named.partition(":")
        return int(user), int(group)
    status = FOLDER.stat()
    rootless = ALL_IDS not in Path("/proc/self/uid_map").read_text().split()
    if status.st_uid == 0 and not rootless:
        return USUAL_ID, USUAL_ID
    return status.st_uid, status.st_gid


def environment() -> dict[str, str]:
    """The learner's variables."""
    return {
        "HOME": HOME,
        "USER": STUDENT,
        "LOGNAME": STUDENT,
        "SHELL": "/bin/bash",
        "JUPYTER_CONFIG_DIR": str(FOLDER / WORKBOOK_STATE / "jupyter"),
        "JUPYTER_RUNTIME_DIR": f"{HOME}/runtime",
        "MPLCONFIGDIR": f"{HOME}/matplotlib",
    }


def set_up(user: int, group: int) -> None:
    """The descriptor, the learner's account, and places that belong to the learner."""
    plan = topology()
    described = network.descriptor(
        plan, STUDENT, os.stat("/proc/self/ns/net").st_ino, compose.STUDENT_CONTROL
    )
    Path(DESCRIPTOR).parent.mkdir(parents=True, exist_ok=True)
    Path(DESCRIPTOR).write_text(json.dumps({**described, "fidelity": "docker"}))
    others = [line for line in Path("/etc/passwd.image").read_text().splitlines() if f":{user}:" not in line]
    learner = f"{STUDENT}:x:{user}:{group}::{HOME}:/bin/bash"
    Path(PASSWORDS).write_text("\n".join([*others, learner, ""]))
    (DOOR / "jupyter.sock").unlink(missing_ok=True)
    for place in (Path(HOME), DOOR):
        os.chown(place, user, group)
    if FOLDER.stat().st_uid == 0 and not any(FOLDER.iterdir()):  # made by Docker a moment ago
        os.chown(FOLDER, user, group)


def become(user: int, group: int, command: list[str]) -> None:
    """Replace this process by the command, run as the learner, who keeps the right to raw packets."""
    rights = [
        word for kind in ("inh-caps", "ambient-caps", "bounding-set") for word in (f"--{kind}", ONLY_RAW)
    ]
    identity = ["--reuid", str(user), "--regid", str(group), "--clear-groups"]
    command = ["setpriv", *identity, *rights, "--", *command]
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        sys.exit(f"portlab: there is no program {command[0]!r} on the student's workstation")


def open_desk() -> None:
    """Notebooks ready, then JupyterLab on a socket in the door's volume: no port of it is seen in the lab."""
    if not (FOLDER / WORKBOOK_STATE / "copies.json").exists():  # else they are the business of ./run
        Workbook(FOLDER).update()
    if not os.environ.get("JUPYTER_TOKEN"):
        os.environ["JUPYTER_TOKEN"] = secrets.token_urlsafe(24)
        port = os.environ.get("PORTLAB_PORT", "8888")
        print(f"\n    http://127.0.0.1:{port}/lab?token={os.environ['JUPYTER_TOKEN']}\n", flush=True)
    os.chdir(FOLDER)
    words = [
        PYTHON, "-P", "-m", "jupyterlab",
        "--no-browser",
        f"--ServerApp.sock={DOOR}/jupyter.sock",
        "--ServerApp.sock_mode=0666",
        "--ServerApp.allow_remote_access=True",
        f"--ServerApp.root_dir={FOLDER}",
        "--ServerApp.terminado_settings=shell_command=/bin/bash",
    ]  # fmt: skip
    if os.geteuid() == 0:
        words.append("--allow-root")
    os.execv(PYTHON, words)


if __name__ == "__main__":
    main(sys.argv[1:])
