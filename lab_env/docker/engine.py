"""Docker on this computer: whether it can be used, and one lab in it, from its images to its end."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network
from pathlib import Path

from lab_env.docker import compose, daemons
from lab_env.topology import DEFAULT_PREFIX, PREFIX_VARIABLE, STUDENT, topology
from portlab.errors import LabNotRunning

PROJECT = Path(__file__).resolve().parents[2]
IMAGES = {"portlab-host": "gateway", "portlab-student": STUDENT}  # image -> a service that names it
SOURCES = ("portlab", "lab_env", "notebooks", "requirements.txt", "constraints")  # as .dockerignore has it
LABEL = "portlab.sources"
LOOK_EVERY = 5.0  # seconds
TOO_OFTEN = 4  # times that Docker started a host again while the lab was coming up
LINEAR_TIMEOUTS = (6, 5)  # the kernel that brought tcp_syn_linear_timeouts

INSTALL = (
    "Docker is not installed.  On Debian or Ubuntu type: sudo apt-get install docker.io docker-compose   "
    "(macOS, Windows: install Docker Desktop)"
)
NO_COMPOSE = "Docker is here, but Compose is not.  Type: sudo apt-get install docker-compose"
NO_PERMISSION = (
    "Docker does not let this user in.  Type: sudo usermod -aG docker $USER   then log out and in again"
)
NOT_RUNNING = (
    "Docker is installed but does not run.  Type: sudo systemctl start docker   (or start Docker Desktop)"
)


def obstacle() -> str:
    """Why Docker cannot be used here, and what to type; empty: it can."""
    if not shutil.which("docker"):
        return INSTALL
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True)
    said = asked.stdout + asked.stderr
    if "permission denied" in said.lower():
        return NO_PERMISSION
    if asked.returncode or "cannot connect" in said.lower():
        return NOT_RUNNING
    return "" if compose_command() else NO_COMPOSE


def compose_command() -> list[str]:
    """Compose as it is called here: `docker compose`, else `docker-compose`; empty: neither."""
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True)
    if not plugin.returncode:
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else []


def ask(*words: str) -> str:
    """What `docker WORDS` prints; LabNotRunning quotes what it complains of."""
    done = subprocess.run(["docker", *words], capture_output=True, text=True)
    if done.returncode:
        raise LabNotRunning(f"`docker {' '.join(words)}` failed: {done.stderr.strip()}")
    return done.stdout.strip()


def taken_by(prefix: str, project: str) -> str:
    """The name of another Docker network that has the lab's addresses; empty: they are free."""
    numbers = [*(network.number for network in topology(prefix).networks), compose.OUTSIDE]
    wanted = [IPv4Network(f"{prefix}.{number}.0/24") for number in numbers]
    for network in json.loads(ask("network", "inspect", *ask("network", "ls", "-q").split())):
        if (network.get("Labels") or {}).get("com.docker.compose.project") == project:
            continue
        subnets = [part.get("Subnet", "") for part in network["IPAM"].get("Config") or []]
        own = [IPv4Network(subnet) for subnet in subnets if "." in subnet]
        if any(one.overlaps(other) for one in own for other in wanted):
            return str(network["Name"])
    return ""


