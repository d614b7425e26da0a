"""Results in nmap's XML read back: nmap's own of any age, masscan's, and PortLab's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree as ET

from portlab import files
from portlab.errors import MalformedPacket, quoted
from portlab.evidence.result import Scan
from portlab.evidence.scans import Scans
from portlab.exports.as_json import each_once, from_document
from portlab.exports.claims import FOREIGN, LATEST, amount
from portlab.exports.nmap_hosts import Hosts, ScanInfo
from portlab.exports.nmap_verdicts import sentences
from portlab.exports.nmap_words import runs, whole_number
from portlab.exports.other_readers import NOT_SUCH_A_FILE, looks_like, why
from portlab.exports.times import NS

PIECE = 1 << 20  # bytes handed to the parser at a time
DEEPEST = 100  # elements within elements


def read_nmap_xml(path: files.Source) -> Scans:
    """The scans of an nmap XML file, told apart by technique, pings first.

    What the file says is read as nmap's word (`fidelity` "nmap" or "masscan"); a reason that it does not give is
    `unknown`.  What PortLab has no place for (SCTP, IPv6, ports that are only counted) is left out, and the `notes`
    of the scans and of the whole say how much.  Hosts that nmap took for granted (-Pn, its own machine) give no ping
    row, since nothing was asked.  `scan.complete` is false if nmap was stopped or the file is cut off; what was done
    by then is read.  At most 16,777,216 rows.  Raises MalformedPacket for what is no such file.
    """
    data = files.read(path)
    try:
        run = _parsed(data)
        return _by_portlab(run) if run.own else _by_nmap(run)
    except NOT_SUCH_A_FILE as error:
        told = looks_like(path, data, "read_nmap_xml") or why(error)
        raise MalformedPacket(
            f"{files.name_of(path)!r} is not a result in nmap's XML ({told}). "
            "Such files are written by: nmap -oX FILE, and by: portlab syn TARGET --xml FILE"
        ) from error


@dataclass(eq=False)
class NmapRun:
    """What stands in one <nmaprun>, taken child by child, so that no more than one host is in memory."""

    about: dict[str, str] = field(default_factory=dict)
    hosts: Hosts = field(default_factory=Hosts)
    own: bool = False  # PortLab wrote it, and beside nmap's elements this as JSON:
    facts: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    finished: dict[str, str] | None = None
    totals: dict[str, str] = field(default_factory=dict)
    begun: bool = False
    ended: bool = False
    cut_off: str = ""  # what is wrong with the end of the file
    more: str = ""  # what follows after the end

    @property
    def scanner(self) -> str:
        """Whose word it is."""
        said = self.about.get("scanner", "")
        return said if said in FOREIGN else FOREIGN[0]

    def take(self, element: ET.Element) -> None:
        """One child of <nmaprun>."""
        match element.tag:
            case "scaninfo":
                self._asked(element)
            case "prescript":
                self.own = element.find("script[@id='portlab']") is not None
                for elem in element.iterfind("script[@id='portlab']/elem"):
                    (self.notes if elem.get("key") == "notes" else self.facts).append(elem.text or "")
            case "host" if self.own:
                self.hosts.count += 1
                own = element.iterfind(".//script[@id='portlab']/elem[@key='row']")
                self.rows += [elem.text or "" for elem in own]
            case "host":
                self.hosts.take(element)
            case "target" if element.get("status") == "skipped":
                self.hosts.found.note(
                    "Left out by nmap itself", "target", f"({element.get('reason', 'skipped')})"
                )
            case "runstats":
                self._ended(element)

    def _ended(self, stats: ET.Element) -> None:
        finished, totals = stats.find("finished"), stats.find("hosts")
        self.finished = None if finished is None else dict(finished.attrib)
        self.totals = {} if totals is None else dict(totals.attrib)

    def _asked(self, info: ET.Element) -> None:
        protocol, type_ = info.get("protocol", ""), info.get("type", "")
        before = self.hosts.asked.get(protocol)
        if before and before.type != type_:
            type_ = f"{before.type} or {type_}"
        self.hosts.asked[protocol] = ScanInfo(type_, runs(info.get("services", "")))
        if flags := info.get("scanflags"):
            begins = (
                f"nmap was told to set other flags than this technique does (--scanflags {quoted(flags)})"
            )
            self.hosts.found.note(begins, "", name=type_)


def _parsed(data: bytes) -> NmapRun:
    """The document, or as much of it as there is."""
    if any("<!ENTITY".encode(encoding) in data for encoding in ("ascii", "utf-16-le", "utf-16-be")):
        raise ValueError("it defines entities, which nmap never does")
    run = NmapRun()
    try:
        for element in _children(data, run):
            run.take(element)
    except ET.ParseError as error:
        if not run.begun:
            raise ValueError(f"it is no XML: {error}") from error
        if run.ended:
            run.more = str(error)
        elif run.hosts.count:
            run.cut_off = f"nmap was stopped before its end, or the file is cut off or damaged: {error}"
        else:
            raise ValueError(
                f"nmap was stopped, or the file is cut off or damaged, before its first host was done: {error}"
            ) from error
    return run


def _children(data: bytes, run: NmapRun) -> Iterator[ET.Element]:
    """The children of <nmaprun>, each forgotten after its turn."""
    depth, root = 0, ET.Element("none")
    for event, element in _events(data):
        depth += 1 if event == "start" else -1
        if depth > DEEPEST:
            raise ValueError(f"its elements are nested more than {DEEPEST} deep")
        if event == "start" and depth == 1:
            if element.tag != "nmaprun":
                raise ValueError(f"it begins with <{element.tag}> and not with <nmaprun>")
            run.about, run.begun, root = dict(element.attrib), True, element
        elif event == "end" and depth == 1:
            yield element
            root.clear()
        elif event == "end" and depth == 0:
            run.ended = True


def _events(data: bytes) -> Iterator[tuple[str, ET.Element]]:
    """Starts and ends of elements, one after the other; entities were refused before."""
    parser: Any = ET.XMLPullParser(["start", "end"])
    for begin in range(0, len(data), PIECE):
        parser.feed(data[begin : begin + PIECE])
        yield from parser.read_events()
    parser.close()
    yield from parser.read_events()


# --- PortLab's own files ------------------------------------------------------------------------------------


def _by_portlab(run: NmapRun) -> Scans:
    """The scans as they were written, from the JSON beside nmap's elements."""
    facts, rows, notes = (
        [json.loads(text, object_pairs_hook=each_once) for text in texts]
        for texts in (run.facts, run.rows, run.notes)
    )
    rows.sort(key=lambda row: whole_number(str(row.get("row", 0))))
    document = {"scans": facts, "results": rows, "notes": [note for several in notes for note in several]}
    scans = from_document(document)
    if run.cut_off:
        scans[:] = [replace(scan, complete=False, stopped_by=run.cut_off) for scan in scans]
    return scans


