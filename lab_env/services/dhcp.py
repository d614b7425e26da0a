"""DHCP, 67/udp: hands out addresses and, when asked by INFORM, only the settings that go with one (RFC
2131, RFC 2132).

Unlike a strict server it answers to the address and port a message came from; a client that has no address
yet is answered by broadcast.  (A strict server would answer an INFORM to its `ciaddr`, and a scanner would
hear nothing.)
"""

from __future__ import annotations

import ipaddress
import socket
import struct

from lab_env.services.listening import Address, Stop, answer_datagrams
from lab_env.services.site import Site

REQUEST, REPLY = 1, 2  # the field op
COOKIE = b"\x63\x82\x53\x63"  # what follows are DHCP options (RFC 2131, section 3)
FIXED = struct.Struct("!BBBB 4s HH 4s4s4s4s 16s 192s 4s")  # up to and with the cookie
DISCOVER, OFFER, WANT, ACK, NAK, INFORM = 1, 2, 3, 5, 6, 8  # RFC 2132, section 9.6
ANSWERS = {DISCOVER: OFFER, WANT: ACK, INFORM: ACK}
PAD, END = 0, 255  # option codes (RFC 2132)
SUBNET_MASK, ROUTER, NAME_SERVER, DOMAIN_NAME = 1, 3, 6, 15
REQUESTED, LEASE, KIND, SERVER = 50, 51, 53, 54
LEASE_SECONDS = 3600
FIRST_LEASE = 200  # host numbers from here on are given out
NO_ADDRESS = bytes(4)
CLIENT_PORT = 68
MINIMUM_LENGTH = 300  # of a BOOTP message (RFC 1542, section 2.1)


def options_of(data: bytes) -> dict[int, bytes]:
    """Options as a dictionary: code -> value."""
    options: dict[int, bytes] = {}
    position = 0
    while position < len(data) and data[position] != END:
        if data[position] == PAD:
            position += 1
            continue
        length = data[position + 1]
        options[data[position]] = data[position + 2 : position + 2 + length]
        position += 2 + length
    return options


class Leases:
    """Who got which address, and what to answer to each message."""

    def __init__(self, address: str, router: str, domain: str) -> None:
        self.network = ipaddress.ip_network(f"{address}/24", strict=False)
        self.server = socket.inet_aton(address)
        self.router = socket.inet_aton(router)
        self.domain = domain.encode()
        self.given: dict[bytes, bytes] = {}

    def address_for(self, hardware: bytes) -> bytes:
        """The address of this client, the same each time."""
        return self.given.setdefault(hardware, self.network[FIRST_LEASE + len(self.given)].packed)

    def answer(self, message: bytes) -> bytes | None:
        """The reply to a client's message, or None where a server keeps quiet."""
        if len(message) < FIXED.size:
            return None
        fields = FIXED.unpack_from(message)
        operation, kind, length, _, transaction, _, flags, client, _, _, relay, hardware, _, cookie = fields
        if (operation, cookie) != (REQUEST, COOKIE):
            return None
        options = options_of(message[FIXED.size :])
        asked = options.get(KIND, b"\0")[0]
        if asked not in ANSWERS or options.get(SERVER, self.server) != self.server:
            return None
        yours = NO_ADDRESS if asked == INFORM else self.address_for(hardware)
        answered = ANSWERS[asked]
        if asked == WANT and options.get(REQUESTED, client) != yours:
            answered, yours = NAK, NO_ADDRESS
        head = (REPLY, kind, length, 0, transaction, 0, flags, client, yours, self.server, relay, hardware)
        packet = FIXED.pack(*head, b"", COOKIE) + self._options(answered, asked)
        return packet.ljust(MINIMUM_LENGTH, b"\0")

    def _options(self, answered: int, asked: int) -> bytes:
        options = {KIND: bytes([answered]), SERVER: self.server}
        if asked != INFORM and answered != NAK:
            options[LEASE] = struct.pack("!I", LEASE_SECONDS)
        if answered != NAK:
            options |= {SUBNET_MASK: self.network.netmask.packed, ROUTER: self.router}
            options |= {NAME_SERVER: self.server, DOMAIN_NAME: self.domain}
        return b"".join(bytes([code, len(value)]) + value for code, value in options.items()) + bytes([END])


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Give out the addresses of this host's network from number 200 on."""
    address = sock.getsockname()[0]
    leases = Leases(address, site.addresses.get("gateway", address), site.domain)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)

    def reply(message: bytes, sender: Address) -> list[bytes]:
        packet = leases.answer(message)
        site.log(f"dhcp: {len(message)} bytes from {sender[0]}, {'answered' if packet else 'not answered'}")
        if packet is None:
            return []
        if sender[0] == "0.0.0.0":
            sock.sendto(packet, ("255.255.255.255", CLIENT_PORT))
            return []
        return [packet]

    return await answer_datagrams(sock, reply, site.log)
