"""Which program serves what in the Docker lab: its command line, its settings, and what it wants prepared.

Templates lie in `config/`; filled in for the host (`filled`) they stand under /run, like everything that changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab_env.topology import DOMAIN, GATEWAY, Host, Service, Topology

CONFIG = Path("/etc/portlab")
STATE = "/run/portlab"
CERTIFICATE, KEY, HOST_KEY = f"{STATE}/certificate.pem", f"{STATE}/key.pem", f"{STATE}/ssh_host_key"


@dataclass(frozen=True)
class Daemon:
    """One program that stays: commands are lists of words, `{}` in them is where its settings stand."""

    command: str
    settings: str = ""  # its template
    before: tuple[str, ...] = ()  # commands that must have ended well
    network_admin: bool = False  # whether it needs the right to change the network


DAEMONS = {
    "chrony": Daemon("chronyd -d -x -u root -f {}/chrony.conf", "chrony.conf"),
    "dnsmasq": Daemon(
        "dnsmasq --keep-in-foreground --log-facility=- -C {}/dnsmasq.conf", "dnsmasq.conf", network_admin=True
    ),
    "dovecot": Daemon("dovecot -F -c {}/dovecot.conf", "dovecot.conf"),
    "kamailio": Daemon("kamailio -DD -E -f {}/kamailio.cfg -m 32 -M 4 -Y /run/kamailio", "kamailio.cfg"),
    "mariadb": Daemon(
        f"mariadbd --defaults-file={CONFIG}/mariadb.cnf --init-file={{}}/mariadb.sql",
        "mariadb.sql",
        ("cp -a /var/lib/portlab/mysql /run/mysql",),
    ),
    "nginx": Daemon("nginx -e stderr -c {}/nginx.conf", "nginx.conf"),
    "postfix": Daemon("postfix start-fg"),
    "responders": Daemon("python3 -m lab_env.docker.responders"),
    "rsyslog": Daemon("rsyslogd -n -i NONE -f {}/rsyslog.conf", "rsyslog.conf"),
    "samba": Daemon(
        "smbd -F --no-process-group --debug-stdout -d 0 -s {}/smb.conf",
        "smb.conf",
        ("smbpasswd -c {}/smb.conf -s -a student",),
    ),
    "slapd": Daemon(
        "slapd -d 0 -f {}/slapd.conf -h 'ldap:/// ldaps:///'",
        "slapd.conf",
        (f"slapadd -q -f {{}}/slapd.conf -l {CONFIG}/people.ldif",),
    ),
    "snmpd": Daemon("snmpd -f -LE w -I -smux -C -c {}/snmpd.conf", "snmpd.conf"),
    "snmptrapd": Daemon("snmptrapd -f -Lo -C -c {}/snmptrapd.conf udp:162", "snmptrapd.conf"),
    "sshd": Daemon("/usr/sbin/sshd -D -e -f {}/sshd_config", "sshd_config"),
    "telnetd": Daemon("socat TCP-LISTEN:23,fork,reuseaddr EXEC:/usr/sbin/telnetd,nofork"),
    "tftpd": Daemon("in.tftpd -L -4 -u nobody -s /srv/files"),
    "tinyproxy": Daemon("tinyproxy -d -c {}/tinyproxy.conf", "tinyproxy.conf"),
    "vsftpd": Daemon("vsftpd {}/vsftpd.conf", "vsftpd.conf"),
    "xrdp": Daemon("xrdp -n"),
    "xrdp-sesman": Daemon("xrdp-sesman -n"),
}

OF_SERVER = {
    "dhcp": ("dnsmasq",),
    "dns": ("dnsmasq",),
    "ftp": ("vsftpd",),
    "http": ("nginx",),
    "http-error": ("nginx",),
    "ike": ("responders",),
    "imap": ("dovecot",),
    "ldap": ("slapd",),
    "mssql": ("responders",),
    "mysql": ("mariadb",),
    "ntp": ("chrony",),
    "oracle": ("responders",),
    "pop3": ("dovecot",),
    "proxy": ("tinyproxy",),
    "rdp": ("xrdp-sesman", "xrdp"),
    "silent": ("responders",),
    "sip": ("kamailio",),
    "smb": ("samba",),
    "smtp": ("postfix",),
    "snmp": ("snmpd",),
    "snmp-trap": ("snmptrapd",),
    "ssh": ("sshd",),
    "syslog": ("rsyslog",),
    "telnet": ("telnetd",),
    "tftp": ("tftpd",),
}
"""Server, as the topology has it -> the programs that serve it."""

ANSWERED_BY_PORTLAB = ("ike", "mssql", "oracle", "silent")
"""Servers of which there is no free program, or that only keep silent: PortLab's own, see `responders`."""


def server(service: Service) -> str:
    """The kind of server behind a port."""
    return service.server or service.name


def of_host(host: Host) -> list[str]:
    """The names of the programs that run on a host, each once."""
    names = (name for service in host.services for name in OF_SERVER[server(service)])
    return list(dict.fromkeys(names))


def network_admin(topology: Topology, host: Host) -> bool:
    """Whether a host must be able to change its own network.

    The gateway has addresses to take, some have rules to load, dnsmasq gives out addresses; and behind the slow link
    each frame must leave its host finished (checksum, size), since the link carries frames as they are.
    """
    behind_slow_link = host.network == topology.slow_link.network
    needed = any(DAEMONS[name].network_admin for name in of_host(host))
    return host.name == GATEWAY or bool(host.rules) or behind_slow_link or needed


def filled(template: str, topology: Topology, host: Host) -> str:
    """A template with the host's own values in it."""
    values = {
        "@NAME@": host.name,
        "@PREFIX@": topology.prefix,
        "@PORTS@": "\n".join(f"Port {s.port}" for s in host.services if server(s) == "ssh"),
        "@LISTEN@": "\n".join(
            f"        listen {s.port}{' ssl' if s.tls else ''};"
            for s in host.services
            if server(s) in ("http", "http-error")
        ),
        "@CONTENT@": _content(host),
        "@RECORDS@": "\n".join(
            f"host-record={h.name}.{DOMAIN},{topology.address(h.name)}" for h in topology.hosts
        ),
    }
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template


def _content(host: Host) -> str:
    """What the web server of a host says: a page and the files, or an apology."""
    if any(server(service) == "http-error" for service in host.services):
        return "        location / { return 500; }"
    page = f"<title>PortLab</title><h1>{host.name}.{DOMAIN}</h1><p>An open port with a working web server."
    return (
        f"        location = / {{ return 200 '{page}'; }}\n"
        "        location /files/ { alias /srv/files/; autoindex on; }"
    )
