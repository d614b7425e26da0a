"""SMTP, 25/tcp: takes mail for the lab (RFC 5321); submission on 587 wants a login first (RFC 6409);
465 is TLS from the start.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import warnings
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from lab_env.services.listening import Stop, stopper
from lab_env.services.site import Site, is_learner

SUBMISSION_PORT = 587
IDENTITY = "ESMTP PortLab"

# aiosmtpd warns twice for each connection that a login in clear text is allowed: showing one is what the lab is for.
logging.getLogger("mail.log").addFilter(lambda record: "auth_require_tls == False" not in record.getMessage())


class Delivery:
    """Where messages go: into the host's mailbox, which POP3 and IMAP show."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Take one message."""
        content = envelope.original_content or b""
        self._site.mailbox.append(content)
        recipients = ", ".join(envelope.rcpt_tos)
        self._site.log(f"smtp: mail from {envelope.mail_from} to {recipients}, {len(content)} bytes")
        return "250 2.0.0 Message accepted for delivery"


async def serve(site: Site, sock: socket.socket, *, tls: bool) -> Stop:
    """Serve SMTP; the port decides whether a login is required."""
    submission = sock.getsockname()[1] == SUBMISSION_PORT

    def login(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        peer: Any = session.peer
        user = data.login.decode("utf-8", "replace")
        good = is_learner(user, data.password.decode("utf-8", "replace"))
        site.log(f"smtp: {'login' if good else 'wrong password'} for {user} from {peer[0]}")
        return AuthResult(success=good, handled=good)

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS", UserWarning)
            return SMTP(
                Delivery(site),
                hostname=site.full_name,
                ident=IDENTITY,
                tls_context=None if tls else site.tls(),  # what STARTTLS changes to
                authenticator=login,
                auth_required=submission,
                auth_require_tls=False,
            )

    loop = asyncio.get_running_loop()
    return stopper(await loop.create_server(protocol, sock=sock, ssl=site.tls() if tls else None))
