"""Tries each thing that `./run lab` needs, for real, and says what to type where one is missing."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab_env import fidelity, jupyter
from lab_env.topology import STUDENT, topology

PROJECT = Path(__file__).resolve().parent.parent
START_PATIENCE = 90.0  # seconds for JupyterLab to tell its address
SIMULATED = "./run lab --fidelity simulated"
NMAP = "nmap is optional: some exercises compare PortLab with it.  Type: sudo apt-get install nmap"


@dataclass(frozen=True)
class Finding:
    """One thing that was tried: how it went, and whether the lab needs it."""

    ok: bool
    text: str
    needed: bool = True

    def __str__(self) -> str:
        """One line, with the mark in front."""
        mark = "ok" if self.ok else ("NO" if self.needed else "--")
        return f"  {mark}  {self.text}"


def python() -> Finding:
    """Whether this Python is one that PortLab runs on."""
    version = platform.python_version()
    tested = sorted(path.stem for path in (PROJECT / "constraints").glob("*.txt"))
    known = ".".join(version.split(".")[:2]) in tested
    remark = "" if known else f"; newer than those tested ({', '.join(tested)})"
    return Finding(sys.version_info >= (3, 11), f"Python {version}, {sys.executable}{remark}")


def packages() -> Finding:
    """Whether all of requirements.txt is installed, in versions that fit."""
    wrong = list(unmet_requirements())
    if wrong:
        return Finding(
            False, f"packages: {'; '.join(wrong)}.  Type: {sys.executable} -m pip install -r requirements.txt"
        )
    return Finding(True, f"packages, with JupyterLab {importlib.metadata.version('jupyterlab')}")


def unmet_requirements() -> Iterator[str]:
    """Each line of requirements.txt that is not met, as words."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        yield "nothing is installed"
        return
    for line in (PROJECT / "requirements.txt").read_text().splitlines():
        text = re.sub(r"(^|\s)#.*", "", line).strip()
        if not text:
            continue
        requirement = Requirement(text)
        if requirement.marker and not requirement.marker.evaluate():
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if version not in requirement.specifier:
            yield f"{requirement.name} is {version}, not {requirement.specifier}"


def embedded_lab() -> Finding:
    """Build the embedded lab and do in it what learners do: a SYN scan, whose outcome the contract knows."""
    if found := fidelity.obstacles():
        return Finding(False, f"embedded lab: {'; '.join(found)}", needed=False)
    from lab_env import embedded

    started = time.monotonic()
    try:
        status = embedded.run([sys.executable, "-P", "-m", "lab_env.trial"])
    except Exception as error:  # whatever it is, the other things are still tried
        return Finding(False, f"embedded lab: {error}", needed=False)
    if status:
        why = "it stands, but a SYN scan in it does not bring back what it must; see above"
        return Finding(False, f"embedded lab: {why}.  Type: {SIMULATED}", needed=False)
    spent = f"all in {time.monotonic() - started:.1f} s"
    return Finding(
        True,
        "embedded lab: built, a raw socket opened, web answered a SYN scan as it must (open, closed, dropped), "
        f"{spent}",
    )


def jupyterlab() -> Finding:
    """Start JupyterLab as `./run lab` does, see it answer, and end it."""
    started = time.monotonic()
    flags = ["-P", *(["-B"] if sys.flags.dont_write_bytecode else [])]  # -B: under sudo, see ./run
    command = [sys.executable, *flags, "-m", "lab_env", "lab", "--no-browser"]
    environment = os.environ | jupyter.common_environment()
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        timer = ended_after(process, START_PATIENCE)
        with timer:
            assert process.stdout is not None
            url = next((line.strip() for line in process.stdout if "http://" in line), "")
        process.terminate()
        errors = process.communicate()[1]
    if not url:
        return Finding(False, f"JupyterLab did not start:\n{errors[-2000:]}")
    return Finding(
        True, f"JupyterLab: answered at {url.split('/lab')[0]} after {time.monotonic() - started:.1f} s"
    )


@contextlib.contextmanager
def ended_after(process: subprocess.Popen[str], seconds: float) -> Iterator[None]:
    """End the process if what is done meanwhile takes longer than that."""
    import threading

    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def browser() -> Finding:
    """Whether a browser can be opened from here."""
    if jupyter.has_display():
        return Finding(True, "browser: there is a screen to open it on")
    return Finding(
        False, "browser: no screen here; open the address that `./run lab` prints yourself", needed=False
    )


def docker() -> Finding:
    """Whether the Docker lab can run: engine, Compose, free addresses."""
    from lab_env.docker import engine

    if why := engine.obstacle():
        return Finding(False, f"Docker lab: {why}", needed=False)
    lab = engine.DockerLab(topology().prefix)
    if lab.container(STUDENT):
        return Finding(True, "Docker lab: it runs")
    if other := engine.taken_by(lab.prefix, lab.project):
        reason = f"the Docker network {other!r} has them"
        return Finding(False, f"Docker lab: {engine.overlap(lab.prefix, reason)}", needed=False)
    missing = [image for image in engine.IMAGES if engine.label_of(image) is None]
    remark = "; its images are made at the first start, which takes minutes" if missing else ""
    return Finding(True, f"Docker lab: {' '.join(engine.compose_command())}{remark}")


def nmap() -> Finding:
    """Whether the optional judge is here."""
    program = shutil.which("nmap")
    if not program:
        return Finding(False, NMAP, needed=False)
    said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
    return Finding(True, (said.splitlines() or ["nmap"])[0].split(" (")[0])


def examine() -> int:
    """Try all of it and print each finding as it comes; 0: `./run lab` will work."""
    findings: dict[str, Finding] = {}
    for trial in (python, packages, embedded_lab, docker, jupyterlab, browser, nmap):
        findings[trial.__name__] = trial()
        print(findings[trial.__name__], flush=True)
    if not all(finding.ok for finding in findings.values() if finding.needed):
        print("\n`./run lab` will not work yet: what stands behind NO is missing.")
        return 1
    if findings["embedded_lab"].ok:
        print("\n`./run lab` will work, with real packets.")
        return 0
    print("\n`./run lab` will work, with the simulated lab only.")
    if not fidelity.obstacles():  # then it would choose the embedded lab
        print(f"Type: {SIMULATED}")
    return 0
