"""Cases: small changes of the lab that show what a belief overlooks, and the tickets of a broken web server.

A case is data: which hosts change, and which questions to ask before and meanwhile.  What each question must bring
back follows from the changed topology (see `contract`); the same cases hold in every fidelity.  Some need no change:
the lab shows them as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from lab_env import changes
from lab_env.changes import Change, HostState
from lab_env.topology import ACK, FORWARD, GATEWAY, SYN, Action, Rule, Topology


@dataclass(frozen=True, slots=True)
class Question:
    """One probe of a case; `port` is None for a ping."""

    technique: str
    host: str
    port: int | None = None
    payload: str = ""
    method: str = "icmp"


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its name, what is done to the lab in one sentence, and what to ask."""

    id: str
    title: str
    questions: tuple[Question, ...]
    changes: Mapping[str, tuple[Change, ...]] = field(default_factory=dict)

    def states(self, topology: Topology) -> dict[str, HostState]:
        """The hosts that this case changes, as they are meanwhile."""
        changed = {}
        for host, steps in self.changes.items():
            state = changes.state_of(topology, host)
            for step in steps:
                state = step(state)
            changed[host] = state
        return changed

    def topology(self, topology: Topology) -> Topology:
        """The whole lab as it is meanwhile."""
        return changes.topology_with(topology, self.states(topology))


def _ask(technique: str, *places: str) -> tuple[Question, ...]:
    """Questions written shortly: "web 80" is a host and a port, "web" alone a host to ping."""
    split = (place.partition(" ") for place in places)
    return tuple(Question(technique, host, int(port) if port else None) for host, _, port in split)


def _rules(*rules: Rule) -> Change:
    return partial(changes.guarded, rules=rules)


WEB_80 = _ask("syn", "web 80", "web 443") + _ask("connect", "web 80") + _ask("ping", "web")

