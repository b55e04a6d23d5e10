"""Prints an overview of the tables in ./input as Markdown; it runs in the sandbox, like any generated program."""

import csv
import io
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

FILES = 40
TABLES = 8
COLUMNS = 120
SAMPLE_ROWS = 20_000
COUNTED_BYTES = 1 << 28
CHARACTERS = 16_000
SEPARATORS = {".csv": ",", ".tsv": "\t"}


def short(value: object, limit: int = 24) -> str:
    text = " ".join(str(value).split()).replace("|", "\\|").replace("`", "'")
    return text if len(text) <= limit else text[: limit - 3] + "..."


def dtype(values: pd.Series) -> str:
    known = values.dropna()
    if pd.api.types.is_bool_dtype(known) and len(known):
        return "boolean"
    if pd.api.types.is_integer_dtype(values):
        return "integer"
    if pd.api.types.is_numeric_dtype(values):
        whole = len(known) and (known == known.round()).all() and known.abs().max() < 2**53
        return "integer" if whole else "number"
    texts = known.astype(str).head(200)
    if len(texts) and texts.str.match(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{2,4}").all():
        return "date"
    return "text"


def rows(path: Path, table: pd.DataFrame) -> str:
    if len(table) < SAMPLE_ROWS:
        return str(len(table))
    if path.stat().st_size > COUNTED_BYTES:
        head = path.open("rb").read(1 << 22)
        return f"about {int(path.stat().st_size * head.count(10) / max(1, len(head)))}"
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        return str(sum(1 for row in csv.reader(file, delimiter=SEPARATORS[path.suffix]) if row) - 1)


def describe(path: Path) -> Iterator[str]:
    table = pd.read_csv(path, sep=SEPARATORS[path.suffix], nrows=SAMPLE_ROWS, low_memory=False)
    yield f"rows: {rows(path, table)}"
    yield ""
    yield "| column | dtype | missing | unique | examples |"
    yield "| --- | --- | --- | --- | --- |"
    for name in table.columns[:COLUMNS]:
        values = table[name]
        examples = ", ".join(short(value) for value in values.dropna().unique()[:3])
        counts = f"{int(values.isna().sum())} | {values.nunique()}"
        yield f"| {short(name, 80)} | {dtype(values)} | {counts} | {examples} |"
    if len(table.columns) > COLUMNS:
        yield ""
        yield f"and {len(table.columns) - COLUMNS} more columns"


def main() -> None:
    csv.field_size_limit(1 << 30)
    root = Path("input")
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    tables = [path for path in paths if path.suffix in SEPARATORS]
    left = CHARACTERS
    for path in (tables + [path for path in paths if path not in tables])[:FILES]:
        lines = [f"## {path.relative_to(root).as_posix()}", ""]
        if path in tables[:TABLES]:
            try:
                lines += describe(path)
            except (ValueError, OSError) as error:
                lines.append(f"not readable as a table: {short(error, 200)}")
        else:
            lines.append(f"{path.stat().st_size} bytes")
        text = "\n".join([*lines, ""])
        if len(text) > left:
            text = text[:left].rpartition("\n")[0] + "\n"
        left -= len(text)
        print(text)
        if left < 200:
            break
    if len(paths) > FILES:
        print(f"and {len(paths) - FILES} more files")


warnings.simplefilter("ignore")
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors="replace")
main()
