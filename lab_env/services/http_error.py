"""A web server that is broken: its port is open, and every request gets "500 Internal Server Error" (RFC
9110, section 15.6.1).
"""

from __future__ import annotations

import socket

from aiohttp import web

from lab_env.services.http import run
from lab_env.services.listening import Stop
from lab_env.services.site import Site

APOLOGY = "Something is broken behind this open port.\n"


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Answer 500 to everything."""

    async def fail(request: web.Request) -> web.Response:
        return web.Response(status=500, text=APOLOGY)

    application = web.Application()
    application.router.add_route("*", "/{anything:.*}", fail)
    return await run(application, site, sock, tls)
