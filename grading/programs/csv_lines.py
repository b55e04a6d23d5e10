"""A reader for small CSV files without quotes: quick where pandas is sure to read the same, else it declines.

Runs inside the sandbox too: standard library only, so that a process that does no more forks in no time.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from itertools import accumulate

from grading.programs.columns import FALSE, FOREIGN, LARGEST, MISSING, TRUE, Column, Sheet, plain_names, surely_text

MOST_BYTES = 512 << 10
"""Larger files are read faster by Arrow."""
IN_CELLS = bytes({*range(0x100)} - {*b",\n"})
WHOLE, DECIMAL = b"0123456789-", b"0123456789-.e"
TRUTH = {**{word.encode(): 1 for word in TRUE}, **{word.encode(): 0 for word in FALSE}}
ABSENT = frozenset(word.encode() for word in MISSING)
LOOKED_AT = 32
"""So many cells of a column show whether it is text."""


def knows(data: bytes) -> bool:
    """Whether it is worth asking; a look that takes no time."""
    return len(data) <= MOST_BYTES and not any(byte in data for byte in FOREIGN)


def read(data: bytes, limits: dict[str, int]) -> Sheet | None:
    """The typed columns, or None where the file is not of the kind that this reader knows."""
    lines = _lines(data)
    if lines is None or len(lines) > limits["cell_characters"]:
        return None
    names = plain_names(lines[: lines.index(b"\n")], limits["columns"])
    rows = lines.count(b"\n") - 1
    if names is None or not 0 < rows <= limits["rows"] or rows * len(names) > limits["cells"]:
        return None
    width = len(names)
    if width == 1 and any(blank in lines for blank in (b" ", b"\t", b"\n\n")):
        return None  # a line of nothing but blanks is skipped
    if lines.translate(None, IN_CELLS) != (b"," * (width - 1) + b"\n") * (rows + 1):
        return None  # some row has more or fewer cells
    cells = lines.replace(b"\n", b",").split(b",")
    columns = [_column(name, cells[place + width : -1 : width]) for place, name in enumerate(names)]
    found = [column for column in columns if column is not None]
    return Sheet(rows, found) if len(found) == width else None


def _lines(data: bytes) -> bytes | None:
    """The file with a line feed at the end of every line, if it is plain UTF-8 from its first character on."""
    if not knows(data) or data.startswith((b" ", b"\t", b"\n", b"\r", b"\xef\xbb\xbf", b"PK\x03\x04", b"PAR1")):
        return None
    if b"\r" in data:
        if data.count(b"\r") != data.count(b"\r\n"):
            return None
        data = data.replace(b"\r\n", b"\n")
    if not data.isascii():
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            return None
    return data if data.endswith(b"\n") else data + b"\n"


def _column(name: str, cells: list[bytes]) -> Column | None:
    gaps = not ABSENT.isdisjoint(cells)
    missing = bytes(map(ABSENT.__contains__, cells)) if gaps else None
    present = [cell for cell in cells if cell not in ABSENT] if gaps else cells
    joined = b"".join(present)
    if not joined.translate(None, DECIMAL):
        numbers = _whole(present) if joined and not joined.translate(None, WHOLE) else _decimal(present)
        if numbers is None or not gaps:
            return Column(name, "int64" if numbers.typecode == "q" else "float64", numbers) if numbers else None
        found = iter(numbers)
        spread = array("d", [math.nan if cell in ABSENT else next(found) for cell in cells])
        return Column(name, "float64", spread, missing)
    if not gaps and all(map(TRUTH.__contains__, cells)):
        return Column(name, "bool", bytes(map(TRUTH.__getitem__, cells)))
    if surely_text(cells[:LOOKED_AT]):
        lengths = map(len, cells) if not gaps else (0 if cell in ABSENT else len(cell) for cell in cells)
        return Column(name, "str", array("q", accumulate(lengths, initial=0)), missing, joined)
    return None


def _whole(cells: Sequence[bytes]) -> array[int] | None:
    """Cells of digits and minus signs as int64; None: not all of them are such numbers."""
    try:
        return array("q", map(int, cells))
    except (ValueError, OverflowError):
        return None


def _decimal(cells: Sequence[bytes]) -> array[float] | None:
    """Cells of digits, minus signs, points and `e` as float64; None: not all of them are numbers of the usual size.
    Python reads such a cell as pandas does, by the same function."""
    try:
        values = array("d", map(float, cells))
    except ValueError:
        return None
    usual = not values or (max(values) < LARGEST and min(values) > -LARGEST)
    return values if usual else None
