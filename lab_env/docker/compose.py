"""Writes compose.yaml from the topology: `python -m lab_env.docker.compose`.

The file is for Compose v2 and for docker-compose 1.29, and stands alone: `docker compose up` in its directory brings
the lab up without PortLab on the computer.
"""

from __future__ import annotations

from pathlib import Path

from lab_env.embedded.network import RESOLVER
from lab_env.topology import (
    DEFAULT_PREFIX,
    DOMAIN,
    GATEWAY,
    PREFIX_VARIABLE,
    STUDENT,
    Host,
    Topology,
    topology,
)

FILE = Path(__file__).with_name("compose.yaml")
PREFIX = f"${{{PREFIX_VARIABLE}:-{DEFAULT_PREFIX}}}"
DOCKERS_OWN = 254  # Docker keeps .1 for itself; the gateway gets this, and takes .1 inside
OUTSIDE = 9  # the door's network, which is none of the lab's
CONTROL = "/var/lib/portlab/control"  # in every host, below a directory that only root may enter
STUDENT_CONTROL = "/control"

HEAD = """\
# The Docker lab.  Written from lab_env/topology.py by `python -m lab_env.docker.compose`; change that, not this.
#
#   docker compose up -d                                                  (or docker-compose, from version 1.29)
#   docker compose exec student python3 -m lab_env.docker.ready           wait until every service answers
#   docker compose logs student                                           shows JupyterLab's address
#   docker compose down -v
#
# PORTLAB_PREFIX=10.99   other addresses, where these collide ("Pool overlaps with other one on this address space")
# PORTLAB_PORT=8889      another port for JupyterLab on 127.0.0.1
# PORTLAB_WORK=~/lab     where the learner's notebooks lie
# PORTLAB_LOSS=off       the slow link loses nothing
# PORTLAB_SEED=7         the slow link loses the same frames each time, counted from the first
"""

COMMON = """\
# Where the root file system is read-only, so are the lab's names: they are given from outside.
x-names: &names
{names}

x-host: &host
  image: portlab-host
  build:
    context: ../..
    dockerfile: lab_env/docker/host.Dockerfile
    labels: {{portlab.sources: "${{PORTLAB_SOURCES:-}}"}}
  dns: ["{resolver}"]
  dns_search: [lab]
  extra_hosts: *names
  init: true
  restart: unless-stopped
  stop_grace_period: 2s
  read_only: true
  tmpfs: [/run, /tmp, /var/log, /var/tmp, "/home/student:uid=1000,gid=1000,mode=755"]
  security_opt: ["no-new-privileges:true"]
  cap_drop: [ALL]
  # The first line: what server programs need to take a low port and to become a user of their own.  The second:
  # what changes the host's own network and records it, which only the host's first program keeps.
  cap_add:
    [AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, KILL, NET_BIND_SERVICE, SETGID, SETUID, SYS_CHROOT,
     NET_ADMIN, NET_RAW, SETPCAP]
  mem_limit: 384m
  pids_limit: 256
  environment: &environment
    PORTLAB_PREFIX: "${{PORTLAB_PREFIX:-10.77}}"
    PORTLAB_LOSS: "${{PORTLAB_LOSS:-}}"
    PORTLAB_SEED: "${{PORTLAB_SEED:-}}"
  # The sockets at which the hosts take the learner's orders.
  volumes: ["control:{control}"]

# The computer has no address on the lab's networks, and Docker neither translates nor forwards for them: the only way
# between them is the gateway.  (`internal: true` would not do: its rule drops what a router inside passes on, where
# the computer filters bridged traffic.)
x-network: &network
  com.docker.network.bridge.inhibit_ipv4: "true"
  com.docker.network.bridge.enable_ip_masquerade: "false"
  com.docker.network.bridge.gateway_mode_ipv4: routed
"""

