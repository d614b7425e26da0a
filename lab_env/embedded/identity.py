"""Who a lab belongs to: under sudo the user who typed it, never root."""

from __future__ import annotations

import os
import sys

from lab_env import sudo
from lab_env.embedded import namespaces


def owner() -> int:
    """The number of the user whose labs these are."""
    user = sudo.invoking_user()
    return os.geteuid() if user is None else user.pw_uid


def become_owner() -> None:
    """Under sudo: turn back into the user, so that nothing inside or on the disk is root's.

    Root's capabilities stay until the lab's user namespace is entered: some systems want them for that.
    """
    user = sudo.invoking_user()
    if user is None:
        return
    namespaces.become_user(user.pw_uid, user.pw_gid, user.pw_name)
    namespaces.die_with_parent()
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name, SHELL=user.pw_shell)
    for name in [name for name in os.environ if name.startswith("SUDO_")]:
        del os.environ[name]
    sys.dont_write_bytecode = False