def checksum() -> str:
    """Of everything the images are made from: an image that carries another one is out of date."""
    digest = hashlib.sha256()
    for source in SOURCES:
        top = PROJECT / source
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts:
                digest.update(str(path.relative_to(PROJECT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def label_of(image: str) -> str | None:
    """The checksum an image was made with; None: there is no such image."""
    template = f'{{{{index .Config.Labels "{LABEL}"}}}}'
    done = subprocess.run(
        ["docker", "image", "inspect", "--format", template, image], capture_output=True, text=True
    )
    return None if done.returncode else done.stdout.strip()


@dataclass(frozen=True)
class DockerLab:
    """One lab in Docker.  Its prefix is its name: two labs with different prefixes run side by side."""

    prefix: str
    variables: dict[str, str] = field(default_factory=dict)  # those of compose.yaml

    @property
    def project(self) -> str:
        """What Compose calls it."""
        return f"portlab-{self.prefix.replace('.', '-')}"

    @cached_property
    def environment(self) -> dict[str, str]:
        """The variables with which Compose reads the file."""
        chosen = {PREFIX_VARIABLE: self.prefix, "PORTLAB_SOURCES": checksum(), **self.variables}
        kernel = ask("info", "--format", "{{.KernelVersion}}").split(".")
        if tuple(int("".join(filter(str.isdigit, part)) or 0) for part in kernel[:2]) >= LINEAR_TIMEOUTS:
            chosen["PORTLAB_SYN_GAPS"] = "net.ipv4.tcp_syn_linear_timeouts=0"
        return {**os.environ, **chosen}

    def compose(self, *words: str, quiet: bool = True) -> None:
        """Run Compose on this lab; LabNotRunning says what went wrong and what to type."""
        command = [*compose_command(), "-p", self.project, "-f", str(compose.FILE), *words]
        output = subprocess.PIPE if quiet else sys.stderr
        done = subprocess.run(
            command, env=self.environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            raise LabNotRunning(explanation(done.stdout if quiet else "see above", self.prefix))

    def build(self) -> None:
        """Make the images that are missing or out of date; go on with old ones where they cannot be made."""
        wanted = self.environment["PORTLAB_SOURCES"]
        labels = {image: label_of(image) for image in IMAGES}
        for image, service in IMAGES.items():
            if labels[image] == wanted:
                continue
            print(f"portlab: building the image {image}; the first time this takes minutes", file=sys.stderr)
            try:
                self.compose("build", service, quiet=False)
            except LabNotRunning:
                if labels[image] is None:
                    raise
                print(f"portlab: going on with an older {image}", file=sys.stderr)

    def up(self) -> None:
        """Start everything and wait until every service answers.

        Raises BadTarget before anything starts where there is no program for a service.
        """
        for host in topology(self.prefix).hosts:
            daemons.of_host(host)
        if other := taken_by(self.prefix, self.project):
            raise LabNotRunning(overlap(self.prefix, f"the Docker network {other!r} has them"))
        self.compose("up", "-d")
        ready = ["python3", "-m", "lab_env.docker.ready"]
        with subprocess.Popen(self.command(STUDENT, ready), stdout=subprocess.DEVNULL) as waiting:
            while waiting.poll() is None:
                try:
                    waiting.wait(LOOK_EVERY)
                except subprocess.TimeoutExpired:
                    if unwell := self.unwell():
                        waiting.terminate()
                        raise LabNotRunning(
                            f"{unwell} ends again and again.  What it says: docker logs {unwell}"
                        ) from None
        if waiting.returncode:
            raise LabNotRunning(
                f"some services do not answer, see above.  What they say: docker logs {self.project}_NAME_1"
            )

    def unwell(self) -> str:
        """The name of a container that does not stay, however often Docker starts it again; empty: all do."""
        label = f"label=com.docker.compose.project={self.project}"
        containers = ask("ps", "-aq", "--filter", label).split()
        for line in ask("inspect", "--format", "{{.RestartCount}} {{.Name}}", *containers).splitlines():
            count, name = line.split()
            if int(count) >= TOO_OFTEN:
                return name.lstrip("/")
        return ""

    def down(self) -> None:
        """End everything; nothing of the lab is left but its images."""
        self.compose("down", "-v", "--remove-orphans", "-t", "1")

    def container(self, service: str) -> str:
        """The container of a host that runs; empty: there is none."""
        labels = {"com.docker.compose.project": self.project, "com.docker.compose.service": service}
        filters = [word for pair in labels.items() for word in ("--filter", "label={}={}".format(*pair))]
        return ask("ps", "-q", *filters)

    def command(self, host: str, words: list[str], *, terminal: bool = False) -> list[str]:
        """The command line that runs `words` on a host; on the workstation as the learner.

        Raises LabNotRunning where that host does not run.
        """
        container = self.container(host)
        if not container:
            raise LabNotRunning(
                f"{host} does not run in the Docker lab {self.prefix}.  Type: ./run lab --docker"
            )
        entry = ["python3", "-m", "lab_env.docker.student"] if host == STUDENT else []
        return ["docker", "exec", "-i", *(["-t"] if terminal else []), container, *entry, *words]


def explanation(said: str, prefix: str) -> str:
    """What Compose complained of, in words that say what to type."""
    if "overlaps" in said:
        return overlap(prefix, "another network has them")
    if "port is already allocated" in said or "address already in use" in said:
        return "the port of JupyterLab is taken.  Type another one: ./run lab --docker --port 8899"
    return f"Compose could not do it: {said.strip()[-2000:]}"


def overlap(prefix: str, reason: str) -> str:
    """The lab's addresses are somebody else's."""
    free = "10.99" if prefix == DEFAULT_PREFIX else DEFAULT_PREFIX
    return (
        f"the addresses {prefix}.x.x are not free: {reason}.  Choose others: {PREFIX_VARIABLE}={free} "
        "./run lab --docker"
    )
