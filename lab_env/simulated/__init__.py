"""The topology as a Wire: a lab that lives inside the process, on any system, the same every time.

    packets --> read --> walk (gateway, slow link, own rules, programs) --> answers --> frames
                              |
                              network: what the lab remembers (conversations, ICMP tokens, chance)

It speaks the same bytes as the real lab.  Its times are a model: whatever takes long happens at once, and
the clock says how long it would have taken.
"""

from lab_env.simulated.medium import Medium
from lab_env.simulated.wire import SimulatedWire

__all__ = ["Medium", "SimulatedWire"]
