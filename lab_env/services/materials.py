"""Makes what the services hand out: a certificate, a host key and a directory of files, new for each lab.

The certificate's key is an RSA key, though an elliptic-curve key would be made quicker (RSA takes 30 ms on
average): nmap's first TLS probe offers RSA only, and nothing behind TLS would get its name.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from lab_env.services.site import DOMAIN, Site

README = """Hello from PortLab.

You read this file over a network port. Which one was it, and could somebody
on the way have read it too?
"""
DAYS_VALID = 365
PUBLIC_EXPONENT, KEY_BITS = 65537, 2048


def prepare(directory: Path, addresses: Mapping[str, str]) -> Site:
    """Keys, certificate and files in a directory, and the site that points at them.

    `addresses` maps the lab's host names to addresses; the certificate is good for all of them.  The site has no
    host yet: `site.at(name, log)` is the lab from there.
    """
    site = Site(
        addresses=addresses,
        files=directory / "files",
        certificate=directory / "certificate.pem",
        key=directory / "key.pem",
        ssh_host_key=directory / "ssh_host_key",
    )
    site.files.mkdir(parents=True, exist_ok=True)
    (site.files / "readme.txt").write_text(README)
    key = rsa.generate_private_key(PUBLIC_EXPONENT, KEY_BITS)
    _write_private(site.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    site.certificate.write_bytes(_certificate(key, addresses).public_bytes(Encoding.PEM))
    ssh = ed25519.Ed25519PrivateKey.generate()
    _write_private(site.ssh_host_key, ssh.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    return site


def _write_private(path: Path, data: bytes) -> None:
    path.touch(mode=0o600)
    path.write_bytes(data)


def _certificate(key: rsa.RSAPrivateKey, addresses: Mapping[str, str]) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=DAYS_VALID))
        .add_extension(x509.SubjectAlternativeName(_alternative_names(addresses)), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _alternative_names(addresses: Mapping[str, str]) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = []
    for host, address in addresses.items():
        names += [x509.DNSName(host), x509.DNSName(f"{host}.{DOMAIN}")]
        names.append(x509.IPAddress(ipaddress.ip_address(address)))
    return names
