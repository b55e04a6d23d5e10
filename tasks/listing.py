"""What lies in a public folder, as agents are told: file by file where it is small, folder by folder where it is not.

A competition of images has hundreds of thousands of files on a file system that may be slow, so only so many are looked
at. Agents can look for themselves.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final

from podium.brief import DataFile

FEW: Final = 20
"""A folder below the top is told file by file up to so many files."""
LINES: Final = 100
"""Most files, and most folders, of the top level that are told."""
LOOKED: Final = 5_000
"""Most entries of one folder, with all below it, that are looked at."""


def listing(public: Path) -> tuple[DataFile, ...]:
    """The files at the top, then the folders: `train/ (1,234 files)` with their size together, a lower bound where it
    says `more than`."""
    top = sorted(islice(_entries(public, deep=False), LOOKED), key=lambda entry: entry.name)
    files = [entry for entry in top if os.path.isfile(entry)]
    told = [_told(entry, public) for entry in files[:LINES]]
    if len(files) > LINES:
        told.append(_together("the others", files[LINES:], whole=len(top) < LOOKED))
    for folder in [entry for entry in top if os.path.isdir(entry)][:LINES]:
        told.extend(_folder(Path(folder.path), public))
    return tuple(told)


def _folder(folder: Path, public: Path) -> list[DataFile]:
    seen = list(islice(_entries(folder, deep=True), LOOKED))
    files = [entry for entry in seen if os.path.isfile(entry)]
    if len(files) <= FEW and len(seen) < LOOKED:
        return sorted((_told(entry, public) for entry in files), key=lambda file: file.name)
    return [_together(f"{folder.name}/", files, whole=len(seen) < LOOKED)]


def _entries(folder: Path, *, deep: bool) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder, and with `deep` below it: not below links to folders, which may go round."""
    waiting = [str(folder)]
    while waiting:
        with suppress(PermissionError), os.scandir(waiting.pop()) as found:
            for entry in found:
                yield entry
                if deep and entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _told(entry: os.DirEntry[str], public: Path) -> DataFile:
    return DataFile(name=Path(entry.path).relative_to(public).as_posix(), bytes=entry.stat().st_size)


def _together(name: str, files: list[os.DirEntry[str]], *, whole: bool) -> DataFile:
    count = f"{len(files):,}" if whole else f"more than {len(files):,}"
    return DataFile(name=f"{name} ({count} files)", bytes=sum(entry.stat().st_size for entry in files))
