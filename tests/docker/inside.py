"""The contract, asked from the student's workstation in the Docker lab, where `test_lab.py` has pytest run this."""

import pytest
from tests.test_contract import SCANS, disagreements, rows_of

import portlab as pl

DHCP = "dnsmasq takes an INFORM only from a client that fills in its address (RFC 2131, section 4.4.1)"
NEIGHBOUR = "a kernel that finds no neighbour may tell itself so by ICMP, and connect() then knows who spoke"
KNOWN = {("udp", "infra", 67): DHCP, ("connect", "ghost", 1): NEIGHBOUR, ("connect", "ghost", 20): NEIGHBOUR}
"""Rows on which this lab may differ from the contract, and why."""


def known(row):
    return (row.technique, row.host, row.port) in KNOWN and not row.payload


@pytest.mark.parametrize("technique", ["ping", *SCANS])
def test_contract(technique):
    assert pl.ping("gateway", progress=False).fidelity == "docker"
    assert disagreements([row for row in rows_of(technique) if not known(row)]) == []


def test_the_known_differences_are_those():
    results = pl.udp_scan("infra", [67], progress=False)
    assert (results["infra", 67].state, results["infra", 67].reason) == ("open|filtered", "no-response")
    results = pl.connect_scan("ghost", [1, 20], timeout=4, tries=1, progress=False)
    for port in (1, 20):
        result = results["ghost", port]
        assert (result.state, result.reason) == ("filtered", "host-unreach")
        assert result.answered_by in (None, pl.lab.resolve("student"))
