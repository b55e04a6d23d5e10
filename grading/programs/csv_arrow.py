"""A reader by Arrow for CSV files without quotes: it declines unless it is sure that pandas would read the same.

Runs inside the sandbox too: standard library and pyarrow.
"""

from __future__ import annotations

import math
from array import array
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from grading.programs.columns import FALSE, FOREIGN, LARGEST, MISSING, TRUE, Column, Sheet, plain_names, surely_text

BLOCK = 1 << 30
BLANKS = (b" ", b"\t")
NOT_IN_NUMBERS = (*BLANKS, b"+", b"x", b"X")
"""Arrow takes blanks away around numbers, reads 0x1F as a whole number but +1 as no whole one: pandas differs."""
HEAD, LOOKED_AT = 16 << 10, 32
"""So much of a file and so many of its rows show which columns are text."""


def knows(data: bytes) -> bool:
    """Whether it is worth asking; a look that takes no time."""
    return not any(byte in data for byte in FOREIGN)


def read(data: bytes, limits: dict[str, int]) -> Sheet | None:
    """The typed columns, or None where the file is not of the kind that this reader knows."""
    header, names = _header(data, limits)
    if names is None or not _plain(data, limits["cell_characters"]):
        return None
    if len(names) == 1 and any(blank in data for blank in BLANKS):
        return None  # a line of blanks: pandas skips it, Arrow reads a cell
    try:
        table = _table(data, _texts(data, names))
    except (pa.ArrowException, UnicodeDecodeError):  # rows of several lengths, bytes that are not UTF-8
        return None
    rows = table.num_rows
    if table.column_names != names or not 0 < rows <= limits["rows"] or rows * len(names) > limits["cells"]:
        return None
    arrays = [_whole(column) for column in table.columns]
    if not _odd_bytes_are_in_texts(data, header, arrays):
        return None
    columns = [_column(name, cells) for name, cells in zip(names, arrays, strict=True)]
    found = [column for column in columns if column is not None]
    return Sheet(rows, found) if len(found) == len(names) else None


def _header(data: bytes, limits: dict[str, int]) -> tuple[bytes, list[str] | None]:
    end = data.find(b"\n")
    header = data[: max(end, 0)].removesuffix(b"\r")
    if not header or header.startswith((b" ", b"\t", b"\r", b"\xef\xbb\xbf", b"PK\x03\x04", b"PAR1")):
        return header, None
    return header, plain_names(header, limits["columns"])


def _plain(data: bytes, longest: int) -> bool:
    """No bytes over which readers differ, every carriage return ends a line, no line longer than a cell may be."""
    if not knows(data) or (b"\r" in data and data.count(b"\r") != data.count(b"\r\n")):
        return False
    half = max(longest // 2, 1)
    return all(data.find(b"\n", start, start + half) >= 0 for start in range(0, len(data) - half, half))


def _texts(data: bytes, names: list[str]) -> list[str]:
    """The columns of which the first rows say that they are text."""
    lines = data[:HEAD].split(b"\n", LOOKED_AT + 1)[1:-1]  # what is behind the last line feed may be cut
    rows = [cells for line in lines if len(cells := line.removesuffix(b"\r").split(b",")) == len(names)]
    return [name for place, name in enumerate(names) if surely_text(cells[place] for cells in rows)]


def _table(data: bytes, texts: list[str]) -> pa.Table:
    reading = csv.ReadOptions(use_threads=False, block_size=min(max(len(data) + 1, 1 << 10), BLOCK))
    parsing = csv.ParseOptions(quote_char=False)
    converting = csv.ConvertOptions(
        check_utf8=not data.isascii(),
        column_types=dict.fromkeys(texts, pa.large_string()),
        null_values=list(MISSING),
        strings_can_be_null=True,
        true_values=list(TRUE),
        false_values=list(FALSE),
    )
    return csv.read_csv(pa.BufferReader(data), read_options=reading, parse_options=parsing, convert_options=converting)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)


def _odd_bytes_are_in_texts(data: bytes, header: bytes, arrays: list[pa.Array]) -> bool:
    """Whether no cell of another kind holds a byte of NOT_IN_NUMBERS, by counting them in the texts."""
    texts = [cells for cells in arrays if pa.types.is_large_string(cells.type)]
    if len(texts) == len(arrays):
        return True
    return all(
        data.count(byte) == header.count(byte) + sum(_text(cells).count(byte) for cells in texts)
        for byte in NOT_IN_NUMBERS
        if byte in data
    )


def _text(cells: pa.Array) -> bytes:
    text: bytes = cells.buffers()[2].to_pybytes()
    return text


def _column(name: str, cells: pa.Array) -> Column | None:
    rows, gaps = len(cells), cells.null_count
    missing = pc.cast(pc.is_null(cells), pa.uint8()).buffers()[1] if gaps else None
    if cells.offset:
        return None
    if pa.types.is_large_string(cells.type):
        _, ends, text = cells.buffers()
        ends = memoryview(ends)[: 8 * (rows + 1)]
        return Column(name, "str", ends, missing, memoryview(text)[: ends.cast("q")[-1]] if text else b"")
    if pa.types.is_null(cells.type):
        return Column(name, "float64", array("d", [math.nan]) * rows, missing)
    if pa.types.is_float64(cells.type) and _usual(cells):
        return Column(name, "float64", _cells(_spread(cells), 8), missing)
    if pa.types.is_int64(cells.type):
        return Column(name, "float64" if gaps else "int64", _cells(_spread(cells), 8), missing)
    if pa.types.is_boolean(cells.type) and not gaps:
        return Column(name, "bool", _cells(pc.cast(cells, pa.uint8()), 1))
    return None


def _usual(cells: pa.Array) -> bool:
    """Whether all numbers are finite, and none is so large that pandas may have read whole ones."""
    if not math.isfinite(pc.sum(cells).as_py()):
        return False
    ends = pc.min_max(cells).as_py()
    return bool(ends["min"] > -LARGEST and ends["max"] < LARGEST)


def _spread(numbers: pa.Array) -> pa.Array:
    """The same numbers; where some are missing as float64, NaN in their place."""
    return pc.fill_null(pc.cast(numbers, pa.float64(), safe=False), math.nan) if numbers.null_count else numbers


def _cells(cells: pa.Array, width: int) -> Any:
    return memoryview(cells.buffers()[1])[: width * len(cells)]
