"""`lab.here()`: which lab is this, and how do I get a better one?  The first cell of every notebook.

Where no lab is running, the simulated one is opened inside this process, and says so loudly.
"""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from lab_env.hands import Controls, Hands
from lab_env.topology import GATEWAY, STUDENT, Topology, topology
from portlab import lab as portlab_lab
from portlab.errors import LabNotRunning
from portlab.lab import SIMULATED, Lab

SIMULATED_WIRE = "lab_env.simulated:SimulatedWire"

SENTENCES = {
    "embedded": "Real packets, made by this computer's own kernel in a closed network.",
    "docker": "Real packets and real server programs, in a closed network.",
    SIMULATED: "No packet is sent: answers are computed from the lab's plan, and times are a model.",
}
BETTER = {
    SIMULATED: "For real packets, close this notebook and type in a terminal: ./run lab "
    "(./run doctor says what this computer can do)"
}

PRINTED = "<style>.jp-OutputArea-output.jp-RenderedText pre{word-break:normal;overflow-wrap:anywhere}</style>"
"""JupyterLab cuts what is printed, such as a refusal, in the middle of words; on a page with this, between them."""


class LabHere(Hands):
    """The lab this process is in: which it is, and what a learner may do to it (see `lab_env.hands`)."""

    def here(self) -> Here:
        """Say which lab this is; where there is none, open the simulated one in this process."""
        current = portlab_lab.current()
        why = ""
        if current is None:
            why = portlab_lab.why_not()
            current = simulated(topology())
            portlab_lab.use(current)
        return Here(current, why)

    def plan(self) -> Topology:
        """The lab as it was at the start."""
        return topology()

    def controls(self) -> Controls:
        """The way to the hosts of this lab.  Raises LabNotRunning where there is none."""
        current = portlab_lab.current()
        if current is None:
            raise LabNotRunning(f"{portlab_lab.why_not()}, or open the simulated one here: lab.here()")
        if current.control:
            from lab_env.control.client import SocketControls

            return SocketControls(current.control)
        if current.fidelity == SIMULATED:
            from lab_env.simulated.controls import SimulatedControls

            return SimulatedControls()
        raise LabNotRunning("This lab takes no orders.  Start another with: ./run lab")


def simulated(plan: Topology) -> Lab:
    """The simulated lab, as a process is told of it."""
    return Lab(
        fidelity=SIMULATED,
        networks={network.name: plan.cidr(network.name) for network in plan.networks},
        hosts={host.name: plan.addresses(host.name) for host in plan.hosts},
        self_name=STUDENT,
        wire=SIMULATED_WIRE,
        firewall=GATEWAY,
        slow=plan.slow_link.network,
    )


@dataclass(frozen=True, slots=True)
class Here:
    """Where a notebook is: shown as a badge and a table of the lab's hosts."""

    lab: Lab
    opened_because: str = ""  # why the simulated lab had to be opened; empty: the lab was there already

    @property
    def headline(self) -> str:
        return f"{self.lab.fidelity.upper()} LAB"

    @property
    def sentences(self) -> list[str]:
        """What this lab is, why it is this one, and what would be better."""
        said = [SENTENCES.get(self.lab.fidelity, ""), self.opened_because, BETTER.get(self.lab.fidelity, "")]
        return [sentence for sentence in said if sentence]

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, addresses and purpose of each host, this one first."""
        plan = topology().by_name
        names = sorted(self.lab.hosts, key=lambda name: name != self.lab.self_name)
        return [
            (name, ", ".join(self.lab.hosts[name]), plan[name].purpose if name in plan else "")
            for name in names
        ]

    def __str__(self) -> str:
        frame = "!" if self.lab.fidelity == SIMULATED else "="
        networks = ", ".join(f"{name} {cidr}" for name, cidr in self.lab.networks.items())
        hosts = [f"  {name:<8} {addresses:<34} {purpose}" for name, addresses, purpose in self.rows()]
        head = [f"{frame * 3} {self.headline} {frame * 3}", *self.sentences, f"Networks: {networks}"]
        return "\n".join([*head, f"Hosts (you are {self.lab.self_name}):", *hosts])

    __repr__ = __str__

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": self._html()}

    def _html(self) -> str:
        """A badge whose word says what its border shows, and a table that a screen reader can read."""
        border = "double" if self.lab.fidelity == SIMULATED else "solid"
        paragraphs = "".join(f"<p>{html.escape(sentence)}</p>" for sentence in self.sentences)
        left = ' style="text-align:left"'  # JupyterLab sets cells to the right, as for numbers
        head = "".join(f'<th scope="col"{left}>{word}</th>' for word in ("Name", "Address", "What it is"))
        body = "".join(
            f'<tr><th scope="row"{left}>{html.escape(name)}</th>'
            f"<td{left}>{html.escape(addresses)}</td><td{left}>{html.escape(purpose)}</td></tr>"
            for name, addresses, purpose in self.rows()
        )
        return (
            f'{PRINTED}<section aria-label="The lab"><p style="margin:.5em 0">'
            f'<strong style="display:inline-block;border:3px {border};padding:.2em .6em">'
            f"{html.escape(self.headline)}</strong></p>{paragraphs}"
            f"<table><caption>Hosts of the lab; you are {html.escape(self.lab.self_name)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"
        )


lab = LabHere()
