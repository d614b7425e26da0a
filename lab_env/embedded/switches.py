"""The switches: one process that holds the namespace with the bridges, and carries the slow link's frames."""

from __future__ import annotations

import random
from collections.abc import Mapping

from lab_env.embedded import namespaces, network, slowlink
from lab_env.embedded.members import Reporter, execute
from lab_env.embedded.own_files import set_sysctl
from lab_env.topology import SlowLink, Topology

READY = "ready"


def live(
    topology: Topology, pids: Mapping[str, int], seed: int | None, lossy: bool, reporter: Reporter
) -> None:
    """Lay every cable of the lab, then be the slow link until killed."""
    namespaces.unshare(namespaces.NET)
    for name in ("all", "default"):
        set_sysctl(f"net/ipv6/conf/{name}/disable_ipv6", "1")
    execute(["ip", "-batch", "-"], network.cables(topology, pids))
    for port in network.switch_ports(topology):
        namespaces.no_offload(port)
    near, far = slowlink.open_end(network.NEAR_END), slowlink.open_end(network.FAR_END)
    there, back = directions(topology.slow_link, seed, lossy)
    reporter.say(READY)
    slowlink.carry(near, far, there, back, until=lambda: False)


def directions(
    link: SlowLink, seed: int | None, lossy: bool
) -> tuple[slowlink.Direction, slowlink.Direction]:
    """Both ways of the slow link; the same seed loses the same frames again, counting from the first."""
    loss = link.loss if lossy else 0.0
    source = random.Random(seed)
    there, back = (
        slowlink.Direction(link.delay_ms / 1000, link.jitter_ms / 1000, loss, random.Random(source.random()))
        for _ in ("there", "back")
    )
    return there, back
