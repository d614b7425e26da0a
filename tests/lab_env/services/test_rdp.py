from __future__ import annotations

import socket
import struct

import pytest

from tests.lab_env.services.clients import connect

TLS, NLA = 1, 2
USER, CHANNELS = b"\x00\x06", 3


def tpkt(payload: bytes) -> bytes:
    return struct.pack(">BBH", 3, 0, 4 + len(payload)) + payload


def connection_request(protocols: int | None) -> bytes:
    negotiation = b"" if protocols is None else struct.pack("<BBHI", 1, 0, 8, protocols)
    return tpkt(bytes([6 + len(negotiation), 0xE0, 0, 0, 0, 0, 0]) + negotiation)


def receive(sock: socket.socket) -> bytes:
    head = sock.recv(4)
    return sock.recv(struct.unpack(">H", head[2:])[0] - 4)


@pytest.mark.parametrize(
    ("protocols", "negotiated"),
    [
        (None, b""),
        (0, struct.pack("<BBHI", 3, 0, 8, 1)),  # refused: TLS is required
        (NLA, struct.pack("<BBHI", 3, 0, 8, 1)),
        (TLS, struct.pack("<BBHI", 2, 0x1F, 8, 1)),
        (TLS | NLA, struct.pack("<BBHI", 2, 0x1F, 8, 1)),
    ],
)
def test_negotiation(serving, protocols, negotiated):
    with connect(serving("rdp")) as sock:
        sock.sendall(connection_request(protocols))
        reply = receive(sock)
    assert reply[0] == len(reply) - 1
    assert reply[1] == 0xD0
    assert reply[7:] == negotiated
    assert serving.logged("rdp: a connection from 127.0.0.1")


def test_a_session_gets_its_channels_and_ends(serving, trusting):
    with connect(serving("rdp")) as plain:
        plain.sendall(connection_request(TLS))
        receive(plain)
        with trusting.wrap_socket(plain, server_hostname="web.lab") as sock:
            sock.sendall(tpkt(b"\x02\xf0\x80\x7f\x65" + b"\x03\xc0\x2c\x00" + struct.pack("<I", CHANNELS)))
            response = receive(sock)
            assert response[3:5] == b"\x7f\x66"
            network = response.index(struct.pack("<H", 0x0C03))
            first, count = struct.unpack_from("<HH", response, network + 4)
            assert (first, count) == (1003, CHANNELS)
            assert struct.unpack_from("<3H", response, network + 8) == (1004, 1005, 1006)
            sock.sendall(tpkt(b"\x02\xf0\x80\x04\x01\x00\x01\x00"))  # ErectDomainRequest: not answered
            sock.sendall(tpkt(b"\x02\xf0\x80\x28"))  # AttachUserRequest
            assert receive(sock)[3:] == b"\x2e\x00" + USER
            sock.sendall(tpkt(b"\x02\xf0\x80\x38" + USER + b"\x03\xec"))  # ChannelJoinRequest for 1004
            assert receive(sock)[3:] == b"\x3e\x00" + USER + b"\x03\xec\x03\xec"
            sock.sendall(tpkt(b"\x02\xf0\x80\x64" + USER))  # SendDataRequest
            assert receive(sock)[3:] == b"\x21\x80"
            assert sock.recv(1) == b""
