"""Copying out what a program left: bytes of regular files, by descriptors, following no link, within bounds.

The folder may be hostile, but nothing may be changing it any more. Symlinks, FIFOs, devices, sockets, hard links,
files of another device and whatever is too big, too deep or oddly named are left and named.
"""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from containers.sandbox import Dropped

MAX_DEPTH = 32
MAX_DROPPED = 200
ALL = "**"


@dataclass(frozen=True)
class Bounds:
    """How much may be copied out."""

    total_bytes: int
    file_bytes: int
    files: int
    """Most files, and most entries looked at per file allowed: a million empty ones do not hold us up."""


@dataclass
class Collected:
    """Files by relative path, and what was left behind."""

    files: dict[str, bytes] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)

    def drop(self, path: str, reason: str) -> None:
        if len(self.dropped) < MAX_DROPPED:
            self.dropped.append(Dropped(path=path, reason=reason))


def collect(
    top: int, patterns: Sequence[str], bounds: Bounds, ignore: Sequence[str] = (), links: bool = False
) -> Collected:
    """The regular files below the folder `top` (a descriptor) whose relative path matches one of `patterns`.

    `ignore`: relative paths that are not even named. `links`: take files with several hard links too (a folder of
    the user's own). The descriptor stays open.
    """
    found = Collected()
    device = os.fstat(top).st_dev
    left = bounds.total_bytes
    for folder, name, path in _walk(top, "", 0, found, set(ignore)):
        if not matches(path, patterns):
            continue
        if len(found.files) >= bounds.files:
            found.drop(path, "too many files")
            break
        content, reason = _read(folder, name, device, min(bounds.file_bytes, left), links)
        if content is None:
            found.drop(path, reason)
        else:
            found.files[path] = content
            left -= len(content)
    return found


def matches(path: str, patterns: Sequence[str]) -> bool:
    """Whether a relative path fits one of the patterns (fnmatch on the whole of it; `**` fits all)."""
    return any(pattern == ALL or fnmatch.fnmatchcase(path, pattern) for pattern in patterns)


def _walk(folder: int, prefix: str, depth: int, found: Collected, ignore: set[str]) -> Iterator[tuple[int, str, str]]:
    """(open folder, name, relative path) of each entry that is no folder, in sorted order."""
    for name in sorted(os.listdir(folder)):
        path = prefix + name
        if path in ignore:
            continue
        if not name.isprintable():
            found.drop(ascii(path)[1:-1], "its name is not printable UTF-8")
            continue
        try:
            kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            if not stat.S_ISDIR(kind):
                yield folder, name, path
                continue
            if depth >= MAX_DEPTH:
                found.drop(path, f"deeper than {MAX_DEPTH} folders")
                continue
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        except OSError as error:
            found.drop(path, os.strerror(error.errno or 0))
            continue
        try:
            yield from _walk(inner, path + "/", depth + 1, found, ignore)
        finally:
            os.close(inner)


def _read(folder: int, name: str, device: int, most: int, links: bool) -> tuple[bytes | None, str]:
    """The content, or None and why not. The kind is asked of the open descriptor, never of the path."""
    kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
    if not stat.S_ISREG(kind):  # opening some devices and FIFOs has effects
        return None, KINDS.get(stat.S_IFMT(kind), "not a regular file")
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        return None, os.strerror(error.errno or 0)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None, "not a regular file"
        if status.st_nlink != 1 and not links:
            return None, "has other hard links"
        if status.st_dev != device:
            return None, "on another file system"
        if status.st_size > most:
            return None, f"too big ({status.st_size} bytes; {most} are left)"
        content = file.read(most + 1)
    return (content, "") if len(content) <= most else (None, "it grew")


KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
