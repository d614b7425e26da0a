"""Which program serves what in the Docker lab: its command line, its settings, and what it wants prepared.

Templates lie in `config/`; filled in for a host (`program`) they stand under /run, like everything that changes.
A program is told on which ports and addresses to listen, so that any of them can be taken from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from lab_env.changes import LISTENER
from lab_env.topology import DOMAIN, GATEWAY, Host, Service, Topology
from portlab.errors import BadTarget

CONFIG = Path("/etc/portlab")
STATE = "/run/portlab"
CERTIFICATE, KEY, HOST_KEY = f"{STATE}/certificate.pem", f"{STATE}/key.pem", f"{STATE}/ssh_host_key"
EVERYWHERE, LOOPBACK = "0.0.0.0", "127.0.0.1"

Listen = Callable[[Service, str], str]
"""How a program is told of one of its ports, and of the address to listen on."""


@dataclass(frozen=True)
class Daemon:
    """One program that stays.  In its commands `{}` is where its settings stand, and @LISTEN@ what `listen` says."""

    command: str
    settings: str = ""  # its template
    before: tuple[str, ...] = ()  # commands that must have ended well
    listen: Listen | None = (
        None  # None: its template has marks of its own for that, and it listens everywhere
    )
    keeps: tuple[str, ...] = ()  # rights on the host's network that it needs


@dataclass(frozen=True)
class Program:
    """A daemon as it is to run on a host now; one that equals what runs already is left alone."""

    name: str
    command: str
    settings: str


def _port(pattern: str) -> Listen:
    """Most programs are told in one line."""
    return lambda service, address: pattern.format(
        address=address, port=service.port, transport="tls" if service.tls else service.transport
    )


def _smtpd(service: Service, address: str) -> str:
    """Mail from everybody on port 25, on the others from those who have shown who they are."""
    line = f"{address}:{service.port} inet n - n - - smtpd"
    if service.port == 25:
        return line
    allowed = "permit_sasl_authenticated,reject"
    line += f" -o smtpd_relay_restrictions={allowed} -o smtpd_client_restrictions={allowed}"
    return f"{line} -o smtpd_tls_wrappermode=yes" if service.tls else line


def _login(service: Service, address: str) -> str:
    """One more port of a mailbox's server; what Dovecot has by default is switched off in its template."""
    return (
        f"service {service.server}-login {{\n  inet_listener port{service.port} {{\n    address = {address}\n"
        f"    port = {service.port}\n    ssl = {'yes' if service.tls else 'no'}\n  }}\n}}"
    )


def _smb(service: Service, address: str) -> str:
    only = f"\ninterfaces = {address}\nbind interfaces only = yes" if service.loopback else ""
    return f"smb ports = {service.port}{only}"