# --- nmap's and masscan's -----------------------------------------------------------------------------------


def _by_nmap(run: NmapRun) -> Scans:
    finished, stopped_by = run.finished or {}, _stopped_by(run)
    started = whole_number(run.about.get("start", "0"), LATEST // NS)
    ended = whole_number(finished.get("time", "0"), LATEST // NS)
    elapsed = float(finished.get("elapsed", max(ended - started, 0)))
    facts = {
        "fidelity": run.scanner,
        "started_ns": started * NS,
        "elapsed_s": amount(elapsed, "elapsed"),
        "complete": not stopped_by,
        "stopped_by": stopped_by,
        "authorised": (),
        "lost_here": 0,
    }
    _note_the_uncounted(run)
    run.hosts.add_silent()
    scans = run.hosts.found.scans(facts)
    return Scans(scans, _notes(run, scans, stopped_by))


def _notes(run: NmapRun, scans: list[Scan], stopped_by: str) -> Iterator[str]:
    """What is to be said of the file, and belongs to none of its scans."""
    said = {scan.technique for scan in scans}
    for name, notes in run.hosts.found.notes.items():
        if name not in said:
            yield from sentences(notes)
    if run.more:
        yield f"After the end of this result more follows, and is left out ({run.more})."
    if stopped_by and not scans:
        yield f"The scan did not end well ({stopped_by.rstrip('.')})."


def _stopped_by(run: NmapRun) -> str:
    """Why nmap did not come to its end; "" if it did."""
    if run.cut_off:
        return run.cut_off
    if run.finished is None:
        return "nmap did not say that it was done"
    if run.finished.get("exit", "success") == "success":
        return ""
    said = run.finished.get("errormsg", "it ended with an error")
    return "nmap: " + "".join(letter if letter.isprintable() else " " for letter in said)


def _note_the_uncounted(run: NmapRun) -> None:
    """Hosts that nmap leaves out of its file and counts at the end (masscan counts answers there)."""
    if run.scanner != "nmap" or run.cut_off:
        return
    up, down, total = (whole_number(run.totals.get(name, "0")) for name in ("up", "down", "total"))
    if up + down != total:  # after an error nmap has been seen to count -1 of them
        return
    if run.totals and not run.hosts.count and not total:
        run.hosts.found.note("nmap found no host to ask", "")
    listed_up = run.hosts.by_status["up"]
    for missing, ends in (
        (down - (run.hosts.count - listed_up), "that did not answer; nmap -v lists them"),
        (up - listed_up, "that answered (nmap --open leaves out those without an open port)"),
    ):
        if missing > 0:
            run.hosts.found.note("Only counted in the file, not listed", "host", ends, missing)
