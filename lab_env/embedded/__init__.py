"""The embedded lab: the whole network in namespaces of this Linux machine, without root, up in about a second."""

from __future__ import annotations

from lab_env.embedded.outside import Handle, attach, run, running

__all__ = ["Handle", "attach", "run", "running"]
