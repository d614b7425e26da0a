"""LDAP and SMB."""

from __future__ import annotations

import io
import ssl
import warnings

import pytest

from tests.lab_env.services.clients import HOST

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # ldap3 asks pyasn1 for names of old
    import ldap3
from impacket.smbconnection import SessionError, SMBConnection

PERSON = "uid=student,ou=people,dc=lab"


def directory(port: int, *, tls: ssl.SSLContext | None = None, **login: str) -> ldap3.Connection:
    server = ldap3.Server(HOST, port=port, get_info=ldap3.NONE, connect_timeout=5, use_ssl=tls is not None)
    return ldap3.Connection(server, receive_timeout=5, **login)


def test_ldap_finds_people_and_hosts(serving):
    with directory(serving("ldap")) as connection:
        connection.search("dc=lab", "(uid=student)", attributes=["mail", "userPassword"])
        (entry,) = connection.entries
        assert (entry.entry_dn, entry.mail.value) == (PERSON, "student@lab")
        assert b"netplus" not in entry.entry_raw_attributes["userPassword"][0]
        connection.search("ou=hosts,dc=lab", "(cn=web)", attributes=["ipHostNumber"])
        assert connection.entries[0].ipHostNumber.value == HOST
    assert serving.logged("ldap: a connection from 127.0.0.1")


def test_ldap_tells_what_it_holds(serving):
    with directory(serving("ldap")) as connection:
        connection.search("", "(objectClass=*)", search_scope=ldap3.BASE, attributes=["namingContexts"])
        assert connection.response[0]["attributes"]["namingContexts"] == ["dc=lab"]


@pytest.mark.parametrize(("user", "password", "good"), [(PERSON, "netplus", True), (PERSON, "wrong", False)])
def test_ldap_bind_checks_the_password(serving, user, password, good):
    connection = directory(serving("ldap"), user=user, password=password)
    assert connection.bind() == good
    connection.unbind()


def test_ldaps(serving, trusting):
    with directory(serving("ldap", tls=True), tls=trusting) as connection:
        connection.search("dc=lab", "(uid=student)", attributes=["cn"])
        assert connection.entries[0].cn.value == "Lab Student"


@pytest.fixture
def smb(serving):
    connection = SMBConnection("web", HOST, sess_port=serving("smb"), timeout=5)
    yield connection
    connection.close()


def test_smb_shows_shares_and_files(smb, serving, readme):
    smb.login("student", "netplus")
    assert "LAB" in {share["shi1_netname"].rstrip("\0") for share in smb.listShares()}
    assert "readme.txt" in {file.get_longname() for file in smb.listPath("LAB", "*")}
    content = io.BytesIO()
    smb.getFile("LAB", "readme.txt", content.write)
    assert content.getvalue() == readme
    assert serving.logged("smb: login for student from 127.0.0.1")


@pytest.mark.parametrize(("user", "password"), [("student", "wrong"), ("root", "netplus"), ("", "")])
def test_smb_refuses_strangers_and_guests(smb, serving, user, password):
    with pytest.raises(SessionError, match=r"STATUS_(LOGON_FAILURE|ACCESS_DENIED)"):
        smb.login(user, password)
    assert serving.logged(f"smb: wrong password for {user or 'a guest'} from 127.0.0.1")


def test_smb_keeps_out_who_goes_on_after_a_refusal(smb):
    with pytest.raises(SessionError):
        smb.login("student", "wrong")
    with pytest.raises(SessionError):
        smb.connectTree("LAB")
