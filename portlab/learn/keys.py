"""Key files: predictions committed by a file instead of a hand, so that a lesson can run through with nobody there.

    PORTLAB_KEY=key.json        {"04/open-door": {"state": "open", "packet": "SYN-ACK"},
                                 "04/two-resets": "TTL",
                                 "04/mail-doors": [25, 110, 143]}

A prediction is a state and a packet, a question's answer its words, an exercise's whatever it asks for.
"""

from __future__ import annotations

import json
import os
from typing import Any

from portlab import files
from portlab.errors import BadTarget

VARIABLE = "PORTLAB_KEY"


def load(path: files.Pathish) -> dict[str, Any]:
    """The answers of a key file.  BadTarget where it is none."""
    try:
        key = json.loads(files.read(path))
    except ValueError as error:
        raise BadTarget(f"The key file {str(path)!r} is no JSON: {error}.") from error
    if not isinstance(key, dict) or not all("/" in name for name in key):
        raise BadTarget(
            f"The key file {str(path)!r} must map names such as '04/open-door' to answers: "
            '{"04/open-door": {"state": "open", "packet": "SYN-ACK"}}.'
        )
    return key


def from_environment() -> dict[str, Any]:
    """The key that the environment names; {} where it names none."""
    named = os.environ.get(VARIABLE)
    return load(named) if named else {}
