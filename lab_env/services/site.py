"""What a service needs to know about its host and its lab."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

USER, PASSWORD = "student", "netplus"
DOMAIN = "lab"

WELCOME = (
    b"From: admin@lab\r\n"
    b"To: student@lab\r\n"
    b"Subject: Welcome\r\n"
    b"Date: Mon, 06 Jan 2025 10:00:00 +0000\r\n"
    b"Message-ID: <welcome@lab>\r\n"
    b"\r\n"
    b"Welcome to PortLab. You read this over a mail port: which one, and was it encrypted?\r\n"
)


@dataclass(frozen=True)
class Site:
    """One host as its services see it.

    `addresses` maps every host name of the lab (without the domain) to its address.  `log` takes one line
    for each thing that happened; lessons read it as the server's log.  SMTP puts messages into `mailbox`,
    POP3 and IMAP show them.
    """

    addresses: Mapping[str, str]
    files: Path  # what FTP, SFTP, TFTP, HTTP and SMB offer
    certificate: Path
    key: Path
    ssh_host_key: Path
    log: Callable[[str], None] = print
    name: str = ""
    domain: str = DOMAIN
    mailbox: list[bytes] = field(default_factory=lambda: [WELCOME])
    shared: dict[str, Any] = field(default_factory=dict)  # what a server on several addresses needs but once

    def at(self, name: str, log: Callable[[str], None]) -> Site:
        """The same lab as seen from the host `name`, with a mailbox of its own."""
        return replace(self, name=name, log=log, mailbox=[WELCOME], shared={})

    @property
    def full_name(self) -> str:
        """The host's name with the domain, such as "web.lab"."""
        return f"{self.name}.{self.domain}"

    def tls(self) -> ssl.SSLContext:
        """The server side of TLS with the lab's certificate."""
        return _context(self.certificate, self.key)


@cache
def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def is_learner(user: str, password: str) -> bool:
    """Whether this is the one account every host of the lab knows."""
    return (user, password) == (USER, PASSWORD)
