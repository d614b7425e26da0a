"""The first program of a lab host in Docker: `python3 -m lab_env.docker.host web`.

It settles what is the host's own (names, keys, firewall, addresses), starts the host's server programs, and takes the
learner's orders for the host at a socket outside of the network (see `lab_env.control`).  When a program ends that
nobody stopped, it ends too: then Docker starts the host again, as it was at the start.  `door` is no host: it carries
JupyterLab out of the lab.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from socket import if_nameindex

from lab_env import changes, firewall
from lab_env.control.agent import Agent
from lab_env.docker import compose, daemons, gateway
from lab_env.docker.daemons import STATE
from lab_env.docker.machine import DockerMachine, run
from lab_env.embedded import namespaces
from lab_env.services.site import WELCOME
from lab_env.topology import GATEWAY, Host, Topology, topology
from portlab.errors import PortLabError

DOOR = "door"
LEARNER = 1000  # uid and gid of the account "student" in the image
DIRECTORIES = (
    "dovecot", "dovecot-state", "kamailio", "postfix", "postfix-data", "samba", "slapd", "snmp", "sshd",
    "vsftpd", "xrdp",
)  # fmt: skip
CERTIFICATE = (
    f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=lab "
    f"-addext subjectAltName=DNS:lab,DNS:*.lab -keyout {daemons.KEY} -out {daemons.CERTIFICATE}"
)
HOST_KEY = f"ssh-keygen -q -t ed25519 -N '' -f {daemons.HOST_KEY}"


def main(name: str) -> int:
    """Be this host until one of its programs ends."""
    if name == DOOR:
        os.execvp("socat", ["socat", "TCP-LISTEN:8888,fork,reuseaddr", "UNIX-CONNECT:/door/jupyter.sock"])
    plan = topology()
    host = plan.by_name[name]
    try:
        settle(name)
        configure(plan, host)
        make_home()
        for command in (CERTIFICATE, HOST_KEY):
            run(command)
        ended = asyncio.run(live(plan, host))
    except (OSError, PortLabError) as error:
        ended = str(error)
    print(f"{name} ends: {ended}", file=sys.stderr)
    return 1


async def live(plan: Topology, host: Host) -> str:
    """Serve and take orders until a program ends that nobody stopped; which one that was."""
    machine = DockerMachine(plan, host)
    await machine.begin()
    socket = Path(compose.CONTROL, f"{host.name}.sock")
    async with await Agent(changes.state_of(plan, host.name), machine).serve(socket):
        socket.chmod(0o666)  # who may come near it, the directories around it say
        return await machine.ended


def settle(name: str) -> None:
    """The places where programs keep what changes, and what they are told by the environment."""
    os.makedirs(STATE, exist_ok=True)
    for directory in DIRECTORIES:
        os.makedirs(f"/run/{directory}", exist_ok=True)
    shutil.chown("/run/postfix-data", "postfix")
    os.environ.update(MIBS="", SNMP_PERSISTENT_DIR="/run/snmp", PORTLAB_HOST=name)


def configure(plan: Topology, host: Host) -> None:
    """The host's network where Docker's own does not do: offload off, so that each frame leaves its host finished
    (recordings and the slow link see it as it is), the gateway's addresses, firewall rules.
    """
    for _, interface in if_nameindex():
        namespaces.no_offload(interface)
    if host.name == GATEWAY:
        gateway.take_addresses(plan)
    if rules := firewall.ruleset(plan, host.name):
        run("nft -f -", rules)


def make_home() -> None:
    """The learner's home on this host: a file, and a mailbox with one message."""
    home = Path("/home/student")
    for directory in ("new", "cur", "tmp"):
        (home / "Maildir" / directory).mkdir(parents=True, exist_ok=True)
    (home / "Maildir" / "new" / "welcome").write_bytes(WELCOME)
    shutil.copy("/srv/files/readme.txt", home)
    for path in home.rglob("*"):
        os.chown(path, LEARNER, LEARNER)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
