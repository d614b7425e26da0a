"""The small services over UDP: DHCP, NTP, TFTP, SNMP, traps, syslog and those that say nothing."""

from __future__ import annotations

import socket
import time

import pytest
from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    UsmUserData,
    get_cmd,
    usmAesCfb128Protocol,
    usmHMACSHAAuthProtocol,
)
from scapy.layers.dhcp import BOOTP, DHCP
from scapy.layers.ntp import NTPHeader
from scapy.layers.snmp import SNMP, SNMPtrapv2, SNMPvarbind
from scapy.layers.tftp import TFTP, TFTP_ACK, TFTP_DATA, TFTP_ERROR, TFTP_RRQ

from lab_env.services.dhcp import Leases
from lab_env.services.ntp import answer as ntp_answer
from lab_env.services.syslog import describe
from tests.lab_env.services.clients import HOST, ask, is_silent, udp_client

HARDWARE = b"\x02\0\x0a\0\0\1"


def dhcp(kind: str, *options: object, ciaddr: str = "0.0.0.0") -> bytes:
    head = BOOTP(op=1, chaddr=HARDWARE, xid=0x1234, ciaddr=ciaddr)
    return bytes(head / DHCP(options=[("message-type", kind), *options, "end"]))


def options(reply: BOOTP) -> dict[str, object]:
    return {option[0]: option[1] for option in reply[DHCP].options if isinstance(option, tuple)}


def test_dhcp_answers_an_inform_to_its_sender(serving):
    reply = BOOTP(ask(serving("dhcp", transport="udp"), dhcp("inform", ciaddr="192.0.2.77"))[0])
    given = options(reply)
    assert (reply.op, reply.xid, reply.yiaddr) == (2, 0x1234, "0.0.0.0")
    assert (given["message-type"], given["domain"], given["router"]) == (5, b"lab", "10.0.0.1")
    assert "lease_time" not in given
    assert serving.logged("from 127.0.0.1, answered")


@pytest.fixture
def leases():
    return Leases("10.0.0.10", "10.0.0.1", "lab")


def test_dhcp_gives_an_address_in_four_steps(leases):
    offer = BOOTP(leases.answer(dhcp("discover")))
    assert (options(offer)["message-type"], offer.yiaddr) == (2, "10.0.0.200")
    wanted = ("requested_addr", "10.0.0.200"), ("server_id", "10.0.0.10")
    ack = BOOTP(leases.answer(dhcp("request", *wanted)))
    assert (options(ack)["message-type"], ack.yiaddr) == (5, "10.0.0.200")
    assert options(ack)["lease_time"] == 3600


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (dhcp("request", ("requested_addr", "10.0.0.7")), 6),  # not yours: NAK
        (dhcp("request", ("server_id", "10.0.0.66")), None),  # meant for another server
        (dhcp("release"), None),
        (dhcp("discover")[:200], None),
        (b"\x02" + dhcp("discover")[1:], None),  # an answer is no question
    ],
)
def test_dhcp_says_no_or_nothing(leases, message, kind):
    reply = leases.answer(message)
    assert (options(BOOTP(reply))["message-type"] if reply else None) == kind


def test_ntp_tells_the_time(serving):
    sent = time.time()
    reply = NTPHeader(ask(serving("ntp", transport="udp"), bytes(NTPHeader(mode=3, version=4, sent=17.0)))[0])
    assert (reply.mode, reply.version, reply.stratum) == (4, 4, 2)
    assert reply.orig == pytest.approx(17.0)
    since_1900 = sent + 2_208_988_800
    assert since_1900 - 1 < reply.recv <= reply.sent < since_1900 + 5


@pytest.mark.parametrize("mode", [0, 1, 2, 4, 5, 6, 7])
def test_ntp_answers_clients_only(mode):
    assert ntp_answer(bytes(NTPHeader(mode=mode)), 0.0) == []


def test_tftp_answers_from_a_new_port(serving, readme):
    port = serving("tftp", transport="udp")
    serving.loop.run(serving.running[0].loaded())
    with udp_client() as sock:
        sock.sendto(bytes(TFTP() / TFTP_RRQ(filename="readme.txt", mode="octet")), (HOST, port))
        data, sender = sock.recvfrom(65535)
        block = TFTP(data)[TFTP_DATA]
        assert (block.block, bytes(block.payload)) == (1, readme)
        assert sender[1] != port
        sock.sendto(bytes(TFTP() / TFTP_ACK(block=1)), sender)
    assert serving.logged(f"tftp: 127.0.0.1 wanted to read readme.txt: {len(readme)} bytes")


