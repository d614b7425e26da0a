"""The contract, held against rows that were written by hand from the lab's description."""

import pytest

from lab_env.contract import NEVER_LISTENING, PATIENCE_S, expected, ports, rows
from lab_env.topology import Action, Host, Rule, Service, Topology, topology
from portlab.techniques import port_techniques

LAB = topology("10.77")
GATEWAY = "10.77.1.1"
CLOSED = ("closed", "reset")
REFUSED = ("closed", "conn-refused")
OPEN = ("open", "syn-ack")
SILENT = ("filtered", "no-response")
PERHAPS = ("open|filtered", "no-response")
ADMIN = ("filtered", "admin-prohibited")
UNREACHABLE = ("filtered", "host-unreach")

# technique, host, port, (state, reason), answered by ("" nobody, "target"), ICMP, TTL
BY_HAND = [
    # a closed, an open, a filtered port
    ("syn", "infra", 53, OPEN, "target", None, 64),
    ("syn", "infra", 80, CLOSED, "target", None, 64),
    ("syn", "infra", 67, CLOSED, "target", None, 64),  # 67 listens on UDP only
    ("syn", "files", 20, CLOSED, "target", None, 64),
    ("syn", "files", 21, OPEN, "target", None, 64),
    ("syn", "ops", 8080, OPEN, "target", None, 64),
    ("syn", "quiet", 80, OPEN, "target", None, 64),
    ("syn", "quiet", 22, SILENT, "", None, None),
    ("connect", "quiet", 80, OPEN, "target", None, 64),
    ("connect", "infra", 80, REFUSED, "target", None, 64),
    ("connect", "quiet", 22, SILENT, "", None, None),
    # nobody behind the address
    ("syn", "ghost", 80, UNREACHABLE, "", None, None),
    ("udp", "ghost", 53, UNREACHABLE, "", None, None),
    ("connect", "ghost", 80, UNREACHABLE, "", None, None),
    ("syn", "lost", 80, UNREACHABLE, GATEWAY, (3, 1), 64),
    ("connect", "lost", 80, UNREACHABLE, GATEWAY, (3, 1), 64),
    ("udp", "lost", 9, UNREACHABLE, GATEWAY, (3, 1), 64),
    # web: each of the gateway's manners
    ("syn", "web", 80, OPEN, "target", None, 63),
    ("syn", "web", 81, CLOSED, "target", None, 63),
    ("syn", "web", 22, SILENT, "", None, None),
    ("connect", "web", 22, SILENT, "", None, None),
    ("ack", "web", 22, ("unfiltered", "reset"), "target", None, 63),
    ("fin", "web", 22, PERHAPS, "", None, None),  # it gets through, and the listener keeps quiet
    ("syn", "web", 8080, ADMIN, GATEWAY, (3, 13), 64),
    ("connect", "web", 8080, UNREACHABLE, GATEWAY, (3, 13), 64),
    ("fin", "web", 8080, ADMIN, GATEWAY, (3, 13), 64),
    ("syn", "web", 8443, ("filtered", "port-unreach"), GATEWAY, (3, 3), 64),
    ("connect", "web", 8443, REFUSED, GATEWAY, (3, 3), 64),
    ("ack", "web", 8443, ("filtered", "port-unreach"), GATEWAY, (3, 3), 64),
    ("syn", "web", 3389, CLOSED, "target", None, 64),  # the gateway in web's name: only the TTL tells
    ("connect", "web", 3389, REFUSED, "target", None, 64),
    ("ack", "web", 3389, ("unfiltered", "reset"), "target", None, 64),
    ("udp", "web", 161, ("filtered", "port-unreach"), GATEWAY, (3, 3), 64),
    ("udp", "web", 53, ("closed", "port-unreach"), "target", (3, 3), 63),
    ("udp", "web", 3389, ("closed", "port-unreach"), "target", (3, 3), 63),  # the rule is for TCP
    # db and vault: the same question, two manners
    ("syn", "db", 1433, OPEN, "target", None, 63),
    ("syn", "db", 80, SILENT, "", None, None),
    ("ack", "db", 1433, SILENT, "", None, None),
    ("fin", "db", 1433, PERHAPS, "", None, None),
    ("udp", "db", 53, PERHAPS, "", None, None),
    ("connect", "db", 3306, OPEN, "target", None, 63),
    ("syn", "vault", 443, OPEN, "target", None, 63),
    ("syn", "vault", 80, ADMIN, GATEWAY, (3, 13), 64),
    ("ack", "vault", 443, ADMIN, GATEWAY, (3, 13), 64),
    ("null", "vault", 443, ADMIN, GATEWAY, (3, 13), 64),
    ("udp", "vault", 53, ADMIN, GATEWAY, (3, 13), 64),
    ("connect", "vault", 80, UNREACHABLE, GATEWAY, (3, 13), 64),
    # the branch
    ("syn", "voip", 5061, OPEN, "target", None, 63),
    ("syn", "desk", 3389, OPEN, "target", None, 63),
    # desk resets these on every port; all others only where nobody listens
    ("fin", "desk", 3389, CLOSED, "target", None, 63),
    ("null", "desk", 3389, CLOSED, "target", None, 63),
    ("xmas", "desk", 3389, CLOSED, "target", None, 63),
    ("ack", "desk", 3389, ("unfiltered", "reset"), "target", None, 63),
    ("fin", "mail", 25, PERHAPS, "", None, None),
    ("null", "mail", 25, PERHAPS, "", None, None),
    ("xmas", "mail", 25, PERHAPS, "", None, None),
    ("xmas", "mail", 26, CLOSED, "target", None, 64),
    ("ack", "mail", 25, ("unfiltered", "reset"), "target", None, 64),
    # UDP by nature
    ("udp", "infra", 53, ("open", "udp-response"), "target", None, 64),
    ("udp", "infra", 67, ("open", "udp-response"), "target", None, 64),
    ("udp", "infra", 123, ("open", "udp-response"), "target", None, 64),
    ("udp", "gateway", 161, ("open", "udp-response"), "target", None, 64),
    ("udp", "gateway", 500, PERHAPS, "", None, None),
    ("udp", "gateway", 4500, PERHAPS, "", None, None),
    ("udp", "files", 69, PERHAPS, "", None, None),
    ("udp", "ops", 162, PERHAPS, "", None, None),
    ("udp", "ops", 514, PERHAPS, "", None, None),
    ("udp", "voip", 5060, PERHAPS, "", None, None),
    ("udp", "desk", 3389, PERHAPS, "", None, None),
    ("udp", "files", 9, ("closed", "port-unreach"), "target", (3, 3), 64),
    ("udp", "quiet", 9, PERHAPS, "", None, None),
]


