"""The lab: its topology, the backends that build it, and `lab`, by which notebooks and tests speak to it.

from lab_env import lab
lab.here()
"""

from lab_env.lab import lab

__all__ = ["lab"]
