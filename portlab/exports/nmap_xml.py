"""Results in nmap's XML: what PortLab writes is valid by nmap.dtd (`nmap_read` reads it, and what nmap writes).

nmap's format has no place for the round-trip time of one port, or for the fidelity; PortLab puts them where nmap puts
the output of scripts, under the id "portlab", so that its own files come back exact.
"""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree as ET

from portlab import __version__, files
from portlab.evidence.result import Scan
from portlab.evidence.scans import notes_of, together
from portlab.exports.as_json import header
from portlab.exports.table import rows
from portlab.exports.times import NS
from portlab.techniques import is_ping

SCRIPT = "portlab"
FORMAT = "1.05"  # of nmap.dtd


def to_nmap_xml(scans: Scan | list[Scan], path: files.Pathish) -> None:
    """Write what nmap would have written; "-" is standard output."""
    files.write(path, _document(together(scans), notes_of(scans)))


def _document(scans: list[Scan], notes: tuple[str, ...]) -> str:
    started = min((scan.started_ns for scan in scans), default=0)
    ended = max((scan.started_ns + int(scan.elapsed_s * NS) for scan in scans), default=0)
    names = " ".join(dict.fromkeys(scan.technique for scan in scans))
    root = ET.Element("nmaprun", scanner="nmap", args=f"portlab {names}", start=str(started // NS))
    root.attrib |= {"version": f"PortLab {__version__}", "xmloutputversion": FORMAT}
    for scan in scans:
        if not is_ping(scan.technique):
            ports = sorted(set(scan.port.tolist()))
            info = ET.SubElement(root, "scaninfo", type=scan.technique, protocol=scan.protocol)
            info.attrib |= {"numservices": str(len(ports)), "services": _ranges(ports)}
    ET.SubElement(root, "verbose", level="0")
    ET.SubElement(root, "debugging", level="0")
    script = ET.SubElement(ET.SubElement(root, "prescript"), "script", id=SCRIPT, output="facts of the scans")
    for scan in scans:
        ET.SubElement(script, "elem", key="facts").text = json.dumps(header(scan))
    if notes:
        ET.SubElement(script, "elem", key="notes").text = json.dumps(notes)
    up = _hosts(root, scans)
    stats = ET.SubElement(root, "runstats")
    word = "success" if all(scan.complete for scan in scans) else "error"
    elapsed = f"{(ended - started) / NS:.2f}"
    finished = ET.SubElement(stats, "finished", time=str(ended // NS), elapsed=elapsed, exit=word)
    if why := "; ".join(dict.fromkeys(scan.stopped_by for scan in scans if not scan.complete)):
        finished.set("errormsg", why)
    total = len(root.findall("host"))
    ET.SubElement(stats, "hosts", up=str(up), down=str(total - up), total=str(total))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n{ET.tostring(root, "unicode")}\n'


def _hosts(root: ET.Element, scans: list[Scan]) -> int:
    """One element a host, with its ports; the number of hosts that are up."""
    hosts: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    for index, scan in enumerate(scans):
        for place, row in enumerate(rows(scan)):
            hosts.setdefault(row["address"], []).append((index, row | {"row": place}))
    return sum(_host(root, address, found) for address, found in hosts.items())


def _host(root: ET.Element, address: str, found: list[tuple[int, dict[str, Any]]]) -> bool:
    host = ET.SubElement(root, "host")
    pings = [row for _, row in found if row["port"] is None]
    is_up = not pings or any(row["state"] == "up" for row in pings)
    said = _said(pings[0] if pings else {"reason": "user-set", "ttl": None})  # nmap's word for -Pn
    ET.SubElement(host, "status", {"state": "up" if is_up else "down"} | said)
    ET.SubElement(host, "address", addr=address, addrtype="ipv4")
    if found[0][1]["host"] != address:
        names = ET.SubElement(host, "hostnames")
        ET.SubElement(names, "hostname", name=found[0][1]["host"], type="user")
    if any(row["port"] is not None for _, row in found):
        ports = ET.SubElement(host, "ports")
        for index, row in found:
            if row["port"] is not None:
                _script(_port(ports, row), index, row)
    if pings:
        scripts = ET.SubElement(host, "hostscript")
        for index, row in found:
            if row["port"] is None:
                _script(scripts, index, row)
    return is_up


def _port(ports: ET.Element, row: dict[str, Any]) -> ET.Element:
    port = ET.SubElement(ports, "port", protocol=row["protocol"], portid=str(row["port"]))
    state = ET.SubElement(port, "state", {"state": row["state"]} | _said(row))
    if row["answered_by"] not in (None, row["address"]):
        state.set("reason_ip", row["answered_by"])
    if row["service"]:
        ET.SubElement(port, "service", name=row["service"], method="table", conf="3")
    return port


def _script(parent: ET.Element, index: int, row: dict[str, Any]) -> None:
    rtt = "no answer timed" if row["rtt_ms"] is None else f"{row['rtt_ms']:.3f} ms"
    script = ET.SubElement(
        parent, "script", id=SCRIPT, output=f"{row['technique']}: {rtt}, {row['tries']} tries"
    )
    ET.SubElement(script, "elem", key="row").text = json.dumps(row | {"scan": index})


def _said(row: dict[str, Any]) -> dict[str, str]:
    """The reason and the TTL of the packet that gave it; nmap writes 0 where there was none."""
    return {"reason": row["reason"], "reason_ttl": str(row["ttl"] or 0)}


def _ranges(ports: list[int]) -> str:
    """[1, 2, 3, 22] -> "1-3,22"."""
    parts: list[list[int]] = []
    for port in ports:
        if parts and port == parts[-1][-1] + 1:
            parts[-1][1:] = [port]
        else:
            parts.append([port])
    return ",".join("-".join(map(str, part)) for part in parts)
