"""Whether there is room on disk, asked before anything is written."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from podium.errors import UserError

SPARE: Final = 64 << 20
"""Bytes that stay free: a full disk harms whatever else runs here."""
UNITS: Final = ("B", "KB", "MB", "GB", "TB", "PB", "EB")


def check_room(folder: Path, needed: int, purpose: str) -> None:
    """Raise UserError where less than `needed` bytes (and a little) are free on the disk of `folder`."""
    place = next(path for path in (folder, *folder.parents) if path.is_dir())
    free = shutil.disk_usage(place).free
    if free < needed + SPARE:
        raise UserError(
            f"There are {size(free)} free on the disk of {folder}, and {purpose} needs about {size(needed)}.",
            "Make room there, or name another folder with --data-dir.",
        )


def size(count: int) -> str:
    """A number of bytes as people write it, decimal units: `1.5 GB`."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} B" if unit == 0 else f"{value:.1f} {UNITS[unit]}"
