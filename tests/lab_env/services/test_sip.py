from __future__ import annotations

import hashlib
import re

import pytest

from tests.lab_env.services.clients import ask, connect, is_silent


def request(method: str, *extra: str, leave_out: str = "") -> bytes:
    lines = [
        f"{method} sip:student@lab SIP/2.0",
        "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport",
        "From: <sip:a@lab>;tag=1",
        "To: <sip:student@lab>",
        "Call-ID: 77",
        f"CSeq: 5 {method}",
        *extra,
    ]
    kept = [line for line in lines if not leave_out or not line.startswith(leave_out)]
    return "\r\n".join([*kept, "Content-Length: 0", "", ""]).encode()


@pytest.fixture
def port(serving):
    return serving("sip", transport="udp")


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (request("OPTIONS"), b"200 OK"),
        (request("BYE"), b"200 OK"),
        (request("PUBLISH"), b"405 Method Not Allowed"),
        (request("OPTIONS", leave_out="Call-ID"), b"400 Bad Request"),
        (request("REGISTER"), b"401 Unauthorized"),
        (request("INVITE"), b"100 Trying"),
    ],
)
def test_requests(port, message, status):
    answer, sender = ask(port, message)
    assert answer.startswith(b"SIP/2.0 " + status)
    assert sender == port


def test_the_requests_own_headers_come_back(port, serving):
    answer = ask(port, request("OPTIONS"))[0].decode()
    assert re.search(
        r"\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport=\d+;received=127.0.0.1\r\n", answer
    )
    assert "\r\nCSeq: 5 OPTIONS\r\n" in answer
    assert re.search(r"\r\nTo: <sip:student@lab>;tag=\w+\r\n", answer)
    assert serving.logged("sip: OPTIONS from 127.0.0.1")


@pytest.mark.parametrize("message", [b"", b"\r\n\r\n", b"hello", b"GET / HTTP/1.0\r\n\r\n", request("ACK")])
def test_silence(port, message):
    assert is_silent(port, message)


def digest(answer: bytes, password: str) -> str:
    nonce = re.search(rb'nonce="(\w+)"', answer)[1].decode()

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    response = md5(f"{md5(f'student:lab:{password}')}:{nonce}:1:x:auth:{md5('REGISTER:sip:lab')}")
    head = f'Authorization: Digest username="student", realm="lab", nonce="{nonce}", uri="sip:lab"'
    return f'{head}, qop=auth, nc=1, cnonce="x", response="{response}"'


@pytest.mark.parametrize(("password", "status"), [("netplus", b"200 OK"), ("wrong", b"401 Unauthorized")])
def test_register_wants_the_password(port, password, status):
    challenge = ask(port, request("REGISTER"))[0]
    authorised = request("REGISTER", digest(challenge, password), "Contact: <sip:me>")
    assert ask(port, authorised)[0].startswith(b"SIP/2.0 " + status)


def test_an_invented_nonce_is_refused(port):
    made_up = digest(b'nonce="abc"', "netplus")
    assert ask(port, request("REGISTER", made_up))[0].startswith(b"SIP/2.0 401")


@pytest.mark.parametrize("tls", [False, True])
def test_a_call_over_tcp(serving, trusting, tls):
    with connect(serving("sip", tls=tls)) as plain:
        sock = trusting.wrap_socket(plain, server_hostname="web.lab") if tls else plain
        with sock:
            sock.sendall(request("INVITE") + request("BYE"))
            received = b""
            while (
                received.count(b"SIP/2.0 ") - received.count(b"Via: SIP/2.0 ") < 4
                or b"CSeq: 5 BYE" not in received
            ):
                received += sock.recv(4096)
    assert re.findall(rb"^SIP/2.0 (\d+)", received, re.MULTILINE) == [b"100", b"180", b"200", b"200"]
    body = received[received.index(b"v=0") :]
    length = int(re.search(rb"application/sdp\r\nContent-Length: (\d+)", received)[1])
    assert body[:length].endswith(b"a=inactive\r\n")
