"""SQL Server, Oracle's listener and MySQL."""

from __future__ import annotations

import hashlib
import socket
import struct

import pytest
from impacket import tds as other_tds

from lab_env.services.oracle import answer
from lab_env.services.tds import clear_password, dialect_of, packets
from tests.lab_env.services.clients import HOST, connect

# impacket's client makes its TLS in an old way
pytestmark = pytest.mark.filterwarnings(
    r"ignore:ssl\.(SSLContext\(\) without|PROTOCOL_TLS is):DeprecationWarning"
)


@pytest.fixture
def mssql(serving):
    client = other_tds.MSSQL(HOST, serving("mssql"))
    client.connect()
    yield client
    client.disconnect()


def test_mssql_answers_queries(mssql, serving):
    assert mssql.login(None, "student", "netplus")
    assert mssql.batch("select name, ip from hosts") == [
        {"name": "gateway", "ip": "10.0.0.1"},
        {"name": "web", "ip": HOST},
        {"name": "mail", "ip": "10.0.0.25"},
    ]
    assert "SQL Server 2019" in str(mssql.batch("select @@version"))
    assert mssql.batch("select 42") == [{"": "42"}]
    assert serving.logged("mssql: login for student from 127.0.0.1")


def test_mssql_refuses_a_wrong_password(mssql, serving):
    assert not mssql.login(None, "student", "wrong")
    assert serving.logged("mssql: wrong password for student")


@pytest.mark.parametrize("asked", [0, 1, 2, 3])
def test_mssql_prelogin_tells_version_and_takes_the_clients_encryption(serving, asked):
    options = struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF) + bytes(6) + bytes([asked])
    with connect(serving("mssql")) as sock:
        sock.sendall(struct.pack(">BBHHBB", 0x12, 1, 8 + len(options), 0, 0, 0) + options)
        reply = sock.recv(4096)
    assert reply[0] == 4
    offset = struct.unpack_from(">H", reply, 8 + 1)[0] + 8
    assert reply[offset : offset + 4] == b"\x0f\x00\x07\xd0"
    assert reply[offset + 6] == asked


@pytest.mark.parametrize(("length", "sizes"), [(0, [8]), (4088, [4096]), (4089, [4096, 9])])
def test_tds_packets(length, sizes):
    parts = packets(4, bytes(length))
    assert [len(part) for part in parts] == sizes
    assert [part[1] for part in parts] == [0] * (len(sizes) - 1) + [1]
    assert [struct.unpack_from(">H", part, 2)[0] for part in parts] == sizes


@pytest.mark.parametrize(("version", "length"), [(0x71000001, 9), (0x72090002, 13), (0x74000004, 13)])
def test_tds_numbers_are_wider_since_7_2(version, length):
    dialect = dialect_of(struct.pack("<4xI", version))
    assert len(dialect.done()) == length
    headers = struct.pack("<I", 4) if dialect.wide else b""
    assert dialect.batch_text(headers + "select 1".encode("utf-16-le")) == "select 1"
    error = dialect.message(0xAA, 208, 16, "Invalid object name.")
    assert struct.unpack_from("<H", error, 1)[0] == len(error) - 3


def test_tds_password_is_no_secret():
    assert clear_password(bytes.fromhex("b3a5e2a5")).decode("utf-16-le") == "at"


def tns_connect(text: str) -> bytes:
    data = text.encode()
    body = struct.pack(">HHHHHHHHHHIBB", 310, 300, 0, 2048, 32767, 0, 0, 256, len(data), 58, 0, 0, 0)
    body = body.ljust(50, b"\0") + data
    return struct.pack(">HHBBH", 8 + len(body), 0, 1, 0, 0) + body


def receive_all(sock: socket.socket) -> bytes:
    data = b""
    while part := sock.recv(4096):
        data += part
    return data


