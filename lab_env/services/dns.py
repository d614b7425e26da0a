"""DNS, 53/udp and 53/tcp: names of the lab to addresses and back (RFC 1035)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct

from dnslib import CLASS, QTYPE, RCODE, RR, TXT, DNSError, DNSHeader, DNSRecord

from lab_env.services.listening import Address, Stop, answer_datagrams, peer, talk
from lab_env.services.site import Site

VERSION = "PortLab DNS"
HEADER = 12  # bytes (RFC 1035, section 4.1.1)
LENGTH = struct.Struct("!H")  # over TCP each message follows its length (RFC 1035, section 4.2.2)
ZONE = """$ORIGIN {domain}.
$TTL 300
@ IN SOA infra admin 1 3600 600 86400 300
@ IN NS infra
@ IN MX 10 mail
@ IN TXT "PortLab"
www IN CNAME web
ftp IN CNAME files
_sip._udp IN SRV 0 0 5060 voip
"""


class Zone:
    """The lab's records, and what to answer to a question about them."""

    def __init__(self, site: Site) -> None:
        text = ZONE.format(domain=site.domain)
        for name, address in site.addresses.items():
            text += f"{name} IN A {address}\n"
            text += f"{ipaddress.ip_address(address).reverse_pointer}. IN PTR {name}.{site.domain}.\n"
        self.records: list[RR] = RR.fromZone(text)
        self.suffixes = (f".{site.domain}.", ".in-addr.arpa.")

    def answer(self, message: bytes) -> bytes:
        """The reply to one message, whatever it is."""
        try:
            question = DNSRecord.parse(message)
        except DNSError:
            return _error(message, RCODE.FORMERR)
        reply = question.reply(aa=1, ra=0)
        if not question.questions:
            reply.header.rcode = RCODE.NOTIMP if question.header.opcode else RCODE.FORMERR
        elif question.q.qclass == CLASS.CH:
            self._version(reply)
        elif not f".{question.q.qname}".lower().endswith(self.suffixes):
            reply.header.aa, reply.header.rcode = 0, RCODE.REFUSED  # no resolver: nothing leaves the lab
        else:
            self._look_up(reply)
        return bytes(reply.pack())

    def _version(self, reply: DNSRecord) -> None:
        if str(reply.q.qname).lower() == "version.bind.":
            reply.add_answer(RR(reply.q.qname, QTYPE.TXT, CLASS.CH, 0, TXT(VERSION)))
        else:
            reply.header.rcode = RCODE.REFUSED

    def _look_up(self, reply: DNSRecord) -> None:
        of_name = [record for record in self.records if record.rname == reply.q.qname]
        for record in of_name:
            if reply.q.qtype in (record.rtype, QTYPE.ANY):
                reply.add_answer(record)
            elif record.rtype == QTYPE.CNAME:
                reply.add_answer(record, *self._aliased(record, reply.q.qtype))
        if not of_name:
            reply.header.rcode = RCODE.NXDOMAIN
        if not reply.rr:
            reply.add_auth(self.records[0])  # the SOA, as RFC 2308 wants it with "no such thing"

    def _aliased(self, alias: RR, qtype: int) -> list[RR]:
        of_target = [record for record in self.records if record.rname == alias.rdata.label]
        return [record for record in of_target if record.rtype == qtype]


def _error(message: bytes, rcode: int) -> bytes:
    (identity,) = LENGTH.unpack_from(message)  # the first field of a header
    return bytes(DNSRecord(DNSHeader(id=identity, qr=1, rcode=rcode)).pack())


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Answer for the lab's zone, over UDP or TCP as the socket is."""
    zone = Zone(site)

    def datagram(data: bytes, sender: Address) -> list[bytes]:
        if len(data) < HEADER:  # not even a header to answer to: servers keep silent
            site.log(f"dns: {len(data)} bytes over UDP from {sender[0]} are no question, not answered")
            return []
        site.log(f"dns: a question over UDP from {sender[0]}")
        return [zone.answer(data)]

    async def stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
            site.log(f"dns: a question over TCP from {peer(writer)}")
            reply = zone.answer(await reader.readexactly(length))
            writer.write(LENGTH.pack(len(reply)) + reply)
            await writer.drain()

    if sock.type == socket.SOCK_DGRAM:
        return await answer_datagrams(sock, datagram, site.log)
    return await talk(sock, stream, site.log)
