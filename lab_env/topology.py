"""The lab network, described once; simulated, embedded and Docker lab are all built from this page.

                  office PREFIX.1.0/24                           dmz (screened subnet) PREFIX.2.0/24
    student .100 ─┬─ infra .10  files .20  mail .30 ┐          ┌─ web .10  db .20  vault .30  lost .99 (nobody)
                  ├─ ops .40    quiet .50           ├─ gateway ┤
                  └─ ghost .99 (nobody)             ┘  .1  .1  └─ branch PREFIX.3.0/24 over a slow link
                                                                  voip .10  desk .20

Everything here is frozen data.  What a probe must bring back follows from it: see `contract.py`.
"""

from __future__ import annotations

import ipaddress
import os
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

FIN, SYN, RST, PSH, ACK, URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20


class Action(StrEnum):
    """What a firewall does with a packet that a rule matches."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT_RESET = "reject with tcp reset"
    REJECT_PORT = "reject with icmp type port-unreachable"
    REJECT_ADMIN = "reject with icmp type admin-prohibited"


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a firewall: the first rule that matches a packet decides; no rule: accept."""

    action: Action
    hosts: tuple[str, ...] = ()  # destination hosts by name; empty: any
    protocol: str = ""  # "tcp", "udp", "icmp"; empty: any
    ports: tuple[int, ...] = ()  # destination ports; empty: any
    flags: tuple[int, int] | None = None  # TCP only: (mask, value)
    established: bool = False  # only packets of a conversation the firewall already knows


@dataclass(frozen=True, slots=True)
class Service:
    """A program that listens on one port.

    `answers` is the protocol whose datagrams a UDP service answers ("" = none, it never answers);
    `from_new_port` is the way of TFTP: the answer comes from a port that was never asked.  `loopback`: it is
    bound to 127.0.0.1, where only its own host reaches it.  `full`: its queue of connections is full, and its
    host's kernel leaves further SYNs without an answer.
    """

    name: str
    port: int
    transport: str = "tcp"
    server: str = (
        ""  # what serves it, as lab_env.services calls it; where none is named, the service's own name
    )
    tls: bool = False
    answers: str = ""
    from_new_port: bool = False
    loopback: bool = False
    full: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "server", self.server or self.name)


@dataclass(frozen=True, slots=True)
class Host:
    """A machine of the lab, or an address with nobody behind it (`nobody`)."""

    name: str
    network: str
    number: int
    purpose: str  # what everybody may know of it; the rest is for learners to find out
    services: tuple[Service, ...] = ()
    rules: tuple[Rule, ...] = ()  # its own firewall, on what arrives
    icmp_limited: bool = False  # keeps Linux's default ICMP limits
    nobody: bool = False
    default_gateway: str = ""  # to whom it sends what is not for its own link; "" = the gateway


@dataclass(frozen=True, slots=True)
class Network:
    """One subnet; the gateway holds number 1 in each."""

    name: str
    number: int
    purpose: str


@dataclass(frozen=True, slots=True)
class SlowLink:
    """The user-space wire between the gateway and a network: delay and jitter in ms each way, loss each way."""

    network: str
    delay_ms: float
    jitter_ms: float
    loss: float


@dataclass(frozen=True)
class Topology:
    """All of the lab.  `prefix` is the first two numbers of every address, such as "10.77"."""

    prefix: str
    networks: tuple[Network, ...]
    hosts: tuple[Host, ...]
    forward: tuple[Rule, ...]  # the gateway's rules on what it passes on
    tracked: tuple[str, ...]  # hosts whose conversations the gateway remembers
    slow_link: SlowLink
    by_name: dict[str, Host] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {host.name: host for host in self.hosts})

    def cidr(self, network: str) -> str:
        """The subnet of a network: "office" -> "10.77.1.0/24"."""
        number = next(n.number for n in self.networks if n.name == network)
        return f"{self.prefix}.{number}.0/24"

    def address(self, host: str, network: str = "") -> str:
        """The address of a host; the gateway has one in each network (in the office's, unless another is named)."""
        found = self.by_name[host]
        subnet = ipaddress.ip_network(self.cidr(network or found.network))
        return str(subnet[found.number])

    def addresses(self, host: str) -> tuple[str, ...]:
        """All addresses of a host, its own network's first."""
        if host == GATEWAY:
            return tuple(self.address(host, network.name) for network in self.networks)
        return (self.address(host),)

    def names(self) -> dict[str, str]:
        """Every name a learner may type, with its address; short and with the ending .lab."""
        pairs = {host.name: self.address(host.name) for host in self.hosts}
        return pairs | {f"{name}.{DOMAIN}": address for name, address in pairs.items()}

    def mac(self, address: str) -> str:
        """The Ethernet address of an interface, locally administered and readable: 02:00 and the four numbers."""
        return ":".join(["02", "00", *(f"{int(part):02x}" for part in address.split("."))])


STUDENT, GATEWAY, DOMAIN = "student", "gateway", "lab"

NETWORKS = (
    Network("office", 1, "the learner's own network"),
    Network("dmz", 2, "screened subnet: what visitors may reach"),
    Network("branch", 3, "another site, over a slow link"),
)

SSH = Service("ssh", 22)
TELNET = Service("telnet", 23)

