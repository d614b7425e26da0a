"""The lab: its topology, the backends that build it, and `lab`, by which notebooks and tests speak to it.

from lab_env import lab                  # which lab is this, and hands on it
from lab_env import Action, Rule         # what a firewall of the lab is made of
"""

from lab_env.lab import lab
from lab_env.topology import Action, Rule

__all__ = ["Action", "Rule", "lab"]