STUDENT_TEXT = """\
  student:
    image: portlab-student
    build:
      context: ../..
      dockerfile: lab_env/docker/student.Dockerfile
      labels: {{portlab.sources: "${{PORTLAB_SOURCES:-}}"}}
      args: [PIP_INDEX_URL]
    hostname: student
    dns: ["{resolver}"]
    dns_search: [lab]
    extra_hosts: *names
    init: true
    restart: unless-stopped
    stop_grace_period: 2s
    read_only: true
    tmpfs: [/run, /tmp, /var/tmp, "/home/student:mode=755"]
    security_opt: ["no-new-privileges:true"]
    cap_drop: [ALL]
    # The learner keeps NET_RAW; the rest is for becoming the learner.
    cap_add: [CHOWN, DAC_OVERRIDE, FOWNER, KILL, NET_RAW, SETGID, SETPCAP, SETUID]
    mem_limit: 3g
    pids_limit: 1024
    # The last is for the gaps between a connect's tries, where the kernel has it.
    sysctls:
      - net.ipv4.icmp_ratemask=0
      - net.ipv4.tcp_syn_retries=2
      - ${{PORTLAB_SYN_GAPS:-net.ipv4.ip_forward=0}}
    environment:
      <<: *environment
      PORTLAB_PORT: "${{PORTLAB_PORT:-8888}}"
      PORTLAB_OWNER: "${{PORTLAB_OWNER:-}}"
      JUPYTER_TOKEN: "${{PORTLAB_TOKEN:-}}"
    volumes:
      - "${{PORTLAB_WORK:-../../my-notebooks}}:/work"
      - door:/door
      - control:{control}
    networks: {{{network}: {{ipv4_address: "{address}"}}}}

  # 127.0.0.1 of the computer -> JupyterLab's socket in a volume.  On no network of the lab.
  door:
    <<: *host
    command: [door]
    user: "65534:65534"
    cap_add: []
    mem_limit: 64m
    volumes: [door:/door]
    ports: ["127.0.0.1:${{PORTLAB_PORT:-8888}}:8888"]
    networks: [outside]
"""


def text(plan: Topology) -> str:
    """The whole file."""
    hosts = "\n".join(service(plan, host) for host in plan.hosts if not host.nobody and host.name != STUDENT)
    learner = plan.by_name[STUDENT]
    resolver = _address(plan, RESOLVER)
    common = COMMON.format(names=names(plan), resolver=resolver, control=CONTROL)
    student = STUDENT_TEXT.format(
        network=learner.network,
        address=_address(plan, STUDENT),
        resolver=resolver,
        control=STUDENT_CONTROL,
    )
    volumes = "volumes:\n  control: {}\n  door: {}\n"
    return f"{HEAD}\n{common}\nservices:\n{hosts}\n{student}\n{networks(plan)}\n{volumes}"


def names(plan: Topology) -> str:
    """What /etc/hosts gets; the long names first, since those are what an address is called."""
    hosts = {h.name: _address(plan, h.name) for h in plan.hosts}
    long = [f'  - "{name}.{DOMAIN}:{address}"' for name, address in hosts.items()]
    return "\n".join(long + [f'  - "{name}:{address}"' for name, address in hosts.items()])


def service(plan: Topology, host: Host) -> str:
    """One host of the lab."""
    lines = [f"  {host.name}:", "    <<: *host", f"    command: [{host.name}]", f"    hostname: {host.name}"]
    settings = {} if host.icmp_limited else {"net.ipv4.icmp_ratemask": 0}
    if host.name == GATEWAY:
        settings["net.ipv4.ip_forward"] = 1
    if settings:
        pairs = ", ".join(f"{name}: {value}" for name, value in settings.items())
        lines.append(f"    sysctls: {{{pairs}}}")
    lines.append("    networks:")
    if host.name == GATEWAY:
        for net in plan.networks:
            address = f"{PREFIX}.{net.number}.{DOCKERS_OWN}"
            lines.append(f'      {net.name}: {{ipv4_address: "{address}"}}')
    else:
        lines.append(f'      {host.network}: {{ipv4_address: "{_address(plan, host.name)}"}}')
    return "\n".join(lines) + "\n"


def networks(plan: Topology) -> str:
    """The lab's networks, and the door's."""
    lines = ["networks:"]
    for net in plan.networks:
        subnet = f"{PREFIX}.{net.number}"
        lines.append(
            f"  {net.name}:\n    driver_opts: *network\n"
            f'    ipam: {{config: [{{subnet: "{subnet}.0/24", gateway: "{subnet}.1"}}]}}'
        )
    lines.append(
        "  # The door's: the computer is on it, so that the port can be published, but nothing is translated.\n"
        "  outside:\n"
        '    driver_opts: {com.docker.network.bridge.enable_ip_masquerade: "false"}\n'
        f'    ipam: {{config: [{{subnet: "{PREFIX}.{OUTSIDE}.0/24"}}]}}\n'
    )
    return "\n".join(lines)


def _address(plan: Topology, host: str) -> str:
    """The host's address with the prefix left open."""
    return plan.address(host).replace(plan.prefix, PREFIX, 1)


if __name__ == "__main__":
    FILE.write_text(text(topology(DEFAULT_PREFIX)))
