"""What each counter-example must make visible: a sentence, and a predicate over its exchanges and its drawn words.

The tests hold every case of the lab against it; the page of beliefs (`python -m bench.beliefs`) tells it to authors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape

from portlab.learn.counter import CounterExample
from portlab.learn.evidence import Packet, decided_by
from portlab.model import SENT, Exchange
from portlab.packets.dissect import Dissected
from portlab.packets.headers import ACK, RST

SYN_ACK, RESET, ICMP, SILENCE = Packet.SYN_ACK, Packet.RST, Packet.ICMP_ERROR, Packet.NOTHING


@dataclass(frozen=True)
class Sight:
    """What somebody must see in a counter-example, and whether it is there."""

    sentence: str
    shown: Callable[[CounterExample], bool]


def drawn(example: CounterExample) -> str:
    """The words that the figure shows, its drawings' too."""
    html = re.sub(r"<(style|script)\b.*?</\1>", " ", example.inside(), flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def packets(exchanges: tuple[Exchange, ...]) -> list[Packet]:
    """What decided each exchange."""
    return [decided_by(each.result) for each in exchanges if each.result is not None]


def states(exchanges: tuple[Exchange, ...]) -> list[str]:
    """What each exchange was concluded to be."""
    return [each.result.state.value for each in exchanges if each.result is not None]


def ports(exchanges: tuple[Exchange, ...]) -> set[int | None]:
    """Which ports were asked."""
    return {each.result.port for each in exchanges if each.result is not None}


def sent(exchange: Exchange) -> Dissected:
    """The packets that left the scanner."""
    return Dissected(exchange.frames[exchange.frames["direction"] == SENT])


def says(example: CounterExample, *words: str) -> bool:
    """Whether all these words are drawn."""
    shown = drawn(example)
    return all(word in shown for word in words)


def _decided(
    meanwhile: list[Packet], afterwards: list[Packet] | None = None
) -> Callable[[CounterExample], bool]:
    """Whether just these packets decided, while the lab was changed and when it had been put back."""
    return lambda example: (
        packets(example.meanwhile) == meanwhile and packets(example.afterwards) == (afterwards or [])
    )


def _concluded(*wanted: str) -> Callable[[CounterExample], bool]:
    """Whether just these states came out, of the exchanges in their order."""
    return lambda example: states(example.meanwhile) == list(wanted)


def _one_port(*wanted: str) -> Callable[[CounterExample], bool]:
    """The same, all at a port of the same number."""
    return lambda example: states(example.meanwhile) == list(wanted) and len(ports(example.meanwhile)) == 1


def _words(*words: str) -> Callable[[CounterExample], bool]:
    """Whether it is told in words, these among them, since no packet of the lab shows it."""
    return lambda example: not example.meanwhile and says(example, example.held.example, *words)


def _all(*predicates: Callable[[CounterExample], bool]) -> Callable[[CounterExample], bool]:
    return lambda example: all(shown(example) for shown in predicates)


def _drawn(*words: str) -> Callable[[CounterExample], bool]:
    return lambda example: says(example, *words)


def _silent_though_open(example: CounterExample) -> bool:
    """The same port silent and not, and no rule in between."""
    both = packets(example.meanwhile) + packets(example.afterwards)
    return both.count(SILENCE) == 1 and len(both) == 2 and says(example, "No rule guards")


def _answers_that_are_not_open(example: CounterExample) -> bool:
    """One port answers and is closed, the other is in another state."""
    answered = [packet is not SILENCE for packet in packets(example.meanwhile)]
    found = states(example.meanwhile)
    return "closed" in found and len(set(found)) == 2 and answered[found.index("closed")]


def _same_rst_other_maker(example: CounterExample) -> bool:
    """Two RSTs of one sender, with times to live that differ; the second was made at the gateway."""
    decided = [
        each.frames[each.decides : each.decides + 1] for each in example.meanwhile if each.decides is not None
    ]
    first, second = map(Dissected, decided)
    return (
        packets(example.meanwhile) == [RESET, RESET]
        and first.source[0] == second.source[0]
        and first.ttl[0] != second.ttl[0]
        and says(example, f"9 {first.ttl[0]}", f"3389 {second.ttl[0]}", "Time to live", "web never sent it")
    )


def _same_segment(example: CounterExample) -> bool:
    """One call: a SYN with one port and number, again and again.  Two calls: two of each.  The numbers are drawn."""
    one, two = map(sent, example.meanwhile)
    repeated = set(zip(one.source_port.tolist(), one.sequence_number.tolist(), strict=True))
    called = set(zip(two.source_port.tolist(), two.sequence_number.tolist(), strict=True))
    numbers = [f"{port} {number}" for port, number in repeated | called]
    return len(one.source_port) >= 3 and len(repeated) == 1 and len(called) == 2 and says(example, *numbers)


def _who_resets(example: CounterExample) -> bool:
    """After the same SYN-ACK the kernel acknowledges what it asked for, and resets what it did not."""
    third = [int(sent(each).control_bits[1]) for each in example.meanwhile]
    return third == [ACK, RST] and packets(example.meanwhile) == [SYN_ACK, SYN_ACK]


def _closed_and_not_silent(example: CounterExample) -> bool:
    """A RST while nobody listens; put back, something else."""
    after = packets(example.afterwards)
    return packets(example.meanwhile) == [RESET] and after in ([SYN_ACK], [SILENCE])


VISIBLE = {
    "M01": Sight("A program listens: open. Nobody does: closed.", _decided([SYN_ACK], [RESET])),
    "M02": Sight("With a firewall silence, without any a RST.", _decided([SILENCE], [RESET])),
    "M03": Sight(
        "A filter speaks, by ICMP.",
        _all(_concluded("filtered"), lambda x: packets(x.meanwhile) == [ICMP] != packets(x.afterwards)),
    ),
    "M04": Sight("One port with a listener and no rule, silent once and once not.", _silent_though_open),
    "M05": Sight("A port that answers, and is closed.", _answers_that_are_not_open),
    "M06": Sight(
        "The same silence twice; once the gateway drops, once the host takes it and says nothing.",
        _all(_decided([SILENCE, SILENCE]), _drawn("dropped", "sends nothing back")),
    ),
    "M07": Sight("Stopped it complains by ICMP, running it is silent.", _decided([ICMP], [SILENCE])),
    "M08": Sight("One number: closed over TCP, open over UDP.", _one_port("closed", "open")),
    "M09": Sight("No echo, and yet a SYN-ACK.", _decided([SILENCE, SYN_ACK])),
    "M10": Sight(
        "The headers: a ping has type and code and no port, a SYN has ports.",
        _drawn("ICMP echo request 1 8 0 has none has none", "SYN 6 has none has none"),
    ),
    "M11": Sight(
        "The echo comes back, and a RST from the port.",
        _decided([Packet.ECHO_REPLY, RESET], [Packet.ECHO_REPLY, SYN_ACK]),
    ),
    "M12": Sight(
        "The SYN is seen at the gateway and at web.",
        _all(_decided([SYN_ACK]), _drawn("gateway passes it on", "web gets it")),
    ),
    "M13": Sight(
        "The RST reaches web.",
        lambda x: (
            sent(x.meanwhile[0]).control_bits.tolist()[-1] == RST and drawn(x).count("web gets it") >= 2
        ),
    ),
    "M14": Sight("Connect: the kernel goes on with ACK. SYN scan: it resets.", _who_resets),
    "M15": Sight(
        "Refused by an ICMP error of the gateway's; put back, the program is there.",
        _decided([ICMP], [SYN_ACK]),
    ),
    "M16": Sight(
        "The same host: one port connects, at the other ICMP becomes EHOSTUNREACH.",
        _all(_decided([SYN_ACK, ICMP]), _drawn("EHOSTUNREACH")),
    ),
    "M17": Sight("Silence at a port where nobody listens.", _decided([SILENCE], [RESET])),
    "M18": Sight(
        "Two ports that are open to SYN; one of them resets the odd probe.",
        _decided([RESET, SILENCE, SYN_ACK, SYN_ACK]),
    ),
    "M19": Sight(
        "One rule lets the odd packet through, another does not.", _concluded("unfiltered", "filtered")
    ),
    "M20": Sight(
        "SYN tells the two ports apart, ACK does not.", _concluded("open", "closed", *["unfiltered"] * 2)
    ),
    "M21": Sight("One port in two states.", _one_port("filtered", "unfiltered")),
    "M22": Sight("Two RSTs of one sender: other times to live, another maker.", _same_rst_other_maker),
    "M23": Sight(
        "Open, and what answers says itself that it is no database.",
        _all(_decided([SYN_ACK], [RESET]), _drawn("Port 3306 of web.lab is open: a program listens here.")),
    ),
    "M24": Sight(
        "Two ports, and a program at each.",
        _all(_decided([SYN_ACK] * 2, [RESET] * 2), _drawn("8081 tcp", "8082 tcp")),
    ),
    "M25": Sight(
        "Both open: at one a page is asked for, at the other SSH greets.",
        _all(_decided([SYN_ACK] * 2), _drawn("GET / HTTP/1.1", "SSH-2.0")),
    ),
    "M26": Sight("The sum.", _words("131,072")),
    "M27": Sight("One number: open over UDP, closed over TCP.", _one_port("open", "closed")),
    "M28": Sight("Open over both transports.", _one_port("open", "open")),
    "M29": Sight(
        "22 is open and greets with SSH, 990 is closed.",
        _all(_concluded("open", "closed"), _drawn("SSH-2.0")),
    ),
    "M30": Sight("21 is open and 20 is closed.", _concluded("open", "closed")),
    "M31": Sight(
        "At 587 a greeting and STARTTLS can be read, at 465 TLS comes first.",
        _all(_concluded("open", "open"), _drawn("STARTTLS", "220 ", "TLS")),
    ),
    "M32": Sight("One number: open over TCP, closed over UDP.", _one_port("open", "closed")),
    "M33": Sight("In words.", _words("checksum")),
    "M34": Sight(
        "Where nobody is, the gateway complains; where a host hides, silence.",
        _all(_decided([SILENCE, ICMP]), _drawn("host unreachable")),
    ),
    "M35": Sight("In words.", _words("SSH")),
    "M36": Sight("In words.", _words("1 a second")),
    "M37": Sight("One call repeats one segment; two calls have two ports and numbers.", _same_segment),
    "M38": Sight(
        "A rule that lets through, nobody who listens, and a RST.",
        _all(_decided([RESET], [SILENCE]), _drawn("What listens on quiet"), lambda x: not says(x, ":8080")),
    ),
    "M39": Sight(
        "A listener on loopback only, and a RST from outside.",
        _all(_decided([RESET], [SYN_ACK]), _drawn("80 tcp 127.0.0.1")),
    ),
    "M40": Sight("In words.", _words("IPv6")),
    "M41": Sight("Stopped, the port answers by RST.", _closed_and_not_silent),
}
"""By the belief that it speaks against."""
