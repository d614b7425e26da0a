"""One scan as a value: what was asked, the events that came, and the columns that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from portlab.addresses import dotted
from portlab.errors import BadTarget, plain, quoted
from portlab.evidence.by_row import Evidence
from portlab.evidence.verdict import NO_EVENT, NO_PORT, REMARKS, RST_AS_WELL, Asked, Findings
from portlab.model import Answer, Events, Exchange, PortResult, Probes, Reason, State, read_only
from portlab.ports import service_name
from portlab.techniques import technique

SCAN, ORDINARY, FLOOD = "scan", "ordinary", "flood"

if TYPE_CHECKING:
    from os import PathLike

    from pandas import DataFrame

NOT_OURS = "So says the file that it was read from; PortLab cannot say why."


@dataclass(frozen=True, eq=False, repr=False)
class Scan:
    """The result of one scan.  Every port asked comes back exactly once, with state and reason.

    As columns: `host`, `address`, `port`, `state`, `reason`, `rtt_ms`, `tries`, `answered_by`, `icmp_type`,
    `icmp_code`, `ttl`, arrays of the same length (states and reasons as codes, see `model`).  As rows: iterate, or
    `scan["web", 22]`. As evidence: `events`, `probes`, and `exchange(host, port)`, the conversation behind
    one verdict.
    """

    technique: str
    fidelity: str
    started_ns: int
    elapsed_s: float
    complete: bool
    authorised: tuple[str, ...]
    lost_here: int
    asked: Asked
    findings: Findings
    probes: Probes
    recorded: Events  # as they came; `events` adds the sent rows that were not captured
    matched: bool = True
    """False where a capture of one direction gave answers without their questions."""
    stopped_by: str = ""
    """Why the scan ended early, where `complete` is false."""
    never_asked: tuple[tuple[str, int | None], ...] = ()
    """(address, port) of the rows that were not reached before it ended."""
    unanswered: tuple[tuple[str, int | None], ...] = ()
    """(address, port) of the rows that were asked, but whose answer was not waited for: it ended too early."""
    watched_until_ns: int = 0
    """When the capture ended that this was read from; 0: with the scan itself."""
    traffic: str = SCAN
    """SCAN; of a capture also ORDINARY (programs' own connections and datagrams, told by the same rules) or FLOOD
    (more askers than can be told apart: forged senders, or very many scanners)."""
    notes: tuple[str, ...] = ()
    """What is not in this scan and why, each a sentence: of the file that it was read from, or for a permission."""

    def __post_init__(self) -> None:
        """A result is a value: its arrays can be read, not written.  Words may come from a file: no control character
        in them reaches a terminal or an XML file.
        """
        for name in ("fidelity", "stopped_by"):
            object.__setattr__(self, name, plain(getattr(self, name)))
        object.__setattr__(self, "authorised", tuple(plain(str(item)) for item in self.authorised))
        columns = {column.name: read_only(getattr(self.findings, column.name)) for column in fields(Findings)}
        scanner = None if self.asked.scanner is None else read_only(self.asked.scanner)
        asked = Asked(read_only(self.asked.address), read_only(self.asked.port), self.asked.names, scanner)
        for name, value in (
            ("asked", asked),
            ("findings", Findings(**columns)),
            ("probes", read_only(self.probes)),
        ):
            object.__setattr__(self, name, value)

    left_out: tuple[tuple[str, int], ...] = ()
    """Of a capture: why frames between the scanner and those it asked were not read, and how many."""

    # --- columns ------------------------------------------------------------------------------------------

    @cached_property
    def scanner(self) -> NDArray[np.uint32]:
        """Who asked each row: the source address of its probes; 0 where nobody did or several did."""
        if self.asked.scanner is not None:
            return self.asked.scanner
        mine = self.probes[self.probes["row"] >= 0]
        one = (
            len(mine) and (mine["source"] == mine["source"][0]).all()
        )  # also where ARP was as far as it came
        scanner = np.full(len(self), mine["source"][0] if one else 0, np.uint32)
        scanner[mine["row"]] = mine["source"]
        return scanner

    @property
    def protocol(self) -> str:
        return technique(self.technique).PROTOCOL

    @property
    def address(self) -> NDArray[np.uint32]:
        return self.asked.address

    @property
    def port(self) -> NDArray[np.int32]:
        return self.asked.port

    @property
    def state(self) -> NDArray[np.uint8]:
        return self.findings.state

    @property
    def reason(self) -> NDArray[np.uint8]:
        return self.findings.reason

    @property
    def rtt_ms(self) -> NDArray[np.float64]:
        return self.findings.rtt_ms

    @property
    def tries(self) -> NDArray[np.uint8]:
        return self.findings.tries

    @property
    def answered_by(self) -> NDArray[np.uint32]:
        return self.findings.answered_by

    @property
    def icmp_type(self) -> NDArray[np.int16]:
        return self.findings.icmp_type

    @property
    def icmp_code(self) -> NDArray[np.int16]:
        return self.findings.icmp_code

    @property
    def ttl(self) -> NDArray[np.int16]:
        return self.findings.ttl

    @cached_property
    def host(self) -> list[str]:
        """The name of each row's host, or its address where it has none."""
        called = {int(a): self.asked.names.get(int(a)) or dotted(int(a)) for a in np.unique(self.address)}
        return [called[a] for a in self.address.tolist()]

    @cached_property
    def service(self) -> list[str]:
        """The usual service of each row's port ("" where the reference has none): a convention, not an
        observation.
        """
        ports, which = np.unique(self.port, return_inverse=True)
        usual = [self._usual(port) for port in ports.tolist()]
        return [usual[place] for place in which.tolist()]

    def _usual(self, port: int) -> str:
        return service_name(port, self.protocol) if port != NO_PORT else ""

    # --- rows ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.asked)

    def __iter__(self) -> Iterator[PortResult]:
        return (self.row(index) for index in range(len(self)))

    def __getitem__(self, key: str | tuple[str, int]) -> PortResult:
        if isinstance(key, tuple) and len(key) > 2:
            raise BadTarget(f"scan[{quoted(key)[1:-1]}] names more than a host and a port. {self._example()}")
        return self.row(self.index(*key) if isinstance(key, tuple) and key else self.index(key))

    def index(self, host: str, port: int | None = None) -> int:
        """The row of that host (name or address) and port.  BadTarget where it was not asked."""
        if not isinstance(host, str):
            raise BadTarget(f"{quoted(host)} is not the name or address of a host. {self._example()}")
        if port is not None and (isinstance(port, bool) or not isinstance(port, int | np.integer)):
            raise BadTarget(f"{quoted(port)} is not the number of a port. {self._example()}")
        wanted = host.lower().removesuffix(".lab")
        row = self.asked.row(wanted, NO_PORT if port is None else int(port))
        if row is None:
            ports = self.port[np.isin(self.address, self.asked.called.get(wanted, ()))].tolist()
            raise BadTarget(self._not_reached(host, port) or self._not_asked(host, port, ports))
        return row

    def _not_reached(self, host: str, port: int | None) -> str:
        """Why there is no such row, where the scan ended before there could be one."""
        asked = quoted(host) if port is None else f"{quoted(host)}, {quoted(port)}"
        addresses = {name: address for address, name in self.asked.names.items()}
        apart = (dotted(addresses[host]) if host in addresses else host, port)
        if apart not in self.unanswered and apart not in self.never_asked:
            return ""
        when = "had answered" if apart in self.unanswered else "was asked"
        return f"This scan ended ({self.stopped_by}) before {asked} {when}. Scan it again."

    def _not_asked(self, host: str, port: int | None, ports: list[int]) -> str:
        """Why there is no such row, where of that host these ports were asked."""
        asked = quoted(host) if port is None else f"{quoted(host)}, {quoted(port)}"
        if not ports:
            return f"This scan did not ask {asked}. It asked {_few(sorted(set(self.host)))}."
        if port is None:
            return f"A {self.technique} scan has a row a port: name one. {self._example(host, ports[0])}"
        if ports[0] == NO_PORT:
            return f"A {self.technique} asks hosts, no ports. {self._example(host, NO_PORT)}"
        return f"This scan did not ask {asked}. It asked its ports {_few([str(each) for each in ports])}."

    def _example(self, host: str = "", port: int | None = None) -> str:
        """How one row of this scan is asked for."""
        host = host or next(iter(self.host), "web")
        if port is None:
            port = int(self.port[0]) if len(self) else 80
        return f"Type scan[{quoted(host)}]." if port == NO_PORT else f"Type scan[{quoted(host)}, {port}]."

    def row(self, index: int) -> PortResult:
        """One row as a value with words in it."""
        found, port = self.findings, int(self.port[index])
        answer = Answer.of(found.answer[index])
        meanings = technique(self.technique).MEANINGS
        meaning = meanings.get(answer, meanings[Answer.SILENCE])
        rtt = float(found.rtt_ms[index])
        speaker = int(found.answered_by[index])
        return PortResult(
            host=self.host[index],
            address=dotted(int(self.address[index])),
            port=None if port == NO_PORT else port,
            protocol=self.protocol,
            technique=self.technique,
            state=State.of(found.state[index]),
            reason=Reason.of(found.reason[index]),
            rtt_ms=None if np.isnan(rtt) else rtt,
            tries=int(found.tries[index]),
            answered_by=dotted(speaker) if speaker else None,
            icmp_type=_or_none(found.icmp_type[index]),
            icmp_code=_or_none(found.icmp_code[index]),
            service=self._usual(port),
            fidelity=self.fidelity,
            sentence=NOT_OURS if answer is Answer.UNKNOWN else self._sentence(index, meaning.sentence),
            source="" if answer is Answer.UNKNOWN else meaning.source,
            caveat=self._caveat(index, answer),
            scanner=dotted(int(self.scanner[index])) if self.scanner[index] else None,
            traffic=self.traffic,
            ttl=_or_none(found.ttl[index]),
        )

    def _sentence(self, index: int, usual: str) -> str:
        remark = int(self.findings.remark[index])
        return usual if remark in (0, RST_AS_WELL) else REMARKS[remark]

    def _caveat(self, index: int, answer: Answer) -> str:
        """Where the verdict hides what was on the wire: one sentence that tells."""
        if (remark := int(self.findings.remark[index])) == RST_AS_WELL:
            return REMARKS[remark]
        if self.technique != "connect" or self.icmp_type[index] < 0:
            return ""
        speaker = dotted(int(self.answered_by[index]))
        whose = "the host itself" if self.answered_by[index] == self.address[index] else speaker
        kind = f"ICMP {self.icmp_type[index]}/{self.icmp_code[index]} from {whose}"
        if answer == Answer.REFUSED:
            return (
                f"Not a RST: it was {kind} that made connect() say refused. "
                "A closed TCP port speaks RST, so this is a filter's work."
            )
        return f"It was {kind} that ended this connection attempt."

    def without(self, never_asked: NDArray[np.bool_], unanswered: NDArray[np.bool_] | None = None) -> Scan:
        """The same scan with those rows listed apart: nothing is claimed about what was not asked and waited for."""
        unanswered = np.zeros(len(self), bool) if unanswered is None else unanswered
        kept = ~(never_asked | unanswered)
        if kept.all():
            return self
        number = np.where(kept, np.cumsum(kept) - 1, -1)
        probes = self.probes.copy()
        asked = probes["row"] >= 0
        probes["row"][asked] = number[probes["row"][asked]]
        columns = {column.name: getattr(self.findings, column.name)[kept] for column in fields(Findings)}
        return replace(
            self,
            asked=Asked(
                self.address[kept],
                self.port[kept],
                self.asked.names,
                None if self.asked.scanner is None else self.asked.scanner[kept],
            ),
            findings=Findings(**columns),
            probes=probes,
            never_asked=self._pairs(never_asked),
            unanswered=self._pairs(unanswered),
        )

    def _pairs(self, rows: NDArray[np.bool_]) -> tuple[tuple[str, int | None], ...]:
        """(address, port) of those rows."""
        called = {address: dotted(address) for address in np.unique(self.address[rows]).tolist()}
        pairs = zip(self.address[rows].tolist(), self.port[rows].tolist(), strict=True)
        return tuple((called[address], None if port == NO_PORT else port) for address, port in pairs)

    # --- evidence -----------------------------------------------------------------------------------------

    @cached_property
    def _evidence(self) -> Evidence:
        return Evidence(technique(self.technique), self.probes, self.recorded)

    @property
    def events(self) -> Events:
        """All events in order of time.

        Sent probes that were not captured one by one are added from the probes table; they carry the clock of
        their batch and are marked BATCH_CLOCK.
        """
        return self._evidence.events

    def exchange(self, host: str, port: int | None = None) -> Exchange:
        """The conversation behind one verdict: its frames in order, the deciding one marked."""
        return self._exchange(self.index(host, port))

    def _exchange(self, index: int) -> Exchange:
        sought = self.findings.answer[index] == Answer.NO_NEIGHBOUR.code
        frames = self._evidence.frames(index, self.address[index], sought=bool(sought))
        event, heard_ns = int(self.findings.event[index]), int(self.findings.heard_ns[index])
        return Exchange(
            result=self.row(index),
            frames=read_only(frames),
            errnos=read_only(self._evidence.errnos(index)),
            probes=read_only(self._evidence.asked(index)),
            decides=None if event == NO_EVENT else self._evidence.deciding(frames, event, heard_ns),
            ended_ns=self.watched_until_ns or self.started_ns + int(self.elapsed_s * 1e9),
            names=self.asked.names,
        )

    # --- doors to other rooms (the only place where this one looks down) ----------------------------------

    def to_frame(self) -> DataFrame:
        """A tidy DataFrame, one row a port, units in the column names."""
        from portlab import exports

        return exports.to_frame(self)

    def to_events_frame(self) -> DataFrame:
        """A tidy DataFrame of every probe that left and every answer that came for it, in order of time."""
        from portlab import exports

        return exports.to_events_frame(self)

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write the tidy table as CSV."""
        from portlab import exports

        exports.to_csv(self, path)

    def to_json(self, path: str | PathLike[str] | None = None) -> str | None:
        """Write everything but the frames as JSON; without a path return it."""
        from portlab import exports

        return exports.to_json(self, path)

    def to_nmap_xml(self, path: str | PathLike[str]) -> None:
        """Write the result as nmap would write it."""
        from portlab import exports

        exports.to_nmap_xml(self, path)

    def to_pcap(self, path: str | PathLike[str]) -> None:
        """Write the frames as a capture file (pcapng, or classic pcap where the name ends in .pcap)."""
        from portlab.packets import pcap

        pcap.write(path, self.events.frames)

    def __repr__(self) -> str:
        from portlab.view import summary

        return summary.text(self)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        from portlab.view import summary

        return summary.mimebundle(self)


def _or_none(value: np.int16) -> int | None:
    return None if value < 0 else int(value)


def _few(words: list[str]) -> str:
    return ", ".join(words[:8]) + (f" and {len(words) - 8} more" if len(words) > 8 else "")
