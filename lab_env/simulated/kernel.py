"""connect() as the student's kernel does it: the handshake, its repetitions, and the errno at the end."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from lab_env.simulated.medium import Medium, in_order
from lab_env.simulated.network import FATE, NEIGHBOUR_FAILS_NS, Reply
from portlab.model import ERRNO, Events, Frames, Probes
from portlab.packets import craft
from portlab.packets.headers import ACK, RST, SYN, UNREACHABLE

SYN_AT_NS = (0, 1_000_000_000, 3_000_000_000)
"""When the SYN is sent and repeated: gaps of 1 and 2 seconds (RFC 6298 section 5.5), then a last one of 4."""
GIVE_UP_NS = 7_000_000_000
ARP_GAP_NS = 1_000_000_000
"""Linux asks three times, a second apart."""
IN_FLIGHT = 1024
SOCKET_NS = 12_000
"""How long a program takes from one connect() to the next."""
ACK_NS, CLOSE_NS = 6_000, 40_000
"""How soon the kernel acknowledges a SYN-ACK, and the program closes."""

LINUX_SYN = bytes.fromhex("020405b40402080a000000010000000001030307")
"""The options of Linux's SYN: segment size 1460, selective acknowledgments, timestamps, window scale 7."""
LINUX_WINDOW = 64240

ERRNO_OF_CODE = {0: errno.ENETUNREACH, 2: errno.ENOPROTOOPT, 3: errno.ECONNREFUSED, 9: errno.ENETUNREACH}
"""What Linux makes of the codes of ICMP destination unreachable; of all others EHOSTUNREACH."""


def connections(medium: Medium, probes: Probes, timeout_ns: int, gap_ns: int = 0) -> Iterator[Events]:
    """Connect to the (address, port) of each probe, some at a time, `gap_ns` apart at least; each batch with its
    frames and errnos.

    Fills in each probe's time, source address and source port.
    """
    for first in range(0, len(probes), IN_FLIGHT):
        batch = Batch(medium, probes[first : first + IN_FLIGHT], timeout_ns, gap_ns)
        errnos = batch.run()
        errnos["probe"] += first
        medium.advance_to(int(errnos["time_ns"].max()))
        yield Events(in_order(batch.frames), errnos[np.argsort(errnos["time_ns"], kind="stable")])


