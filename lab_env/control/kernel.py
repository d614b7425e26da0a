"""What every real host asks of its own kernel: rules, the way for its answers, and what can be looked at.

The functions work on the network namespace of their caller; what a program complains of becomes the message of
an OSError.  Standard library only.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Container

from lab_env import firewall
from lab_env.changes import HostState
from lab_env.topology import GATEWAY, Topology

COUNTED = re.compile(r" ?counter packets (\d+) bytes (\d+)")


def tables() -> list[str]:
    """The kernel's tables of rules, as nft names them: "table ip portlab"."""
    return _run(["nft", "list", "tables"]).splitlines()


def load_rules(topology: Topology, state: HostState, spared: Container[str] = ()) -> None:
    """Let the kernel have the state's rules and no others, at one stroke; all counters begin anew.

    Tables that are `spared` belong to somebody else, and stay.
    """
    old = "".join(f"delete {table}\n" for table in tables() if table not in spared)
    _run(["nft", "-f", "-"], old + firewall.text(topology, state))


def set_route(topology: Topology, state: HostState) -> None:
    """Send what is not for the own link to the state's default gateway; the gateway itself has none.

    First whatever still waits for the hardware address of the old one is given up.  Else, once that route is gone,
    Linux reports such a packet as unreachable from the computer's own network namespace, and the report leaves the
    lab by the computer's default route (seen with Linux 6.18).
    """
    if state.host == GATEWAY:
        return
    if state.default_gateway:
        address = topology.address(state.default_gateway)
    else:
        address = topology.address(GATEWAY, topology.by_name[state.host].network)
    _run(["ip", "-batch", "-"], f"neigh flush nud incomplete\nroute replace default via {address}\n")


def sockets() -> str:
    """What listens here, as `ss` shows it: a waiting queue is in its columns Recv-Q and Send-Q."""
    return _run(["ss", "--listening", "--tcp", "--udp", "--numeric"])


def counters(spared: Container[str] = ()) -> list[tuple[str, int, int]]:
    """Rule, packets, bytes of each rule that counts; those of spared tables are left out."""
    listed = (_run(["nft", "list", *table.split()]) for table in tables() if table not in spared)
    return counted("".join(listed))


def counted(listing: str) -> list[tuple[str, int, int]]:
    """The rules that count in tables as nft lists it, without their numbers, and the numbers."""
    return [
        (COUNTED.sub(" counter", line).strip(), int(found[1]), int(found[2]))
        for line in listing.splitlines()
        if (found := COUNTED.search(line))
    ]


def _run(command: list[str], text: str = "") -> str:
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True)
    except FileNotFoundError:
        raise OSError(f"`{command[0]}` is not installed here") from None
    if done.returncode:
        raise OSError(f"`{' '.join(command)}` says: {done.stderr.strip()}")
    return done.stdout
