"""Conversations recorded in the lab that are part of PortLab: every lab can show them, the simulated one too."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources

from portlab.addresses import number
from portlab.captures.capture import Capture, read_capture
from portlab.errors import BadTarget

FOLDER = "data/captures"


def recorded(name: str) -> Capture:
    """A capture that PortLab brings along: recorded("log_ins").  BadTarget where there is none of that name."""
    folder = resources.files("portlab") / FOLDER
    there = sorted(
        each.name.removesuffix(".pcapng") for each in folder.iterdir() if each.name.endswith(".pcapng")
    )
    if name not in there:
        raise BadTarget(f"There is no recorded conversation {name!r}.  There are: {', '.join(there)}")
    names = json.loads((folder / "names.json").read_text("utf-8"))
    with resources.as_file(folder / f"{name}.pcapng") as path:
        return replace(read_capture(path), names={number(address): host for address, host in names.items()})
