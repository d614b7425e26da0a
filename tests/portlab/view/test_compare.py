"""Headers side by side: a small table that shows what a ladder cannot."""

from __future__ import annotations

from portlab.view.compare import compare
from tests.portlab.view import made


def test_the_fields_that_were_asked_for_stand_beside_each_other_and_one_that_is_not_there_is_named() -> None:
    frames = made.scan("syn", made.SYN_REJECTED, 8080).exchange("web", 8080).frames
    shown = compare([("sent", frames[0]), ("came", frames[1])], ["Destination port", "Type", "Code"])
    assert shown.rows == (
        ("sent", "SYN", "8080", "has none", "has none"),
        ("came", "ICMP admin prohibited (3/13)", "has none", "3", "13"),  # not the ports that it quotes
    )
    assert "has none" in str(shown)
    assert "<td>8080</td>" in shown.html()


def test_the_sender_of_a_packet_is_the_ip_header_s() -> None:
    frames = made.scan("syn", made.SYN_OPEN).exchange("web", 80).frames
    [(*_, source)] = compare([("came", frames[1])], ["Source address"]).rows
    assert source == "10.77.2.10"
