"""Pictures: what a learner sees of an exchange and of a scan.  Python draws; everything here is a pure function.

`ladder` tells who sent what, when: one exchange as text, and as an accessible figure.  `summary` is one scan as a
table, `meanings` a technique's decision table, `progress` a bar for scans that take longer than a second;
`anatomy` takes one packet apart; `reference` is the port reference, `cards` practises it.
"""

from portlab.view.anatomy import anatomy
from portlab.view.cards import cards
from portlab.view.ladder import ladders
from portlab.view.meanings import meanings
from portlab.view.reference import reference

__all__ = ["anatomy", "cards", "ladders", "meanings", "reference"]
