"""What stands between this machine and an embedded lab: all it needs is tried for real, in a new process."""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab_env import firewall
from lab_env.topology import GATEWAY, topology

ROOT = str(Path(__file__).resolve().parents[2])
PROGRAMS = {"ip": "iproute2", "nft": "nftables"}
SYSTEM_DIRECTORIES = "/usr/sbin:/sbin"
SIMULATED = "./run lab --fidelity simulated"
TRY = (
    f"import sys; sys.path.insert(0, {ROOT!r}); "
    "from lab_env.embedded.attempt import try_everything; try_everything()"
)

NAMESPACES = "namespaces of its own"
FILES = "its own /proc and /run"
CABLES, FIREWALL, PACKETS = "bridges and cables", "firewall rules", "packet sockets"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing this machine does not let the lab do, and the next command to type."""

    problem: str
    command: str

    def __str__(self) -> str:
        return f"{self.problem} Type: {self.command}"


def obstacles() -> list[Obstacle]:
    """What keeps the embedded lab from running here; empty where it can.  Found out once for each process."""
    return list(_obstacles())


@functools.cache
def _obstacles() -> tuple[Obstacle, ...]:
    if sys.platform != "linux":
        return (Obstacle("The embedded lab needs Linux.", SIMULATED),)
    path = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_DIRECTORIES}"
    missing = [name for name in PROGRAMS if not shutil.which(name, path=path)]
    if missing:
        packages = " ".join(PROGRAMS[name] for name in missing)
        return (Obstacle(f"Not installed: {', '.join(missing)}.", f"sudo apt-get install {packages}"),)
    done = subprocess.run([sys.executable, *python_options(), "-c", TRY], capture_output=True, text=True)
    if done.returncode or not done.stdout:
        last_words = ["it said nothing", *done.stderr.splitlines()][-1]
        return (Obstacle(f"Trying it out failed: {last_words}.", SIMULATED),)
    attempt = json.loads(done.stdout)
    return (explain(attempt["step"], attempt["errno"], attempt["text"]),) if attempt else ()


def python_options() -> list[str]:
    """Options for a Python that works for us: it takes no module from the current directory, and under sudo
    leaves no compiled files that are root's.
    """
    return ["-P", "-B"] if "SUDO_UID" in os.environ else ["-P"]


# --- the attempt --------------------------------------------------------------------------------------------


def try_everything() -> None:
    """Take every step towards a lab; print as JSON the first that failed (step, errno, text), or null."""
    from lab_env.embedded import identity, namespaces

    identity.become_owner()
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_DIRECTORIES}"
    first: list[tuple[str, Callable[[], None]]] = [
        (NAMESPACES, lambda: os.close(os.pidfd_open(os.getpid()))),
        (NAMESPACES, lambda: namespaces.own_user_namespace(namespaces.OF_A_LAB)),
    ]
    failure = _first_failure(first)
    if failure is None and os.fork() == 0:  # process 1 of the new namespace, which may mount its /proc
        _report(_first_failure(_steps_of_init()))
        os._exit(0)
    elif failure is None:
        os.wait()
    else:
        _report(failure)


def _steps_of_init() -> list[tuple[str, Callable[[], None]]]:
    from lab_env.embedded import members, namespaces, own_files, slowlink

    lab = topology()
    cables = "link add portlab0 type veth peer name portlab1\nlink add portlab2 type bridge\n"

    def packets() -> None:
        slowlink.open_end("portlab0").close()

    return [
        (FILES, lambda: own_files.make(lab)),
        (FILES, namespaces.keep_capabilities_over_exec),
        (CABLES, lambda: members.execute(["ip", "-batch", "-"], cables)),
        (FIREWALL, lambda: members.execute(["nft", "-f", "-"], firewall.ruleset(lab, GATEWAY))),
        (PACKETS, packets),
    ]


Failure = dict[str, object]


def _first_failure(steps: list[tuple[str, Callable[[], None]]]) -> Failure | None:
    for step, action in steps:
        try:
            action()
        except Exception as error:
            return {"step": step, "errno": getattr(error, "errno", None) or 0, "text": str(error)}
    return None


def _report(failure: Failure | None) -> None:
    sys.stdout.write(json.dumps(failure))
    sys.stdout.flush()


# --- what it means ------------------------------------------------------------------------------------------


def explain(step: str, number: int, text: str, setting: Callable[[str], str] | None = None) -> Obstacle:
    """Why a step towards a lab failed, in words; `setting` reads a file under /proc, as it is here."""
    read = setting or _setting
    refused = number in (errno.EPERM, errno.EACCES)
    if number == errno.ENOSYS:
        return Obstacle(f"This kernel is too old for {step} (it must be 5.8 or newer).", SIMULATED)
    if number == errno.ENOSPC and step == NAMESPACES:
        return Obstacle(
            "This machine allows no more namespaces (see: sysctl -a -r 'user.max_.*_namespaces').",
            "sudo sysctl user.max_user_namespaces=15000 user.max_net_namespaces=15000",
        )
    if refused and step in (NAMESPACES, FILES):
        return _refused(step, text, read)
    if step == CABLES:
        return Obstacle(f"The kernel gave no {step}: {text}", "sudo modprobe -a bridge veth")
    if step == FIREWALL:
        modules = "nf_tables nft_ct nft_reject_ipv4 nf_conntrack"
        return Obstacle(f"The kernel took no {step}: {text}", f"sudo modprobe -a {modules}")
    return Obstacle(f"The kernel gave no {step}: {text}", SIMULATED)


def _refused(step: str, text: str, read: Callable[[str], str]) -> Obstacle:
    if read("sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
        return Obstacle(
            "This system (AppArmor, as on Ubuntu 24.04) lets only root make user namespaces; "
            "PortLab turns back into you at once.",
            "sudo ./run lab",
        )
    if read("sys/kernel/unprivileged_userns_clone") == "0":
        return Obstacle(
            "This system lets only root make user namespaces (kernel.unprivileged_userns_clone); "
            "PortLab turns back into you at once.",
            "sudo ./run lab",
        )
    if "Seccomp:\t2" in read("self/status"):
        return Obstacle(
            f"This process is confined, as in a container, and may not have {step} ({text}); "
            "a container started with --privileged may.",
            SIMULATED,
        )
    return Obstacle(f"The kernel refused {step}: {text}", SIMULATED)


def _setting(path: str) -> str:
    try:
        return Path("/proc", path).read_text().strip()
    except OSError:
        return ""
