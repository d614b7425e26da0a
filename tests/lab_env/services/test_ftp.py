from __future__ import annotations

import ftplib
import socket

import pytest

from tests.lab_env.services.clients import HOST, PATIENCE


@pytest.fixture
def ftp(serving):
    with ftplib.FTP() as client:
        client.connect(HOST, serving(server="ftp"), PATIENCE)
        yield client


def fetch(client: ftplib.FTP) -> bytes:
    parts: list[bytes] = []
    client.retrbinary("RETR readme.txt", parts.append)
    return b"".join(parts)


@pytest.mark.parametrize("passive", [True, False])
def test_a_file_comes_over_a_second_connection(ftp, readme, serving, passive):
    ftp.login("student", "netplus")
    ftp.set_pasv(passive)
    assert fetch(ftp) == readme
    assert "readme.txt" in ftp.nlst()
    assert serving.logged("ftp: login for student from 127.0.0.1")


def test_active_data_comes_from_the_port_below_the_control_port(ftp, readme):
    ftp.login("student", "netplus")
    ftp.set_pasv(False)
    ftp.voidcmd("TYPE I")
    with ftp.transfercmd("RETR readme.txt") as data:
        assert data.getpeername()[1] == ftp.sock.getpeername()[1] - 1
        assert data.recv(65536) == readme
    assert ftp.voidresp().startswith("226")


def test_anybody_may_read_as_anonymous(ftp, readme):
    ftp.login()
    assert fetch(ftp) == readme
    with pytest.raises(ftplib.error_perm, match="550"):
        ftp.mkd("new")


def test_wrong_password_is_refused(ftp, serving):
    with pytest.raises(ftplib.error_perm, match="530"):
        ftp.login("student", "wrong")
    assert serving.logged("ftp: wrong password for student")


def test_banner_is_the_librarys_own(serving):
    with socket.create_connection((HOST, serving("ftp")), PATIENCE) as sock:
        assert sock.recv(100).startswith(b"220 pyftpdlib ")
