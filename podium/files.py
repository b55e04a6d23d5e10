"""Writing so that nothing is ever half there: aside, fsynced, then renamed or linked."""

from __future__ import annotations

import os
import uuid
from contextlib import suppress
from pathlib import Path


def write_atomic(path: Path, content: bytes | str, mode: int = 0o644) -> None:
    """Replace `path` as a whole: readers see the old content or the new. The last writer wins."""
    aside = _write_aside(path, content, mode)
    os.replace(aside, path)
    _sync_directory(path.parent)


def write_once(path: Path, content: bytes | str, mode: int = 0o644) -> bool:
    """Publish `path` unless it exists: the first writer wins. Returns whether this call was first."""
    aside = _write_aside(path, content, mode)
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        os.unlink(aside)
    _sync_directory(path.parent)
    return True


def append_line(path: Path, line: str) -> None:
    """Append one line by one write, then fsync; made for JSON lines read by `read_lines`."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.write(descriptor, (line + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_lines(path: Path) -> list[str]:
    """The whole lines of an appended file; a last line without its end (a death while writing) is left out."""
    if not path.exists():
        return []
    text = path.read_bytes().decode("utf-8", "replace")
    return [line for line in text[: text.rfind("\n") + 1].split("\n") if line]


def replace_link(link: Path, target: str) -> None:
    """Point the symbolic link `link` at `target` (relative to its folder), replacing an older link as a whole."""
    aside = link.with_name(f".{link.name}.{uuid.uuid4().hex}")
    os.symlink(target, aside)
    os.replace(aside, link)


def _write_aside(path: Path, content: bytes | str, mode: int) -> Path:
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    data = content.encode() if isinstance(content, str) else content
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(aside)
        raise
    return aside


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
