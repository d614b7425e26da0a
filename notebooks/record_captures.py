"""Records the captures that the lessons show: conversations that need a real client, seen by the student.

    ./run exec --no-loss -- python notebooks/record_captures.py [NAME...]        all of them if left out

The files are part of PortLab (`portlab.learn.recorded` reads them), so that a lesson shows them in every lab, the
simulated one too.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import smtplib
import socket
import ssl
import sys
from pathlib import Path

import asyncssh

import portlab as pl
from lab_env import lab
from lab_env.services.site import PASSWORD

FOLDER = Path(__file__).resolve().parent.parent / "portlab" / "data" / "captures"
USER, PATIENCE_S = "student", 5.0


def web_pages() -> None:
    """A page of web's, and quiet's apology."""
    for host in ("web", "quiet"):
        connection = http.client.HTTPConnection(host, 80, timeout=PATIENCE_S)
        connection.request("GET", "/", headers={"Host": f"{host}.lab", "User-Agent": "PortLab"})
        connection.getresponse().read()
        connection.close()


def log_ins() -> None:
    """Log in to ops by Telnet, then by SSH, and look at who is there."""
    with socket.create_connection(("ops", 23), PATIENCE_S) as telnet:
        for prompt, typed in (("login:", USER), ("assword:", PASSWORD), ("$", "whoami"), ("$", "exit")):
            heard = b""
            while prompt.encode() not in heard and (more := telnet.recv(4096)):
                heard += more
            telnet.sendall(typed.encode() + b"\r\n")
        while telnet.recv(4096):
            pass
    asyncio.run(secure_log_in())


async def secure_log_in() -> None:
    async with asyncssh.connect(
        "ops", username=USER, password=PASSWORD, known_hosts=None, config=None, client_keys=None
    ) as connection:
        await connection.run("whoami")


def mail_doors() -> None:
    """Hand in nothing, at both ports for mail clients, up to the point where both are encrypted."""
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE  # the lab's own certificate
    with smtplib.SMTP("mail", 587, "student.lab", PATIENCE_S) as submission:
        submission.ehlo()
        with contextlib.suppress(smtplib.SMTPException):  # a server may offer it or not
            submission.starttls(context=trusting)
    with smtplib.SMTP_SSL("mail", 465, "student.lab", timeout=PATIENCE_S, context=trusting) as submissions:
        submissions.ehlo()


def banner() -> None:
    """Listen to what port 8080 of ops says first."""
    with socket.create_connection(("ops", 8080), PATIENCE_S) as connection:
        connection.recv(4096)


def no_database() -> None:
    """Listen to a program at the port of a database that is none."""
    lab.listen("web", 3306)
    with socket.create_connection(("web", 3306), PATIENCE_S) as connection:
        connection.recv(4096)
    lab.stop("web", 3306)


def sftp() -> None:
    """Listen to what files says first where it offers SFTP."""
    with socket.create_connection(("files", 22), PATIENCE_S) as connection:
        connection.recv(4096)


CONVERSATIONS = {
    "web_pages": web_pages,
    "log_ins": log_ins,
    "mail_doors": mail_doors,
    "banner": banner,
    "no_database": no_database,
    "sftp": sftp,
}

if __name__ == "__main__":
    here = pl.lab.current()
    assert here is not None, __doc__
    names = {address: host for host, addresses in here.hosts.items() for address in addresses}
    (FOLDER / "names.json").write_text(json.dumps(names, indent=1) + "\n")
    for name, talk in CONVERSATIONS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with pl.capture() as seen:
            talk()
        seen.to_pcap(FOLDER / f"{name}.pcapng")
        print(f"{name}: {len(seen)} frames")
