"""What the user typed, made into addresses, port numbers and options; or one sentence about what is wrong.

    targets(["web", "10.77.1.10-20"])    -> Targets: every address once, in order, all of them in scope
    ports("20-25,80,https")              -> array of port numbers, each once, in the order typed

No packet is sent here, and no question to a name server unless the user has authorised something outside the lab.
"""

from portlab.targets.host_lists import Targets, targets
from portlab.targets.options import at_least, between, limit_probes, one_of, yes_or_no
from portlab.targets.port_lists import ports

__all__ = ["Targets", "at_least", "between", "limit_probes", "one_of", "ports", "targets", "yes_or_no"]
