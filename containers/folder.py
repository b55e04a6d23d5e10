"""A user's own folder as a workspace: read in, and written back to, without following any link on the way."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from containers import collect
from containers.sandbox import Dropped
from containers.workspace import checked_path
from podium.errors import UserError

BOUNDS = collect.Bounds(total_bytes=1 << 30, file_bytes=1 << 30, files=100_000)


def read_folder(folder: Path) -> dict[str, bytes]:
    """The regular files of `folder` by relative path. Raises UserError for more than 1 GiB."""
    try:
        top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UserError(f"{folder} is no folder to work in: {error.strerror}.", "Give another --workspace.") from None
    try:
        found = collect.collect(top, (collect.ALL,), BOUNDS, links=True)
    finally:
        os.close(top)
    too_big = [dropped.path for dropped in found.dropped if dropped.reason.startswith("too ")]
    if too_big:
        raise UserError(f"{folder} is too big to copy in ({too_big[0]}).", "Hand large files over by --data.")
    return found.files


def write_folder(folder: Path, files: Mapping[str, bytes]) -> list[Dropped]:
    """Write `files` below `folder`, each aside and then renamed; what lies in the way of one is left and named."""
    refused = []
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name, content in files.items():
            try:
                _write(top, name, content)
            except OSError as error:
                refused.append(Dropped(path=name, reason=f"not written back: {error.strerror}"))
    finally:
        os.close(top)
    return refused


def _write(top: int, name: str, content: bytes) -> None:
    path = checked_path(name)
    folder = os.dup(top)
    try:
        for part in path.parts[:-1]:
            with suppress(FileExistsError):
                os.mkdir(part, dir_fd=folder)
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        aside = f".{uuid.uuid4().hex}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(aside, flags, 0o644, dir_fd=folder), "wb") as file:
            file.write(content)
        try:
            os.replace(aside, path.name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(aside, dir_fd=folder)
            raise
    finally:
        os.close(folder)