@pytest.mark.parametrize(
    ("connect_data", "kind", "text"),
    [
        ("(CONNECT_DATA=(COMMAND=version))", 2, b"TNSLSNR for Linux: Version 19.0.0.0.0"),
        ("(CONNECT_DATA=(COMMAND=ping))", 4, b"(ERR=0)(ALIAS=LISTENER)"),
        ("(CONNECT_DATA=(COMMAND=stop))", 4, b"(ERR=1189)"),
        ("(DESCRIPTION=(CONNECT_DATA=(SID=XE)))", 4, b"(ERR=12505)"),
        ("(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=db)))", 4, b"(ERR=12514)"),
        ("(DESCRIPTION=(CONNECT_DATA=(CID=me)))", 4, b"(ERR=12504)"),
    ],
)
def test_oracle_listener(serving, connect_data, kind, text):
    with connect(serving("oracle")) as sock:
        sock.sendall(tns_connect(connect_data))
        reply = receive_all(sock)
    assert struct.unpack_from(">H", reply)[0] <= len(reply)
    assert reply[4] == kind
    assert text in reply
    assert reply == answer(connect_data)


def test_oracle_takes_long_connect_data_from_a_second_packet(serving):
    text = b"(DESCRIPTION=(CONNECT_DATA=(SID=XE)))" + b" " * 300
    head = bytearray(tns_connect(""))
    head[24:26] = struct.pack(">H", len(text))
    data = struct.pack(">HHBBHH", 10 + len(text), 0, 6, 0, 0, 0) + text
    with connect(serving("oracle")) as sock:
        sock.sendall(head + data)
        assert b"(ERR=12505)" in receive_all(sock)


def native_password(password: bytes, salt: bytes) -> bytes:
    """What a client proves that it knows the password with (mysql_native_password)."""
    once = hashlib.sha1(password).digest()
    mask = hashlib.sha1(salt + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, mask, strict=True))


class MySQL:
    """As much of a MySQL client as it takes to log in and ask."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        greeting = self.receive()
        self.version, rest = greeting[1:].split(b"\0", 1)
        self.connection = struct.unpack_from("<I", rest)[0]
        capabilities = rest[13:15]
        assert capabilities
        self.salt = rest[4:12] + rest[31:43]

    def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            part = self.sock.recv(count - len(data))
            assert part, "the server hung up"
            data += part
        return data

    def receive(self) -> bytes:
        head = self.exactly(4)
        self.number = head[3]
        return self.exactly(int.from_bytes(head[:3], "little"))

    def send(self, body: bytes, number: int) -> None:
        self.sock.sendall(len(body).to_bytes(3, "little") + bytes([number]) + body)

    def login(self, user: bytes, password: bytes) -> bytes:
        protocol_41, secure, plugin = 0x200, 0x8000, 0x80000
        proof = native_password(password, self.salt)
        head = struct.pack("<IIB23x", protocol_41 | secure | plugin, 1 << 24, 33)
        self.send(
            head + user + b"\0" + bytes([len(proof)]) + proof + b"mysql_native_password\0", self.number + 1
        )
        return self.receive()

    def query(self, sql: bytes) -> bytes:
        self.send(b"\x03" + sql, 0)
        data = b""
        ends = 0
        while ends < 2:  # after the columns, after the rows
            packet = self.receive()
            ends += packet[:1] == b"\xfe"
            data += packet
        return data


def test_mysql_answers_queries(serving):
    with connect(serving("mysql")) as sock:
        client = MySQL(sock)
        assert client.version.startswith(b"8.")
        assert client.connection < 2**24
        assert client.login(b"student", b"netplus")[0] == 0
        rows = client.query(b"select name, ip from lab.hosts where name = 'mail'")
        assert b"10.0.0.25" in rows
        assert HOST.encode() not in rows
    assert serving.logged("mysql: student wants to log in")


@pytest.mark.parametrize(("user", "password"), [(b"student", b"wrong"), (b"root", b"netplus")])
def test_mysql_refuses_strangers(serving, user, password):
    with connect(serving("mysql")) as sock:
        reply = MySQL(sock).login(user, password)
    assert reply[0] == 0xFF
    assert b"Access denied" in reply
