from __future__ import annotations

import socket

import pytest

from lab_env.services import telnet
from tests.lab_env.services.clients import connect


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """A client that does not negotiate gets its prompt sooner."""
    monkeypatch.setattr(telnet, "NEGOTIATION_PATIENCE", 0.05)


IAC, WILL, WONT, DO, DONT = 255, 251, 252, 253, 254
TERMINAL_TYPE, ECHO, WINDOW_SIZE = 24, 1, 31


def options(data: bytes) -> list[tuple[int, int]]:
    """(command, option) of every negotiation in the bytes."""
    at = [i for i, byte in enumerate(data) if byte == IAC]
    return [(data[i + 1], data[i + 2]) for i in at if data[i + 1] in (WILL, WONT, DO, DONT)]


def read_until(sock: socket.socket, text: bytes) -> bytes:
    data = b""
    while text not in data:
        part = sock.recv(4096)
        assert part, f"the server hung up after {data!r}"
        data += part
    return data


def test_usual_options_are_asked_in_one_segment(serving):
    with connect(serving("telnet")) as sock:
        asked = options(sock.recv(4096))
    assert (DO, TERMINAL_TYPE) in asked
    assert (WILL, ECHO) in asked
    assert (DO, WINDOW_SIZE) in asked


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r\0", b"\n"])
def test_login_and_commands_without_negotiation(serving, line_end):
    with connect(serving("telnet")) as sock:
        read_until(sock, b"login: ")
        sock.sendall(b"student" + line_end)
        read_until(sock, b"Password: ")
        sock.sendall(b"netplus" + line_end)
        assert b"netplus" not in read_until(sock, b"$ ")
        sock.sendall(b"whoami" + line_end)
        assert b"student\r\n" in read_until(sock, b"$ ")
        sock.sendall(b"exit" + line_end)
        while sock.recv(4096):
            pass
    assert serving.logged("telnet: login for student from 127.0.0.1")


def test_a_client_that_refuses_everything_gets_its_prompt(serving):
    with connect(serving("telnet")) as sock:
        for command, option in options(sock.recv(4096)):
            sock.sendall(bytes([IAC, WONT if command == DO else DONT, option]))
        assert b"web login: " in read_until(sock, b"login: ")


def test_wrong_password_is_refused(serving):
    with connect(serving("telnet")) as sock:
        read_until(sock, b"login: ")
        sock.sendall(b"student\r\n")
        read_until(sock, b"Password: ")
        sock.sendall(b"wrong\r\n")
        assert b"Login incorrect" in read_until(sock, b"incorrect")
    assert serving.logged("telnet: wrong password for student")
