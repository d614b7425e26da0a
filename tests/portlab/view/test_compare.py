"""Headers side by side, and a host's sockets: small tables that show what a ladder cannot."""

from __future__ import annotations

from portlab.view.compare import compare
from portlab.view.listening import listening
from tests.portlab.view import made

SS = """\
Netid State   Recv-Q  Send-Q  Local Address:Port      Peer Address:Port
tcp   LISTEN  0       100     127.0.0.1:80            0.0.0.0:*
udp   UNCONN  0       0       10.77.1.10:53           0.0.0.0:*

"""


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


def test_sockets_are_told_as_their_host_tells_them() -> None:
    shown = listening("web", SS)
    assert shown.sockets == (("tcp", "127.0.0.1:80"), ("udp", "10.77.1.10:53"))
    assert str(shown).splitlines()[0] == "What listens on web, as web itself tells"
    assert "<td>127.0.0.1:80</td>" in shown.html()
