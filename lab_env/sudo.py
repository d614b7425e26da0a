"""Under sudo: who typed it, and how to do things as that user, so that nothing of theirs becomes root's.

Without sudo every function here does nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pwd


def invoking_user() -> pwd.struct_passwd | None:
    """The account of whoever typed sudo; None where nobody did."""
    number = os.environ.get("SUDO_UID", "0")
    if os.name != "posix" or os.geteuid() != 0 or not number.isdecimal() or number == "0":
        return None
    import pwd  # not on every system

    try:
        return pwd.getpwuid(int(number))
    except KeyError:
        return None


def adopt_home() -> None:
    """Let $HOME and its like be the user's."""
    if user := invoking_user():
        os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name, SHELL=user.pw_shell)


@contextlib.contextmanager
def as_user() -> Iterator[None]:
    """Make files as the user for a while."""
    if not (user := invoking_user()):
        yield
        return
    groups = os.getgroups()
    os.initgroups(user.pw_name, user.pw_gid)
    os.setegid(user.pw_gid)
    os.seteuid(user.pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def credentials() -> dict[str, Any]:
    """Arguments for subprocess, to start a program as the user."""
    if not (user := invoking_user()):
        return {}
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": groups}


def become_user() -> None:
    """Turn into the user for good, without any of root's rights."""
    if user := invoking_user():
        os.initgroups(user.pw_name, user.pw_gid)
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        for name in [name for name in os.environ if name.startswith("SUDO_")]:
            del os.environ[name]
