"""The readers of CSV that all others must agree with: pandas' own, and a strict one, line by line, before pandas.

Runs inside the sandbox too: standard library, NumPy, pandas and pyarrow.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from grading.programs.columns import MISSING, Column, Refused, Sheet

MAGIC = ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"PAR1", "Parquet"), (b"\x80\x04", "pickle"))


def knows(data: bytes) -> bool:
    """Whether it is worth asking: always."""
    return True


def read(data: bytes, limits: dict[str, int]) -> Sheet:
    """The typed columns of a CSV file, as pandas infers them. Raises Refused."""
    if not limits.get("pandas"):
        return strict(data, limits)
    width = _width(data)
    if width > limits["columns"]:
        raise Refused(f"The file has {width} columns; at most {limits['columns']} can be read.")
    return lenient(data)


def lenient(data: bytes) -> Sheet:
    """What pandas' reader makes of the bytes with its defaults. Raises Refused."""
    try:
        return _sheet(lambda **options: pd.read_csv(io.BytesIO(data), low_memory=False, **options))
    except pd.errors.EmptyDataError:
        return Sheet(0, [])
    except (ValueError, OverflowError) as error:  # ragged rows, foreign bytes
        raise Refused(f"The file cannot be read as CSV: {str(error).strip()[:200]}.") from None


def strict(data: bytes, limits: dict[str, int]) -> Sheet:
    """The same for a file in which every row has a cell for every column, and no two readers differ. Raises Refused."""
    text = _text(data)
    names, rows = _structure(text, limits)
    try:
        sheet = _sheet(lambda **options: pd.read_csv(io.StringIO(text), low_memory=False, index_col=False, **options))
    except (ValueError, OverflowError) as error:
        raise Refused(f"The file cannot be read as CSV: {str(error)[:200]}.") from None
    if (sheet.rows, len(sheet.columns)) != (rows, len(names)):
        raise Refused("The file reads as another table with other CSV readers. Write it plainly, quoting by '\"' only.")
    return sheet


def _width(data: bytes) -> int:
    """About how many cells a line has: for ten thousand that have one name, or none, pandas takes seconds."""
    lines = (line for line in io.TextIOWrapper(io.BytesIO(data), "latin-1") if line.strip())
    return max((line.count(",") + 1 for line in itertools.islice(lines, 2)), default=0)


def _text(data: bytes) -> str:
    if not data.strip():
        raise Refused("The file is empty. Write a header line and one line a row.")
    for mark, name in MAGIC:
        if data.startswith(mark):
            raise Refused(f"The file is {name}, not CSV. Write plain CSV text.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Refused("The file is UTF-16. Write it as UTF-8.")
    place = data.find(b"\0")
    if place >= 0:
        raise Refused(f"There is a NUL byte in line {data.count(10, 0, place) + 1}. Write plain CSV text.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(10, 0, error.start) + 1
        raise Refused(f"Line {line} is not UTF-8 (byte 0x{data[error.start]:02x}). Write the file as UTF-8.") from None


def _structure(text: str, limits: dict[str, int]) -> tuple[list[str], int]:
    """The header and how many rows follow."""
    csv.field_size_limit(limits["cell_characters"])
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    names: list[str] = []
    rows = 0
    try:
        for cells in reader:
            if not cells:
                continue
            if not names:
                names = _header(cells, limits)
                continue
            rows += 1
            if len(cells) != len(names):
                raise Refused(
                    f"Line {reader.line_num} has {len(cells)} cells, but the header has {len(names)}. "
                    "Give every row one cell a column, and quote cells that hold a comma."
                )
            if rows > limits["rows"] or rows * len(names) > limits["cells"]:
                raise Refused(f"The file has more than {rows - 1} rows, which is more than can be read.")
    except csv.Error as error:
        raise Refused(f"Line {reader.line_num} is not CSV: {error}.") from None
    return names, rows


def _header(cells: list[str], limits: dict[str, int]) -> list[str]:
    if len(cells) > limits["columns"]:
        raise Refused(f"The file has {len(cells)} columns; at most {limits['columns']} can be read.")
    for name in cells:
        if name and cells.count(name) > 1:
            raise Refused(f"The column {name[:80]!r} appears twice in the header. Give every column its own name.")
    return cells


def _sheet(read: Callable[..., pd.DataFrame]) -> Sheet:
    """The columns as pandas 2 types them. `read` reads the file, with options that are given to pandas."""
    frame = read()
    series = [frame.iloc[:, place] for place in range(frame.shape[1])]
    doubted = [place for place, column in enumerate(series) if _doubted(column)]
    texts = read(dtype=str) if doubted else frame
    for place in doubted:
        series[place] = _settled(series[place], texts.iloc[:, place])
    return Sheet(len(frame), [_column(str(name), column) for name, column in zip(frame.columns, series, strict=True)])


def _doubted(series: Any) -> bool:
    """Whether pandas 3 may have read a column in another way than pandas 2.

    A number with a point too large for a float was text, and is infinite now (a negative one was that before). Beside a
    whole one too large for 64 bits missing cells become texts now, if there are texts, and else the texts become
    numbers, without signs and zeros.
    """
    if series.dtype == np.float64:
        return bool((series == np.inf).any())
    if series.dtype == object:
        return not series.dropna().map(type).eq(bool).all()
    return isinstance(series.dtype, pd.StringDtype) and bool(series.isin(MISSING).any())


def _settled(series: Any, texts: Any) -> Any:
    """The column, or its texts if pandas 2 took it for one of texts."""
    if series.dtype != np.float64:
        whole = texts[texts.str.fullmatch(r"[ \t]*[+-]?[0-9]+[ \t]*", na=False)]
        return series if whole.map(_fits).all() else texts
    infinite = texts[(series == np.inf).to_numpy()].str.strip(" +").str.lower()
    return series if infinite.isin(("inf", "infinity")).all() else texts


def _fits(cell: str) -> bool:
    """Whether a whole number fits into 64 bits, with a sign or without."""
    digits = cell.strip(" \t").lstrip("+-0")
    return len(digits) <= 20 and int(digits or "0") < (2**63 + 1 if "-" in cell else 2**64)


def _column(name: str, series: Any) -> Column:
    """A column as buffers. Numbers too large for 64 bits are kept as text."""
    absent = series.isna().to_numpy(dtype=bool)
    missing = absent.view(np.uint8) if absent.any() else None
    if series.dtype == bool:
        return Column(name, "bool", series.to_numpy(dtype=bool).view(np.uint8), missing)
    if series.dtype == np.int64 or series.dtype == np.float64:
        return Column(name, str(series.dtype), np.ascontiguousarray(series.to_numpy()), missing)
    ends, text = _spelled(series, absent)
    return Column(name, "str", ends, missing, text)


def _spelled(series: Any, absent: Any) -> tuple[Any, Any]:
    """Offsets and UTF-8 of a column's cells as they print; missing ones are empty."""
    if isinstance(series.dtype, pd.StringDtype):
        cells = pa.array(series, pa.large_string(), from_pandas=True)
    else:
        texts = [None if gap else str(value) for value, gap in zip(series.tolist(), absent, strict=True)]
        cells = pa.array(texts, pa.large_string())
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if not len(cells):
        return bytes(8), b""
    _, ends, text = cells.buffers()
    ends = np.frombuffer(ends, dtype=np.int64)[cells.offset : cells.offset + len(cells) + 1]
    return ends - ends[0], memoryview(text or b"")[ends[0] : ends[-1]]
