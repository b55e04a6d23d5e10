"""The two halves of a task on disk: written so that readers see old or new files, with the modes that keep answers in.

<data>/<id>/prepared/public/       0755, files 0644
<private>/<id>/prepared/private/   0700, files 0600
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from podium.files import write_atomic


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 (hex) of every file of a folder by name; empty where there is no such folder."""
    if not folder.is_dir():
        return {}
    return {path.name: digest(path.read_bytes()) for path in sorted(folder.iterdir()) if path.is_file()}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_half(folder: Path, files: Mapping[str, bytes], *, private: bool) -> None:
    """Make `folder` hold exactly `files`. A death in between leaves whole files; the next call finishes the work."""
    _make_folders(folder, private=private)
    for name, content in files.items():
        path = folder / name
        if not (path.is_file() and not path.is_symlink() and path.read_bytes() == content):
            write_atomic(path, content, 0o600 if private else 0o644)
        path.chmod(0o600 if private else 0o644)
    for path in folder.iterdir():
        if path.name not in files:
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


@contextmanager
def sole_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a task's `prepared` folder: two preparations of one task take turns."""
    _make_folders(folder, private=False)
    descriptor = os.open(folder / ".lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _make_folders(folder: Path, *, private: bool) -> None:
    """Make what is missing of `folder` and its parents, whatever the umask; a private folder itself is 0700."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(mode=0o700 if private else 0o755, exist_ok=True)
        if not private:
            parent.chmod(0o755)
    if private:
        folder.chmod(0o700)
