"""What can go wrong by mistake.  (Silence and refusal are results, not errors.)

PortLabError
├── BadTarget         the target, port list or option as typed cannot be understood
├── OutOfScope        the address is not one that may be probed
├── NotPermitted      the operating system does not allow this technique here
├── MalformedPacket   a packet, file or table that is not what it should be
└── LabNotRunning     a lab was asked for where there is none

Every message says what happened, quotes what was given, and says what to type next.
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
