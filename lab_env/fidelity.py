"""Which lab to run: the embedded one where this machine can build it, else the simulated one, said loudly."""

from __future__ import annotations

import sys

from portlab.errors import LabNotRunning

EMBEDDED, SIMULATED = "embedded", "simulated"
CHOICES = (EMBEDDED, SIMULATED)

LOUD = """
  +----------------------------------------------------------------------+
  |  This is the SIMULATED lab: no packet is sent, answers are computed. |
  +----------------------------------------------------------------------+
  The embedded lab, with real packets, cannot run here:
  {why}
"""


def obstacles() -> list[str]:
    """Why the embedded lab cannot run here, each with what to type; empty: it can."""
    if not sys.platform.startswith("linux"):
        return [f"It needs Linux, and this is {sys.platform}; a virtual machine with Linux will do."]
    from lab_env import embedded  # needs Linux

    return [str(obstacle) for obstacle in embedded.obstacles()]


def choose(wanted: str | None) -> str:
    """The fidelity to run at: what was asked for, else the best there is.

    Raises LabNotRunning where the embedded lab was asked for and cannot run.
    """
    if wanted == SIMULATED:
        return SIMULATED
    found = obstacles()
    if not found:
        return EMBEDDED
    why = "\n  ".join(found)
    if wanted == EMBEDDED:
        raise LabNotRunning(f"the embedded lab cannot run here.\n  {why}")
    print(LOUD.format(why=why), file=sys.stderr)
    return SIMULATED
