"""nmap's XML for tests, made by hand: elements as nmap of any age and masscan write them."""

from pathlib import Path
from typing import Any

import portlab as pl
from portlab.evidence.scans import Scans

OURS, V6 = "10.77.2.10", "2001:db8::7"


def read(tmp_path: Path, text: str | bytes) -> Scans:
    path = tmp_path / "nmap.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return pl.read_nmap_xml(path)


def document(*hosts: str, infos: str = "", end: str = "", scanner: str = "nmap") -> str:
    end = end or '<finished time="1700000009" elapsed="9.0" exit="success"/>'
    body = "\n".join(hosts)
    return (
        f'<?xml version="1.0"?>\n<nmaprun scanner="{scanner}" start="1700000000">{infos}\n'
        f"{body}\n<runstats>{end}</runstats></nmaprun>"
    )


def info(type_: str, protocol: str, services: str = "", more: str = "") -> str:
    return f'<scaninfo type="{type_}" protocol="{protocol}" numservices="0" services="{services}" {more}/>'


def host(ports: str = "", address: str = OURS, status: str = '<status state="up" reason="user-set"/>') -> str:
    kind = "ipv6" if ":" in address else "ipv4"
    there = f'<address addr="{address}" addrtype="{kind}"/>' if address else ""
    return f"<host>{status}{there}{f'<ports>{ports}</ports>' if ports else ''}</host>"


def port(number: int, state: str = "open", reason: str | None = "syn-ack", protocol: str = "tcp") -> str:
    why = "" if reason is None else f' reason="{reason}"'
    return f'<port protocol="{protocol}" portid="{number}"><state state="{state}"{why}/></port>'


def listed(state: str, reason: str, ports: str, protocol: str = "tcp") -> str:
    """A group as nmap writes it from version 7.92 on."""
    inside = f'<extrareasons reason="{reason}" count="1" proto="{protocol}" ports="{ports}"/>'
    return f'<extraports state="{state}" count="1">{inside}</extraports>'


def extra(state: str, count: int, *reasons: tuple[str, int]) -> str:
    inside = "".join(f'<extrareasons reason="{reason}" count="{n}"/>' for reason, n in reasons)
    return f'<extraports state="{state}" count="{count}">{inside}</extraports>'


def told(scan: Any) -> dict[tuple[str, int | None], tuple[str, str]]:
    return {(row.address, row.port): (str(row.state), str(row.reason)) for row in scan}


def both_ways(tmp_path: Path, scans: Scans) -> None:
    """What was read survives JSON and XML, whatever of it is not PortLab's own."""
    (tmp_path / "again.json").write_text(scans.to_json() or "")
    scans.to_nmap_xml(tmp_path / "again.xml")
    for again in (pl.read_json(tmp_path / "again.json"), pl.read_nmap_xml(tmp_path / "again.xml")):
        assert again.to_json() == scans.to_json()
        assert again.notes == scans.notes
        assert [list(scan) for scan in again] == [list(scan) for scan in scans]


SYN = info("syn", "tcp", "20-29")
