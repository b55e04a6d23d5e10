"""Kaggle's archive: its digest, and its content extracted aside, so that `raw/` is there as a whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import Final

from podium.errors import UserError
from tasks.preparing.room import check_room

BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What `zipfile` raises of an archive that is damaged, encrypted (RuntimeError) or of a kind it cannot read."""


def md5(file: Path) -> str:
    """MD5 of a file (hex), as the benchmark records it; it tells a damaged file, not a forged one."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def damage(archive: Path) -> str:
    """What is wrong with the archive itself, its members' checksums included; empty where it is whole."""
    try:
        with zipfile.ZipFile(archive) as opened:
            member = opened.testzip()
    except BROKEN as error:
        return str(error)
    return f"its member {member} is damaged" if member else ""


def extract(archive: Path, raw: Path) -> None:
    """Extract into the folder `raw`, which is not there yet, closed to others. Raises UserError where it cannot be."""
    aside = raw.with_name(".raw")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as opened:
            check_room(raw.parent, sum(member.file_size for member in opened.infolist()), f"extracting {archive.name}")
            aside.mkdir(mode=0o700)
            opened.extractall(aside)
    except BROKEN as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise UserError(
            f"{archive} is no whole zip archive: {error}.", "Remove it; it is then downloaded again."
        ) from None
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    if raw.is_dir():
        _merge(aside, raw)
    else:
        os.rename(aside, raw)


def _merge(aside: Path, raw: Path) -> None:
    """Add what a `raw` that is already there lacks; what it has stays."""
    for path in sorted(aside.rglob("*")):
        target = raw / path.relative_to(aside)
        if path.is_dir():
            target.mkdir(exist_ok=True)
        elif not target.exists():
            os.rename(path, target)
    shutil.rmtree(aside)
