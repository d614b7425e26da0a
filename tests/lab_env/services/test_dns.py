from __future__ import annotations

import struct

import pytest
from scapy.layers.dns import DNS, DNSQR

from tests.lab_env.services.clients import HOST, ask, connect, is_silent

NO_ERROR, FORMAT_ERROR, NO_SUCH_NAME, NOT_IMPLEMENTED, REFUSED = 0, 1, 3, 4, 5


def question(name: str, kind: str, **header: int) -> bytes:
    return bytes(DNS(id=7, rd=1, qd=DNSQR(qname=name, qtype=kind), **header))


def over_udp(serving, message: bytes) -> DNS:
    return DNS(ask(serving("dns", transport="udp"), message)[0])


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        ("web.lab", "A", HOST),
        ("WEB.Lab", "A", HOST),
        ("mail.lab", "A", "10.0.0.25"),
        ("1.0.0.127.in-addr.arpa", "PTR", b"web.lab."),
        ("lab", "TXT", [b"PortLab"]),
    ],
)
def test_a_name_of_the_lab(serving, name, kind, answer):
    reply = over_udp(serving, question(name, kind))
    assert (reply.id, reply.rcode, reply.aa) == (7, NO_ERROR, 1)
    assert reply.an[0].rdata == answer
    assert serving.logged("dns: a question over UDP from 127.0.0.1")


def test_an_alias_brings_its_target_along(serving):
    reply = over_udp(serving, question("www.lab", "A"))
    assert [record.rdata for record in reply.an] == [b"web.lab.", HOST]


def test_mail_exchanger(serving):
    assert over_udp(serving, question("lab", "MX")).an[0].exchange == b"mail.lab."


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("nobody.lab", "A", NO_SUCH_NAME),
        ("web.lab", "MX", NO_ERROR),
        ("example.org", "A", REFUSED),
        ("notlab", "A", REFUSED),
    ],
)
def test_what_is_not_there(serving, name, kind, rcode):
    reply = over_udp(serving, question(name, kind))
    assert (reply.rcode, len(reply.an)) == (rcode, 0)
    has_soa = [record.type for record in reply.ns] == [6]
    assert has_soa == (rcode != REFUSED)


@pytest.mark.parametrize(
    ("message", "rcode"),
    [
        (bytes(12), FORMAT_ERROR),  # no question
        (b"\0\0\x10" + bytes(9), NOT_IMPLEMENTED),  # a server status request, as nmap sends it
        (b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\xff", FORMAT_ERROR),  # cut off in its name
    ],
)
def test_odd_messages_get_an_error_back(serving, message, rcode):
    reply = over_udp(serving, message)
    assert (reply.rcode, reply.qr, reply.id) == (rcode, 1, int.from_bytes(message[:2]))


@pytest.mark.parametrize("message", [b"", b"\x12\x34", bytes(11)])
def test_too_short_for_a_header_gets_silence(serving, message):
    assert is_silent(serving("dns", transport="udp"), message)


def test_version(serving):
    message = bytes(DNS(id=7, qd=DNSQR(qname="version.bind", qtype="TXT", qclass=3)))
    assert over_udp(serving, message).an[0].rdata == [b"PortLab DNS"]


def test_two_questions_over_one_tcp_connection(serving):
    with connect(serving("dns")) as sock:
        for name, address in (("web.lab", HOST), ("mail.lab", "10.0.0.25")):
            message = question(name, "A")
            sock.sendall(struct.pack("!H", len(message)) + message)
            reply = sock.recv(4096)
            assert struct.unpack("!H", reply[:2])[0] == len(reply) - 2
            assert DNS(reply[2:]).an[0].rdata == address
    assert serving.logged("dns: a question over TCP from 127.0.0.1")
