"""nmap as the judge of the contract: the same questions in the same lab, answer by answer.

nmap is run by its command line and read from its XML; where it sees less than the contract says, that is a
named row of KNOWN with its reason.
"""

import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from lab_env.contract import rows
from lab_env.services import redis
from lab_env.topology import topology
from portlab.techniques import port_techniques

pytestmark = [pytest.mark.inlab, pytest.mark.nmap]

LAB = topology()
HOPE = 1200  # seconds
OPTIONS = {
    "connect": "-sT",
    "syn": "-sS",
    "udp": "-sU",
    "fin": "-sF",
    "null": "-sN",
    "xmas": "-sX",
    "ack": "-sA",
    "maimon": "-sM",
}
NOT_SCANNED = {
    "ghost": "on its own link nmap asks by ARP first, even with -Pn, and scans nothing that does not answer",
    "lost": "the gateway's word comes after three seconds and only for some packets; nmap does not wait for it",
}
NO_PAYLOAD = {"empty", "sip", "tftp"}  # nmap has payloads of its own: only the default ones are comparable


@dataclass(frozen=True)
class Verdict:
    """What nmap says about one port or host; ttl and speaker are None where it does not say."""

    state: str
    reason: str
    ttl: int | None = None
    speaker: str | None = None


def nmap(*words: str) -> ET.Element:
    """Run nmap (no names looked up, every port shown) and read its report."""
    done = subprocess.run(
        ["nmap", "-n", "--reason", "-oX", "-", *words],
        capture_output=True,
        text=True,
        timeout=HOPE,
        check=True,
    )
    return ET.fromstring(done.stdout)


def numbers(text: str) -> Iterator[int]:
    """Ports as nmap lists them: "20-22,80" is 20, 21, 22, 80."""
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def verdicts(report: ET.Element) -> dict[tuple[str, int], Verdict]:
    """Every port of every host, those that nmap sums up included."""
    found = {}
    for host in report.iter("host"):
        address = attribute(host, "address", "addr")
        for port in host.iter("port"):
            said = port.find("state").attrib
            ttl = int(said["reason_ttl"]) or None
            found[address, int(port.get("portid"))] = Verdict(
                said["state"], said["reason"], ttl, said.get("reason_ip")
            )
        for many in host.iter("extraports"):
            for same in many.iter("extrareasons"):
                for port_number in numbers(same.get("ports")):
                    found[address, port_number] = Verdict(many.get("state"), same.get("reason"))
    return found


def attribute(element: ET.Element, tag: str, name: str) -> str:
    return element.find(tag).attrib[name]


def comparable(technique: str) -> list:
    return [
        row
        for row in rows(LAB)
        if row.technique == technique and row.host not in NOT_SCANNED and row.payload not in NO_PAYLOAD
    ]


def agrees(said: Verdict, row) -> bool:
    """The same state and reason; the same TTL and speaker where nmap tells them."""
    expected = row.expected
    if (said.state, said.reason) != (expected.state, expected.reason):
        return False
    if said.ttl is not None and said.ttl != expected.ttl:
        return False
    return said.speaker is None or said.speaker == expected.answered_by


@pytest.mark.parametrize("technique", port_techniques())
def test_nmap_finds_what_the_contract_says(technique):
    asked = comparable(technique)
    by_ports: dict[tuple[int, ...], list[str]] = {}
    for host in dict.fromkeys(row.host for row in asked):
        ports = tuple(row.port for row in asked if row.host == host)
        by_ports.setdefault(ports, []).append(LAB.address(host))
    said = {}
    for ports, addresses in by_ports.items():
        listed = ",".join(str(port) for port in ports)
        said |= verdicts(nmap(OPTIONS[technique], "-Pn", "-p", listed, *addresses))
    wrong = [
        f"{row.host} {row.port}: {answer} instead of {row.expected}"
        for row in asked
        if not agrees(answer := said[LAB.address(row.host), row.port], row)
    ]
    assert wrong == []
    assert len(said) == len(asked) > 50


KNOWN = {
    "vault": "nmap's ping does not count an ICMP error from somebody else: it says no-response, not who refused",
    "ghost": "with --disable-arp-ping nmap's echo finds no neighbour, and it says no-response",
    "lost": "nmap's ping does not wait the three seconds that the gateway needs to miss somebody",
}
"""Hosts of which nmap's echo learns less than the contract says, and why; it calls all of them down."""


def test_nmap_pings_what_the_contract_says():
    expected = {
        row.host: row.expected for row in rows(LAB) if (row.technique, row.method) == ("ping", "icmp")
    }
    report = nmap("-sn", "-PE", "--disable-arp-ping", "-v", *[LAB.address(host) for host in expected])
    said = {attribute(host, "address", "addr"): host.find("status").attrib for host in report.iter("host")}
    wrong = {}
    for host, result in expected.items():
        status = said[LAB.address(host)]
        state = "up" if result.state == "up" else "down"  # nmap's XML has no word for "no answer"
        reason = "no-response" if host in KNOWN else result.reason
        ttl = "0" if state == "down" else str(result.ttl)
        if (status["state"], status["reason"], status["reason_ttl"]) != (state, reason, ttl):
            wrong[host] = status
    assert wrong == {}
    assert all(expected[host].reason != "no-response" for host in KNOWN)  # each is a difference indeed


def test_nmap_pings_by_arp_what_the_contract_says():
    expected = {row.host: row.expected for row in rows(LAB) if (row.technique, row.method) == ("ping", "arp")}
    report = nmap("-sn", "-PR", "-v", *[LAB.address(host) for host in expected])
    said = {
        attribute(host, "address", "addr"): (
            attribute(host, "status", "state"),
            attribute(host, "status", "reason"),
        )
        for host in report.iter("host")
    }
    assert said == {LAB.address(host): (result.state, result.reason) for host, result in expected.items()}


DATABASES = {
    1433: "Microsoft SQL Server 2019",
    1521: "Oracle TNS Listener",
    3306: "MySQL",
    6379: "Redis key-value store",
}


@pytest.mark.slow  # nmap waits six seconds for a server that lets its client speak first
def test_nmap_names_each_database():
    report = nmap("-sV", "-Pn", "-p", ",".join(map(str, DATABASES)), LAB.address("db"))
    told = {int(port.get("portid")): port.find("service").attrib for port in report.iter("port")}
    assert {port: service.get("product") for port, service in told.items()} == DATABASES
    assert told[6379]["version"] == redis.VERSION
