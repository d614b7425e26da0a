"""The servers of a host for which there is no free program, and those that only listen: PortLab's own.

Which ones, stands in the file that this is started beside (see `daemons`).
"""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

from lab_env import services
from lab_env.docker import daemons
from lab_env.services.full import Full
from lab_env.services.site import Site
from lab_env.topology import Service, topology


async def serve(name: str, wanted: list[Service]) -> None:
    """Serve on these ports of this host until killed."""
    plan = topology()
    site = Site(
        addresses={host.name: plan.address(host.name) for host in plan.hosts},
        files=Path("/srv/files"),
        certificate=Path(daemons.CERTIFICATE),
        key=Path(daemons.KEY),
        ssh_host_key=Path(daemons.HOST_KEY),
        name=name,
        log=lambda line: print(line, flush=True),
    )
    full = []
    for service in wanted:
        address = daemons.LOOPBACK if service.loopback else daemons.EVERYWHERE
        if service.full:
            full.append(Full(address, service.port))  # kept: its connections wait as long as it is there
            await full[-1].fill()
        else:
            await services.serve(
                service.server, site, address, service.port, transport=service.transport, tls=service.tls
            )
    await asyncio.Event().wait()


if __name__ == "__main__":
    told = json.loads(Path(daemons.STATE, "responders.json").read_text())
    asyncio.run(serve(os.environ["PORTLAB_HOST"], [Service(**service) for service in told]))
