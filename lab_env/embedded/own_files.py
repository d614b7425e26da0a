"""The lab's own files: all of them lie in memory, in the lab's mount namespace, and are gone when the lab is.

A private /run hides the computer's sockets too (name service, message bus): no name is looked up outside.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from lab_env.embedded import namespaces, network
from lab_env.topology import Topology

DIRECTORY = "/run/portlab"
TEMPORARY = f"{DIRECTORY}/tmp"  # noqa: S108  # a private one
SITE = f"{DIRECTORY}/site"
"""Where services keep their certificates, keys and files."""
CONTROL = f"{DIRECTORY}/control"
"""Where the hosts take orders, each at a socket of its own; only the lab's user may enter."""


def make(topology: Topology) -> None:
    """Mount the lab's own /run and /proc and put its names into /etc, for this process and all it starts."""
    namespaces.mount("none", "/", flags=namespaces.MS_REC | namespaces.MS_PRIVATE)
    safe = namespaces.MS_NOSUID | namespaces.MS_NODEV
    namespaces.mount("proc", "/proc", "proc", safe | namespaces.MS_NOEXEC)
    namespaces.mount("tmpfs", "/run", "tmpfs", safe, "mode=755")
    for directory in (TEMPORARY, SITE, CONTROL, runtime_directory()):
        os.makedirs(directory, mode=0o700)
    place("/etc/hosts", network.hosts_file(topology))
    place("/etc/resolv.conf", network.resolver_file(topology))


def runtime_directory() -> str:
    """What XDG_RUNTIME_DIR is inside."""
    return f"/run/user/{os.geteuid()}"


def show_own_devices() -> None:
    """Let /sys show this host's interfaces instead of the computer's, where the kernel allows it."""
    safe = namespaces.MS_NOSUID | namespaces.MS_NODEV | namespaces.MS_NOEXEC
    try:
        namespaces.mount("sysfs", "/sys", "sysfs", safe)
    except OSError:
        return


def place(path: str, text: str, owner: str = "all") -> None:
    """Put a text over a file of the computer, in this mount namespace only; a missing one stays missing."""
    target = os.path.realpath(path)
    in_run = target.startswith("/run/")  # ours: systemd keeps resolv.conf behind a link to there
    source = target if in_run else f"{DIRECTORY}/etc/{owner}/{os.path.basename(path)}"
    os.makedirs(os.path.dirname(source), exist_ok=True)
    with open(source, "w") as file:
        file.write(text)
    if not in_run and os.path.exists(target):
        namespaces.mount(source, target, flags=namespaces.MS_BIND)


def settle(topology: Topology, host: str) -> None:
    """Give this process's namespaces what is a host's own: /etc/hostname, descriptor, kernel settings."""
    place("/etc/hostname", f"{host}\n", owner=host)
    show_own_devices()
    description = network.descriptor(topology, host, os.stat("/proc/self/ns/net").st_ino, CONTROL)
    with open(descriptor_path(host), "w") as file:
        json.dump(description, file)
    for path, value in network.sysctls(topology, host, os.getegid()).items():
        set_sysctl(path, value)


def set_sysctl(path: str, value: str) -> None:
    """Change a kernel setting; one that this kernel lacks or keeps for itself is left out."""
    try:
        with open(f"/proc/sys/{path}", "w") as file:
            file.write(value)
    except OSError:
        return


def descriptor_path(host: str) -> str:
    """The file that tells a process on `host` which lab it is in."""
    return f"{DIRECTORY}/{host}.json"


def control_socket(host: str) -> Path:
    """Where a host takes orders."""
    return Path(CONTROL, f"{host}.sock")


def log_path(name: str) -> str:
    """Where a host's programs write what they have to say."""
    return f"{DIRECTORY}/{name}.log"


def environment(host: str) -> dict[str, str]:
    """The variables that processes on `host` have beside those of whoever started the lab."""
    return {
        "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",  # ip and nft are there
        "NMAP_PRIVILEGED": "1",  # the user is not root, but may do in here what root may
        "PORTLAB_LAB": descriptor_path(host),
        "XDG_RUNTIME_DIR": runtime_directory(),
        "TMPDIR": TEMPORARY,
    }