def told(result, target):
    speaker = "target" if result.answered_by == target else result.answered_by or ""
    return (str(result.state), str(result.reason)), speaker, result.icmp, result.ttl


@pytest.mark.parametrize(("technique", "host", "port", "says", "speaker", "icmp", "ttl"), BY_HAND)
def test_probe(technique, host, port, says, speaker, icmp, ttl):
    result = expected(LAB, technique, host, port)
    assert told(result, LAB.address(host)) == (says, speaker, icmp, ttl)


PINGS = [
    ("icmp", "files", ("up", "echo-reply"), "target", (0, 0), 64),
    ("icmp", "web", ("up", "echo-reply"), "target", (0, 0), 63),
    ("timestamp", "web", ("up", "timestamp-reply"), "target", (14, 0), 63),
    ("icmp", "quiet", ("no-answer", "no-response"), "", None, None),
    ("timestamp", "quiet", ("no-answer", "no-response"), "", None, None),
    ("arp", "quiet", ("up", "arp-response"), "target", None, None),
    ("icmp", "ghost", ("no-answer", "host-unreach"), "", None, None),
    ("arp", "ghost", ("down", "no-response"), "", None, None),
    ("icmp", "lost", ("no-answer", "host-unreach"), GATEWAY, (3, 1), 64),
    ("icmp", "db", ("no-answer", "no-response"), "", None, None),
    ("icmp", "vault", ("no-answer", "admin-prohibited"), GATEWAY, (3, 13), 64),
    ("icmp", "gateway", ("up", "echo-reply"), "target", (0, 0), 64),
    ("syn", "quiet", ("no-answer", "no-response"), "", None, None),
    ("syn", "vault", ("up", "syn-ack"), "target", None, 63),
    ("syn", "files", ("up", "reset"), "target", None, 64),
    ("syn", "ghost", ("no-answer", "host-unreach"), "", None, None),
    ("ack", "web", ("up", "reset"), "target", None, 63),
    ("ack", "db", ("no-answer", "no-response"), "", None, None),
    ("ack", "quiet", ("up", "reset"), "target", None, 64),  # its own rules let port 80 through
]


