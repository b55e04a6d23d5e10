"""The parser program: turns the CSV file `submission` into `table.bin`, or into a reason in `refused.txt`.

Runs inside the sandbox as one file (standard library, numpy and pandas), with `limits.json` beside it. The form of
`table.bin` is that of `grading.table`. The structure is checked first, strictly and line by line; then pandas infers
the types as MLE-bench's graders see them (`read_csv`, whose floats round-trip since pandas 3.1).
"""

import csv
import io
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Columns = list[tuple[str, str, Any, Any]]
"""Name, kind, values, mask of what is missing."""


class Refused(Exception):
    """The file cannot be read; the message says what is wrong."""


def read(data: bytes, limits: dict[str, int]) -> Columns:
    """The typed columns of a CSV file. Raises Refused."""
    if limits.get("pandas"):
        return _as_pandas(data)
    text = _text(data)
    names, rows = _structure(text, limits)
    try:
        frame = pd.read_csv(io.StringIO(text), low_memory=False, index_col=False)
    except (ValueError, OverflowError) as error:
        raise Refused(f"The file cannot be read as CSV: {str(error)[:200]}.") from None
    if frame.shape != (rows, len(names)):
        raise Refused("The file reads as another table with other CSV readers. Write it plainly, quoting by '\"' only.")
    return [(str(name), *_typed(frame.iloc[:, place])) for place, name in enumerate(frame.columns)]


def encode(columns: Columns) -> bytes:
    """The bytes of `table.bin`."""
    rows = len(columns[0][3]) if columns else 0
    described, buffers = [], []
    for name, kind, values, missing in columns:
        buffers.append(np.asarray(missing, dtype=np.uint8).tobytes())
        texts = [value.encode() for value in values] if kind == "str" else []
        described.append({"name": name, "kind": kind, "bytes": sum(map(len, texts))})
        if kind == "str":
            buffers.append(np.cumsum([0, *map(len, texts)], dtype="<i8").tobytes())
            buffers.append(b"".join(texts))
        else:
            width = {"int64": "<i8", "float64": "<f8", "bool": "|u1"}[kind]
            buffers.append(np.ascontiguousarray(values, dtype=width).tobytes())
    header = json.dumps({"rows": rows, "columns": described}).encode()
    return b"".join([b"PTAB1\n", struct.pack("<Q", len(header)), header, *buffers])


def main() -> None:
    """Read `submission`, write the table or the reason."""
    limits = json.loads(Path("limits.json").read_text())
    try:
        Path("table.bin").write_bytes(encode(read(Path("submission").read_bytes(), limits)))
    except Refused as refusal:
        Path("refused.txt").write_text(str(refusal))


def _as_pandas(data: bytes) -> Columns:
    """What pandas' reader makes of the bytes with its defaults, but for floats, which round-trip. Raises Refused."""
    try:
        frame = pd.read_csv(io.BytesIO(data), float_precision="round_trip", low_memory=False)
    except pd.errors.EmptyDataError:
        return []
    except (ValueError, OverflowError) as error:  # ragged rows, foreign bytes
        raise Refused(f"The file cannot be read as CSV: {str(error).strip()[:200]}.") from None
    return [(str(name), *_typed(frame.iloc[:, place])) for place, name in enumerate(frame.columns)]


def _text(data: bytes) -> str:
    if not data.strip():
        raise Refused("The file is empty. Write a header line and one line a row.")
    for mark, name in ((b"\x1f\x8b", "gzip"), (b"PK\x03\x04", "zip"), (b"PAR1", "Parquet"), (b"\x80\x04", "pickle")):
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


def _typed(series: Any) -> tuple[str, Any, Any]:
    """Kind, values and mask of a column. Numbers too large for 64 bits are kept as text."""
    missing = series.isna().to_numpy(dtype=bool)
    if series.dtype == bool:
        return "bool", series.to_numpy(dtype=bool), missing
    if series.dtype == np.int64:
        return "int64", series.to_numpy(dtype=np.int64), missing
    if series.dtype == np.float64:
        return "float64", series.to_numpy(dtype=np.float64), missing
    values = np.empty(len(series), dtype=object)
    values[:] = ["" if absent else str(value) for value, absent in zip(series.tolist(), missing, strict=True)]
    return "str", values, missing
