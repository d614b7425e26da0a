"""The Linux calls a lab is made of and Python 3.11 has no functions for: namespaces, mounts, capabilities.

All raise OSError with the kernel's own word.  See namespaces(7), user_namespaces(7), capabilities(7).
"""

from __future__ import annotations

import array
import ctypes
import fcntl
import os
import signal
import socket
import struct
from collections.abc import Iterable

MOUNT, UTS, USER, PID, NET = 0x20000, 0x4000000, 0x10000000, 0x20000000, 0x40000000
NAMES = {"user": USER, "pid": PID, "net": NET, "mnt": MOUNT, "uts": UTS}
"""The namespaces of a lab as /proc/PID/ns spells them, with their CLONE_NEW flags."""
OF_A_LAB, OF_A_HOST = MOUNT | UTS | NET | PID, MOUNT | UTS | NET

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, PR_SET_NAME, PR_CAP_AMBIENT = 1, 4, 8, 15, 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO = 0x17, 0x1F, 0x24, 0x2C
OFFLOADS = (ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO)
"""What the kernel would leave to a network card: checksums, cutting up (twice), putting together."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
_libc.mount.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p]


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare(flags: int) -> None:
    """Leave the namespaces of the parent for new ones of one's own."""
    _check(_libc.unshare(flags), "unshare")


def join(pid_descriptor: int, flags: int) -> None:
    """Enter namespaces of the process behind `pid_descriptor` (from os.pidfd_open; kernel 5.8)."""
    _check(_libc.setns(pid_descriptor, flags), "setns")


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount `source` on `target` in this mount namespace."""
    arguments = source.encode(), target.encode(), kind.encode() or None, flags, options.encode() or None
    _check(_libc.mount(*arguments), f"mount {target}")


def own_user_namespace(flags: int) -> None:
    """Enter a new user namespace, then more by `flags`; the user stays who they are and may do all there."""
    user, group = os.geteuid(), os.getegid()
    unshare(USER)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    unshare(flags)


def die_with_parent() -> None:
    """Be killed when the parent ends.  A change of user or user namespace forgets it: call it again then."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl")


def set_name(name: str) -> None:
    """Show `name` (15 bytes at most) in /proc/self/comm, where `ps` and `running()` read it."""
    buffer = ctypes.create_string_buffer(name.encode())
    _check(_libc.prctl(PR_SET_NAME, ctypes.addressof(buffer), 0, 0, 0), "prctl")


def _capabilities() -> tuple[ctypes.Array[ctypes.c_uint32], ctypes.Array[ctypes.c_uint32]]:
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: low halves, then high ones
    _check(_libc.capget(header, sets), "capget")
    return header, sets


def keep_capabilities_over_exec() -> None:
    """Make every capability ambient, so that a program started by a user who is not root has it too."""
    header, sets = _capabilities()
    sets[2], sets[5] = sets[1], sets[4]
    _check(_libc.capset(header, sets), "capset")
    permitted = sets[1] | sets[4] << 32
    for capability in range(64):
        if permitted >> capability & 1:
            _check(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "prctl")


def become_user(user: int, group: int, name: str) -> None:
    """Turn from root into a user for good, with root's capabilities until the next user namespace is entered.

    Where only root may make user namespaces (Ubuntu since 24.04), this user may make one too.
    """
    os.initgroups(name, group)
    _check(_libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl")
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    header, sets = _capabilities()
    sets[0], sets[3] = sets[1], sets[4]
    _check(_libc.capset(header, sets), "capset")
    _check(_libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "prctl")  # else /proc/self would belong to root


def no_offload(interface: str) -> None:
    """Make the kernel finish each packet (checksum, size) before `interface` has it: captures show the truth.

    What a kernel does not offer to switch is left as it is.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        for command in OFFLOADS:
            value = array.array("B", struct.pack("II", command, 0))
            request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
            try:
                fcntl.ioctl(any_socket, SIOCETHTOOL, request.ljust(40, b"\0"))
            except OSError:
                continue


SIGNAL_INFORMATION = struct.Struct("@Iii")  # the head of struct signalfd_siginfo: number, errno, code
SIGNAL_INFORMATION_SIZE = 128
SENT_BY_KERNEL = 0x80  # SI_KERNEL


def signal_descriptor(signals: Iterable[int]) -> int:
    """A descriptor that becomes readable when one of these (blocked) signals arrives; see signalfd(2)."""
    mask = ctypes.create_string_buffer(128)
    bits = sum(1 << (number - 1) for number in signals)
    mask.raw = bits.to_bytes(128, "little")
    return _check(_libc.signalfd(-1, mask, os.O_CLOEXEC), "signalfd")


def read_signal(descriptor: int) -> tuple[int, bool]:
    """The next signal's number, and whether the kernel sent it, as it does for Ctrl-C."""
    number, _, code = SIGNAL_INFORMATION.unpack_from(os.read(descriptor, SIGNAL_INFORMATION_SIZE))
    return number, code == SENT_BY_KERNEL
