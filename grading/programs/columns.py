"""Columns of a CSV file as raw buffers, in the form of `grading.codec`; and what every reader of CSV must know.

Runs inside the sandbox too: standard library only.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple

MISSING = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
"""The spellings of a missing cell, those of pandas' reader."""
FOREIGN = (b'"', b"\0", b"\v", b"\f")
"""Bytes over which readers differ; a file with one is for pandas."""
TRUE, FALSE = ("True", "TRUE", "true"), ("False", "FALSE", "false")
"""The spellings of truth values, those of pandas' reader."""
NOT_SURE = re.compile(
    rb"[ \t]*([+-]?([0-9]*\.?[0-9]*(e[+-]?[0-9]*)?|inf(inity)?|nan)|true|false)[ \t]*", re.IGNORECASE | re.ASCII
)
"""What pandas could take for a number, a truth value or nothing; of all other cells it makes text for certain."""
LARGEST = 2.0**63
"""From here on whole numbers do not fit into 64 bits, and pandas goes other ways with them."""


DIGITS = 18
"""Any whole number of so many characters fits into 64 bits."""


class Refused(Exception):
    """The file cannot be read; the message says what is wrong."""


class Column(NamedTuple):
    """One column; every buffer is bytes or whatever gives them away (array, NumPy, Arrow)."""

    name: str
    kind: str
    """`int64`, `float64`, `bool` or `str`."""
    cells: Any
    """n int64 or float64, n bytes of 0 or 1, or the n + 1 int64 offsets of the cells in `text`."""
    missing: Any = None
    """n bytes of 0 or 1, or None where no cell is missing."""
    text: Any = b""
    """UTF-8."""


class Sheet(NamedTuple):
    """A file's columns, all of one length."""

    rows: int
    columns: list[Column]


def encode(sheet: Sheet) -> list[Any]:
    """The buffers that together are the table's bytes."""
    described: list[dict[str, Any]] = []
    wide: list[Any] = []
    narrow: list[Any] = []
    for name, kind, cells, missing, text in sheet.columns:
        length = memoryview(text).nbytes
        described.append({"name": name, "kind": kind, "gaps": missing is not None, "bytes": length})
        if missing is not None:
            narrow.append(missing)
        (narrow if kind == "bool" else wide).append(cells)
        narrow.append(text)
    header = json.dumps({"rows": sheet.rows, "columns": described}).encode()
    header += b" " * (-(14 + len(header)) % 8)
    return [b"PTAB2\n", struct.pack("<Q", len(header)), header, *wide, *narrow]


def surely_text(cells: Iterable[bytes]) -> bool:
    """Whether these first cells of a column make it text, whatever the others are.

    One that is neither number nor truth value does, unless a whole number too large for 64 bits came before: then
    pandas tries once more, by Python's `int`, for which `1_000` is a number.
    """
    for cell in cells:
        if cell.decode("latin-1") in MISSING:
            continue
        if not NOT_SURE.fullmatch(cell):
            return True
        if len(cell) > DIGITS:
            return False
    return False


def plain_names(header: bytes, most: int) -> list[str] | None:
    """The names in a header line without quotes; None where readers differ over it, or where there are too many."""
    try:
        names = header.decode("utf-8").split(",")
    except UnicodeDecodeError:
        return None
    good = all(names) and len(set(names)) == len(names) <= most
    return names if good else None
