"""SMTP, POP3 and IMAP together: what one takes, the others show."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl

import pytest

from lab_env.services import smtp
from lab_env.services.site import WELCOME
from tests.lab_env.services.clients import PATIENCE

NAME = "localhost"  # what a client calls 127.0.0.1; checks of the certificate use "web"
MESSAGE = "Subject: Hello\r\n\r\n.a line that begins with a dot\r\n"


class TrustingAs(ssl.SSLContext):
    """Checks the certificate for web.lab, whatever the client called the host."""

    def wrap_socket(self, *arguments, **named):
        return super().wrap_socket(*arguments, **(named | {"server_hostname": "web.lab"}))


@pytest.fixture
def web(prepared):
    context = TrustingAs(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(prepared.certificate)
    return context


@pytest.fixture
def submission_port(monkeypatch, serving):
    """A submission server at a port of its own, as 587 may not be ours to take."""
    port = serving("smtp")
    monkeypatch.setattr(smtp, "SUBMISSION_PORT", port)
    return port


def test_smtp_takes_mail_and_the_others_show_it(serving):
    with smtplib.SMTP(NAME, serving("smtp"), timeout=PATIENCE) as client:
        assert client.sendmail("a@lab", ["student@lab"], MESSAGE) == {}
    pop = poplib.POP3(NAME, serving("pop3"), PATIENCE)
    pop.user("student")
    pop.pass_("netplus")
    assert pop.retr(2)[1] == [line.encode() for line in MESSAGE.split("\r\n")][:-1]
    pop.quit()
    with imaplib.IMAP4(NAME, serving("imap"), PATIENCE) as imap:
        imap.login("student", "netplus")
        assert imap.select() == ("OK", [b"2"])
        assert imap.fetch("2", "(RFC822)")[1][0][1] == MESSAGE.encode()
    assert serving.logged("smtp: mail from a@lab to student@lab")


def test_submission_wants_a_login(submission_port, serving):
    with smtplib.SMTP(NAME, submission_port, timeout=PATIENCE) as client:
        with pytest.raises(smtplib.SMTPSenderRefused) as refused:
            client.sendmail("a@lab", ["student@lab"], MESSAGE)
        assert refused.value.smtp_code == 530
        client.login("student", "netplus")
        assert client.sendmail("a@lab", ["student@lab"], MESSAGE) == {}
    assert serving.logged("smtp: login for student")


def test_submission_with_starttls(submission_port, web):
    with smtplib.SMTP(NAME, submission_port, timeout=PATIENCE) as client:
        client.starttls(context=web)
        assert client.sock.version() == "TLSv1.3"
        client.login("student", "netplus")


def test_smtp_refuses_a_wrong_password(serving):
    client = smtplib.SMTP(NAME, serving("smtp"), timeout=PATIENCE)
    with client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("student", "wrong")
    assert serving.logged("smtp: wrong password for student")


def test_smtps(serving, web):
    with smtplib.SMTP_SSL(NAME, serving("smtp", tls=True), timeout=PATIENCE, context=web) as client:
        client.ehlo()
        assert not client.has_extn("starttls")
        assert client.sendmail("a@lab", ["student@lab"], MESSAGE) == {}


@pytest.fixture
def pop(serving):
    client = poplib.POP3(NAME, serving("pop3"), PATIENCE)
    yield client
    client.close()


def test_pop3_lists_fetches_and_deletes(pop, serving):
    pop.user("student")
    assert pop.pass_("netplus").startswith(b"+OK")
    assert pop.stat() == (1, len(WELCOME))
    assert pop.list()[1] == [b"1 %d" % len(WELCOME)]
    assert b"\r\n".join(pop.retr(1)[1]) + b"\r\n" == WELCOME
    head = pop.top(1, 0)[1]
    assert b"Subject: Welcome" in head
    assert not any(line.startswith(b"Welcome to") for line in head)
    name = pop.uidl()[1][0].split()[1]
    assert pop.uidl(1).split()[2] == name
    pop.dele(1)
    assert pop.stat() == (0, 0)
    pop.rset()
    assert pop.stat()[0] == 1
    pop.dele(1)
    pop.quit()
    assert serving.site.mailbox == []


@pytest.mark.parametrize(("number", "method"), [(2, "retr"), (2, "dele"), (0, "list"), (2, "uidl")])
def test_pop3_has_no_such_message(pop, number, method):
    pop.user("student")
    pop.pass_("netplus")
    with pytest.raises(poplib.error_proto, match="no such message"):
        pop._shortcmd(f"{method} {number}")


def test_pop3_forgets_deletions_of_a_client_that_just_leaves(pop, serving):
    pop.user("student")
    pop.pass_("netplus")
    pop.dele(1)
    pop.close()
    assert serving.site.mailbox == [WELCOME]


@pytest.mark.parametrize(("user", "password"), [("student", "wrong"), ("root", "netplus"), ("", "")])
def test_pop3_refuses_strangers(pop, serving, user, password):
    pop.user(user)
    with pytest.raises(poplib.error_proto, match="Authentication failed"):
        pop.pass_(password)
    with pytest.raises(poplib.error_proto, match="unknown command"):
        pop.stat()
    assert serving.logged(f"pop3: wrong password for {user}")


@pytest.mark.parametrize(
    ("token", "good"),
    [
        ("AHN0dWRlbnQAbmV0cGx1cw==", True),  # "\0student\0netplus"
        ("AHN0dWRlbnQAd3Jvbmc=", False),  # "\0student\0wrong"
        ("no base64!", False),
    ],
)
def test_pop3_auth_plain(pop, token, good):
    if good:
        assert pop._shortcmd(f"AUTH PLAIN {token}").startswith(b"+OK")
    else:
        with pytest.raises(poplib.error_proto, match="Authentication failed"):
            pop._shortcmd(f"AUTH PLAIN {token}")


def test_pop3_starttls(pop, web):
    assert "STLS" in pop.capa()
    pop.stls(web)
    assert "STLS" not in pop.capa()
    pop.user("student")
    assert pop.pass_("netplus").startswith(b"+OK")


def test_pop3s(serving, web):
    client = poplib.POP3_SSL(NAME, serving("pop3", tls=True), timeout=PATIENCE, context=web)
    client.user("student")
    client.pass_("netplus")
    assert client.stat()[0] == 1
    client.quit()


def test_imap_starttls(serving, web):
    with imaplib.IMAP4(NAME, serving("imap"), PATIENCE) as imap:
        imap.starttls(web)
        imap.login("student", "netplus")
        assert imap.select() == ("OK", [b"1"])
    assert serving.logged("imap: login for student")


def test_imaps_does_not_offer_tls_twice(serving, web):
    port = serving("imap", tls=True)
    with imaplib.IMAP4_SSL(NAME, port, ssl_context=web, timeout=PATIENCE) as imap:
        assert "STARTTLS" not in imap.capabilities
        imap.login("student", "netplus")


def test_imap_refuses_a_wrong_password(serving):
    imap = imaplib.IMAP4(NAME, serving("imap"), PATIENCE)
    with imap, pytest.raises(imaplib.IMAP4.error, match=r"(?i)invalid|failed"):
        imap.login("student", "wrong")
    assert serving.logged("imap: wrong password for student")


def test_imap_does_not_show_a_message_twice(serving):
    port = serving("imap")
    for _ in range(2):
        with imaplib.IMAP4(NAME, port, PATIENCE) as imap:
            imap.login("student", "netplus")
            assert imap.select() == ("OK", [b"1"])
