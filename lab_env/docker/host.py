"""The first program of a lab host in Docker: `python3 -m lab_env.docker.host web`.

It settles what is the host's own (names, keys, firewall, addresses), starts the host's server programs, and ends when
one of them does: then Docker starts the host again.  `door` is no host: it carries JupyterLab out of the lab.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from lab_env import firewall
from lab_env.docker import daemons, gateway
from lab_env.docker.daemons import CONFIG, DAEMONS, STATE, Daemon
from lab_env.embedded import namespaces
from lab_env.services.site import PASSWORD, WELCOME
from lab_env.topology import GATEWAY, Host, Topology, topology

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
WITHOUT_RIGHTS = ["setpriv", "--bounding-set", "-net_admin,-setpcap"]


def main(name: str) -> int:
    """Be this host until one of its programs ends."""
    if name == DOOR:
        os.execvp("socat", ["socat", "TCP-LISTEN:8888,fork,reuseaddr", "UNIX-CONNECT:/door/jupyter.sock"])
    plan = topology()
    host = plan.by_name[name]
    settle(name)
    if daemons.network_admin(plan, host):
        configure(plan, host)
    make_home()
    for command in (CERTIFICATE, HOST_KEY):
        run(command)
    programs = [start(plan, host, DAEMONS[daemon]) for daemon in daemons.of_host(host)]
    if name == GATEWAY:
        programs.append(subprocess.Popen([*WITHOUT_RIGHTS, sys.executable, "-m", gateway.__name__]))
    ended, status = os.wait()
    print(f"{name}: {words_of(programs, ended)} ended ({status}), and the host with it", file=sys.stderr)
    return 1


def settle(name: str) -> None:
    """The places where programs keep what changes, and what they are told by the environment."""
    os.makedirs(STATE, exist_ok=True)
    for directory in DIRECTORIES:
        os.makedirs(f"/run/{directory}", exist_ok=True)
    shutil.chown("/run/postfix-data", "postfix")
    os.environ.update(MIBS="", SNMP_PERSISTENT_DIR="/run/snmp", PORTLAB_HOST=name)


def configure(plan: Topology, host: Host) -> None:
    """The host's network where Docker's own does not do: offload off, the gateway's addresses, firewall rules."""
    for interface in os.listdir("/sys/class/net"):
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


def start(plan: Topology, host: Host, daemon: Daemon) -> subprocess.Popen[bytes]:
    """Start a program with its settings filled in; the right to change the network only where it needs that."""
    if daemon.settings:
        text = (CONFIG / daemon.settings).read_text()
        Path(STATE, daemon.settings).write_text(daemons.filled(text, plan, host))
    for command in daemon.before:
        run(command.format(STATE), f"{PASSWORD}\n{PASSWORD}\n")
    words = shlex.split(daemon.command.format(STATE))
    if daemons.network_admin(plan, host) and not daemon.network_admin:
        words = [*WITHOUT_RIGHTS, *words]
    return subprocess.Popen(words)


def run(command: str, text: str = "") -> None:
    """Run a command to its end; what it complains of is shown if it fails."""
    done = subprocess.run(
        shlex.split(command), input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        sys.exit(f"`{command}` failed: {done.stdout.decode(errors='replace')}")


def words_of(programs: list[subprocess.Popen[bytes]], pid: int) -> str:
    """The command line of the program with this pid."""
    # Popen.args may be one text for a shell; every program here is started from a list of words.
    return next((shlex.join(map(str, p.args)) for p in programs if p.pid == pid), f"process {pid}")  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
