"""Services run on a loop in a thread; the clients are ordinary blocking ones, of other make than the servers."""

from __future__ import annotations

import asyncio
import ssl
import threading
import warnings
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from lab_env import services
from lab_env.services.listening import Running
from lab_env.services.site import Site
from tests.lab_env.services.clients import HOST, eventually

ADDRESSES = {"gateway": "10.0.0.1", "web": HOST, "mail": "10.0.0.25"}


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def close(self) -> None:
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def _cancel_all(self) -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()


class Serving:
    """Starts services for one test and stops them after it."""

    def __init__(self, loop: Loop, site: Site, log: list[str]) -> None:
        self.loop, self.site, self.log = loop, site, log
        self.running: list[Running] = []

    def __call__(self, server: str, *, transport: str = "tcp", tls: bool = False, port: int = 0) -> int:
        """The port on 127.0.0.1 at which the service listens."""
        running = self.loop.run(services.serve(server, self.site, HOST, port, transport=transport, tls=tls))
        self.running.append(running)
        return running.port

    def stop(self) -> None:
        while self.running:
            self.loop.run(self.running.pop().close())

    def logged(self, text: str) -> bool:
        """Whether the log says this, or comes to say it."""
        return eventually(lambda: self.logged_now(text))

    def logged_now(self, text: str) -> bool:
        """Whether the log says this already."""
        return any(text in line for line in self.log)


@pytest.fixture(scope="session", autouse=True)
def libraries() -> None:
    """Libraries import things that are deprecated, or spell their own dependencies in an old way: theirs to mend."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.filterwarnings(
            "ignore", "warn_on_assignment_to_Forward", UserWarning
        )  # ldaptor, by pyparsing
        services.preload(services.MODULES)


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Site:
    return services.prepare(tmp_path_factory.mktemp("services"), ADDRESSES)


@pytest.fixture
def serving(loop: Loop, prepared: Site) -> Iterator[Serving]:
    log: list[str] = []
    serving = Serving(loop, prepared.at("web", log.append), log)
    yield serving
    serving.stop()


@pytest.fixture
def trusting(prepared: Site) -> ssl.SSLContext:
    """A client's TLS that trusts the lab's certificate, and checks the name."""
    return ssl.create_default_context(cafile=str(prepared.certificate))


@pytest.fixture
def readme(prepared: Site) -> bytes:
    return Path(prepared.files / "readme.txt").read_bytes()
