"""All cases by name: the counter-examples, and the tickets of a broken web server."""

from __future__ import annotations

from functools import partial

from lab_env import changes
from lab_env.case import Case, asking, ruled
from lab_env.counterexamples import COUNTEREXAMPLES
from lab_env.topology import FORWARD, GATEWAY, Action, Rule

WEB_80 = asking("syn", "web 80", "web 443") + asking("connect", "web 80") + asking("ping", "web")
TICKETS = (
    Case(
        "stopped",
        "web's server program for port 80 has stopped.",
        WEB_80,
        {"web": (partial(changes.stopped, service=80),)},
    ),
    Case(
        "dropped",
        "The gateway drops what is for port 80 of web.",
        WEB_80,
        {GATEWAY: (ruled(Rule(Action.DROP, ("web",), "tcp", (80,)), *FORWARD),)},
    ),
    Case(
        "rejected",
        "The gateway rejects what is for port 80 of web, and says so.",
        WEB_80,
        {GATEWAY: (ruled(Rule(Action.REJECT_ADMIN, ("web",), "tcp", (80,)), *FORWARD),)},
    ),
    Case(
        "loopback",
        "web's server program for port 80 listens on 127.0.0.1 only.",
        WEB_80,
        {"web": (partial(changes.on_loopback, service=80),)},
    ),
    Case(
        "wrong-gateway",
        "web sends its answers to an address with nobody behind it.",
        WEB_80,
        {"web": (partial(changes.misrouted, gateway="lost"),)},
    ),
)
"""Five causes of one complaint: "the web page does not open"."""

CASES = {case.id: case for case in (*COUNTEREXAMPLES, *TICKETS)}


def against(name: str, technique: str = "") -> Case | None:
    """The case of that name; of several that speak against one belief, the one that asks by this technique."""
    named = (
        CASES.get(f"{name}-{technique}"),
        CASES.get(name),
        *(case for case in COUNTEREXAMPLES if case.belief == name),
    )
    return next(filter(None, named), None)
