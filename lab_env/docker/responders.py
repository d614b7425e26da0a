"""The servers of a host for which there is no free program, and those that only listen: PortLab's own."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from lab_env import services
from lab_env.docker import daemons
from lab_env.services.site import Site
from lab_env.topology import topology

EVERYWHERE = "0.0.0.0"


async def serve(name: str) -> None:
    """Serve what is PortLab's on this host until killed."""
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
    running = [
        await services.serve(
            daemons.server(service),
            site,
            EVERYWHERE,
            service.port,
            transport=service.transport,
            tls=service.tls,
        )
        for service in plan.by_name[name].services
        if daemons.server(service) in daemons.ANSWERED_BY_PORTLAB
    ]
    await asyncio.gather(*(program.loaded() for program in running))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(os.environ["PORTLAB_HOST"]))