class Batch:
    """Connections that are made at the same time."""

    def __init__(self, medium: Medium, probes: Probes, timeout_ns: int, gap_ns: int) -> None:
        self.medium, self.probes, self.frames = medium, probes, list[Frames]()
        count = len(probes)
        self.start = medium.clock_ns() + np.arange(count, dtype=np.int64) * max(SOCKET_NS, gap_ns)
        self.end = self.start + min(timeout_ns, GIVE_UP_NS)
        self.source_ports = medium.kernel_ports(count)
        self.sequence_numbers = medium.network.random.integers(0, 2**32, count, np.uint32)
        self.fates = np.zeros(count, FATE)
        probes["time_ns"], probes["source"] = self.start, medium.places.student_address
        probes["source_port"] = self.source_ports

    def run(self) -> NDArray[np.void]:
        """Make the connections; how each one ended."""
        open_rows = np.flatnonzero(self.medium.reachable(self.probes["address"]))
        for delay in SYN_AT_NS:
            waiting = (self.fates["kind"] == Reply.SILENCE) | (self.fates["time_ns"] > self.start + delay)
            again = (waiting & (self.start + delay < self.end))[open_rows]
            if again.any():
                self._send_syns(open_rows[again], delay)
        self._finish_handshakes()
        errnos = self._errnos()
        self._neighbours_missing(errnos)
        return errnos

    def _send_syns(self, rows: NDArray[np.intp], delay: int) -> None:
        probes = self.probes[rows]
        packets = craft.tcp(
            np.full(len(rows), self.medium.places.student_address, np.uint32),
            probes["address"],
            self.source_ports[rows],
            probes["port"],
            sequence_number=self.sequence_numbers[rows],
            control_bits=SYN,
            window=LINUX_WINDOW,
            options=LINUX_SYN,
        )
        sent, arrivals, fates, received = self.medium.exchange(packets, self.start[rows] + delay)
        self.frames += [sent, received]
        answered = fates["kind"] != Reply.SILENCE
        fresh = rows[arrivals["row"][answered]]
        first = self.fates["kind"][fresh] == Reply.SILENCE
        sooner = first | (fates["time_ns"][answered] < self.fates["time_ns"][fresh])
        self.fates[fresh[sooner]] = fates[answered][sooner]

    def _finish_handshakes(self) -> None:
        """ACK to each SYN-ACK; then the scanner closes at once, which with "linger 0" is a RST."""
        rows = np.flatnonzero((self.fates["kind"] == Reply.SYN_ACK) & (self.fates["time_ns"] <= self.end))
        for control_bits, delay in ((ACK, ACK_NS), (RST | ACK, CLOSE_NS)):
            packets = craft.tcp(
                np.full(len(rows), self.medium.places.student_address, np.uint32),
                self.probes["address"][rows],
                self.source_ports[rows],
                self.probes["port"][rows],
                sequence_number=self.sequence_numbers[rows] + np.uint32(1),
                acknowledgment_number=self.fates["sequence_number"][rows] + np.uint32(1),
                control_bits=control_bits,
                window=LINUX_WINDOW,
            )
            self.frames.append(self.medium.sent(packets, self.fates["time_ns"][rows] + delay))

    def _errnos(self) -> NDArray[np.void]:
        """What connect() returned, and what the socket's error queue holds beside it."""
        errnos = np.zeros(len(self.probes), ERRNO)
        errnos["probe"] = np.arange(len(self.probes))
        errnos["icmp_type"] = errnos["icmp_code"] = -1
        in_time = (self.fates["kind"] != Reply.SILENCE) & (self.fates["time_ns"] <= self.end)
        errnos["errno"], errnos["time_ns"] = errno.ETIMEDOUT, self.end
        errnos["time_ns"][in_time] = self.fates["time_ns"][in_time]
        connected = in_time & (self.fates["kind"] == Reply.SYN_ACK)
        errnos["errno"][connected] = 0
        errnos["time_ns"][connected] += (
            ACK_NS + CLOSE_NS
        ) // 2  # the ACK has left, the close is still to come
        errnos["errno"][in_time & (self.fates["kind"] == Reply.RESET)] = errno.ECONNREFUSED
        for row in np.flatnonzero(in_time & (self.fates["kind"] == Reply.ICMP_ERROR)).tolist():
            fate, end = self.fates[row], errnos[row]
            by_code = ERRNO_OF_CODE.get(int(fate["icmp_code"]), errno.EHOSTUNREACH)
            end["errno"] = by_code if fate["icmp_type"] == UNREACHABLE else errno.EHOSTUNREACH
            end["icmp_type"], end["icmp_code"] = fate["icmp_type"], fate["icmp_code"]
            end["answered_by"] = fate["speaker"]
        return errnos

    def _neighbours_missing(self, errnos: NDArray[np.void]) -> None:
        """The kernel asks by ARP, and gives up after about three seconds.  No ICMP is involved."""
        missing = np.flatnonzero(~self.medium.reachable(self.probes["address"]))
        addresses, first = np.unique(self.probes["address"][missing], return_index=True)
        asked = self.start[missing[first]]
        self.frames.append(self.medium.ask_neighbours(addresses, asked, ARP_GAP_NS))
        told = missing[self.start[missing] + NEIGHBOUR_FAILS_NS <= self.end[missing]]
        errnos["errno"][told] = errno.EHOSTUNREACH
        errnos["time_ns"][told] = self.start[told] + NEIGHBOUR_FAILS_NS
