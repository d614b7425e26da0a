"""One sitting at the desk: notebooks ready, a port, a lab with JupyterLab in it, the address told."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading

from lab_env import fidelity, simulated_run, sudo
from lab_env.jupyter import Desk, listen
from lab_env.signals import JUPYTERLAB
from lab_env.workbook import Workbook, place


def open_lab(chosen: str, port: int, browser: bool, reset: list[str]) -> int:
    """Run JupyterLab in the lab of this fidelity until it ends; its exit status.

    Raises BadTarget for a lesson or port there is not.
    """
    with sudo.as_user():
        workbook = Workbook(place())
        first_page = prepare_copies(workbook, reset)
    with listen(port) as listener:
        desk = Desk(workbook.folder, listener.getsockname()[1], first_page)
        if desk.port != port:
            print(f"Port {port} is taken by another program, so this lab uses {desk.port}.")
        print(f"Starting the {chosen} lab.  Your notebooks are in {workbook.folder}", flush=True)
        if chosen == fidelity.EMBEDDED:
            return in_embedded_lab(desk, listener, browser)
    sudo.become_user()
    return simulated_run.run(
        desk.command(),
        environment=desk.environment(),
        on_ready=lambda: desk.announce(browser),
        patience=JUPYTERLAB,
    )


def in_embedded_lab(desk: Desk, listener: socket.socket, browser: bool) -> int:
    """JupyterLab inside the lab; connections to `listener` go to it."""
    from lab_env import embedded
    from lab_env.embedded.own_files import TEMPORARY  # in memory, and gone with the lab

    def ready(lab: embedded.Handle) -> None:
        desk.announce(browser)
        threading.Thread(target=try_out, args=(lab.pid,), daemon=True).start()

    return embedded.run(
        desk.command(),
        publish=listener,
        inner_port=desk.port,
        environment=desk.environment() | {"JUPYTER_RUNTIME_DIR": f"{TEMPORARY}/jupyter"},
        on_ready=ready,
        patience=JUPYTERLAB,
    )


def try_out(lab: int) -> None:
    """Do in a lab that has just started what learners do, and say so where it does not come out as it must."""
    inside = ["--attach", "--lab", str(lab), "--", sys.executable, "-P", "-m", "lab_env.trial"]
    command = [sys.executable, "-P", "-m", "lab_env", "exec", *inside]
    # a process of its own: signals are for the one that stays with the lab
    done = subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True
    )
    if done.stdout:  # one line for each port that differs
        print(
            f"\nportlab: this lab stands, but scans in it do not bring back what they must:\n{done.stdout}"
            "    End it with Ctrl-C and type: ./run lab --fidelity simulated",
            file=sys.stderr,
        )


def prepare_copies(workbook: Workbook, reset: list[str]) -> str:
    """Bring the learner's copies up to date and say so; the page to open first, if they are all new."""
    for number in reset:
        name, kept = workbook.reset(number)
        print(f"Lesson {name} is fresh again; your old copy is {kept.name}")
    changes = workbook.update()
    for sentence in changes.sentences():
        print(sentence, file=sys.stderr)
    all_new = len(changes.new) == len(workbook.lessons)
    return f"{workbook.first()}.ipynb" if all_new and workbook.lessons else ""