@pytest.mark.parametrize(("method", "host", "says", "speaker", "icmp", "ttl"), PINGS)
def test_ping(method, host, says, speaker, icmp, ttl):
    result = expected(LAB, "ping", host, None, method=method)
    assert told(result, LAB.address(host)) == (says, speaker, icmp, ttl)


@pytest.mark.parametrize(
    ("host", "port", "payload", "state"),
    [
        ("voip", 5060, "sip", "open"),
        ("voip", 5060, "dns", "open|filtered"),
        ("infra", 53, "empty", "open|filtered"),
        ("infra", 53, "ntp", "open|filtered"),
        ("files", 69, "tftp", "open|filtered"),  # it answers, but from a port that was never asked
    ],
)
def test_payload(host, port, payload, state):
    assert expected(LAB, "udp", host, port, payload).state == state


def test_rows_ask_each_thing_once():
    asked = [(row.technique, row.method, row.host, row.port, row.payload) for row in rows(LAB)]
    assert len(asked) == len(set(asked))
    assert {row.host for row in rows(LAB)} == set(LAB.by_name) - {"student"}


@pytest.mark.parametrize("technique", port_techniques())
def test_rows_meet_every_service_and_every_rule(technique):
    asked = {(row.host, row.port) for row in rows(LAB) if row.technique == technique}
    protocol = "udp" if technique == "udp" else "tcp"
    services = {(host.name, s.port) for host in LAB.hosts for s in host.services if s.transport == protocol}
    ruled = {
        (host, port)
        for rule in LAB.forward
        for host in rule.hosts
        for port in rule.ports
        if rule.protocol == protocol
    }
    assert services | ruled <= asked


def test_rows_meet_every_state_and_every_reason_of_the_lab():
    seen = {(str(row.expected.state), str(row.expected.reason)) for row in rows(LAB)}
    assert seen >= {says for _, _, _, says, *_ in BY_HAND} | {says for _, _, says, *_ in PINGS}


def test_hosts_with_a_limit_are_asked_within_it():
    closed = [
        row
        for row in rows(LAB)
        if row.host == "ops" and row.technique == "udp" and row.expected.icmp is not None
    ]
    assert 0 < len(closed) <= 5


def test_who_has_to_look_for_a_neighbour_is_given_time():
    patient = {(row.host, row.technique) for row in rows(LAB) if row.patience == PATIENCE_S}
    assert patient == {
        ("ghost", "connect"),
        *(("lost", technique) for technique in ("ping", *port_techniques())),
    }


def test_nothing_listens_where_nothing_should():
    for protocol, numbers in NEVER_LISTENING.items():
        assert set(numbers) <= set(ports(LAB, protocol))
        assert not {s.port for host in LAB.hosts for s in host.services if s.transport == protocol} & set(
            numbers
        )


def changed(host, **fields):
    """The lab with one host changed."""
    hosts = tuple(
        Host(**{name: getattr(h, name) for name in Host.__dataclass_fields__} | fields)
        if h.name == host
        else h
        for h in LAB.hosts
    )
    return Topology(LAB.prefix, LAB.networks, hosts, LAB.forward, LAB.tracked, LAB.slow_link)


def test_a_new_service_opens_its_port():
    lab = changed("files", services=(Service("http", 80),))
    assert expected(lab, "syn", "files", 80).state == "open"
    assert expected(lab, "syn", "files", 21).state == "closed"


def test_the_first_rule_that_matches_decides():
    drop, accept = Rule(Action.DROP, protocol="tcp", ports=(21,)), Rule(Action.ACCEPT)
    assert expected(changed("files", rules=(drop, accept)), "syn", "files", 21).state == "filtered"
    assert expected(changed("files", rules=(accept, drop)), "syn", "files", 21).state == "open"


def test_a_host_that_rejects_for_itself_is_taken_at_its_word():
    lab = changed("files", rules=(Rule(Action.REJECT_PORT),))
    assert expected(lab, "udp", "files", 9).state == "closed"
    assert expected(lab, "syn", "files", 21).state == "filtered"
    assert expected(lab, "syn", "files", 21).answered_by == lab.address("files")
    reset = changed("files", rules=(Rule(Action.REJECT_RESET),))
    assert expected(reset, "syn", "files", 21).ttl == 64


def test_every_address_follows_the_prefix():
    result = expected(topology("10.91"), "syn", "web", 8080)
    assert result.answered_by == "10.91.1.1"
