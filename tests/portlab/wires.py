"""A wire for tests: one rule book instead of a network, a clock that jumps, and loss to order."""

from __future__ import annotations

import errno
import heapq
import itertools
import math
import random
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet

from portlab.model import ERRNO, RECEIVED, SENT, Events, Frames, Probes, no_frames
from portlab.packets.craft import total_length
from tests.portlab.frames import SCANNER, frame_of

Rule = Callable[[Packet], Packet | None]
EPOCH_NS = 1_700_000_000_000_000_000


class RuleWire:
    """Each sent packet is put before `rule`, which returns the answer or None; both directions lose packets."""

    fidelity = "test"
    lost_here = 0

    def __init__(self, rule: Rule, *, rtt: float = 0.001, loss: float = 0.0, seed: int = 1) -> None:
        self.rule, self.rtt, self.loss = rule, rtt, loss
        self.random = random.Random(seed)
        self.time = 0.0
        self.record_sent = True
        self.sent: list[tuple[float, Packet]] = []
        self.arriving: list[tuple[float, int, Frames]] = []
        self.order = itertools.count()  # frames of the same moment stay in the order they were made in
        self.next_port = 61_000
        self.missing: set[int] = set()  # addresses whose ARP goes unanswered
        self.fails_after: int | None = None  # so many packets, then the network is down
        self.interrupt_after: int | None = None
        self.ends_at: tuple[float, BaseException | type[BaseException]] | None = None  # when, and by what
        self.late: dict[
            int, tuple[float, int]
        ] = {}  # port -> how a connect() ends, and after how many seconds
        self.ending: list[tuple[float, int, int]] = []
        self.attempts = 0

    def now(self) -> float:
        return self.time

    def clock_ns(self) -> int:
        return EPOCH_NS + round(self.time * 1e9)

    def source(self, address: int) -> int:
        return int.from_bytes(bytes(map(int, SCANNER.split("."))), "big")

    def on_link(self, address: int) -> bool:
        return True

    def mtu(self, address: int) -> int:
        return 1500

    def source_port(self, protocol: str) -> int:
        self.next_port += 1
        return self.next_port

    def resolve(self, addresses: NDArray[np.uint32], wait: float, gap: float = 0.0) -> NDArray[np.bool_]:
        self.may_end()
        return np.array([int(address) not in self.missing for address in addresses])

    def may_end(self) -> None:
        if self.ends_at is not None and self.time >= self.ends_at[0]:
            raise self.ends_at[1]

    def send(self, packets: NDArray[np.uint8]) -> None:
        self.may_end()
        for row, length in zip(packets, total_length(packets), strict=True):
            if self.fails_after is not None and len(self.sent) >= self.fails_after:
                raise OSError(100, "Network is down")
            if self.interrupt_after is not None and len(self.sent) >= self.interrupt_after:
                raise KeyboardInterrupt
            packet = IP(row[:length].tobytes())
            self.sent.append((self.time, packet))
            if self.record_sent:
                self.arrive(0, packet, SENT)
            if self.lose() or (answer := self.rule(packet)) is None or self.lose():
                continue
            self.arrive(self.rtt, answer, RECEIVED)
        self.time += 1e-6 * len(packets)

    def lose(self) -> bool:
        return self.random.random() < self.loss

    def arrive(self, delay: float, packet: Packet, direction: int) -> None:
        time = self.time + delay
        frame = frame_of(packet, direction=direction, time_ns=EPOCH_NS + round(time * 1e9))
        heapq.heappush(self.arriving, (time, next(self.order), frame))

    def receive(self, wait: float) -> Frames:
        self.may_end()
        if not self.arriving or self.arriving[0][0] > self.time + wait:
            self.time += max(wait, 1e-6)
            return no_frames()
        self.time = max(self.time, self.arriving[0][0])
        there = []
        while self.arriving and self.arriving[0][0] <= self.time:
            there.append(heapq.heappop(self.arriving)[2])
        return np.concatenate(there)

    def connect(self, probes: Probes, wait: float, patience: float, gap: float = 0.0) -> Iterator[Events]:
        """Every attempt ends as `late` says, after so many seconds with that errno; of other ports nothing comes."""
        for probe in probes:
            probe["time_ns"], probe["source_port"] = self.clock_ns(), self.source_port("tcp")
            after, number = self.late.get(int(probe["port"]), (math.inf, 0))
            end = (after, number) if after <= patience else (patience, errno.ETIMEDOUT)
            heapq.heappush(self.ending, (self.time + end[0], self.attempts, end[1]))
            self.attempts += 1
            self.may_end()
        until = self.time + wait
        while self.ending and self.ending[0][0] <= until:
            self.time, probe, number = heapq.heappop(self.ending)
            row = (self.clock_ns(), 0, probe, number, -1, -1, 0)
            yield Events(no_frames(), np.array([row], ERRNO))
            self.may_end()
        self.time = until if self.ending else self.time

    def close(self) -> None:
        """Nothing is held."""


def answer_like_linux(open_ports: set[int], silent_ports: set[int] = frozenset()) -> Rule:  # type: ignore[assignment]
    """A host with those TCP and UDP ports open; the silent ones are dropped by a filter."""

    def rule(packet: Packet) -> Packet | None:
        back = IP(src=packet.dst, dst=packet.src)
        if TCP in packet:
            segment = packet[TCP]
            if segment.dport in silent_ports:
                return None
            flags = "SA" if segment.dport in open_ports else "RA"
            return back / TCP(
                sport=segment.dport, dport=segment.sport, flags=flags, ack=segment.seq + 1, seq=7
            )
        if UDP in packet:
            datagram = packet[UDP]
            if datagram.dport in silent_ports:
                return None
            if datagram.dport in open_ports:
                return back / UDP(sport=datagram.dport, dport=datagram.sport) / b"here"
            return back / ICMP(type=3, code=3) / IP(bytes(packet)[:28])
        echo = packet[ICMP]
        return back / ICMP(type=0, id=echo.id, seq=echo.seq) / bytes(echo.payload)

    return rule
