"""The evidence of one scan, row by row: the frames, errnos and probes that a verdict stands on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from portlab.evidence.verdict import ByRow
from portlab.model import BATCH_CLOCK, FRAME, SENT, Errnos, Events, Frames, Probes, read_only
from portlab.packets.craft import total_length
from portlab.packets.headers import ETHERNET_SIZE, ETHERTYPE_IPV4
from portlab.techniques import Technique
from portlab.techniques.matching import NOBODY, ProbeTable, conversations

Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a technique's probes were answered; looked up by row at once, whatever the number of rows."""

    technique: Technique
    probes: Probes
    recorded: Events

    @cached_property
    def events(self) -> Events:
        """All events in order of time; probes that were not captured one by one are added from their table."""
        frames = self.recorded.frames
        if self.technique.EVIDENCE == "errnos" or not len(self.probes):
            return self.recorded
        if len(frames) and (frames["direction"] == SENT).any():
            return self.recorded
        together = np.concatenate([_as_sent(self.technique, self.probes), frames])
        in_order = read_only(together[np.argsort(together["time_ns"], kind="stable")])
        return Events(in_order, self.recorded.errnos)

    def frames(self, row: int, address: np.uint32, *, sought: bool) -> Frames:
        """The frames of one row, in order; `sought`: also ARP about its address, which nobody answered."""
        chosen = self._frames_by_row.of(row)
        if self.technique.PROTOCOL == "udp":
            chosen = np.union1d(chosen, self._strays_to(self.asked(row), address))
        if sought:
            seen = self.events.shown
            about = seen.is_arp & ((seen.arp_target == address) | (seen.arp_sender == address))
            chosen = np.union1d(chosen, np.flatnonzero(about))
        return self.events.frames[chosen]

    def errnos(self, row: int) -> Errnos:
        """How the connection attempts of one row ended."""
        return self.recorded.errnos[self._errnos_by_row.of(row)]

    def asked(self, row: int) -> Probes:
        """The probes of one row."""
        return self.probes[self._probes_by_row.of(row)]

    def deciding(self, frames: Frames, event: int, heard_ns: int) -> int | None:
        """Which of a row's frames is the deciding event; None: an errno without a frame."""
        same = frames["time_ns"] == heard_ns
        if self.technique.EVIDENCE == "frames":
            same &= (frames["data"] == self.recorded.frames["data"][event]).all(axis=1)
        else:
            same &= frames["direction"] != SENT
        return int(np.flatnonzero(same)[0]) if same.any() else None

    @cached_property
    def _frames_by_row(self) -> ByRow:
        probe = conversations(self.events.shown, ProbeTable(self.probes), self.technique.PROTOCOL)
        return ByRow(self._row_of(probe))

    @cached_property
    def _errnos_by_row(self) -> ByRow:
        return ByRow(self._row_of(self.recorded.errnos["probe"]))

    @cached_property
    def _probes_by_row(self) -> ByRow:
        return ByRow(self.probes["row"])

    def _strays_to(self, mine: Probes, address: np.uint32) -> Index:
        """Datagrams to the ports that these probes came from, of which nobody can say which port they answer."""
        seen, strays = self.events.shown, self._frames_by_row.of(NOBODY)
        strays = strays[(seen.is_udp & seen.received)[strays] & (seen.source[strays] == address)]
        asked_from = np.isin(seen.destination_port[strays], mine["source_port"])
        return strays[asked_from & np.isin(seen.destination[strays], mine["source"])]

    def _row_of(self, probe: Index) -> NDArray[np.int32]:
        """The row that each of these probes asked, negative for none."""
        rows = np.append(self.probes["row"], np.int32(NOBODY))
        return rows[np.where(probe == NOBODY, len(self.probes), probe)]


def _as_sent(technique: Technique, probes: Probes) -> Frames:
    """The probes as frames: crafting is pure, so these are the bytes that were sent."""
    packets = technique.craft(probes)
    frames = np.zeros(len(packets), FRAME)
    if not len(packets):
        return frames
    size = min(packets.shape[1], frames["data"].shape[1] - ETHERNET_SIZE)
    frames["data"][:, ETHERNET_SIZE : ETHERNET_SIZE + size] = packets[:, :size]
    frames["data"][:, 12:14] = divmod(ETHERTYPE_IPV4, 256)
    frames["length"] = total_length(packets) + ETHERNET_SIZE
    frames["captured"] = np.minimum(frames["length"], frames["data"].shape[1])
    frames["time_ns"], frames["direction"], frames["marks"] = probes["time_ns"], SENT, BATCH_CLOCK
    return frames
