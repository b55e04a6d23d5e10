"""Whether a submission has the right form, by public knowledge only: its outputs' description and the sample files.

Takes no path of private data and gives no score, so it cannot be an oracle. Messages say what to do.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from grading.refusal import InvalidSubmission
from grading.table import Table, TableColumn
from podium.brief import Column, OutputFile

_SHOWN = 3


def check_table(output: OutputFile, table: Table, sample: Table | None) -> None:
    """Columns, rows, ids, then values, in this order. Raises InvalidSubmission with the first fault."""
    columns = output.columns or _described(sample)
    _check_columns(output, table, columns)
    rows = sample.rows if sample is not None else output.rows
    if rows is not None and table.rows != rows:
        raise _fault(output, f"has {table.rows} rows, but {rows} are asked for. Write one row for each id.")
    for column in columns:
        if column.kind == "id":
            _check_ids(output, column.name, table[column.name], sample)
        else:
            _check_values(output, column, table[column.name])


def _described(sample: Table | None) -> tuple[Column, ...]:
    """The columns that a sample shows, where the task does not say: the first is the id."""
    if sample is None:
        return ()
    return tuple(
        Column(name=name, kind="id" if place == 0 else "number" if sample[name].numeric else "text")
        for place, name in enumerate(sample.names)
    )


def _check_columns(output: OutputFile, table: Table, columns: Sequence[Column]) -> None:
    names = [column.name for column in columns]
    if not names:
        return
    absent = [name for name in names if name not in table]
    extra = [name for name in table.names if name not in names]
    if absent:
        raise _fault(output, f"lacks the column {_some(absent)}. Its header must be: {_header(names)}")
    if extra:
        index = " Write it without the index (`to_csv(..., index=False)`)." if extra[0].startswith("Unnamed") else ""
        raise _fault(output, f"has a column too many: {_some(extra)}. Its header must be: {_header(names)}{index}")


def _check_ids(output: OutputFile, name: str, column: TableColumn, sample: Table | None) -> None:
    _check_present(output, name, column)
    found = column.texts()
    twice = [text for text, count in Counter(found).items() if count > 1]
    if twice:
        raise _fault(output, f"has ids more than once in {name!r}, for example {_some(twice)}. Write each id once.")
    if sample is None or name not in sample:
        return
    wanted = set(sample[name].texts())
    strange = [text for text in found if text not in wanted]
    if strange:
        raise _fault(
            output,
            f"has {len(strange)} ids in {name!r} that are not in {output.sample}, for example {_some(strange)}. "
            "Take the ids from there.",
        )
    absent = wanted - set(found)
    if absent:
        raise _fault(output, f"lacks {len(absent)} ids of {output.sample}, for example {_some(sorted(absent))}.")


def _check_values(output: OutputFile, column: Column, values: TableColumn) -> None:
    _check_present(output, column.name, values)
    if column.kind in ("number", "probability"):
        _check_numbers(output, column, values)
    elif column.kind == "label" and column.labels:
        strange = sorted(set(values.texts()) - set(column.labels))
        if strange:
            allowed = _some(column.labels, 20)
            raise _fault(output, f"has values in {column.name!r} that are no label: {_some(strange)}. Use: {allowed}.")


def _check_numbers(output: OutputFile, column: Column, values: TableColumn) -> None:
    if not values.numeric:
        wrong = next((text for text in values.texts() if not _is_number(text)), "text")
        raise _fault(output, f"has {wrong[:80]!r} in {column.name!r}, where numbers are asked for.")
    numbers = values.numbers()
    infinite = int(np.isinf(numbers).sum())
    if infinite:
        raise _fault(output, f"has {infinite} infinite values in {column.name!r}. Write finite numbers.")
    if column.kind == "probability" and ((numbers < 0) | (numbers > 1)).any():
        raise _fault(output, f"has values in {column.name!r} below 0 or above 1. Write probabilities.")


def _check_present(output: OutputFile, name: str, column: TableColumn) -> None:
    count = int(column.missing.sum())
    if count:
        row = int(np.argmax(column.missing)) + 1
        raise _fault(output, f"has {count} missing values (NaN) in {name!r}, the first in row {row}. Fill every cell.")


def _fault(output: OutputFile, words: str) -> InvalidSubmission:
    return InvalidSubmission(f"{output.name} {words}")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _some(values: Sequence[str], count: int = _SHOWN) -> str:
    shown = ", ".join(repr(value[:80]) for value in values[:count])
    return shown + (", ..." if len(values) > count else "")


def _header(names: Sequence[str]) -> str:
    line = ",".join(names)
    return line if len(line) <= 300 else line[:300] + "..."
