"""An ordinary user who can read this Python wherever it lies: in root's home too, which is closed to others."""

from __future__ import annotations

import os
import pwd
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def ordinary_user() -> Iterator[pwd.struct_passwd]:
    """A user with a home, who is gone after the block."""
    name = f"portlab-browser-{os.getpid()}"
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
    try:
        yield pwd.getpwnam(name)
    finally:
        subprocess.run(["userdel", "--remove", name], check=True, capture_output=True)


def as_user(user: pwd.struct_passwd) -> list[str]:
    """What to put before a command that this user is to run; only root can.

    Where a directory on the way to this Python is closed to others, the command sees an open one in its place, that
    holds what Python needs and nothing else: in a mount namespace of its own, so nothing of the computer changes.
    """
    become = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    if not (closed := closed_on_the_way()):
        return become
    lines = ["set -e", "hold=$(mktemp -d)", "mount -t tmpfs hold $hold"]
    behind = [path for path in places() if any(path.is_relative_to(each) for each in closed)]
    for number, path in enumerate(behind):
        lines += [f"mkdir $hold/{number}", f"mount --bind {shlex.quote(str(path))} $hold/{number}"]
    lines += [f"mount -t tmpfs -o mode=755 open {shlex.quote(str(path))}" for path in closed]
    for number, path in enumerate(behind):
        place = shlex.quote(str(path))
        lines += [f"mkdir -p {place}", f"mount --bind $hold/{number} {place}"]
    script = "\n".join([*lines, 'exec "$@"'])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *become]


def places() -> list[Path]:
    """Where this Python lies: its environment, and what that was made from."""
    return list(dict.fromkeys(Path(path).resolve() for path in (sys.prefix, sys.base_prefix)))


def closed_on_the_way() -> list[Path]:
    """The outermost directories above those places that others may not pass."""
    found = []
    for path in places():
        for directory in reversed(path.parents):
            if not directory.stat().st_mode & 0o001:
                found.append(directory)
                break
    return list(dict.fromkeys(found))
