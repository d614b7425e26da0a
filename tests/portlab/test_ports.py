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
    assert "gopher" in found._repr_html_()


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
    assert found._repr_html_().count("<tr>") == 3


def test_to_frame() -> None:
    frame = ports.find("", "udp").to_frame()
    assert set(frame["protocol"]) == {"udp"}
    assert frame["exam_n10_009"].dtype == bool
    assert list(frame.columns)[:3] == ["port", "protocol", "service"]


def test_lookup_imports_nothing_heavy() -> None:
    code = "import sys, portlab.ports as p; p.find('ssh'); print({'pandas', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
