"""Columns of ids as pandas sorts and compares them.

Numbers (and truth values) compare numerically, texts exactly, a number never equals a text, and a missing id equals
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grading.table import TableColumn

Rows = NDArray[np.int64]


def sorted_rows(column: TableColumn) -> Rows:
    """The rows in ascending order of their cells, missing ones last; equal cells as pandas' default sort leaves them.

    That is NumPy's quicksort: among texts the order is the same everywhere, among numbers it depends on the processor.
    """
    present, missing = np.flatnonzero(~column.missing), np.flatnonzero(column.missing)
    if column.kind != "str":
        return np.concatenate([present[np.argsort(column.values[present])], missing])
    order: Rows = pc.sort_indices(column.strings).to_numpy().astype(np.int64)
    cells = column.strings.take(pa.array(order[: len(present)]))
    if len(cells) < 2 or not pc.any(pc.equal(cells[1:], cells[:-1])).as_py():
        return order
    return np.concatenate([present[np.argsort(column.values[present])], missing])


def repeated(column: TableColumn) -> bool:
    """Whether some id that is not missing occurs more than once."""
    count = len(column.missing) - int(column.missing.sum())
    if column.kind == "str":
        return bool(pc.count_distinct(column.strings, mode="only_valid").as_py() < count)
    return len(np.unique(column.values[~column.missing])) < count


def first_rows(column: TableColumn) -> Rows:
    """The rows in which an id appears for the first time, ascending; missing ones count as one id."""
    if column.kind == "str":
        codes = column.strings.dictionary_encode(null_encoding="encode").indices.to_numpy()
    else:
        codes = np.where(column.missing, np.nan, column.values)
    return np.sort(np.unique(codes, return_index=True)[1]).astype(np.int64)


def ascending(column: TableColumn) -> bool:
    """Whether every id is at least the one before it, none missing."""
    if column.missing.any():
        return False
    if column.kind == "str":
        cells = column.strings
        return len(cells) < 2 or bool(pc.all(pc.less_equal(cells[:-1], cells[1:])).as_py())
    return bool((column.values[:-1] <= column.values[1:]).all())


def joined(pairs: Sequence[tuple[TableColumn, TableColumn]]) -> Rows:
    """Numbers for the rows of two tables, one table after the other, that are equal where the cells of all columns are.

    `pairs`: each column of the one table and of the other.
    """
    numbers = np.zeros(sum(len(column) for column in pairs[0]), dtype=np.int64)
    for left, right in pairs:
        codes = _codes(left, right)
        numbers = np.unique(numbers * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    return numbers


def paired(submission: TableColumn, reference: TableColumn) -> Rows | None:
    """For each row of `reference` the submission's row with its id, shape (n,); None unless both hold the same ids
    equally often, none missing. Repeated ids are paired as `sorted_rows` leaves them."""
    if len(submission.missing) != len(reference.missing):
        return None
    if not len(reference.missing):
        return np.empty(0, dtype=np.int64)
    if submission.missing.any() or reference.missing.any() or submission.numeric != reference.numeric:
        return None
    if _same(submission, reference):
        return np.arange(len(reference.missing), dtype=np.int64)
    if reference.kind == "str":
        place = pc.index_in(reference.strings, value_set=submission.strings)
        if place.null_count:
            return None
        rows: Rows = place.to_numpy().astype(np.int64)
        if not _twice(rows):
            return rows  # n asked ids found in n different rows: there is no other
    order, target = sorted_rows(submission), sorted_rows(reference)
    if not _same(submission, reference, order, target):
        return None
    rows = np.empty(len(order), dtype=np.int64)
    rows[target] = order
    return rows


def lacking(ids: TableColumn, among: TableColumn) -> int:
    """How many distinct ids of one column the other lacks; a missing id is always lacking."""
    missing = int(ids.missing.any())
    if ids.kind == "str":
        own = ids.strings.drop_null().unique()
        if among.kind != "str":
            return len(own) + missing
        return len(own) - pc.sum(pc.is_in(own, value_set=among.strings)).as_py() + missing if len(own) else missing
    values = np.unique(ids.values[~ids.missing])
    if among.kind == "str":
        return len(values) + missing
    return len(values) - int(np.isin(values, among.values[~among.missing]).sum()) + missing


def places(column: TableColumn, reference: TableColumn) -> Rows:
    """For each cell of `column` a row of `reference` with the same id, shape (n,); -1 where there is none."""
    found = np.full(len(column.missing), -1, dtype=np.int64)
    if column.numeric != reference.numeric or reference.missing.all():
        return found
    if column.kind == "str":
        place = pc.index_in(column.strings, value_set=reference.strings, skip_nulls=True)
        found[:] = pc.fill_null(place, -1).to_numpy()
        return found
    asked, known = np.unique(reference.values[~reference.missing], return_index=True)
    after = np.searchsorted(asked, column.values).clip(max=len(asked) - 1)
    same = (asked[after] == column.values) & ~column.missing
    found[same] = np.flatnonzero(~reference.missing)[known[after[same]]]
    return found


def _same(left: TableColumn, right: TableColumn, order: Rows | None = None, target: Rows | None = None) -> bool:
    """Whether the cells are equal, place by place, in these orders."""
    if left.kind == "str":
        mine, asked = left.strings, right.strings
        if order is not None and target is not None:
            mine, asked = mine.take(pa.array(order)), asked.take(pa.array(target))
        return bool(mine.equals(asked))
    values, wanted = left.values, right.values
    if order is not None and target is not None:
        values, wanted = values[order], wanted[target]
    return bool(np.array_equal(values, wanted))


def _codes(left: TableColumn, right: TableColumn) -> Rows:
    """Numbers from 0 on for the cells of both, one after the other, equal where the cells are."""
    if left.numeric != right.numeric:
        return np.concatenate([_codes(left, left)[: len(left)], len(left) + _codes(right, right)[: len(right)]])
    if left.kind == "str":
        cells = pa.concat_arrays([left.strings, right.strings]).dictionary_encode(null_encoding="encode")
        codes: Rows = cells.indices.to_numpy().astype(np.int64)
        return codes
    return np.unique(np.concatenate([left.values, right.values]), return_inverse=True)[1].astype(np.int64)


def _twice(rows: Rows) -> bool:
    """Whether some row number occurs more than once."""
    return bool((np.bincount(rows) > 1).any())
