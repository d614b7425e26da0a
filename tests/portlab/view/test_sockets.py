"""The sockets of a host, as a table."""

from __future__ import annotations

import re

import pytest

from portlab.errors import BadTarget
from portlab.view import listening

SS = """\
Netid State   Recv-Q  Send-Q  Local Address:Port      Peer Address:Port
tcp   LISTEN  0       100     127.0.0.1:80            0.0.0.0:*
udp   UNCONN  0       0       10.77.1.10:53           0.0.0.0:*
tcp   LISTEN  0       100     0.0.0.0:22              0.0.0.0:*
tcp   LISTEN  0       100     [::]:22                 [::]:*

"""


def test_sockets_are_told_as_their_host_tells_them_in_the_order_of_their_ports() -> None:
    shown = listening("web", SS)
    assert shown.sockets == (
        (22, "tcp", "every address"),
        (53, "udp", "10.77.1.10"),
        (80, "tcp", "127.0.0.1"),
    )
    assert str(shown).splitlines()[0] == "What listens on web, as web itself tells"
    assert str(shown).splitlines()[3].split() == ["53", "udp", "10.77.1.10", "dns"]
    assert '<th scope="row">80</th><td>tcp</td><td>127.0.0.1</td><td>http</td>' in shown.html()


def test_a_host_that_nothing_listens_on_has_only_the_heads() -> None:
    assert len(str(listening("web", SS.splitlines()[0])).splitlines()) == 2


@pytest.mark.parametrize(
    ("host", "told", "sentence"),
    [
        ("no name", SS, "'no name' is no host's name: type listening(\"web\", "),
        ("web", "tcp LISTEN", "'tcp LISTEN' is not what ss tells of a host's sockets: type listening("),
    ],
)
def test_what_is_no_list_of_sockets_is_said_to_be_none(host: str, told: str, sentence: str) -> None:
    with pytest.raises(BadTarget, match=re.escape(sentence)):
        listening(host, told)