DAEMONS = {
    "chrony": Daemon(
        "chronyd -d -x -u root -f {}/chrony.conf",
        "chrony.conf",
        listen=_port("port {port}\nbindaddress {address}"),
    ),
    "dnsmasq": Daemon(
        "dnsmasq --keep-in-foreground --log-facility=- -C {}/dnsmasq.conf",
        "dnsmasq.conf",
        keeps=("net_admin", "net_raw"),
    ),
    "dovecot": Daemon("dovecot -F -c {}/dovecot.conf", "dovecot.conf", listen=_login),
    "kamailio": Daemon(
        "kamailio -DD -E -f {}/kamailio.cfg -m 32 -M 4 -Y /run/kamailio",
        "kamailio.cfg",
        listen=_port("listen={transport}:{address}:{port}"),
    ),
    "mariadb": Daemon(
        f"mariadbd --defaults-file={CONFIG}/mariadb.cnf --init-file={{}}/mariadb.sql @LISTEN@",
        "mariadb.sql",
        ("rm -rf /run/mysql", "cp -a /var/lib/portlab/mysql /run/mysql"),
        listen=_port("--bind-address={address} --port={port}"),
    ),
    "nginx": Daemon(
        "nginx -e stderr -c {}/nginx.conf",
        "nginx.conf",
        listen=lambda service, address: f"listen {address}:{service.port}{' ssl' if service.tls else ''};",
    ),
    "postfix": Daemon(
        "/usr/lib/postfix/sbin/master -s",  # what `postfix start-fg` starts, which does not hand on its end
        "master.cf",
        ("postfix check",),
        listen=_smtpd,
    ),
    "redis-server": Daemon(
        "redis-server --protected-mode no --save '' --maxmemory 16mb @LISTEN@",  # nobody's password, nothing on disk
        listen=_port("--bind {address} --port {port}"),
    ),
    "responders": Daemon("python3 -m lab_env.docker.responders", "responders.json", listen=_port("")),
    "rsyslog": Daemon(
        "rsyslogd -n -i NONE -f {}/rsyslog.conf",
        "rsyslog.conf",
        listen=_port('input(type="imudp" address="{address}" port="{port}")'),
    ),
    "samba": Daemon(
        "smbd -F --no-process-group --debug-stdout -d 0 -s {}/smb.conf",
        "smb.conf",
        ("smbpasswd -c {}/smb.conf -s -a student",),
        listen=_smb,
    ),
    "slapd": Daemon(
        "slapd -d 0 -f {}/slapd.conf -h '@LISTEN@'",
        "slapd.conf",
        (
            "rm -rf /run/slapd",
            "mkdir /run/slapd",
            f"slapadd -q -f {{}}/slapd.conf -l {CONFIG}/people.ldif",
        ),
        listen=lambda service, address: f"ldap{'s' if service.tls else ''}://{address}:{service.port}/",
    ),
    "slow-link": Daemon("python3 -m lab_env.docker.gateway", keeps=("net_raw",)),
    "snmpd": Daemon(
        "snmpd -f -LE w -I -smux -C -c {}/snmpd.conf",
        "snmpd.conf",
        listen=_port("agentaddress udp:{address}:{port}"),
    ),
    "snmptrapd": Daemon(
        "snmptrapd -f -Lo -C -c {}/snmptrapd.conf @LISTEN@",
        "snmptrapd.conf",
        listen=_port("udp:{address}:{port}"),
    ),
    "sshd": Daemon(
        "/usr/sbin/sshd -D -e -f {}/sshd_config",
        "sshd_config",
        listen=_port("ListenAddress {address}:{port}"),
    ),
    "telnetd": Daemon(
        "socat @LISTEN@,fork,reuseaddr EXEC:/usr/sbin/telnetd,nofork",
        listen=_port("TCP-LISTEN:{port},bind={address}"),
    ),
    "tftpd": Daemon("in.tftpd -L -4 -u nobody -a @LISTEN@ -s /srv/files", listen=_port("{address}:{port}")),
    "tinyproxy": Daemon(
        "tinyproxy -d -c {}/tinyproxy.conf", "tinyproxy.conf", listen=_port("Port {port}\nListen {address}")
    ),
    "vsftpd": Daemon(
        "vsftpd {}/vsftpd.conf", "vsftpd.conf", listen=_port("listen_address={address}\nlisten_port={port}")
    ),
    "xrdp": Daemon("xrdp -n -p @LISTEN@", listen=_port("tcp://{address}:{port}")),
    "xrdp-sesman": Daemon("xrdp-sesman -n", listen=_port("")),
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
    LISTENER: ("responders",),
    "mssql": ("responders",),
    "mysql": ("mariadb",),
    "ntp": ("chrony",),
    "oracle": ("responders",),
    "pop3": ("dovecot",),
    "proxy": ("tinyproxy",),
    "rdp": ("xrdp-sesman", "xrdp"),
    "redis": ("redis-server",),
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
"""Server, as the topology has it -> the programs that serve it.  `responders` are PortLab's own: for what no free
program serves, and for what only keeps silent or merely listens."""


def serving(service: Service) -> tuple[str, ...]:
    """The names of the programs behind a port.  A port that takes no connections needs no other program's work.

    Raises BadTarget where the Docker lab has no program for that kind of server.
    """
    if not service.full and service.server not in OF_SERVER:
        raise BadTarget(
            f"the Docker lab has no program for {service.server!r} ({service.name}, {service.transport} port "
            f"{service.port}); it has some for {', '.join(sorted(OF_SERVER))}.  Name the programs that serve it in "
            "OF_SERVER of lab_env/docker/daemons.py"
        )
    return ("responders",) if service.full else OF_SERVER[service.server]


def of_host(host: Host) -> list[str]:
    """The names of the programs that run on a host, each once."""
    names = ["slow-link"] if host.name == GATEWAY else []
    names += (name for service in host.services for name in serving(service))
    return list(dict.fromkeys(names))


def programs(topology: Topology, host: Host, folder: Path = CONFIG) -> dict[str, Program]:
    """What is to run on a host, by name; the templates lie in `folder`.

    Raises BadTarget where a program cannot listen as it is asked to.
    """
    return {name: program(topology, host, name, folder) for name in of_host(host)}


def program(topology: Topology, host: Host, name: str, folder: Path = CONFIG) -> Program:
    """One program as it is to run on a host."""
    daemon = DAEMONS[name]
    own = [service for service in host.services if name in serving(service)]
    listen = _listen(daemon, name, own)
    template = (folder / daemon.settings).read_text() if daemon.settings else ""
    settings = _filled(template, topology, host, own).replace("@LISTEN@", "\n".join(listen))
    return Program(name, daemon.command.format(STATE).replace("@LISTEN@", " ".join(listen)), settings)


def _listen(daemon: Daemon, name: str, services: list[Service]) -> list[str]:
    if daemon.listen is not None:
        return [daemon.listen(service, LOOPBACK if service.loopback else EVERYWHERE) for service in services]
    if bound := next((service for service in services if service.loopback), None):
        raise BadTarget(
            f"the program behind {bound.name} ({name}) cannot be bound to {LOOPBACK} in the Docker lab.  "
            'Take another service, for example "http" of web'
        )
    return []


def _filled(template: str, topology: Topology, host: Host, services: list[Service]) -> str:
    """A template with the host's own values in it."""
    kinds = {service.server for service in services}
    values = {
        "@NAME@": host.name,
        "@PREFIX@": topology.prefix,
        "@CONTENT@": _content(host, apology="http-error" in kinds),
        "@DNS@": "" if "dns" in kinds else "port=0",
        "@DHCP@": f"dhcp-range={topology.prefix}.1.200,{topology.prefix}.1.250,1h" if "dhcp" in kinds else "",
        "@RECORDS@": "\n".join(
            f"host-record={h.name}.{DOMAIN},{topology.address(h.name)}" for h in topology.hosts
        ),
        "@SERVICES@": json.dumps([asdict(service) for service in services]),
    }
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template


def _content(host: Host, apology: bool) -> str:
    """What the web server of a host says: a page and the files, or an apology."""
    if apology:
        return "        location / { return 500; }"
    page = f"<title>PortLab</title><h1>{host.name}.{DOMAIN}</h1><p>An open port with a working web server."
    return (
        f"        location = / {{ return 200 '{page}'; }}\n"
        "        location /files/ { alias /srv/files/; autoindex on; }"
    )
