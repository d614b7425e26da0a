"""What is said about a prediction: from the evidence, by the technique's own table.

Three lines: what was said, what it was, and what would have made the prediction true.  The source stands apart.
"""

from __future__ import annotations

from typing import NamedTuple

from portlab.learn.evidence import Packet, decided_by, packets_to_choose, says
from portlab.learn.misconceptions import Imputed, Misconception, Prediction, misconception
from portlab.model import PortResult, Reason, State
from portlab.view.gate import Feedback
from portlab.view.words import a_technique, duration

HEADS = {
    (True, True): ("✓", "Right, and for the right reason."),
    (True, False): ("½", "Right state, other evidence."),
    (False, True): ("½", "Right evidence, other state."),
    (False, False): ("!", "The packets say otherwise."),
}
"""(state right, packet right) -> mark and headline."""

BY_CONNECT = {
    (State.CLOSED, Packet.ICMP_ERROR): "somebody had sent port unreachable, which connect() calls refused",
    (State.FILTERED, Packet.ICMP_ERROR): (
        "somebody had sent an ICMP error that is not port unreachable (connect() calls that one refused)"
    ),
}
TRUE_IF = {
    (State.OPEN, Packet.SYN_ACK): "the question had got through, and a program had listened there",
    (State.OPEN, Packet.DATAGRAM): "a program had answered",
    (State.CLOSED, Packet.RST): "the question had got through, and nobody had listened there",
    (State.CLOSED, Packet.ICMP_ERROR): "the host itself had said by ICMP that nobody listens there",
    (State.FILTERED, Packet.ICMP_ERROR): "something on the way had refused it by ICMP",
    (State.FILTERED, Packet.NOTHING): "something had dropped the question or the answer",
    (State.OPEN_FILTERED, Packet.NOTHING): "an open port had kept silent, or a filter had dropped the packet",
    (State.UNFILTERED, Packet.RST): "the question had got through",
    (State.NO_ANSWER, Packet.NOTHING): "no answer had arrived, for whatever reason",
    (State.NO_ANSWER, Packet.ICMP_ERROR): "somebody on the way had sent an ICMP error instead",
    (State.DOWN, Packet.NOTHING): "nobody on this link had answered ARP",
}
"""What makes a prediction true that holds together, whatever was seen instead: behind a filter a program may well
have listened.  `BY_CONNECT` where connect() hears it otherwise.  Of a host that is up it is the packet itself."""


def seen(result: PortResult) -> Prediction:
    """What a verdict would have looked like as a prediction."""
    return Prediction(result.state, decided_by(result))


def prediction(said: Prediction, result: PortResult, speaker: str) -> Feedback:
    """What is said about a prediction; `speaker` is how to call whoever answered, "" if nobody did."""
    truth = seen(result)
    mark, head = HEADS[said.state == truth.state, said.packet == truth.packet]
    lines = [f"You said: {said.state}, from {said.packet.phrase}.", what_it_was(result, speaker)]
    if said != truth:
        lines.append(would_be_true(result.technique, said, truth))
    return Feedback(mark, head, tuple(lines), source=result.source)


def what_it_was(result: PortResult, speaker: str) -> str:
    """The verdict on one line: the state, the packet that decided, and what that says."""
    came = what_came(result, speaker)
    head, _, meaning = result.sentence.partition(": ")
    if "came back" not in head:  # else that was said just now
        meaning = result.sentence
    told = f"It was: {result.state}, for {came}"
    told += f": {meaning}" if meaning != result.sentence else f". {meaning}"
    return f"{told} {result.caveat}".rstrip()


def place(result: PortResult) -> str:
    """What was asked: "port 80 of web", or "web" after a ping."""
    return result.host if result.port is None else f"port {result.port} of {result.host}"


def what_came(result: PortResult, speaker: str) -> str:
    """The packet that decided, who sent it and when: "a SYN-ACK came back from web after 84 µs"."""
    packet = decided_by(result)
    if packet is Packet.NOTHING:
        if result.reason is not Reason.NO_RESPONSE:
            return f"no packet came back ({result.reason})"
        again = f", though it was asked {result.tries} times" if result.tries > 1 else ""
        return f"nothing came back{again}"
    what = packet.phrase
    if packet is Packet.ICMP_ERROR:
        what += f" (type {result.icmp_type}, code {result.icmp_code})"
    modelled = " (a model's time)" if result.fidelity == "simulated" else ""
    after = f" after {duration(result.rtt_ms * 1e6)}{modelled}" if result.rtt_ms is not None else ""
    return f"{what} came back from {speaker or result.host}{after}"


def holds_together(technique: str, said: Prediction) -> bool:
    """Whether the technique's own table gives that packet that meaning."""
    return said.state in says(technique, said.packet)


def would_be_true(technique: str, said: Prediction, truth: Prediction) -> str:
    """What would have made a prediction true; of a contradictory one, why nothing could."""
    if not holds_together(technique, said):
        return contradiction(technique, said)
    by_connect = BY_CONNECT if technique == "connect" else {}
    reason = by_connect.get(said) or TRUE_IF.get(said) or f"{said.packet.phrase} had come back from the host"
    same = f" It would have been {said.state} all the same." if said.state is truth.state else ""
    return f"Yours would have been true if {reason}.{same}"


def contradiction(technique: str, said: Prediction) -> str:
    """Why a pair cannot be: "A SYN-ACK and filtered do not go together: to a SYN scan a SYN-ACK says open, ..."."""
    what, states = _what(said.packet), says(technique, said.packet)
    verb = "suggests" if said.packet is Packet.NOTHING else "says"
    first = f"{what} {verb} {' or '.join(states)}" if states else f"{what} never comes"
    proofs = [
        _what(packet) for packet in packets_to_choose(technique) if said.state in says(technique, packet)
    ]
    then = f"it takes {' or '.join(proofs)} to say {said.state}" if proofs else f"it never says {said.state}"
    pair = f"{what[0].upper()}{what[1:]} and {said.state}"
    return f"{pair} do not go together: to {a_technique(technique)} {first}, and {then}."


def _what(packet: Packet) -> str:
    return "silence" if packet is Packet.NOTHING else packet.phrase


class AboutBelief(NamedTuple):
    """What is said of the belief behind an answer, and the buttons beside it; "" where there is none."""

    line: str
    show: str = ""
    no: str = ""


def about(imputed: Imputed, elsewhere: str = "") -> AboutBelief:
    """Name a belief that the answer holds; ask where it merely fits.  `elsewhere` says where it is met already."""
    held = misconception(imputed.id)
    line = asked(held) if imputed.asks else f'Your answer holds a common belief: "{held.belief}"'
    if elsewhere:
        return AboutBelief(f"{line} {elsewhere}")
    if imputed.asks:
        return AboutBelief(line, "Yes. Show me", "No, I thought …")
    return AboutBelief(f"{line} {held.sentence}", "Show what speaks against it")


def asked(held: Misconception) -> str:
    """A belief as a question."""
    return f"Did you think that {held.thought}?"
