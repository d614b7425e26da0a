"""A network of its own for JupyterLab and the browser, in which no interface comes or goes.

Chromium gives up what it has asked for (ERR_NETWORK_CHANGED), of its own computer too, whenever an interface of the
computer comes or goes.  Docker makes and removes some for every lab, so its tests would disturb the browser's.
Only root can make such a network; elsewhere all stay in the computer's own.
"""

from __future__ import annotations

import os
import subprocess

# The loopback, and a way out that leads nowhere: without one the browser would say that it is offline.
MAKE = """ip link set lo up && ip link add out type veth peer name nowhere && ip address add 192.0.2.1/24 dev out &&
ip link set out up && ip link set nowhere up && echo made && exec cat"""


class Quiet:
    """The network, made when it is first asked for, gone with this process."""

    def __init__(self) -> None:
        self.keeper: subprocess.Popen[str] | None = None  # ends when its standard input does
        self.made = False

    def enter(self) -> list[str]:
        """What to put before a command; [] where no such network can be made."""
        if os.geteuid():
            return []
        if self.keeper is None:
            self.keeper = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", MAKE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # a Ctrl-C for the tests is for the tests to deal with
            )
            assert self.keeper.stdout is not None
            self.made = self.keeper.stdout.readline() == "made\n"
        return ["nsenter", f"--net=/proc/{self.keeper.pid}/ns/net", "--"] if self.made else []

    def end(self) -> None:
        if self.keeper:
            self.keeper.communicate()
            self.keeper = None


QUIET = Quiet()
