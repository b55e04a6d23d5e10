"""A leaderboard's file: a CSV with one entry a row, best first, as MLE-bench keeps one for each competition."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Final

from grading.medals import Thresholds, positions, thresholds
from podium.errors import UserError

FILE: Final = "leaderboard.csv"
SCORE: Final = "score"
"""The one column that counts; `name`, where there is one, tells who it is."""
MAX_BYTES: Final = 64 << 20
_GAPS: Final = {"", "nan", "na", "n/a", "#n/a", "<na>", "null", "none"}
"""What stands for a missing score, in any case."""


def read(file: Path) -> list[tuple[float, str]]:
    """Score and name of each entry, best first; NaN is a gap that keeps its place.

    Raises UserError where the file is no leaderboard, FileNotFoundError where there is none.
    """
    rows = _rows(file)
    head = rows[0][1] if rows else []
    if SCORE not in head:
        raise _fault(file, f"has no column `{SCORE}`; it has: {', '.join(head)[:200] or 'none'}.")
    if not rows[1:]:
        raise _fault(file, "has no entry.")
    place, name = head.index(SCORE), head.index("name") if "name" in head else len(head)
    return [(_score(file, line, _cell(row, place)), _cell(row, name)) for line, row in rows[1:]]


def needed(file: Path) -> Thresholds:
    """What the leaderboard in `file` asks for each medal. Raises as `read` does, and for a gap where a medal begins."""
    scores = [score for score, _ in read(file)]
    for medal, place in zip(("gold", "silver", "bronze"), positions(len(scores)), strict=True):
        if not math.isfinite(scores[place - 1]):
            raise _fault(file, f"has no score in place {place} of {len(scores)}, where {medal} begins.")
    return thresholds(scores)


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """The rows that are not empty, each with the line that it ends in."""
    reader = csv.reader(io.StringIO(_text(file), newline=""), strict=True)
    try:
        return [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise _fault(file, f"is no CSV: {error}.") from None


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except (IsADirectoryError, PermissionError) as error:
        raise _fault(file, f"cannot be read: {error.strerror}.") from None
    if len(content) > MAX_BYTES:
        raise _fault(file, f"is larger than {MAX_BYTES >> 20} MiB.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _fault(file, "is no UTF-8 text.") from None


def _score(file: Path, line: int, text: str) -> float:
    if text.strip().lower() in _GAPS:
        return math.nan
    try:
        if not text.isascii() or "_" in text:  # Python reads these as numbers, tables do not
            raise ValueError
        return float(text)
    except ValueError:
        raise _fault(file, f"has {text[:80]!r} in line {line}, where a score is asked for.") from None


def _cell(row: list[str], place: int) -> str:
    return row[place] if place < len(row) else ""


def _fault(file: Path, words: str) -> UserError:
    remedy = f"Write one entry a row, best first, with its score in the column `{SCORE}`; or take the file away."
    return UserError(f"The leaderboard {file} {words}", remedy)
