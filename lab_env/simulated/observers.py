"""What the gateway and the hosts see: the simulated lab's packets on every link that they cross.

The simulator follows a packet from the student and its answer.  For a recording both become crossings of links, by
the model's times: whoever records at one end of a link sees the packet go out, or come in.

    student ──office──▶ gateway ──dmz or branch──▶ host        and the same way back
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from lab_env.recordings import in_order, seen
from lab_env.simulated.network import Fates, Station
from lab_env.simulated.packets import Arrivals, as_sent, frames_of, through_router
from lab_env.simulated.places import NOBODY, Places
from lab_env.simulated.walk import GATEWAY_RTT_NS, INITIAL_TTL, LINK_RTT_NS
from portlab.addresses import number
from portlab.packets.craft import Packets
from portlab.packets.headers import IPV4, IPV4_SIZE

ROUTER_NS, HOST_NS = 4_000, 8_000
"""How long the gateway has a packet, and how long a host thinks before it answers."""

Rows = NDArray[np.intp]
Times = NDArray[np.int64]
Hosts = NDArray[np.int64]


class Observers:
    """The hosts that record, by name, and what they have seen so far."""

    def __init__(self, places: Places, names: Sequence[str]) -> None:
        self.places = places
        self.tables: list[NDArray[np.void]] = []
        hosts = [host.name for host in places.topology.hosts]
        self._rows = {name: hosts.index(name) for name in names}
        self._own_network = 0  # of the student, as its row in the topology's networks

    def frames(self) -> NDArray[np.void]:
        """All that was seen, in order of time."""
        return in_order(self.tables)

    def packets(self, packets: Packets, arrivals: Arrivals, fates: Fates) -> None:
        """Packets go from the student towards hosts, each as far as its fate says."""
        packets, when, reached = packets[arrivals["row"]], arrivals["time_ns"], fates["reached"]
        host, network, routed = self._ways(arrivals)
        near, far = when + LINK_RTT_NS // 2, when + self._way_ns(host, routed)
        first = np.flatnonzero(reached > Station.LINK)
        hop = np.where(routed, self.places.gateway, host)
        self._cross(self._own_network, packets, first, self.places.student, hop, when, near)
        on = np.flatnonzero(routed & (reached >= Station.BEHIND_GATEWAY))
        heard = np.where(reached == Station.HOST, host, NOBODY)
        handed_on = packets.copy()
        handed_on[on] = through_router(packets[on])
        for each in np.unique(network[on]).tolist():
            rows = on[network[on] == each]
            self._cross(each, handed_on, rows, self.places.gateway, heard, near + ROUTER_NS, far)

    def answers(
        self, answers: Iterable[tuple[Packets, Rows]], arrivals: Arrivals, fates: Fates, arrive: bool = True
    ) -> None:
        """Answers go to the student; where they do not `arrive`, the slow link has lost them."""
        hosts, networks, all_routed = self._ways(arrivals)
        for packets, about in answers:
            host, network, end = hosts[about], networks[about], fates["time_ns"][about]
            routed = all_routed[about]
            by_gateway = routed & (fates["time_to_live"][about] == INITIAL_TTL)
            start, near = end - self._way_ns(host, routed & ~by_gateway), end - LINK_RTT_NS // 2
            asked = arrivals["time_ns"][about] + self._way_ns(host, routed & ~by_gateway) + HOST_NS
            start = np.maximum(start, np.minimum(asked, end)) if arrive else asked
            relayed = np.flatnonzero(routed & ~by_gateway)
            gateway = np.full(len(about), self.places.gateway if arrive else NOBODY)
            for each in np.unique(network[relayed]).tolist():
                rows = relayed[network[relayed] == each]
                self._cross(each, _before_router(packets), rows, host, gateway, start, near - ROUTER_NS)
            if arrive:
                speaker = np.where(routed, self.places.gateway, host)
                sent = np.where(routed, near, start)
                every = np.arange(len(about))
                self._cross(self._own_network, packets, every, speaker, self.places.student, sent, end)

    def _ways(self, arrivals: Arrivals) -> tuple[Hosts, Hosts, NDArray[np.bool_]]:
        """Of each packet: the host it is for, that host's network, and whether the gateway is on the way."""
        host = self.places.owner(arrivals["destination"])
        network = self.places.network(arrivals["destination"])
        routed = (network != self._own_network) & (host != self.places.gateway)
        return host, network, routed & (host != self.places.student)

    def _way_ns(self, host: Hosts, routed: NDArray[np.bool_]) -> Times:
        """How long a packet takes between the student and a host, jitter left out."""
        slow = (host != NOBODY) & routed & self.places.on_slow_link[host]
        delay = int(self.places.topology.slow_link.delay_ms * 1e6)
        way: Times = LINK_RTT_NS // 2 + routed * (GATEWAY_RTT_NS // 2) + slow * delay
        return way

    def _cross(
        self,
        network: int,
        packets: Packets,
        rows: Rows,
        sender: Hosts | int,
        receiver: Hosts | int,
        sent_ns: Times,
        heard_ns: Times,
    ) -> None:
        """These rows cross the link of a network; who records at one of its ends sees them."""
        senders = np.broadcast_to(sender, len(packets))[rows]
        receivers = np.broadcast_to(receiver, len(packets))[rows]
        for name, row in self._rows.items():
            interface = f"eth{network}" if row == self.places.gateway else "eth0"
            out, into = rows[senders == row], rows[receivers == row]
            if len(out):
                frames = as_sent(self._frames(network, packets[out], sent_ns[out]))
                self.tables.append(seen(frames, name, interface))
            if len(into):
                self.tables.append(
                    seen(self._frames(network, packets[into], heard_ns[into]), name, interface)
                )

    def _frames(self, network: int, packets: Packets, when: Times) -> NDArray[np.void]:
        """Packets as frames on a link: who is not on it is reached through the gateway's address there."""
        topology = self.places.topology
        gateway = number(f"{topology.prefix}.{topology.networks[network].number}.1")
        header = packets[:, :IPV4_SIZE].view(IPV4)[:, 0]
        macs = []
        for side in ("source_address", "destination_address"):
            addresses = header[side].astype(np.uint32)
            on_link = self.places.network(addresses) == network
            macs.append(self.places.macs(np.where(on_link, addresses, gateway).astype(np.uint32)))
        return frames_of(packets, when, *macs)


def _before_router(packets: Packets) -> Packets:
    """Packets as they were before the gateway took one from their time to live."""
    packets = packets.copy()
    packets[:, :IPV4_SIZE].view(IPV4)[:, 0]["time_to_live"] += 2
    return through_router(packets)
