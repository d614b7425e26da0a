"""Pictures: what a learner sees of an exchange and of a scan.  Python draws; everything here is a pure function.

`ladder` tells who sent what, when: one exchange as text, and as an accessible figure.  `summary` is one scan as a
table, `meanings` a technique's decision table, `progress` a bar for scans that take longer than a second;
`anatomy` takes one packet apart, `follow` reads what was said on a connection; `reference` is the port reference,
`cards` practises it.  `port_map` draws every port of one host, `host_table` several hosts beside each other,
`listening` the sockets of a host, `lab_map` the lab with what was found in it; `plots` are matplotlib's, imported
when they are used.
"""

from portlab.view.decision_table import meanings
from portlab.view.dissection import anatomy
from portlab.view.flash_cards import cards
from portlab.view.hosts import host_table
from portlab.view.labmap import lab_map
from portlab.view.ladder import ladders
from portlab.view.port_reference import reference
from portlab.view.portmap import port_map
from portlab.view.sockets import listening
from portlab.view.stream import conversations, follow

__all__ = [
    "anatomy",
    "cards",
    "conversations",
    "follow",
    "host_table",
    "lab_map",
    "ladders",
    "listening",
    "meanings",
    "port_map",
    "reference",
]