MISCONCEPTIONS = (
    Case(
        "M01",
        "A program begins to listen on port 8081 of web.",
        _ask("syn", "web 8081"),
        {"web": (partial(changes.listening, port=8081),)},
    ),
    Case(
        "M02",
        "web, which has no firewall of its own, gets one that drops what comes to port 9.",
        _ask("syn", "web 9"),
        {"web": (_rules(Rule(Action.DROP, protocol="tcp", ports=(9,))),)},
    ),
    Case(
        "M03", "Nothing changes: the gateway rejects what is for port 8080 of web.", _ask("syn", "web 8080")
    ),
    Case(
        "M04",
        "A program listens on port 8081 of web, takes no connections, and its queue is full.  No rule guards it.",
        _ask("syn", "web 8081"),
        {
            "web": (
                partial(changes.listening, port=8081),
                partial(changes.with_full_queue, service=8081),
            )
        },
    ),
    Case("M05", "Nothing changes: nothing listens on web's UDP port 9.", _ask("udp", "web 9")),
    Case(
        "M06",
        "Nothing changes: the gateway drops what is for db, and ops has a log server that never answers.",
        _ask("udp", "db 514", "ops 514"),
    ),
    Case("M07", "Nothing changes: ops has a log server that never answers.", _ask("udp", "ops 514")),
    Case(
        "M08",
        "Nothing changes: files has a TFTP server, which uses UDP only.",
        _ask("connect", "files 69") + _ask("udp", "files 69"),
    ),
    Case("M09", "Nothing changes: quiet ignores ping.", _ask("ping", "quiet") + _ask("syn", "quiet 80")),
    Case("M10", "Nothing changes: a ping is one ICMP message each way.", _ask("ping", "files")),
    Case(
        "M11",
        "web's server program for port 80 is stopped.",
        _ask("ping", "web") + _ask("syn", "web 80"),
        {"web": (partial(changes.stopped, service=80),)},
    ),
    Case(
        "M12",
        "ops gets a rule that lets every SYN through, and counts it.",
        _ask("syn", "ops 22", "ops 23", "ops 9"),
        {"ops": (_rules(Rule(Action.ACCEPT, protocol="tcp", flags=(SYN | ACK, SYN))),)},
    ),
    Case("M13", "Nothing changes: look at the third packet.", _ask("syn", "web 80")),
    Case("M14", "Nothing changes: look at who sends the third packet.", _ask("syn", "web 80")),
    Case(
        "M15",
        "Nothing changes: the gateway rejects what is for port 8443 of web, before web sees any of it.",
        _ask("connect", "web 8443") + _ask("syn", "web 8443"),
    ),
    Case(
        "M16",
        "Nothing changes: every route is right, and the gateway forbids what is for port 22 of vault.",
        _ask("connect", "vault 22"),
    ),
    Case(
        "M17",
        "Nothing changes: the gateway remembers db's conversations and drops what belongs to none.",
        _ask("fin", "db 9", "db 3306"),
    ),
    Case(
        "M18",
        "Nothing changes: desk resets such probes on every port, files keeps to the RFC.",
        _ask("xmas", "desk 3389", "desk 9", "files 21", "files 9"),
    ),
    Case(
        "M19",
        "Nothing changes: the rule for web's port 22 looks for SYNs only, those for db remember conversations.",
        _ask("ack", "web 22", "db 3306"),
    ),
    Case(
        "M20", "Nothing changes: one of these ports is open, one is closed.", _ask("ack", "web 80", "web 9")
    ),
    Case(
        "M21",
        "Nothing changes: one port, asked in two ways.",
        _ask("syn", "web 22") + _ask("ack", "web 22"),
    ),
    Case(
        "M22",
        "Nothing changes: for port 3389 the gateway speaks in web's name.",
        _ask("syn", "web 9", "web 3389"),
    ),
    Case(
        "M23",
        "A program that is no database listens on port 3306 of web.",
        _ask("syn", "web 3306"),
        {"web": (partial(changes.listening, port=3306),)},
    ),
    Case(
        "M24",
        "The same kind of program listens on two more ports of web.",
        _ask("syn", "web 8081", "web 8082"),
        {"web": (partial(changes.listening, port=8081), partial(changes.listening, port=8082))},
    ),
    Case("M25", "Nothing changes: ops has an SSH server on port 8080.", _ask("syn", "ops 8080")),
    Case(
        "M27",
        "Nothing changes: infra's time server has UDP port 123, and nothing has TCP port 123.",
        _ask("udp", "infra 123") + _ask("connect", "infra 123"),
    ),
    Case(
        "M28",
        "Nothing changes: infra's name server answers over both transports.",
        _ask("udp", "infra 53") + _ask("connect", "infra 53"),
    ),
    Case(
        "M29",
        "Nothing changes: files offers SFTP inside SSH, and nothing at the ports of FTPS.",
        _ask("connect", "files 22", "files 990"),
    ),
    Case(
        "M30",
        "Nothing changes: files is an FTP server.",
        _ask("connect", "files 21", "files 20"),
    ),
    Case("M31", "Nothing changes: mail has both ports.", _ask("connect", "mail 465", "mail 587")),
    Case(
        "M32",
        "Nothing changes: the gateway has a Telnet server.",
        _ask("connect", "gateway 23") + _ask("udp", "gateway 23"),
    ),
    Case(
        "M34",
        "Nothing changes: db's firewall drops pings, and nobody has the address of lost.",
        _ask("ping", "db", "lost"),
    ),
    Case("M37", "Nothing changes: the gateway drops what is for port 9 of db.", _ask("connect", "db 9")),
    Case(
        "M38",
        "quiet's firewall lets port 8080 through.  No program listens there.",
        _ask("syn", "quiet 8080"),
        {"quiet": (_rules(Rule(Action.ACCEPT, protocol="tcp", ports=(80, 8080)), Rule(Action.DROP)),)},
    ),
    Case(
        "M39",
        "web's server program for port 80 listens on 127.0.0.1 only.",
        _ask("syn", "web 80"),
        {"web": (partial(changes.on_loopback, service=80),)},
    ),
)
"""Counter-examples, by the name of the belief.  M26, M33, M35, M36 and M40 have none here: they are about numbers, a
broken checksum, risk, many answers in a row, and IPv6, which the lab does not have."""

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
        {GATEWAY: (_rules(Rule(Action.DROP, ("web",), "tcp", (80,)), *FORWARD),)},
    ),
    Case(
        "rejected",
        "The gateway rejects what is for port 80 of web, and says so.",
        WEB_80,
        {GATEWAY: (_rules(Rule(Action.REJECT_ADMIN, ("web",), "tcp", (80,)), *FORWARD),)},
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

CASES = {case.id: case for case in (*MISCONCEPTIONS, *TICKETS)}
