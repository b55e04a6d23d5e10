"""A table's strict, bounded form as bytes.

The bytes come from a process that may be hostile, so they are read by this file alone: a JSON header of bounded size
and raw little-endian buffers, with every count, length and text checked. Nothing is unpickled, and no library parses.

    b"PTAB2\\n" | header length, 8 bytes | header, JSON | buffers
    header   {"rows": n, "columns": [{"name": ..., "kind": ..., "gaps": whether cells are missing,
             "bytes": length of the text}, ...]}
    buffers  in the header's order, first those of eight bytes a cell: the n cells of int64 and float64, the n + 1
             offsets of str; then those of single bytes: with gaps n of 0 or 1 (missing); the n cells of bool;
             the UTF-8 text of str
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grading.table import Kind, Table, TableColumn

MAGIC = b"PTAB2\n"
_START = len(MAGIC) + 8
_HEADER = 16 << 20
_KEYS = {"name", "kind", "gaps", "bytes"}
_CONTINUES = 0x80
"""What the two highest bits of a byte say that continues a character of UTF-8."""


class MalformedTable(ValueError):
    """The bytes are no table: whoever wrote them is broken or lies."""


@dataclass(frozen=True)
class TableLimits:
    """What a table may be at most."""

    rows: int = 10_000_000
    columns: int = 4096
    cells: int = 50_000_000
    bytes: int = 256 << 20
    cell_characters: int = 16 << 20


@dataclass(frozen=True)
class _Column:
    """One entry of the header."""

    name: str
    kind: Kind
    gaps: bool
    bytes: int


def encode(table: Table) -> bytes:
    """The bytes of a table."""
    described: list[dict[str, Any]] = []
    wide: list[bytes] = []
    narrow: list[bytes] = []
    for name, column in table.columns.items():
        gaps, length = bool(column.missing.any()), 0
        if gaps:
            narrow.append(column.missing.astype(np.uint8).tobytes())
        if column.kind == "str":
            offsets, text = _spelled(column.strings)
            length = len(text)
            wide.append(offsets.astype("<i8").tobytes())
            narrow.append(text)
        else:
            (narrow if column.kind == "bool" else wide).append(column.values.astype(_dtype(column.kind)).tobytes())
        described.append({"name": name, "kind": column.kind, "gaps": gaps, "bytes": length})
    header = json.dumps({"rows": table.rows, "columns": described}).encode()
    header += b" " * (-(_START + len(header)) % 8)
    return b"".join([MAGIC, struct.pack("<Q", len(header)), header, *wide, *narrow])


def decode(data: bytes | bytearray | memoryview, limits: TableLimits = TableLimits()) -> Table:
    """The table in `data`, whose columns are views of it. Raises MalformedTable, whatever the bytes are."""
    view = memoryview(data).toreadonly()
    if len(view) > limits.bytes:
        raise MalformedTable(f"{len(view)} bytes")
    header, start = _header(view)
    rows = _count(header.get("rows"), limits.rows, "rows")
    entries = header.get("columns")
    if not isinstance(entries, list) or len(entries) > limits.columns:
        raise MalformedTable("columns")
    if rows * len(entries) > limits.cells:
        raise MalformedTable("cells")
    described = [_described(entry, limits) for entry in entries]
    if len({column.name for column in described}) != len(described):
        raise MalformedTable("a name twice")
    return Table(_columns(_Cursor(view, start), described, rows), rows)


class _Cursor:
    """Takes buffers from the front, never beyond the end."""

    def __init__(self, data: memoryview, position: int) -> None:
        self._data, self._position = data, position

    def take(self, length: int) -> memoryview:
        if length < 0 or self._position + length > len(self._data):
            raise MalformedTable("too short")
        taken = self._data[self._position : self._position + length]
        self._position += length
        return taken

    def end(self) -> None:
        if self._position != len(self._data):
            raise MalformedTable("bytes left over")


def _columns(cursor: _Cursor, described: Sequence[_Column], rows: int) -> dict[str, TableColumn]:
    wide = [_wide(cursor, column, rows) for column in described]
    none = np.zeros(rows, dtype=np.bool_)
    none.flags.writeable = False
    columns: dict[str, TableColumn] = {}
    for column, cells in zip(described, wide, strict=True):
        missing = _flags(cursor, rows) if column.gaps else none
        if column.kind == "str":
            texts = _texts(cells, cursor.take(column.bytes), missing if column.gaps else None)
            columns[column.name] = TableColumn(column.kind, texts, missing)
        else:
            values = _flags(cursor, rows) if column.kind == "bool" else cells
            columns[column.name] = TableColumn(column.kind, values, missing)
    cursor.end()
    return columns


def _header(view: memoryview) -> tuple[dict[str, Any], int]:
    if len(view) < _START or view[: len(MAGIC)] != MAGIC:
        raise MalformedTable("no header")
    length = struct.unpack_from("<Q", view, len(MAGIC))[0]
    if length > min(_HEADER, len(view) - _START):
        raise MalformedTable("header length")
    try:
        header = json.loads(str(view[_START : _START + length], "utf-8"))
    except (ValueError, RecursionError):
        raise MalformedTable("header") from None
    if not isinstance(header, dict):
        raise MalformedTable("header")
    return header, _START + length


def _described(entry: Any, limits: TableLimits) -> _Column:
    if not isinstance(entry, dict) or set(entry) != _KEYS:
        raise MalformedTable("column")
    name, kind, gaps = entry["name"], entry["kind"], entry["gaps"]
    if not isinstance(name, str) or len(name) > limits.cell_characters or not _is_text(name):
        raise MalformedTable("name")
    if kind not in get_args(Kind):
        raise MalformedTable("kind")
    if type(gaps) is not bool:
        raise MalformedTable("gaps")
    length = _count(entry["bytes"], limits.bytes, "bytes")
    if length and kind != "str":
        raise MalformedTable("bytes")
    return _Column(name, cast(Kind, kind), gaps, length)


def _wide(cursor: _Cursor, column: _Column, rows: int) -> NDArray[Any]:
    """The buffer of eight bytes a cell; an empty one where the kind has none."""
    if column.kind == "bool":
        return np.empty(0)
    cells = np.frombuffer(cursor.take(8 * (rows + (column.kind == "str"))), dtype=_dtype(column.kind))
    return cells if cells.flags.aligned and cells.dtype.isnative else cells.astype(cells.dtype.newbyteorder("="))


def _flags(cursor: _Cursor, rows: int) -> NDArray[np.bool_]:
    raw = np.frombuffer(cursor.take(rows), dtype=np.uint8)
    if rows and raw.max() > 1:
        raise MalformedTable("flags")
    return raw.view(np.bool_)


def _texts(offsets: NDArray[np.int64], text: memoryview, missing: NDArray[np.bool_] | None) -> pa.LargeStringArray:
    """Arrow's strings over these buffers, once every offset and every byte is known to be good."""
    if offsets[0] != 0 or offsets[-1] != len(text) or (offsets[1:] < offsets[:-1]).any():
        raise MalformedTable("offsets")
    letters = np.frombuffer(text, dtype=np.uint8)
    if len(letters) and letters.max() >= _CONTINUES:
        _check_utf8(offsets, letters, text)
    present = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text), present)


def _check_utf8(offsets: NDArray[np.int64], letters: NDArray[np.uint8], text: memoryview) -> None:
    """The whole is UTF-8 and no cell begins within a character, so each cell is UTF-8."""
    try:
        str(text, "utf-8")
    except UnicodeDecodeError:
        raise MalformedTable("not UTF-8") from None
    begins = offsets[offsets < len(letters)]
    if (letters[begins] & 0xC0 == _CONTINUES).any():
        raise MalformedTable("a cell begins within a character")


def _spelled(strings: pa.LargeStringArray) -> tuple[NDArray[np.int64], bytes]:
    """Offsets, shape (n + 1,), and text of all cells; missing ones are empty."""
    if not len(strings):
        return np.zeros(1, dtype=np.int64), b""
    filled = pc.fill_null(strings, "")
    _, ends, text = filled.buffers()
    offsets = np.frombuffer(ends, dtype=np.int64)[filled.offset : filled.offset + len(filled) + 1]
    whole = b"" if text is None else text.to_pybytes()
    return offsets - offsets[0], whole[offsets[0] : offsets[-1]]


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
    return {"int64": "<i8", "float64": "<f8", "bool": "|u1", "str": "<i8"}[kind]
