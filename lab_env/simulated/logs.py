"""What programs write down: datagrams that they take and never answer.  It is the only other evidence of those."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from lab_env.simulated.network import Fates, Station
from lab_env.simulated.packets import Arrivals
from lab_env.simulated.places import Places
from portlab.addresses import dotted
from portlab.packets.headers import UDP_PROTOCOL


def lines(places: Places, arrivals: Arrivals, fates: Fates) -> Iterator[tuple[str, str]]:
    """Host and line for each datagram that reached such a program."""
    host = places.owner(arrivals["destination"])
    at_host = (fates["reached"] == Station.HOST) & (arrivals["protocol"] == UDP_PROTOCOL)
    service = places.udp_service[host, arrivals["port"]]
    for row in np.flatnonzero(at_host & (service >= 0)).tolist():
        if not places.services[int(service[row])].answers:
            asked = arrivals[row]
            when = datetime.fromtimestamp(int(asked["time_ns"]) / 1e9, UTC)
            size = int(asked["total_length"]) - int(asked["data_offset"])
            told = f"port {asked['port']}: {size} bytes from {dotted(int(asked['source']))}"
            time = when.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            yield places.topology.hosts[int(host[row])].name, f"{time} {told}"
