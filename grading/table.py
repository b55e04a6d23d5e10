"""`Table`: typed columns with an explicit mask of what is missing, and its strict, bounded form as bytes.

The bytes come from a process that may be hostile, so they are read by this file alone: a JSON header of bounded size
and raw little-endian buffers, with every count, length and text checked. Nothing is unpickled, and no library parses.

    b"PTAB1\\n" | header length, 8 bytes | header, JSON | buffers in the header's order
    header   {"rows": n, "columns": [{"name": ..., "kind": ..., "bytes": length of the text buffer}, ...]}
    buffers  missing: n bytes of 0 or 1; then int64, float64: 8n bytes; bool: n bytes;
             str: 8(n + 1) bytes of offsets, then the UTF-8 text
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast, get_args

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Kind = Literal["int64", "float64", "bool", "str"]

MAGIC = b"PTAB1\n"
_WIDTHS = {"int64": 8, "float64": 8, "bool": 1}
_HEADER = 16 << 20


class MalformedTable(ValueError):
    """The bytes are no table: whoever wrote them is broken or lies."""


@dataclass(frozen=True, eq=False)
class TableColumn:
    """One column of n rows."""

    kind: Kind
    values: NDArray[Any]
    """Shape (n,); dtype int64, float64, bool, or object with `str` in it. Where missing: 0, NaN, False, ''."""
    missing: NDArray[np.bool_]
    """Shape (n,)."""

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers (or truth values, which count as 0 and 1)."""
        return self.kind != "str"

    def numbers(self) -> NDArray[np.float64]:
        """The values as float64, NaN where missing. Raises ValueError for a column of text."""
        if not self.numeric:
            raise ValueError("a column of text holds no numbers")
        return np.where(self.missing, np.nan, self.values.astype(np.float64))

    @cached_property
    def strings(self) -> pa.LargeStringArray:
        """The cells of a column of text, null where missing; made once."""
        return pa.array(self.values, pa.large_string(), mask=self.missing)

    def texts(self) -> list[str]:
        """The values as text, whole numbers without a point (`3.0` is `3`), so that equal labels compare equal."""
        if self.kind == "float64":
            return [_number_text(value) for value in self.values.tolist()]
        return [str(value) for value in self.values.tolist()]


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of one length, in the file's order."""

    columns: Mapping[str, TableColumn]
    rows: int

    def __getitem__(self, name: str) -> TableColumn:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.columns)

    def taken(self, rows: NDArray[np.int64]) -> Table:
        """The rows of these numbers, in this order."""
        columns = {
            name: TableColumn(column.kind, column.values[rows], column.missing[rows])
            for name, column in self.columns.items()
        }
        return Table(columns, len(rows))


@dataclass(frozen=True)
class TableLimits:
    """What a table may be at most."""

    rows: int = 10_000_000
    columns: int = 4096
    cells: int = 50_000_000
    bytes: int = 256 << 20
    cell_characters: int = 16 << 20


def encode(table: Table) -> bytes:
    """The bytes of a table."""
    described: list[dict[str, Any]] = []
    buffers: list[bytes] = []
    for name, column in table.columns.items():
        texts = [value.encode() for value in column.values] if column.kind == "str" else []
        described.append({"name": name, "kind": column.kind, "bytes": sum(map(len, texts))})
        buffers.append(column.missing.astype(np.uint8).tobytes())
        if column.kind == "str":
            buffers.append(np.cumsum([0, *map(len, texts)], dtype="<i8").tobytes())
            buffers.append(b"".join(texts))
        else:
            buffers.append(np.ascontiguousarray(column.values, dtype=_dtype(column.kind)).tobytes())
    header = json.dumps({"rows": table.rows, "columns": described}).encode()
    return b"".join([MAGIC, struct.pack("<Q", len(header)), header, *buffers])


