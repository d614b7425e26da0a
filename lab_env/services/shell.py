"""The shell behind SSH and Telnet: it only pretends, but it answers enough to see that one is logged in."""

from __future__ import annotations

from collections.abc import Callable

from lab_env.services.site import USER, Site

PROMPT = "$ "
LEAVE = ("exit", "logout", "quit")


def greeting(site: Site) -> str:
    """What a login shows first."""
    return f"Welcome to {site.full_name}. Type help to see what this small shell knows."


def answer(site: Site, line: str) -> str:
    """What one command line prints (without the last line end)."""
    command, _, argument = line.strip().partition(" ")
    commands: dict[str, Callable[[], str]] = {
        "cat": lambda: _cat(site, argument),
        "echo": lambda: argument,
        "help": lambda: "Commands: " + " ".join([*sorted(commands), LEAVE[0]]),
        "hostname": lambda: site.name,
        "ls": lambda: "  ".join(sorted(path.name for path in site.files.iterdir())),
        "pwd": lambda: f"/home/{USER}",
        "uname": lambda: "Linux",
        "whoami": lambda: USER,
    }
    if not command:
        return ""
    if command not in commands:
        return f"{command}: command not found"
    return commands[command]()


def _cat(site: Site, name: str) -> str:
    offered = {path.name: path for path in site.files.iterdir() if path.is_file()}
    if name not in offered:
        return f"cat: {name}: No such file or directory"
    return offered[name].read_text(errors="replace").rstrip("\n")
