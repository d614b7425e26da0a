"""Pictures: what a learner sees of an exchange and of a scan.  Python draws; everything here is a pure function.

`ladder` tells who sent what, when: one exchange as text, and as an accessible figure.  `summary` is one scan as a
table, `meanings` a technique's decision table, `progress` a bar for scans that take longer than a second.
"""

from portlab.view.ladder import ladders
from portlab.view.meanings import meanings

__all__ = ["ladders", "meanings"]
