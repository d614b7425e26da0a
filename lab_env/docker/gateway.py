"""The gateway in Docker: the first address of every network, and the slow link to one of them.

Docker keeps address .1 of a network for itself and gives the gateway another one; the gateway takes .1 inside.
Docker also names interfaces as it likes; here they get the names that they have in the embedded lab.
On the slow network the gateway stands behind a cable of its own (a veth pair), and frames are carried between that
cable's end and Docker's interface by the same wire as in the embedded lab:

    gateway .1 ══ eth2 ═ slow-far ── slow link ── slow-port ══ branch

`python3 -m lab_env.docker.gateway` is the slow link.
"""

from __future__ import annotations

import json
import os
import subprocess

from lab_env.embedded import namespaces, network, slowlink
from lab_env.embedded.network import FAR_END, FAR_PORT
from lab_env.embedded.switches import directions
from lab_env.topology import GATEWAY, Topology, topology

LOSS = "PORTLAB_LOSS"  # "off": the slow link loses nothing
SEED = "PORTLAB_SEED"  # a number: it loses the same frames each time


def take_addresses(plan: Topology) -> None:
    """Take the first address of each network, and lay the cable to the slow one."""
    begin, end = [], []
    for own in network.interfaces(plan, GATEWAY):
        dockers = interface_in(plan.cidr(own.network))
        address = f"address add {own.address}/{own.length} brd + dev {own.name}"
        begin += [
            f"address flush dev {dockers}",
            f"link set {dockers} down",
            f"link set {dockers} name new-{own.name}",  # another interface may have the name still
        ]
        if own.network == plan.slow_link.network:
            end += [
                f"link set new-{own.name} name {FAR_PORT} up",
                f"link set {FAR_PORT} arp off",  # only the near end speaks for the gateway
                f"link add {own.name} address {own.mac} type veth peer name {FAR_END}",
                f"link set {FAR_END} arp off",
                f"link set {FAR_END} up",
                f"link set {own.name} up",
                address,
            ]
        else:
            end += [f"link set new-{own.name} name {own.name} up", address]
    lines = [*begin, *end, "route flush 0.0.0.0/0"]  # no way on from here
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    for own in network.interfaces(plan, GATEWAY):
        namespaces.no_offload(own.name)
    namespaces.no_offload(FAR_END)


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
    near, far = slowlink.open_end(FAR_END), slowlink.open_end(FAR_PORT)
    seed = os.environ.get(SEED, "")
    lossy = os.environ.get(LOSS) != "off"
    there, back = directions(topology().slow_link, int(seed) if seed else None, lossy)
    slowlink.carry(near, far, there, back, until=lambda: False)


if __name__ == "__main__":
    be_the_slow_link()
