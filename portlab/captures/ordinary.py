"""Scans told from the traffic of ordinary programs.

A scanner asks several ports of one host, or one port of several neighbours, and mostly nothing comes of it: no
connection, or one on which nothing is said; no datagram in return.  A program asks to be served.  Probes that no
program sends (a SYN without an operating system's options that nobody follows up, FIN, NULL, Xmas) are a scan even
alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from portlab.captures.talks import Index, Mask, Talks, ids
from portlab.packets.dissect import Dissected
from portlab.packets.headers import RST
from portlab.techniques import is_ping

if TYPE_CHECKING:
    from portlab.captures.asking import Questions

SEVERAL_PORTS = 3  # of one host
SEVERAL_HOSTS = 5  # by the same question; of a port, in one network of 256 addresses
ALWAYS = ("syn", "fin", "null", "xmas")
TRACEROUTE = range(33_434, 33_690)  # the ports that traceroute counts up, a hop or three each


def is_scan(seen: Dissected, talk: Talks, questions: Questions, technique: str) -> Mask:
    """Which of one technique's questions belong to a scan."""
    always = (technique in ALWAYS) & questions["matched"] & ~questions["by_system"]
    if always.all():
        return always
    host = ids(questions["scanner"], questions["address"])
    port = ids(questions["scanner"], questions["port"])
    if is_ping(technique):
        return different(port, questions["address"])[port] >= SEVERAL_HOSTS
    if technique in ("ack", "maimon"):  # these were looked at closely already
        several = [different(host, questions["port"]), different(host, questions["talk"])]
        hosts = different(port, questions["address"])[port]
        return (several[0][host] > 1) | (several[1][host] >= SEVERAL_PORTS) | (hosts > 1)
    vain = np.ones(talk.count, bool)
    if technique in ("connect", "udp"):
        judged = _vain_connections if technique == "connect" else _vain_datagrams
        vain = judged(seen, talk, questions)
    vain_question = vain[questions["talk"]]
    several_ports = _mostly(host, questions["port"], vain_question, SEVERAL_PORTS)
    network = ids(port, questions["address"] >> 8)
    several_hosts = _mostly(network, questions["address"], vain_question, SEVERAL_HOSTS)
    scanned = always | several_ports | several_hosts
    same_ports = np.isin(
        port, np.flatnonzero(np.bincount(port, scanned))
    )  # asked of a host that serves most of them
    return scanned | _mostly(host, questions["port"], same_ports, SEVERAL_PORTS)


def _mostly(group: Index, values: NDArray[np.generic], vain: Mask, several: int) -> Mask:
    """Questions of groups that asked several different values, and half of them or more in vain."""
    asked, in_vain = different(group, values), np.zeros(group.max(initial=0) + 1, np.intp)
    counted = different(group[vain], values[vain])
    in_vain[: len(counted)] = counted
    return (asked[group] >= several) & (2 * in_vain[group] >= asked[group])


def _vain_connections(seen: Dissected, talk: Talks, questions: Questions) -> Mask:
    """Conversations on which nothing was said, or which the asker reset without having said anything."""
    segment = np.flatnonzero(seen.is_tcp)
    said = segment[seen.tcp_data_length[segment] > 0]
    resets = segment[seen.control_bits[segment] & RST != 0]
    asker = np.zeros(talk.count, np.uint32)
    asker[questions["talk"]] = questions["scanner"]
    by_asker = [frames[seen.source[frames] == asker[talk.number[frames]]] for frames in (said, resets)]
    return ~talk.any(said) | (talk.any(by_asker[1]) & ~talk.any(by_asker[0]))


def _vain_datagrams(seen: Dissected, talk: Talks, questions: Questions) -> Mask:
    """Conversations without a datagram in return; traceroute's are as it wants them."""
    datagram = np.flatnonzero(seen.is_udp)
    up = talk.up[datagram]
    vain = ~(talk.any(datagram[up]) & talk.any(datagram[~up]))
    first, last = TRACEROUTE[0], TRACEROUTE[-1]
    vain[questions["talk"][(questions["port"] >= first) & (questions["port"] <= last)]] = False
    return vain


def different(group: Index, values: NDArray[np.generic]) -> Index:
    """How many different values each group has."""
    pairs = np.sort(group.astype(np.int64) << 32 | values.astype(np.int64) & 0xFFFF_FFFF)
    return np.bincount(pairs[np.diff(pairs, prepend=-1) != 0] >> 32, minlength=1)
