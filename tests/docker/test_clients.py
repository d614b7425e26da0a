"""Real clients, on the student's workstation, of the real servers."""

import json
import subprocess

import pytest

from .conftest import HOPE, PREFIX

pytestmark = [pytest.mark.docker, pytest.mark.slow]

SSH = "sshpass -p netplus ssh -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
FIRST_LINE = (
    'read -r line < <("$0" "$@" 2>/dev/null); echo "$line"'  # and does not wait for the other end to hang up
)
TALK = """
import os, subprocess, sys
with subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
    typed = "student", "netplus", "echo $((6 * 7)) on $(hostname); exit"
    for prompt, words in zip((b"login: ", b"word: ", b"$ "), typed):
        said = b""
        while prompt not in said and (more := os.read(client.stdout.fileno(), 4096)):
            said += more
        client.stdin.write(f"{words}\\n".encode())
        client.stdin.flush()
    print(client.stdout.read().decode(errors="replace"))
"""  # each line is typed when the other end asks for it
HELLO = "Hello from PortLab"
CLIENTS = [
    ("curl -s http://web.lab/", "web.lab"),
    ("curl -sk https://web.lab/files/readme.txt", HELLO),
    ("curl -sk https://vault.lab/", "vault.lab"),
    ("curl -s -o /dev/null -w %{http_code} http://quiet.lab/", "500"),
    ("curl -s -x http://infra.lab:3128 http://web.lab/files/readme.txt", HELLO),
    ("curl -s ftp://student:netplus@files.lab/readme.txt", HELLO),
    ("curl -s -P - --disable-eprt ftp://student:netplus@files.lab/readme.txt", HELLO),
    ("curl -s tftp://files.lab/readme.txt", HELLO),
    (
        "curl -s -u student:netplus smb://files.lab/LAB/readme.txt --max-time 5 || echo SMB1 is off",
        "SMB1 is off",
    ),
    ("curl -s pop3://student:netplus@mail.lab/1", "Welcome to PortLab"),
    ("curl -sk pop3s://student:netplus@mail.lab/1", "Welcome to PortLab"),
    ("curl -s imap://student:netplus@mail.lab/INBOX?ALL", "SEARCH 1"),
    ("curl -sk imaps://student:netplus@mail.lab/INBOX?ALL", "SEARCH 1"),
    ("curl -sv smtp://mail.lab/student -X 'VRFY student@lab' 2>&1", "252"),
    ("curl -skv --ssl-reqd --user student:netplus smtp://mail.lab:587/ -X 'RSET' 2>&1", "235 2.7.0"),
    ("curl -skv --user student:netplus smtps://mail.lab/ -X 'RSET' 2>&1", "235 2.7.0"),
    (f"bash -c '{FIRST_LINE}' curl -sN telnet://ops.lab:8080", "SSH-2.0-OpenSSH"),
    (f"{SSH} student@files.lab cat readme.txt", HELLO),
    (f"{SSH} -p 8080 student@ops.lab hostname", "ops"),
    (f"{SSH} student@voip.lab hostname", "voip"),
    (f"{SSH} student@gateway.lab hostname", "gateway"),
    (f"python3 -c '{TALK}' telnet voip.lab", "42 on voip"),
    (f"dig +short @{PREFIX}.1.10 web.lab", f"{PREFIX}.2.10"),
    (f"dig +short +tcp @{PREFIX}.1.10 lab MX", "10 mail.lab."),
    (f"dig +short -x {PREFIX}.2.10 @{PREFIX}.1.10", "web.lab."),
    ("ldapsearch -LLL -x -H ldap://infra.lab -b dc=lab uid=student mail", "mail: student@lab"),
    (
        "LDAPTLS_REQCERT=never ldapsearch -LLL -x -H ldaps://infra.lab -b dc=lab uid=student cn",
        "cn: Lab Student",
    ),
    ("snmpget -v2c -c public gateway.lab 1.3.6.1.2.1.1.5.0", "gateway.lab"),
    (
        "snmpget -v3 -l authPriv -u student -a SHA -A netplus123 -x AES -X netplus123 gateway.lab 1.3.6.1.2.1.1.6.0",
        "Lab rack 1",
    ),
    ("nmap -n -Pn -sV -p 1433,1521,3306 db.lab", "MariaDB"),
    ("nmap -n -Pn -sV -p 6379 db.lab", "Redis key-value store 7"),
]


SIDE_BY_SIDE = """
import json, subprocess, sys
from concurrent.futures import ThreadPoolExecutor
def ask(command):
    done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True)
    return command, [done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")]
with ThreadPoolExecutor(6) as pool:
    print(json.dumps(dict(pool.map(ask, sys.argv[1:]))))
"""


@pytest.fixture(scope="module")
def answers(running):
    """Client -> what it printed, and its complaints: all of them in one command."""
    done = running.run("python3", "-c", SIDE_BY_SIDE, *(command for command, _ in CLIENTS))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(("command", "expected"), CLIENTS, ids=[command[:40] for command, _ in CLIENTS])
def test_real_clients_are_answered(answers, command, expected):
    said, complaints = answers[command]
    assert expected in said, complaints


def test_logs_are_the_only_evidence_of_syslog_and_traps(running):
    running.run("bash", "-c", "echo '<13>portlab was here' > /dev/udp/ops.lab/514")
    running.run("snmptrap", "-v2c", "-c", "public", "ops.lab", "", "1.3.6.1.6.3.1.1.5.3")
    missing = {"portlab was here", "3.6.1.6.3.1.1.5.3"}
    command = ["timeout", str(HOPE), "docker", "logs", "-f", running.lab.container("ops")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as following:
        for line in following.stdout:
            missing = {text for text in missing if text not in line}
            if not missing:
                break
        following.terminate()
    assert not missing
