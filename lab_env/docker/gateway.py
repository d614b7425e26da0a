"""The gateway in Docker: the first address of every network, and the slow link to one of them.

Docker keeps address .1 of a network for itself and gives the gateway another one; the gateway takes .1 inside.
On the slow network it stands behind a cable of its own (a veth pair), and frames are carried between that
cable's end and Docker's interface by the same wire as in the embedded lab:

    gateway .1 ══ slow-near ═ slow-far ── slow link ── Docker's interface ══ branch

`python3 -m lab_env.docker.gateway` is the slow link.
"""

from __future__ import annotations

import json
import os
import subprocess

from lab_env.embedded import namespaces, slowlink
from lab_env.embedded.network import FAR_END, NEAR_END
from lab_env.embedded.switches import directions
from lab_env.topology import GATEWAY, Topology, topology

LOSS = "PORTLAB_LOSS"  # "off": the slow link loses nothing
SEED = "PORTLAB_SEED"  # a number: it loses the same frames each time
BRANCH_FILE = "/run/portlab/branch"


def take_addresses(plan: Topology) -> None:
    """Take the first address of each network, and lay the cable to the slow one."""
    lines = []
    for net in plan.networks:
        interface = interface_in(plan.cidr(net.name))
        address = f"{plan.address(GATEWAY, net.name)}/24"
        lines.append(f"address flush dev {interface}")
        if net.name == plan.slow_link.network:
            lines += cable(interface, address, plan.mac(plan.address(GATEWAY, net.name)))
            with open(BRANCH_FILE, "w") as file:
                file.write(interface)
        else:
            lines.append(f"address add {address} brd + dev {interface}")
    lines.append("route flush 0.0.0.0/0")  # no way on from here
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    for end in (NEAR_END, FAR_END):
        namespaces.no_offload(end)


def cable(interface: str, address: str, mac: str) -> list[str]:
    """What `ip -batch` does for the slow network: only the near end speaks for the gateway."""
    return [
        f"link set {interface} arp off",
        f"link add {NEAR_END} address {mac} type veth peer name {FAR_END}",
        f"link set {FAR_END} arp off",
        f"link set {FAR_END} up",
        f"link set {NEAR_END} up",
        f"address add {address} brd + dev {NEAR_END}",
    ]


def interface_in(cidr: str) -> str:
    """The interface that Docker connected to a network; their order is Docker's own."""
    said = subprocess.run(
        ["ip", "-json", "-4", "address", "show", "to", cidr], capture_output=True, text=True, check=True
    ).stdout
    found = [str(entry["ifname"]) for entry in json.loads(said) if entry.get("ifname")]
    if not found:
        raise SystemExit(f"gateway: no interface in {cidr}")
    return found[0]


def be_the_slow_link() -> None:
    """Carry frames between the cable's far end and Docker's interface until killed."""
    with open(BRANCH_FILE) as file:
        branch = file.read()
    near, far = slowlink.open_end(FAR_END), slowlink.open_end(branch)
    seed = os.environ.get(SEED, "")
    lossy = os.environ.get(LOSS) != "off"
    there, back = directions(topology().slow_link, int(seed) if seed else None, lossy)
    slowlink.carry(near, far, there, back, until=lambda: False)


if __name__ == "__main__":
    be_the_slow_link()