HOSTS = (
    Host(STUDENT, "office", 100, "the workstation: JupyterLab, kernel, terminal"),
    Host(
        GATEWAY,
        "office",
        1,
        "router, firewall and VPN endpoint",
        (
            SSH,
            TELNET,
            Service("snmp", 161, "udp", answers="snmp"),
            Service("isakmp", 500, "udp", "ike"),
            Service("ipsec-nat-t", 4500, "udp", "ike"),
        ),
    ),
    Host(
        "infra",
        "office",
        10,
        "names, addresses, time, directory, web proxy",
        (
            Service("domain", 53, "tcp", "dns"),
            Service("domain", 53, "udp", "dns", answers="dns"),
            Service("dhcps", 67, "udp", "dhcp", answers="dhcp"),
            Service("ntp", 123, "udp", answers="ntp"),
            Service("ldap", 389),
            Service("ldaps", 636, server="ldap", tls=True),
            Service("squid-http", 3128, server="proxy"),
        ),
    ),
    Host(
        "files",
        "office",
        20,
        "file server",
        (
            Service("ftp", 21),
            SSH,
            Service("tftp", 69, "udp", answers="tftp", from_new_port=True),
            Service("microsoft-ds", 445, server="smb"),
        ),
    ),
    Host(
        "mail",
        "office",
        30,
        "mail server",
        (
            Service("smtp", 25),
            Service("smtps", 465, server="smtp", tls=True),
            Service("submission", 587, server="smtp"),
            Service("pop3", 110),
            Service("imap", 143),
            Service("imaps", 993, server="imap", tls=True),
            Service("pop3s", 995, server="pop3", tls=True),
        ),
    ),
    Host(
        "ops",
        "office",
        40,
        "operations: where administrators log in",
        (
            SSH,
            TELNET,
            Service("ssh", 8080),
            Service("snmptrap", 162, "udp", "snmp-trap"),
            Service("syslog", 514, "udp"),
        ),
        icmp_limited=True,
    ),
    Host(
        "quiet",
        "office",
        50,
        "a small web server",
        (Service("http", 80, server="http-error"),),
        rules=(Rule(Action.ACCEPT, protocol="tcp", ports=(80,)), Rule(Action.DROP)),
    ),
    Host("ghost", "office", 99, "an address of the office", nobody=True),
    Host(
        "web",
        "dmz",
        10,
        "web server; the gateway guards some of its ports",
        (Service("http", 80), Service("https", 443, server="http", tls=True), SSH),
    ),
    Host(
        "db",
        "dmz",
        20,
        "databases, guarded by the gateway",
        (
            Service("ms-sql-s", 1433, server="mssql"),
            Service("oracle-tns", 1521, server="oracle"),
            Service("mysql", 3306),
            Service("redis", 6379),
        ),
    ),
    Host(
        "vault",
        "dmz",
        30,
        "a partner's server, guarded by the gateway",
        (Service("https", 443, server="http", tls=True),),
    ),
    Host("lost", "dmz", 99, "an address of the dmz", nobody=True),
    Host(
        "voip",
        "branch",
        10,
        "telephone server behind the slow link",
        (
            Service("sip", 5060),
            Service("sip", 5060, "udp", answers="sip"),
            Service("sips", 5061, server="sip", tls=True),
            SSH,
            TELNET,
        ),
    ),
    Host(
        "desk",
        "branch",
        20,
        "a desktop computer",
        (Service("ms-wbt-server", 3389, server="rdp"), Service("ms-wbt-server", 3389, "udp", "silent")),
        rules=(
            Rule(Action.REJECT_RESET, protocol="tcp", flags=(FIN | SYN | RST | PSH | ACK | URG, FIN)),
            Rule(Action.REJECT_RESET, protocol="tcp", flags=(FIN | SYN | RST | PSH | ACK | URG, 0)),
            Rule(
                Action.REJECT_RESET,
                protocol="tcp",
                flags=(FIN | SYN | RST | PSH | ACK | URG, FIN | PSH | URG),
            ),
        ),
    ),
)

FIRST_SYN = (FIN | SYN | RST | ACK, SYN)  # of FIN, SYN, RST and ACK only SYN is set


def _connections_to(name: str) -> Rule:
    """What the gateway lets through to a guarded host: first SYNs to each port on which it serves others."""
    (services,) = (host.services for host in HOSTS if host.name == name)
    ports = tuple(each.port for each in services if each.transport == "tcp" and not each.loopback)
    return Rule(Action.ACCEPT, (name,), "tcp", ports, flags=FIRST_SYN)


FORWARD = (
    Rule(Action.DROP, ("web",), "tcp", (22,), flags=(SYN | ACK, SYN)),
    Rule(Action.REJECT_ADMIN, ("web",), "tcp", (8080,)),
    Rule(Action.REJECT_PORT, ("web",), "tcp", (8443,)),
    Rule(Action.REJECT_RESET, ("web",), "tcp", (3389,)),
    Rule(Action.REJECT_PORT, ("web",), "udp", (161,)),
    Rule(Action.ACCEPT, ("db", "vault"), established=True),
    _connections_to("db"),
    Rule(Action.DROP, ("db",)),
    _connections_to("vault"),
    Rule(Action.REJECT_ADMIN, ("vault",)),
)

SLOW_LINK = SlowLink("branch", delay_ms=20.0, jitter_ms=2.0, loss=0.02)

DEFAULT_PREFIX = "10.77"
PREFIX_VARIABLE = "PORTLAB_PREFIX"


@cache
def topology(prefix: str = "") -> Topology:
    """The lab with addresses that begin with `prefix` (else $PORTLAB_PREFIX, else 10.77)."""
    prefix = prefix or os.environ.get(PREFIX_VARIABLE, DEFAULT_PREFIX)
    return Topology(prefix, NETWORKS, HOSTS, FORWARD, ("db", "vault"), SLOW_LINK)