@pytest.mark.parametrize("name", ["nothing.txt", "../key.pem", "/etc/passwd"])
def test_tftp_has_nothing_else(serving, name):
    port = serving("tftp", transport="udp")
    serving.loop.run(serving.running[0].loaded())
    reply = TFTP(ask(port, bytes(TFTP() / TFTP_RRQ(filename=name, mode="octet")))[0])
    assert TFTP_ERROR in reply
    assert serving.logged(f"tftp: 127.0.0.1 wanted to read {name}: ")


SYSTEM_NAME = "1.3.6.1.2.1.1.5.0"
V3 = {"authProtocol": usmHMACSHAAuthProtocol, "privProtocol": usmAesCfb128Protocol}


async def snmp_get(port: int, account: object) -> tuple[str, str]:
    """The error and the value."""
    engine = SnmpEngine()
    target = await UdpTransportTarget.create((HOST, port), timeout=0.4, retries=0)
    name = ObjectType(ObjectIdentity(SYSTEM_NAME))
    error, _, _, bindings = await get_cmd(engine, account, target, ContextData(), name)
    engine.close_dispatcher()
    return str(error or ""), str(bindings[0][1]) if bindings else ""


@pytest.mark.parametrize(
    ("account", "value"),
    [
        (CommunityData("public", mpModel=0), "web.lab"),
        (CommunityData("public", mpModel=1), "web.lab"),
        (UsmUserData("student", "netplus123", "netplus123", **V3), "web.lab"),
        (CommunityData("private"), ""),
        (UsmUserData("student", "wrong-password", "netplus123", **V3), ""),
    ],
)
def test_snmp_tells_its_name_to_who_knows_the_password(serving, account, value):
    port = serving("snmp", transport="udp")
    serving.loop.run(serving.running[0].loaded())
    error, found = serving.loop.run(snmp_get(port, account))
    assert found == value, error
    assert bool(error) == (not value)
    if value:
        assert serving.logged("snmp: a request from 127.0.0.1 as")


def test_snmp_on_two_addresses_is_one_agent(serving):
    first, second = (serving("snmp", transport="udp") for _ in range(2))
    for running in serving.running:
        serving.loop.run(running.loaded())
    for port in (first, second):
        assert serving.loop.run(snmp_get(port, CommunityData("public")))[1] == "web.lab"
    serving.loop.run(serving.running.pop().close())
    assert serving.loop.run(snmp_get(first, CommunityData("public")))[1] == "web.lab"


def test_traps_are_logged_and_never_answered(serving):
    binding = SNMPvarbind(oid="1.3.6.1.2.1.1.5.0", value=b"printer on fire")
    trap = SNMP(version=1, community="public", PDU=SNMPtrapv2(varbindlist=[binding]))
    port = serving("snmp-trap", transport="udp")
    assert is_silent(port, bytes(trap))
    assert serving.logged("community public")
    assert serving.logged("printer on fire")


def test_what_is_no_trap_is_logged_too(serving):
    port = serving("snmp-trap", transport="udp")
    assert is_silent(port, b"hello")
    assert serving.logged("5 bytes from 127.0.0.1 not understood")


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (b"<34>su: failed", "facility 4, critical: su: failed"),
        (b"<0>on fire\n", "facility 0, emergency: on fire"),
        (b"<191>x", "facility 23, debug: x"),
        (b"no priority", "facility 1, notice: no priority"),
        (b"", "facility 1, notice: "),
    ],
)
def test_syslog_in_words(message, text):
    assert describe(message) == text


def test_syslog_is_logged_and_never_answered(serving):
    port = serving("syslog", transport="udp")
    assert is_silent(port, b"<34>su: failed")
    assert serving.logged("syslog: from 127.0.0.1, facility 4, critical: su: failed")


@pytest.mark.parametrize("server", ["ike", "silent"])
def test_the_silent_ones_only_log(serving, server):
    port = serving(server, transport="udp")
    assert is_silent(port, b"anybody there?")
    assert serving.logged("14 bytes from 127.0.0.1, not answered")


def test_silence_over_tcp_is_an_open_port_that_says_nothing(serving):
    with socket.create_connection((HOST, serving("silent"))) as sock:
        sock.sendall(b"hello")
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert serving.logged("127.0.0.1 connected, not answered")
