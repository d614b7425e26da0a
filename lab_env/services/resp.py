"""RESP, the language of Redis: requests as they come, replies as they go.

https://redis.io/docs/latest/develop/reference/protocol-spec/ describes it; this is its version 2.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import Sequence

MAX_WORDS, MAX_REQUEST = 1024, 1 << 16  # of one command: its words, and their bytes
NUMBER = re.compile(rb"-?\d{1,9}")


class Refusal(Exception):
    """An error as Redis says it: its kind in capitals, then a sentence."""


class NotResp(Refusal):
    """After these bytes nobody knows where the next command begins: the server says so and hangs up."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"ERR Protocol error: {reason}")


Reply = str | bytes | int | Refusal | Sequence["Reply"] | None
"""What a command answers; str is a word of Redis's own, such as OK, and bytes are what a client may have said."""


def encode(reply: Reply) -> bytes:
    """A reply as it crosses the wire: its first byte says of which type it is."""
    match reply:
        case None:
            return b"$-1\r\n"
        case Refusal():
            return f"-{reply}\r\n".encode()
        case int():
            return b":%d\r\n" % reply
        case str():
            return f"+{reply}\r\n".encode()
        case bytes():
            return b"$%d\r\n%s\r\n" % (len(reply), reply)
        case _:
            return b"*%d\r\n" % len(reply) + b"".join(map(encode, reply))


async def request(reader: asyncio.StreamReader) -> list[bytes]:
    """The words of one command: an array of strings, each after its length, or a line as one types it.

    No words for an empty line.  Raises NotResp.
    """
    first = await _line(reader, "inline request")
    if not first.startswith(b"*"):
        return _typed(first)
    words: list[bytes] = []
    left = MAX_REQUEST
    for _ in range(_length(first, range(-1, MAX_WORDS + 1), "multibulk")):
        line = await _line(reader, "bulk count string")
        if not line.startswith(b"$"):
            raise NotResp(f"expected '$', got '{shown(line[:1])}'")
        length = _length(line, range(left + 1), "bulk")
        left -= length
        words.append((await reader.readexactly(length + 2))[:-2])
    return words


def shown(word: bytes) -> str:
    """A client's word within an error, which is one line."""
    return word[:128].decode("utf-8", "replace").replace("\r", " ").replace("\n", " ")


async def _line(reader: asyncio.StreamReader, what: str) -> bytes:
    try:
        return (await reader.readuntil(b"\n")).removesuffix(b"\n").removesuffix(b"\r")
    except asyncio.LimitOverrunError:
        raise NotResp(f"too big {what}") from None


def _typed(line: bytes) -> list[bytes]:
    try:
        return [word.encode("latin-1") for word in shlex.split(line.decode("latin-1"))]
    except ValueError:
        raise NotResp("unbalanced quotes in request") from None


def _length(line: bytes, allowed: range, what: str) -> int:
    """The number after a line's first byte."""
    if not NUMBER.fullmatch(line, 1) or int(line[1:]) not in allowed:
        raise NotResp(f"invalid {what} length")
    return int(line[1:])
