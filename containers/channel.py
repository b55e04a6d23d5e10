"""Messages between a sandbox's owner and its keeper: a JSON header, then blobs of bytes, over a pipe."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

HEADER = struct.Struct(">I")
MAX_HEADER = 64 << 20


class Closed(Exception):
    """The other end is gone."""


def send(descriptor: int, message: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Write one message. Raises Closed."""
    header = json.dumps({**message, "blobs": [len(blob) for blob in blobs]}).encode()
    try:
        for part in (HEADER.pack(len(header)), header, *blobs):
            _write_all(descriptor, part)
    except (BrokenPipeError, OSError) as error:
        raise Closed from error


def receive(descriptor: int) -> tuple[dict[str, Any], list[bytes]]:
    """Read one message. Raises Closed at the end of the pipe."""
    (size,) = HEADER.unpack(_read_exactly(descriptor, HEADER.size))
    if size > MAX_HEADER:
        raise Closed
    message: dict[str, Any] = json.loads(_read_exactly(descriptor, size))
    blobs = [_read_exactly(descriptor, length) for length in message.pop("blobs")]
    return message, blobs


def give(descriptor: int, descriptors: Sequence[int]) -> None:
    """Let the other end of a Unix socket have `descriptors` too, by `take`. Raises Closed."""
    with socket.socket(fileno=os.dup(descriptor)) as end:
        try:
            socket.send_fds(end, [b"\0"], descriptors)
        except OSError as error:
            raise Closed from error


def take(descriptor: int, most: int) -> list[int]:
    """The descriptors that were given, none of them inheritable. Raises Closed."""
    with socket.socket(fileno=os.dup(descriptor)) as end:
        mark, taken, _, _ = socket.recv_fds(end, 1, most)
    if not mark:
        raise Closed
    for one in taken:
        os.set_inheritable(one, False)
    return taken


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _read_exactly(descriptor: int, size: int) -> bytes:
    parts: list[bytes] = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            raise Closed
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
