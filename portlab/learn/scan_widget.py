"""Scan widget: choose what to scan, start it, watch it fill up, stop it; the line of Python that does it is shown.

    from portlab.learn import ScanWidget
    widget = ScanWidget(pl.syn_scan, pl.connect_scan, pl.udp_scan, pl.ping, target="web", ports="1-1024")
    widget                  # shows it
    widget.scan             # the last scan that ended, once there is one

The scan runs in a thread of its own, so other cells and widgets go on working.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from threading import Event, Thread
from typing import Any

from portlab import lab
from portlab.errors import PortLabError
from portlab.evidence.result import Scan
from portlab.learn.live import Detail, Live
from portlab.view.scan_panel import Order, Panel

REDRAW_S = 0.2


class ScanWidget:
    """A panel that runs the scan functions it is handed; the first of them is chosen until another is.

    They are called as the line says that the panel shows, with `progress=False` and `watch` added.
    """

    def __init__(
        self, *functions: Callable[..., Scan], target: str = "", ports: str = "common", rate: str = ""
    ) -> None:
        self._functions = {function.__name__: function for function in functions}
        here = lab.current()
        hosts = tuple(here.hosts) if here else ()
        order = Order(functions[0].__name__, target, str(ports), str(rate))
        self._panel = Panel("", tuple(self._functions), hosts, order)
        self._live = Live("", "")
        self._draw(name=self._live.name)
        self._live.on_tell(self._hear)
        self._stop = Event()
        self._thread: Thread | None = None
        self._next_look = 0.0
        self.scan: Scan | None = None

    def start(self) -> None:
        """Start the scan that the panel asks for; while one is running, nothing happens."""
        if self._panel.busy:
            return
        self._stop.clear()
        self._draw(busy=True, scan=None, error="", passing=True)
        self._thread = Thread(target=self._run, args=[self._panel.order], daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the running scan: its result is what is known by then."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> Scan | None:
        """Wait until the running scan has ended, at most `timeout` seconds; the last scan that ended."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.scan

    # --- what the page tells ------------------------------------------------------------------------------

    def _hear(self, detail: Detail) -> None:
        if detail["do"] == "stop":
            self.stop()
        elif not self._panel.busy:
            order = Order(detail["function"], detail["target"], detail["ports"], detail["rate"])
            self._panel = replace(self._panel, order=order)
            self._live.send_to_page({"line": str(order)})
            if detail["do"] == "start":
                self.start()

    # --- in the scan's own thread -------------------------------------------------------------------------

    def _run(self, order: Order) -> None:
        where, how = order.arguments()
        try:
            self.scan = self._functions[order.function](*where, **how, progress=False, watch=self._watch)
        except PortLabError as error:
            self._draw(busy=False, error=str(error))
        except Exception as error:
            self._draw(busy=False)
            self._live.report(error)
        else:
            self._draw(busy=False, scan=self.scan)

    def _watch(self, so_far: Scan) -> bool:
        """Draw what is known, no more often than an eye follows; True where it is to end."""
        now = time.monotonic()
        if now >= self._next_look and not self._stop.is_set():
            self._draw(scan=so_far, passing=True)
            self._next_look = time.monotonic() + REDRAW_S
        return self._stop.is_set()

    # --- what is shown ------------------------------------------------------------------------------------

    def _draw(self, *, passing: bool = False, **changes: Any) -> None:
        self._panel = replace(self._panel, **changes)
        self._live.draw(self._panel.html(), str(self._panel), passing=passing)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return self._live._repr_mimebundle_()

    def _ipython_display_(self) -> None:
        self._live._ipython_display_()
