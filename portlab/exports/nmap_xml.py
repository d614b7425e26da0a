"""Results in nmap's XML: what PortLab writes is valid by nmap.dtd, and what nmap writes can be read.

nmap's format has no place for the round-trip time of one port, or for the fidelity; PortLab puts them where nmap puts
the output of scripts, under the id "portlab", so that its own files come back exact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree as ET

from portlab import __version__, files, lab
from portlab.errors import MalformedPacket
from portlab.exports.as_json import from_document, header
from portlab.exports.scans import Scans, together
from portlab.exports.table import rows, scan_of
from portlab.exports.times import NS
from portlab.model import Reason
from portlab.result import Scan

SCRIPT = "portlab"
FORMAT = "1.05"  # of nmap.dtd
SCAN_TYPES = ("connect", "syn", "udp", "ack", "fin", "null", "xmas")
FIDELITY = "nmap"  # nmap's own results do not say what network they are from

# --- writing ------------------------------------------------------------------------------------------------


def to_nmap_xml(scans: Scan | list[Scan], path: files.Pathish) -> None:
    """Write what nmap would have written; "-" is standard output."""
    files.write(path, _document(together(scans)))


def _document(scans: list[Scan]) -> str:
    started = min((scan.started_ns for scan in scans), default=0)
    ended = max((scan.started_ns + int(scan.elapsed_s * NS) for scan in scans), default=0)
    names = " ".join(dict.fromkeys(scan.technique for scan in scans))
    root = ET.Element("nmaprun", scanner="nmap", args=f"portlab {names}", start=str(started // NS))
    root.attrib |= {"version": f"PortLab {__version__}", "xmloutputversion": FORMAT}
    for scan in scans:
        if scan.technique in SCAN_TYPES:
            ports = sorted(set(scan.port.tolist()))
            info = ET.SubElement(root, "scaninfo", type=scan.technique, protocol=scan.protocol)
            info.attrib |= {"numservices": str(len(ports)), "services": _ranges(ports)}
    ET.SubElement(root, "verbose", level="0")
    ET.SubElement(root, "debugging", level="0")
    script = ET.SubElement(ET.SubElement(root, "prescript"), "script", id=SCRIPT, output="facts of the scans")
    for scan in scans:
        ET.SubElement(script, "elem", key="facts").text = json.dumps(header(scan))
    up = _hosts(root, scans)
    stats = ET.SubElement(root, "runstats")
    word = "success" if all(scan.complete for scan in scans) else "error"
    elapsed = f"{(ended - started) / NS:.2f}"
    ET.SubElement(stats, "finished", time=str(ended // NS), elapsed=elapsed, exit=word)
    total = len(root.findall("host"))
    ET.SubElement(stats, "hosts", up=str(up), down=str(total - up), total=str(total))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE nmaprun>\n{ET.tostring(root, "unicode")}\n'


def _hosts(root: ET.Element, scans: list[Scan]) -> int:
    """One element a host, with its ports; the number of hosts that are up."""
    hosts: dict[str, list[tuple[int, dict[str, Any], int]]] = {}
    for index, scan in enumerate(scans):
        for row, ttl in zip(rows(scan), _reason_ttls(scan), strict=True):
            hosts.setdefault(row["address"], []).append((index, row, ttl))
    return sum(_host(root, address, found) for address, found in hosts.items())


def _host(root: ET.Element, address: str, found: list[tuple[int, dict[str, Any], int]]) -> bool:
    host = ET.SubElement(root, "host")
    pings = [(row, ttl) for _, row, ttl in found if row["port"] is None]
    is_up = not pings or any(row["state"] == "up" for row, _ in pings)
    reason, ttl = (pings[0][0]["reason"], pings[0][1]) if pings else ("user-set", 0)  # nmap's word for -Pn
    ET.SubElement(host, "status", state="up" if is_up else "down", reason=reason, reason_ttl=str(ttl))
    ET.SubElement(host, "address", addr=address, addrtype="ipv4")
    if found[0][1]["host"] != address:
        names = ET.SubElement(host, "hostnames")
        ET.SubElement(names, "hostname", name=found[0][1]["host"], type="user")
    if any(row["port"] is not None for _, row, _ in found):
        ports = ET.SubElement(host, "ports")
        for index, row, ttl in found:
            if row["port"] is not None:
                _script(_port(ports, row, ttl), index, row)
    if pings:
        scripts = ET.SubElement(host, "hostscript")
        for index, row, _ in found:
            if row["port"] is None:
                _script(scripts, index, row)
    return is_up


def _port(ports: ET.Element, row: dict[str, Any], ttl: int) -> ET.Element:
    port = ET.SubElement(ports, "port", protocol=row["protocol"], portid=str(row["port"]))
    state = ET.SubElement(port, "state", state=row["state"], reason=row["reason"], reason_ttl=str(ttl))
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


def _reason_ttls(scan: Scan) -> list[int]:
    """The TTL that each deciding packet came with; 0 where there was none."""
    from portlab.packets.dissect import Dissected
    from portlab.techniques import technique

    ttls = [0] * len(scan)
    if technique(scan.technique).NEEDS_RAW:
        decided = (scan.findings.event >= 0).nonzero()[0]
        seen = Dissected(scan.received.frames[scan.findings.event[decided]])
        for row, ttl, is_ipv4 in zip(decided.tolist(), seen.ttl.tolist(), seen.is_ipv4.tolist(), strict=True):
            ttls[row] = ttl if is_ipv4 else 0
    return ttls


def _ranges(ports: list[int]) -> str:
    """[1, 2, 3, 22] -> "1-3,22"."""
    parts: list[list[int]] = []
    for port in ports:
        if parts and port == parts[-1][-1] + 1:
            parts[-1][1:] = [port]
        else:
            parts.append([port])
    return ",".join("-".join(map(str, part)) for part in parts)


# --- reading ------------------------------------------------------------------------------------------------


def read_nmap_xml(path: files.Source) -> Scans:
    """The scans of an nmap XML file, told apart by technique; `scan.complete` is false if it was cut off.

    Hosts that nmap took for granted (-Pn, its own machine) give no ping row, since nothing was asked.  Raises
    MalformedPacket for what is no such file.
    """
    data = files.read(path)
    try:
        root, whole = _parsed(data)
        facts = [
            json.loads(elem.text or "") for elem in root.iterfind("prescript/script[@id='portlab']/elem")
        ]
        if facts:
            own = root.iterfind("host//script[@id='portlab']/elem[@key='row']")
            return from_document({"scans": facts, "results": [json.loads(elem.text or "") for elem in own]})
        return _by_nmap(root, whole)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise MalformedPacket(
            f"{files.name_of(path)!r} is not a result in nmap's XML ({type(error).__name__}: {error}). "
            "Such files are written by: nmap -oX FILE, and by: portlab syn TARGET --xml FILE"
        ) from error


def _parsed(data: bytes) -> tuple[ET.Element, bool]:
    """The document, or as much of it as there is, and whether it was whole."""
    if b"<!ENTITY" in data:
        raise ValueError("it defines entities, which nmap never does")
    parser: Any = ET.XMLPullParser(["start", "end"])  # entities are refused above
    root: ET.Element | None = None
    hosts, whole = 0, True
    parser.feed(data)
    try:
        for event, element in parser.read_events():
            root = element if root is None else root
            hosts += event == "end" and element.tag == "host"
        parser.close()
    except ET.ParseError:
        whole = False
    if root is None or root.tag != "nmaprun" or not (whole or hosts):
        raise ValueError("no <nmaprun> with a host in it")
    for half_read in root.findall("host")[hosts:]:
        root.remove(half_read)
    return root, whole


def _by_nmap(root: ET.Element, whole: bool) -> Scans:
    finished = root.find("runstats/finished")
    exit_word = "" if finished is None else finished.get("exit", "success")
    facts = {
        "fidelity": FIDELITY,
        "started_ns": int(root.get("start", "0")) * NS,
        "elapsed_s": 0.0 if finished is None else float(finished.get("elapsed", "0")),
        "complete": whole and exit_word == "success",
        "stopped_by": ""
        if whole and exit_word == "success"
        else "nmap did not finish, or the file is cut off",
        "authorised": (),
        "lost_here": 0,
    }
    types = {info.get("protocol", ""): info.get("type", "") for info in root.iterfind("scaninfo")}
    by_technique: dict[str, list[dict[str, Any]]] = {}
    for host in root.iterfind("host"):
        for row in _rows_by_nmap(host, types):
            by_technique.setdefault(row["technique"], []).append(row)
    return Scans(scan_of(found, facts | {"technique": name}) for name, found in by_technique.items())


PING_REASONS = {
    "echo-reply": "ping",
    "timestamp-reply": "ping-timestamp",
    "arp-response": "ping-arp",
    "syn-ack": "ping-syn",
    "reset": "ping-ack",
}
"""What an nmap ping was answered with -> which technique of PortLab it was."""


def _rows_by_nmap(host: ET.Element, types: dict[str, str]) -> Iterator[dict[str, Any]]:
    addresses = [item.get("addr", "") for item in host.iterfind("address") if item.get("addrtype") == "ipv4"]
    if not addresses:
        return  # IPv6: PortLab is IPv4 only
    address = addresses[0]
    names = {item.get("type"): item.get("name", "") for item in host.iterfind("hostnames/hostname")}
    about = {
        "address": address,
        "host": names.get("user") or lab.name_of(address) or names.get("PTR") or address,
    }
    status = host.find("status")
    if not types and status is not None:
        reason = status.get("reason", "")
        if reason == "no-response" or reason in PING_REASONS or reason in {str(word) for word in Reason}:
            state = "up" if status.get("state") == "up" else "no-answer"
            name = PING_REASONS.get(reason, "ping")
            yield about | {"port": None, "technique": name, "state": state, **_said(status, address)}
    for port, protocol, said in _ports(host):
        name = types.get(protocol, "")
        if name not in SCAN_TYPES:
            raise ValueError(f"a scan of type {name or protocol!r}, which PortLab does not know")
        yield about | {"port": port, "technique": name, "state": said.get("state"), **_said(said, address)}


def _said(element: ET.Element, address: str) -> dict[str, Any]:
    """The reason, and who gave it."""
    reason = element.get("reason", "")
    silent = reason == Reason.NO_RESPONSE
    return {"reason": reason, "answered_by": None if silent else element.get("reason_ip", address)}


def _ports(host: ET.Element) -> Iterable[tuple[int, str, ET.Element]]:
    """Every port of a host; those that nmap only counted, by state and reason, come first."""
    for group in host.iterfind("ports/extraports"):
        for reasons in group.iterfind("extrareasons"):
            said = ET.Element("state", state=group.get("state", ""), reason=reasons.get("reason", ""))
            for first, last in re.findall(r"(\d+)(?:-(\d+))?", reasons.get("ports", "")):
                for port in range(int(first), int(last or first) + 1):
                    yield port, reasons.get("proto", ""), said
    for element in host.iterfind("ports/port"):
        state = element.find("state")
        if state is not None:
            yield int(element.get("portid", "")), element.get("protocol", ""), state
