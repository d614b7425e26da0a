from __future__ import annotations

import datetime
import stat

from cryptography import x509

from lab_env import services
from lab_env.services.site import WELCOME, is_learner


def test_certificate_names_every_host(tmp_path):
    site = services.prepare(tmp_path, {"web": "10.0.0.1", "db": "10.0.0.2"})
    certificate = x509.load_pem_x509_certificate(site.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"web", "web.lab", "db", "db.lab"}
    assert {str(a) for a in names.get_values_for_type(x509.IPAddress)} == {"10.0.0.1", "10.0.0.2"}
    assert (
        certificate.not_valid_before_utc
        < datetime.datetime.now(datetime.UTC)
        < certificate.not_valid_after_utc
    )


def test_keys_are_new_each_time_and_private(tmp_path):
    first, second = (services.prepare(tmp_path / name, {}) for name in ("a", "b"))
    for one, other in ((first.key, second.key), (first.ssh_host_key, second.ssh_host_key)):
        assert one.read_bytes() != other.read_bytes()
        assert stat.S_IMODE(one.stat().st_mode) == 0o600


def test_each_host_has_its_own_mailbox(prepared):
    mail, web = prepared.at("mail", print), prepared.at("web", print)
    mail.mailbox.append(b"new")
    assert web.mailbox == [WELCOME]
    assert (web.name, web.full_name) == ("web", "web.lab")


def test_one_account():
    assert is_learner("student", "netplus")
    assert not is_learner("student", "NETPLUS")
    assert not is_learner("root", "netplus")
