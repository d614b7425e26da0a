"""What is said about a prediction: from the evidence, by the technique's own table.

Four cases: right for the right reason, right state, right packet, neither.  Each names the packet that came.
"""

from __future__ import annotations

from portlab.learn.evidence import Packet, decided_by, says
from portlab.learn.misconceptions import Misconception, Prediction
from portlab.model import PortResult, Reason, State
from portlab.view.gate import Feedback
from portlab.view.words import duration, technique_name

HEADS = {
    (True, True): ("✓", "Right, and for the right reason."),
    (True, False): ("½", "Right state, other evidence."),
    (False, True): ("½", "Right evidence, other state."),
    (False, False): ("!", "The packets say otherwise."),
}
"""(state right, packet right) -> mark and headline."""


def seen(result: PortResult) -> Prediction:
    """What a verdict would have looked like as a prediction."""
    return Prediction(result.state, decided_by(result))


def prediction(said: Prediction, result: PortResult, speaker: str) -> Feedback:
    """What is said about a prediction; `speaker` is how to call whoever answered, "" if nobody did."""
    truth = seen(result)
    mark, head = HEADS[said.state == truth.state, said.packet == truth.packet]
    lines = [
        f"You predicted {said.state}, from {said.packet.phrase}. "
        f"The scan reports {result.state} for {place(result)}: {what_came(result, speaker)}.",
        f"{result.sentence} Source: {result.source}.",
    ]
    if said.packet != truth.packet:
        lines.append(would_have(result.technique, said.packet, truth.state))
    if result.caveat:
        lines.append(result.caveat)
    return Feedback(mark, head, tuple(lines))


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


def would_have(technique: str, packet: Packet, state: State) -> str:
    """What the predicted packet would have meant: "A RST would have said closed."; `state` is what came out."""
    states = says(technique, packet)
    what = packet.phrase[0].upper() + packet.phrase[1:]
    if not states:
        return f"{what} is not what a {technique_name(technique)} brings back."
    too = ", too" if states == [state] else ""
    verb = "suggested" if packet is Packet.NOTHING else "said"
    return f"{what} would have {verb} {' or '.join(states)}{too}."


def belief(held: Misconception, then: str) -> str:
    """The wrong belief that an answer points to, and what comes then."""
    return f'A common belief fits this answer: "{held.belief}" {then}'
