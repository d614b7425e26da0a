"""What can go wrong by mistake.  (Silence and refusal are results, not errors.)

PortLabError
├── BadTarget         the target, port list or option as typed cannot be understood
├── OutOfScope        the address is not one that may be probed
├── NotPermitted      the operating system does not allow this technique here
├── MalformedPacket   a packet, file or table that is not what it should be
└── LabNotRunning     a lab was asked for where there is none

Every message says what happened, quotes what was given (`quoted`), and says what to type next.
"""


class PortLabError(Exception):
    """The root of all errors of PortLab: catch this one to catch them all."""


class BadTarget(PortLabError, ValueError):
    """The target, port list or option as typed cannot be understood."""


class OutOfScope(PortLabError, PermissionError):
    """The resolved address is outside loopback, the running lab and what was authorised."""


class NotPermitted(PortLabError, PermissionError):
    """The operating system does not allow this technique to this process."""


class MalformedPacket(PortLabError, ValueError):
    """A packet, capture or result file is not what it should be."""


class LabNotRunning(PortLabError, RuntimeError):
    """Something that needs a lab was asked for where none is running."""


def quoted(value: object, longest: int = 80) -> str:
    """What was given, as Python would write it: on one line, without control characters, cut where it is long."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a number of too many digits, or an object that cannot say what it is
        text = f"a value of type {type(value).__name__}"
    text = plain(text)
    return text if len(text) <= longest else f"{text[: longest - 20]}...{text[-10:]}"


def plain(text: str) -> str:
    r"""Text from elsewhere as it may be shown: what is no printable character is written out, such as \x1b.

    A terminal obeys control characters, XML may hold none, and marks of writing direction make text read as another.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
