import subprocess
import sys

import pytest

from portlab import ports
from portlab.errors import BadTarget

ROWS = ports.reference()


def test_reference_has_every_row_once_in_order() -> None:
    keys = [(row.port, row.protocol, row.service) for row in ROWS]
    assert len(keys) == len(set(keys)) == 85
    assert [key[:2] for key in keys] == sorted(key[:2] for key in keys)


# The port tables of the two exams, as the objectives name them; the transport is not theirs.
BOTH = {
    20: "FTP", 21: "FTP", 22: "SSH", 23: "Telnet", 25: "SMTP", 53: "DNS", 67: "DHCP", 68: "DHCP", 69: "TFTP",
    80: "HTTP", 123: "NTP", 161: "SNMP", 162: "SNMP", 389: "LDAP", 443: "HTTPS", 445: "SMB", 514: "Syslog",
    587: "submission", 636: "LDAPS", 1433: "SQL Server", 3389: "RDP", 5060: "SIP", 5061: "SIP",
}  # fmt: skip
EXAM_TABLES = {
    "009": BOTH,
    "008": {**BOTH, 110: "POP3", 143: "IMAP", 993: "IMAP", 995: "POP3", 1521: "SQLnet", 3306: "MySQL"},
}


@pytest.mark.parametrize("exam", ports.EXAMS)
def test_reference_holds_exactly_the_ports_of_each_exam(exam: str) -> None:
    table = EXAM_TABLES[exam]
    found = ports.find(exam=exam)
    assert {row.port for row in found} == set(table)
    for row in found:
        assert table[row.port].lower() in row.name.lower() or row.service == "sftp", row
        assert exam in row.exams
    assert "sftp" in {row.service for row in found}  # both exams list it beside SSH


def test_exam_goes_with_a_query_and_has_its_long_name_too() -> None:
    assert {row.port for row in ports.find("mail", exam="N10-008")} == {25, 110, 143, 587, 993, 995}
    assert {row.port for row in ports.find("mail", exam="009")} == {25, 587}
    with pytest.raises(BadTarget, match="'007'"):
        ports.find(exam="007")


@pytest.mark.parametrize(
    ("number", "service", "safer"),
    [
        (23, "telnet", "SSH (22)"),
        (80, "http", "HTTPS (443)"),
        (22, "ssh", ""),  # is the safer way itself
        (443, "https", ""),
        (67, "dhcp-server", ""),  # nothing better on the port
    ],
)
def test_safer_way(number: int, service: str, safer: str) -> None:
    assert [row.safer for row in ports.find(number, exam="008") if row.service == service] == [safer]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.port}-{row.protocol}-{row.service}")
def test_row_is_sane(row: ports.Port) -> None:
    assert 0 < row.port < 65_536
    assert row.protocol in ports.PROTOCOLS
    assert row.encrypted in {"clear", "tls", "starttls", "native", "optional"}
    assert all((row.service, row.name, row.purpose, row.secure_alternative, row.standard))
    assert row.service == row.service.lower()
    assert " " not in row.service
    assert bool(row.udp_answer) is (row.protocol == "udp")
    assert row.section or not row.checked
    assert ports.find(row.port, row.protocol)[0].port == row.port
    assert row.port in ports.numbers_of(row.service, row.protocol)


@pytest.mark.parametrize(
    ("number", "protocol", "service"),
    [
        (22, "tcp", "ssh"),
        (53, "udp", "dns"),
        (53, "tcp", "dns"),
        (514, "udp", "syslog"),
        (514, "tcp", "rsh"),
        (3389, "udp", "rdp-udp"),
        (22, "udp", ""),
        (4, "tcp", ""),
        (None, "icmp", ""),
    ],
)
def test_service_name(number: int | None, protocol: str, service: str) -> None:
    assert ports.service_name(number, protocol) == service


@pytest.mark.parametrize(
    ("query", "protocol", "first", "among"),
    [
        ("ssh", "", (22, "tcp"), {22}),
        (22, "", (22, "tcp"), {22}),
        ("22", "", (22, "tcp"), {22}),
        (53, "", (53, "tcp"), {53}),
        (53, "udp", (53, "udp"), {53}),
        ("domain", "", (53, "tcp"), {53}),
        ("HTTP", "tcp", (80, "tcp"), {80, 443, 8080}),
        ("mail", "", (25, "tcp"), {25, 110, 143, 465, 587}),
        ("remote desktop", "", (3389, "tcp"), {3389}),
    ],
)
def test_find(query: int | str, protocol: str, first: tuple[int, str], among: set[int]) -> None:
    found = ports.find(query, protocol)
    assert (found[0].port, found[0].protocol) == first
    assert among <= {row.port for row in found}
    assert {protocol or row.protocol for row in found} == {row.protocol for row in found}


def test_nothing_found_is_an_empty_table_that_helps() -> None:
    found = ports.find("gopher")
    assert len(found) == 0
    assert "'gopher'" in repr(found)
    assert 'find("mail")' in repr(found)
    assert "gopher" in found._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("query", [65_536, -1, "65536", True, None, 2.5])
def test_impossible_lookups_quote_what_was_typed(query: object) -> None:
    with pytest.raises(BadTarget, match=str(query)):
        ports.find(query)  # type: ignore[arg-type]


def test_unknown_protocol() -> None:
    with pytest.raises(BadTarget, match="'sctp'"):
        ports.find(22, "sctp")


def test_common_holds_each_number_once() -> None:
    for protocol in ports.PROTOCOLS:
        numbers = ports.common(protocol)
        assert numbers == sorted({row.port for row in ROWS if row.protocol == protocol})
    assert {22, 80, 443} <= set(ports.common("tcp"))
    assert 22 not in ports.common("udp")


def test_table_reads_as_text_and_html() -> None:
    found = ports.find(22)
    lines = repr(found).splitlines()
    assert lines[0].split()[:2] == ["port", "service"]
    assert [line.split()[:2] for line in lines[1:]] == [["22/tcp", "ssh"], ["22/tcp", "sftp"]]
    bundle = found._repr_mimebundle_()
    assert bundle["text/plain"] == repr(found)
    assert bundle["text/html"].count("<tr") == 3


def test_the_module_itself_shows_as_the_whole_reference() -> None:
    formatter = pytest.importorskip("IPython.core.formatters").MimeBundleFormatter()
    data, _ = formatter(ports)
    assert data["text/html"].count('<th scope="row">') == len(ROWS)


def test_to_frame() -> None:
    frame = ports.find("", "udp").to_frame()
    assert set(frame["protocol"]) == {"udp"}
    assert frame["exam_n10_009"].dtype == bool
    assert list(frame.columns)[:3] == ["port", "protocol", "service"]


def test_lookup_imports_nothing_heavy() -> None:
    code = "import sys, portlab.ports as p; p.find('ssh'); print({'pandas', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
