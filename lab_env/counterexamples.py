"""Counter-examples: for each belief about ports and scans, what the lab shows that speaks against it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from lab_env import changes
from lab_env.case import Case, Headers, Question, asking, ruled
from lab_env.changes import Change
from lab_env.topology import FORWARD, GATEWAY, Action, Rule

PATIENCE_S = 4.0
"""A gateway complains of an address with nobody behind it when its ARP has gone unanswered for three seconds."""

TCP, FLAGS = ("syn", "connect"), ("fin", "null", "xmas")


def _by(techniques: Sequence[str], id_: str, title: str, *places: str, **more: Any) -> tuple[Case, ...]:
    """One case for each technique: the SYN scan's has the belief's name alone, others such as "M05-connect"."""
    return tuple(
        Case(id_ if first else f"{id_}-{name}", title, asking(name, *places), **more)
        for first, name in ((name == "syn", name) for name in techniques)
    )


def _stopped(host: str, service: int) -> dict[str, tuple[Change, ...]]:
    return {host: (partial(changes.stopped, service=service),)}


def _listening(host: str, *ports: int) -> dict[str, tuple[Change, ...]]:
    return {host: tuple(partial(changes.listening, port=port) for port in ports)}


def _gateway(*rules: Rule) -> dict[str, tuple[Change, ...]]:
    return {GATEWAY: (ruled(*rules, *FORWARD),)}


FULL = (partial(changes.with_full_queue, service=443),)
PORT_9_GUARDED = {"files": (ruled(Rule(Action.DROP, protocol="tcp", ports=(9,))),)}
WEB_443_REFUSED = _gateway(Rule(Action.REJECT_ADMIN, ("web",), "tcp", (443,)))

COUNTEREXAMPLES = (
    *_by(
        TCP,
        "M01",
        "A program begins to listen on port 8081 of web.",
        "web 8081",
        changes=_listening("web", 8081),
    ),
    *_by(
        (*TCP, *FLAGS),
        "M02",
        "files, which has no firewall of its own, gets one that drops what comes to port 9.",
        "files 9",
        changes=PORT_9_GUARDED,
    ),
    *_by(
        (*TCP, *FLAGS, "ack"),
        "M03",
        "The gateway forbids what is for port 443 of web, and says so.",
        "web 443",
        changes=WEB_443_REFUSED,
    ),
    Case(
        "M03-udp",
        "The gateway forbids what is for UDP port 3389 of desk, and says so.",
        asking("udp", "desk 3389"),
        _gateway(Rule(Action.REJECT_ADMIN, ("desk",), "udp", (3389,))),
    ),
    *_by(
        TCP,
        "M04",
        "No rule guards port 443 of web. Its program listens, takes no connections, and its queue is full.",
        "web 443",
        changes={"web": FULL},
    ),
    *_by(
        FLAGS,
        "M04",
        "No rule guards port 21 of files, where a program listens. It is stopped.",
        "files 21",
        changes=_stopped("files", 21),
    ),
    Case(
        "M04-udp",
        "No rule guards UDP port 514 of ops, where a program listens. It is stopped.",
        asking("udp", "ops 514"),
        _stopped("ops", 514),
    ),
    *_by(TCP, "M05", "Nothing changes: two ports of files answer, each in its way.", "files 22", "files 9"),
    *_by(
        FLAGS,
        "M05",
        "Nothing changes: a program listens on port 22 of files and none on port 9. Only one of them answers.",
        "files 22",
        "files 9",
    ),
    Case(
        "M05-udp",
        "Nothing changes: two UDP ports of infra answer, each in its way.",
        asking("udp", "infra 53", "infra 9"),
    ),
    Case(
        "M06",
        "Nothing changes: the gateway drops what is for db, and ops has a log server that never answers.",
        asking("udp", "db 514", "ops 514"),
        record=(GATEWAY, "ops"),
    ),
    Case(
        "M07",
        "The log server of ops, which takes every message and never answers one, is stopped.",
        asking("udp", "ops 514"),
        _stopped("ops", 514),
    ),
    Case(
        "M08",
        "Nothing changes: the gateway answers SNMP, which uses UDP only.",
        asking("connect", "gateway 161") + asking("udp", "gateway 161"),
    ),
    Case(
        "M09",
        "Nothing changes: a firewall drops pings to db, whose database is at work.",
        asking("ping", "db") + asking("syn", "db 3306"),
    ),
    Case(
        "M10",
        "Nothing changes: a ping, and beside it a SYN, which does have ports.",
        asking("ping", "files") + asking("syn", "files 22"),
        headers=Headers(("Protocol", "Type", "Code", "Source port", "Destination port"), answers=False),
    ),
    Case(
        "M11",
        "web's server program for port 80 is stopped.",
        asking("ping", "web") + asking("syn", "web 80"),
        _stopped("web", 80),
    ),
    Case(
        "M12",
        "Nothing changes: a firewall stands on the way to web, and both write down what they see.",
        asking("syn", "web 80"),
        record=(GATEWAY, "web"),
    ),
    Case(
        "M13",
        "Nothing changes: web writes down what reaches it. Look at the third packet.",
        asking("syn", "web 443"),
        record=("web",),
    ),
    Case(
        "M14",
        "Nothing changes: one port, asked twice. First the kernel itself wants the connection: it answers with ACK "
        "(and hangs up at the end). Then PortLab sends one SYN past the kernel, which resets what it did not want.",
        asking("connect", "files 22") + asking("syn", "files 22"),
    ),
    Case(
        "M15",
        "The gateway refuses what is for port 443 of web, by port unreachable. web's program goes on listening.",
        asking("connect", "web 443"),
        _gateway(Rule(Action.REJECT_PORT, ("web",), "tcp", (443,))),
    ),
    Case(
        "M16",
        "Nothing changes: the route to web is right, as port 80 shows. The gateway forbids what is for port 8080.",
        asking("connect", "web 80", "web 8080"),
    ),
    *_by(
        FLAGS,
        "M17",
        "files gets a firewall that drops what comes to port 9, where nobody listens.",
        "files 9",
        changes=PORT_9_GUARDED,
    ),
    *(
        Case(
            f"M18-{name}",
            "Nothing changes: a program listens at both ports. desk resets such probes, files keeps to the RFC.",
            asking(name, "desk 3389", "files 21") + asking("syn", "desk 3389", "files 21"),
        )
        for name in FLAGS
    ),
    Case(
        "M19",
        "Nothing changes: the rule for web's port 22 looks for SYNs only, those for db remember conversations.",
        asking("ack", "web 22", "db 3306"),
    ),
    Case(
        "M20",
        "Nothing changes: the same two ports, asked by SYN and by ACK.",
        asking("syn", "files 21", "files 9") + asking("ack", "files 21", "files 9"),
    ),
    Case(
        "M21",
        "Nothing changes: one port, asked in two ways.",
        asking("syn", "web 22") + asking("ack", "web 22"),
    ),
    Case(
        "M22",
        "Nothing changes: two RSTs with the same sender. gateway and web write down what they see.",
        asking("syn", "web 9", "web 3389"),
        record=(GATEWAY, "web"),
        headers=Headers(("Source address", "Source port", "Time to live"), answers=True),
    ),
    Case(
        "M23",
        "A program that is no database listens on port 3306 of web. Below stands what it says.",
        asking("syn", "web 3306"),
        _listening("web", 3306),
        talks=(("no_database", "web", 3306),),
    ),
    Case(
        "M24",
        "One kind of program listens on two more ports of web.",
        asking("syn", "web 8081", "web 8082"),
        _listening("web", 8081, 8082),
        sockets="web",
    ),
    Case(
        "M25",
        "Nothing changes: two ports that are usual for web servers, and what was said there.",
        asking("syn", "web 80", "ops 8080"),
        talks=(("web_pages", "web", 80), ("banner", "ops", 8080)),
    ),
    Case(
        "M27",
        "Nothing changes: infra's time server has UDP port 123, and nothing has TCP port 123.",
        asking("udp", "infra 123") + asking("connect", "infra 123"),
    ),
    Case(
        "M28",
        "Nothing changes: infra's name server answers over both transports.",
        asking("udp", "infra 53") + asking("connect", "infra 53"),
    ),
    Case(
        "M29",
        "Nothing changes: files offers SFTP inside SSH, and nothing at the port of FTPS.",
        asking("connect", "files 22", "files 990"),
        talks=(("sftp", "files", 22),),
    ),
    Case(
        "M30",
        "Nothing changes: files is an FTP server.",
        asking("connect", "files 21", "files 20"),
    ),
    Case(
        "M31",
        "Nothing changes: mail has both ports, and this was said there.",
        asking("connect", "mail 465", "mail 587"),
        talks=(("mail_doors", "mail", 587), ("mail_doors", "mail", 465)),
    ),
    Case(
        "M32",
        "Nothing changes: ops has a Telnet server.",
        asking("connect", "ops 23") + asking("udp", "ops 23"),
    ),
    Case(
        "M34",
        "Nothing changes: a firewall drops pings to db, and nobody has the address of lost.",
        tuple(Question("ping", host, options={"tries": 1, "timeout": PATIENCE_S}) for host in ("db", "lost")),
    ),
    Case(
        "M37",
        "Nothing changes: the gateway drops what is for port 9 of db. One call is repeated by the kernel; "
        "then the program itself calls twice.",
        (
            Question("connect", "db", 9, options={"tries": 1, "timeout": 3.5}, called="one call"),
            Question("connect", "db", 9, options={"tries": 2, "timeout": 0.5}, called="two calls"),
        ),
        headers=Headers(("Source port", "Sequence number"), answers=False),
    ),
    Case(
        "M38",
        "quiet's firewall lets port 8080 through. No program listens there.",
        asking("syn", "quiet 8080"),
        {"quiet": (ruled(Rule(Action.ACCEPT, protocol="tcp", ports=(80, 8080)), Rule(Action.DROP)),)},
        sockets="quiet",
    ),
    Case(
        "M39",
        "web's server program for port 80 listens on 127.0.0.1 only.",
        asking("syn", "web 80"),
        {"web": (partial(changes.on_loopback, service=80),)},
        sockets="web",
    ),
    *_by(
        TCP,
        "M41",
        "web's server program for port 443 is stopped: nobody listens there.",
        "web 443",
        changes=_stopped("web", 443),
    ),
    *_by(
        FLAGS,
        "M41",
        "files' server program for port 21 is stopped: nobody listens there.",
        "files 21",
        changes=_stopped("files", 21),
    ),
)
"""By the name of the belief, and of the technique that asks where there are several.  M26, M33, M35, M36 and M40 have
none: they are about numbers, a broken checksum, risk, many answers in a row, and IPv6, which is not in the lab."""