def decode(data: bytes, limits: TableLimits = TableLimits()) -> Table:
    """The table in `data`. Raises MalformedTable, whatever the bytes are."""
    if len(data) > limits.bytes:
        raise MalformedTable(f"{len(data)} bytes")
    header, start = _header(data)
    rows = _count(header.get("rows"), limits.rows, "rows")
    described = header.get("columns")
    if not isinstance(described, list) or len(described) > limits.columns:
        raise MalformedTable("columns")
    if rows * len(described) > limits.cells:
        raise MalformedTable("cells")
    cursor = _Cursor(data, start)
    columns: dict[str, TableColumn] = {}
    for entry in described:
        name, kind, length = _described(entry, limits)
        if name in columns:
            raise MalformedTable("a name twice")
        columns[name] = _column(cursor, kind, rows, length)
    if cursor.position != len(data):
        raise MalformedTable("bytes left over")
    return Table(columns, rows)


class _Cursor:
    """Takes buffers from the front, never beyond the end."""

    def __init__(self, data: bytes, position: int) -> None:
        self._data, self.position = memoryview(data), position

    def take(self, length: int) -> memoryview:
        if length < 0 or self.position + length > len(self._data):
            raise MalformedTable("too short")
        taken = self._data[self.position : self.position + length]
        self.position += length
        return taken


def _header(data: bytes) -> tuple[dict[str, Any], int]:
    start = len(MAGIC) + 8
    if not data.startswith(MAGIC) or len(data) < start:
        raise MalformedTable("no header")
    length = struct.unpack_from("<Q", data, len(MAGIC))[0]
    if length > min(_HEADER, len(data) - start):
        raise MalformedTable("header length")
    try:
        header = json.loads(data[start : start + length].decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedTable("header") from None
    if not isinstance(header, dict):
        raise MalformedTable("header")
    return header, start + length


def _described(entry: Any, limits: TableLimits) -> tuple[str, Kind, int]:
    if not isinstance(entry, dict) or set(entry) != {"name", "kind", "bytes"}:
        raise MalformedTable("column")
    name, kind = entry["name"], entry["kind"]
    if not isinstance(name, str) or len(name) > limits.cell_characters or not _is_text(name):
        raise MalformedTable("name")
    if kind not in get_args(Kind):
        raise MalformedTable("kind")
    length = _count(entry["bytes"], limits.bytes, "bytes")
    if length and kind != "str":
        raise MalformedTable("bytes")
    return name, cast(Kind, kind), length


def _column(cursor: _Cursor, kind: Kind, rows: int, length: int) -> TableColumn:
    missing = _flags(cursor, rows)
    if kind == "str":
        values = _texts(cursor, rows, length)
    elif kind == "bool":
        values = _flags(cursor, rows)
    else:
        values = np.frombuffer(cursor.take(_WIDTHS[kind] * rows), dtype=_dtype(kind)).astype(kind)
    return TableColumn(kind, values, missing)


def _flags(cursor: _Cursor, rows: int) -> NDArray[np.bool_]:
    raw = np.frombuffer(cursor.take(rows), dtype=np.uint8)
    if rows and raw.max() > 1:
        raise MalformedTable("flags")
    return raw.astype(np.bool_)


def _texts(cursor: _Cursor, rows: int, length: int) -> NDArray[Any]:
    offsets = np.frombuffer(cursor.take(8 * (rows + 1)), dtype="<i8")
    text = bytes(cursor.take(length))
    inside = offsets.min() >= 0 and offsets.max() <= length  # first, or the differences could wrap around
    if not inside or offsets[0] != 0 or offsets[-1] != length or (np.diff(offsets) < 0).any():
        raise MalformedTable("offsets")
    values = np.empty(rows, dtype=object)
    ends = offsets.tolist()
    try:
        for row in range(rows):
            values[row] = text[ends[row] : ends[row + 1]].decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedTable("not UTF-8") from None
    return values


def _count(value: Any, limit: int, what: str) -> int:
    if type(value) is not int or not 0 <= value <= limit:
        raise MalformedTable(what)
    return value


def _is_text(name: str) -> bool:
    """False for lone surrogates, which JSON can spell and no file can hold."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _dtype(kind: Kind) -> str:
    return {"int64": "<i8", "float64": "<f8", "bool": "|u1"}[kind]


def _number_text(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
