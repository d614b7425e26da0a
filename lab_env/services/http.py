"""HTTP, 80/tcp, and HTTPS, 443/tcp: a page and the site's files (RFC 9110)."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable

from aiohttp import web

from lab_env.services.listening import Stop
from lab_env.services.site import Site

PAGE = """<!DOCTYPE html>
<html lang="en"><title>PortLab</title>
<h1>{name}</h1>
<p>An open port with a working web server behind it. <a href="/files/readme.txt">A file</a>.</p>
</html>
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve the page and, under /files, the files."""

    async def page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE.format(name=site.full_name), content_type="text/html")

    application = web.Application()
    application.router.add_get("/", page)
    application.router.add_static("/files", site.files, show_index=True)
    return await run(application, site, sock, tls)


async def run(application: web.Application, site: Site, sock: socket.socket, tls: bool) -> Stop:
    """Serve an application on the socket, a line in the log for each request."""

    @web.middleware
    async def log(request: web.Request, handler: Handler) -> web.StreamResponse:
        status = 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            site.log(f"http: {request.method} {request.path} from {request.remote}: {status}")
        return response

    application.middlewares.append(log)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.SockSite(runner, sock, ssl_context=site.tls() if tls else None).start()
    return runner.cleanup
