"""Runs: a scan that is written down before it is made, so that it can wait for a prediction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from portlab.errors import BadTarget
from portlab.evidence.result import Scan
from portlab.targets import one_of
from portlab.techniques import is_ping, ping_methods
from portlab.view.words import a_technique


@dataclass(frozen=True)
class Run:
    """One scan to be made by the functions of `scanner`; `about` is the host and port that is asked about."""

    scanner: Any
    technique: str
    target: Any
    ports: Any
    about: tuple[str, int | None]
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self) -> Scan:
        """Make it."""
        function = getattr(self.scanner, self.function)
        ports = () if self.is_ping else (self.ports,)
        return function(self.target, *ports, **self.options, progress=False)

    @property
    def is_ping(self) -> bool:
        """Whether hosts are asked, not ports."""
        return is_ping(self.technique)

    @property
    def function(self) -> str:
        """The function's name: "syn_scan"."""
        return "ping" if self.is_ping else f"{self.technique}_scan"

    @property
    def line(self) -> str:
        """The line of Python that does the same, as lessons write it."""
        words = [repr(self.target)] + ([] if self.is_ping else [repr(self.ports)])
        words += [f"{name}={value!r}" for name, value in self.options.items()]
        return f"pl.{self.function}({', '.join(words)})".replace("'", '"')

    @property
    def place(self) -> str:
        """What is asked about: "port 80 of web", or "web"."""
        host, port = self.about
        return host if port is None else f"port {port} of {host}"

    @property
    def name(self) -> str:
        """The technique in words, with its article: "a SYN scan"."""
        return a_technique(self.technique)


def planned(
    scanner: Any, technique: str, target: Any, ports: Any, about: Any, options: dict[str, Any]
) -> Run:
    """A run as a lesson writes it.  BadTarget where it cannot be known which port is asked about."""
    if technique == "ping":
        methods = ping_methods()
        technique = methods[one_of("ping method", options.get("method", "icmp"), methods)]
    if about is None:
        if not isinstance(target, str) or not (is_ping(technique) or str(ports).isdecimal()):
            raise BadTarget('Say which port the prediction is about, such as about=("web", 80).')
        about = (target, None if is_ping(technique) else int(ports))
    host, port = (about, None) if isinstance(about, str) else about
    return Run(scanner, technique, target, ports, (host, port), options)
