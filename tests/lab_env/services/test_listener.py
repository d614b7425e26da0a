"""The ports that a learner opens, and those whose queue a case fills."""

import socket

import pytest

from lab_env.services.full import Full
from tests.lab_env.services.clients import HOST, connect, is_refused


def test_a_listener_greets_and_hangs_up_when_its_client_does(serving):
    port = serving("listener")
    with connect(port) as client, client.makefile("rb") as said:
        assert said.readline() == f"Port {port} of web.lab is open: a program listens here.\r\n".encode()
        client.sendall(b"anything\r\n")
        client.shutdown(socket.SHUT_WR)
        assert said.read() == b""
    assert serving.logged(f"port {port}: {HOST} connected")


def test_a_full_queue_leaves_a_connection_without_an_answer_until_it_is_closed(loop):
    full = Full(HOST, 0)
    loop.run(full.fill())
    with socket.socket() as late:
        late.settimeout(0.3)
        with pytest.raises(TimeoutError):
            late.connect((HOST, full.port))
    loop.run(full.close())
    assert is_refused(full.port)


def test_a_port_that_is_taken_cannot_be_filled():
    with socket.create_server((HOST, 0)) as taken, pytest.raises(OSError, match="in use"):
        Full(HOST, taken.getsockname()[1])


def test_a_queue_that_does_not_fill_is_an_error_with_a_sentence(loop, monkeypatch):
    full = Full(HOST, 0)
    monkeypatch.setattr(Full, "_is_full", lambda self: False)
    monkeypatch.setattr("lab_env.services.full.PATIENCE", 0.01)
    with pytest.raises(OSError, match=f"the queue of port {full.port} could not be filled"):
        loop.run(full.fill())
    loop.run(full.close())
