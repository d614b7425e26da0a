from __future__ import annotations

import os
import subprocess

import asyncssh
import pytest

from tests.lab_env.services.clients import HOST, connect

OPTIONS = {
    "known_hosts": None,
    "username": "student",
    "config": None,
    "client_keys": None,
    "agent_path": None,
}


def connecting(serving, password: str) -> asyncssh.SSHClientConnection:
    async def connect_() -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(HOST, port, password=password, **OPTIONS)

    port = serving("ssh")
    return serving.loop.run(connect_())


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("whoami", "student\n"),
        ("hostname", "web\n"),
        ("rm -rf /", "rm: command not found\n"),
        ("cat ../key.pem", "cat: ../key.pem: No such file or directory\n"),
    ],
)
def test_a_command(serving, command, output):
    connection = connecting(serving, "netplus")
    result = serving.loop.run(connection.run(command))
    connection.close()
    assert (result.stdout, result.exit_status) == (output, 0)
    assert serving.logged("ssh: login for student from 127.0.0.1")


def test_a_session(serving, readme):
    connection = connecting(serving, "netplus")
    result = serving.loop.run(connection.run(input="cat readme.txt\nexit\n"))
    connection.close()
    assert readme.decode() in result.stdout


def test_sftp_sees_the_files_and_nothing_above_them(serving, readme):
    async def session(connection: asyncssh.SSHClientConnection) -> tuple[object, object]:
        async with connection, connection.start_sftp_client() as sftp, sftp.open("/readme.txt", "rb") as file:
            return await sftp.listdir("/.."), await file.read()

    names, content = serving.loop.run(session(connecting(serving, "netplus")))
    assert content == readme
    assert "readme.txt" in names
    assert "key.pem" not in names


def test_wrong_password_is_refused(serving):
    with pytest.raises(asyncssh.PermissionDenied):
        connecting(serving, "wrong")
    assert serving.logged("ssh: wrong password for student")


def test_any_port_will_do_and_the_banner_is_the_librarys(serving):
    with connect(serving("ssh")) as sock:
        assert sock.recv(100).startswith(b"SSH-2.0-AsyncSSH_")


@pytest.mark.program("ssh")
def test_openssh_logs_in(serving, tmp_path):
    askpass = tmp_path / "askpass"
    askpass.write_text("#!/bin/sh\necho netplus\n")
    askpass.chmod(0o700)
    command = ["ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]
    command += ["-o", "PubkeyAuthentication=no", "-p", str(serving("ssh")), f"student@{HOST}", "whoami"]
    environment = os.environ | {"SSH_ASKPASS": str(askpass), "SSH_ASKPASS_REQUIRE": "force"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=10, check=False)
    assert done.stdout == "student\n", done.stderr
