"""What UDP probes carry is a proper message of its protocol: Scapy takes each of them apart."""

import numpy as np
import pytest
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.dns import DNS
from scapy.layers.ntp import NTPHeader
from scapy.layers.snmp import SNMP, SNMPget
from scapy.layers.tftp import TFTP, TFTP_RRQ

from portlab.errors import BadTarget
from portlab.techniques import payloads
from portlab.techniques.payloads import CODES, PAYLOADS


def test_dns_asks_for_the_name_servers_of_the_root() -> None:
    message = DNS(PAYLOADS["dns"])
    assert (message.qr, message.opcode, message.rd, message.qdcount) == (0, 0, 1, 1)
    assert (message.ancount, message.nscount, message.arcount) == (0, 0, 0)
    assert (message.qd[0].qname, message.qd[0].qtype, message.qd[0].qclass) == (b".", 2, 1)


def test_dhcp_asks_for_settings_and_reserves_nothing() -> None:
    message = BOOTP(PAYLOADS["dhcp"])
    assert (message.op, message.htype, message.hlen, message.hops, message.secs) == (1, 1, 6, 0, 0)
    assert (message.ciaddr, message.yiaddr, message.siaddr, message.giaddr) == (
        "255.255.255.255",
        *["0.0.0.0"] * 3,
    )
    assert message.chaddr[0] & 3 == 2, "a locally administered address of one host"
    assert message[DHCP].options == [("message-type", 8), ("param_req_list", [1, 3, 6]), "end"]


def test_ntp_asks_as_a_client_of_version_4() -> None:
    message = NTPHeader(PAYLOADS["ntp"])
    assert (message.leap, message.version, message.mode) == (0, 4, 3)
    assert PAYLOADS["ntp"][1:] == bytes(47)


def test_snmp_asks_the_public_community_what_the_system_is() -> None:
    message = SNMP(PAYLOADS["snmp"])
    assert (message.version.val, message.community.val) == (1, b"public")
    assert isinstance(message.PDU, SNMPget)
    (asked,) = message.PDU.varbindlist
    assert asked.oid.val == "1.3.6.1.2.1.1.1.0"  # sysDescr.0
    assert bytes(message) == PAYLOADS["snmp"], "nothing is left over"


def test_sip_asks_what_a_server_can_do() -> None:
    first, *headers = PAYLOADS["sip"].decode("ascii").removesuffix("\r\n\r\n").split("\r\n")
    assert first.startswith("OPTIONS sip:")
    assert first.endswith(" SIP/2.0")
    # RFC 3261 section 8.1.1: what every request has, and in UDP the end of its body
    needed = {"Via", "Max-Forwards", "From", "To", "Call-ID", "CSeq", "Content-Length"}
    assert {header.split(": ")[0] for header in headers} == needed
    assert all("branch=z9hG4bK" in header for header in headers if header.startswith("Via"))


def test_tftp_asks_for_a_file() -> None:
    message = TFTP(PAYLOADS["tftp"])
    assert message.op == 1
    assert (message[TFTP_RRQ].filename, message[TFTP_RRQ].mode) == (b"readme.txt", b"octet")


@pytest.mark.parametrize(
    ("port", "name"), [(53, "dns"), (67, "dhcp"), (123, "ntp"), (161, "snmp"), (69, "empty"), (5060, "empty")]
)
def test_some_ports_are_asked_in_their_own_words(port: int, name: str) -> None:
    assert payloads.choose(np.array([7, port], np.uint16), None).tolist() == [CODES["empty"], CODES[name]]


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_payload_that_was_named_goes_to_every_port(name: str) -> None:
    codes = payloads.choose(np.array([7, 53], np.uint16), name)
    data, length = payloads.table(codes)
    assert [bytes(row[:size]) for row, size in zip(data, length, strict=True)] == [PAYLOADS[name]] * 2


def test_payloads_of_different_lengths_stand_in_one_table() -> None:
    data, length = payloads.table(np.array([CODES["ntp"], CODES["empty"], CODES["dns"]], np.uint8))
    assert length.tolist() == [48, 0, 17]
    assert data.shape == (3, 48), "no wider than the longest of them"
    assert bytes(data[2]) == PAYLOADS["dns"].ljust(48, b"\0")
    assert payloads.table(np.zeros(2, np.uint8))[0].shape == (2, 0)


def test_a_payload_that_nobody_knows() -> None:
    with pytest.raises(BadTarget, match=r"no payload 'gopher'\. PortLab knows empty, dns, "):
        payloads.choose(np.array([53], np.uint16), "gopher")
