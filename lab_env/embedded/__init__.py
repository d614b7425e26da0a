"""The embedded lab: the whole network in namespaces of this Linux machine, without root, up in a second."""

from __future__ import annotations

from lab_env.embedded.attempt import Obstacle, obstacles
from lab_env.embedded.outside import Handle, attach, run, running

__all__ = ["Handle", "Obstacle", "attach", "obstacles", "run", "running"]
