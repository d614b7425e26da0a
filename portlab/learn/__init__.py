"""What the learner does: predict, check, repeat, and steer scans.

This room imports no wire and no scan: whoever makes a widget hands it the functions that it calls.
"""

from portlab.learn.checks import open_ports, seconds_between
from portlab.learn.deck import Deck
from portlab.learn.lesson import Lesson
from portlab.learn.questions import Question
from portlab.learn.recorded import recorded
from portlab.learn.reference import port_reference
from portlab.learn.scan_widget import ScanWidget

__all__ = [
    "Deck",
    "Lesson",
    "Question",
    "ScanWidget",
    "open_ports",
    "port_reference",
    "recorded",
    "seconds_between",
]
