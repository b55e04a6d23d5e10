"""Columns, rows and ids of a submission against those of the answers: the pieces that rules are made of.

Ids compare as in pandas: numbers (and truth values) numerically, texts exactly, a number never equals a text, and a
missing id equals nothing. Every function raises InvalidSubmission in words that give no answer away.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grading.refusal import InvalidSubmission
from grading.table import Table, TableColumn

Rows = NDArray[np.int64]


def require(submission: Table, *names: str) -> None:
    """The columns are there (the first that is not, in this order, is named)."""
    for name in names:
        if name not in submission:
            raise InvalidSubmission(
                f"The column {name!r} is missing. Name the columns as in the sample submission; case matters."
            )


def same_length(submission: Table, reference: Table) -> None:
    """As many rows as asked for."""
    if submission.rows != reference.rows:
        raise InvalidSubmission(
            f"There are {submission.rows} rows, but {reference.rows} are asked for. Write one row for each id."
        )


def only(submission: Table, *names: str) -> None:
    """Exactly these columns, in any order."""
    require(submission, *names)
    extra = [name for name in submission.names if name not in names]
    if extra:
        raise InvalidSubmission(f"There is a column too many: {extra[0][:80]!r}. Write {', '.join(names)} only.")


def by_sorted_ids(submission: TableColumn, reference: TableColumn, name: str) -> Rows:
    """For each row of `reference` the submission's row with its id, shape (n,).

    Both columns are sorted and compared place by place: the same ids equally often, none missing. Repeated ids are
    paired in their files' order.
    """
    rows = _paired(submission, reference)
    if rows is None:
        raise InvalidSubmission(
            f"The ids in {name!r} are not those asked for. Take every id of the sample submission once."
        )
    return rows


def same_set(submission: TableColumn, reference: TableColumn, name: str) -> None:
    """The same distinct ids; how often each occurs is not asked."""
    mine, asked = _distinct(submission), _distinct(reference)
    if mine != asked:
        raise InvalidSubmission(
            f"The ids in {name!r} are not those asked for: {len(asked - mine)} are absent, {len(mine - asked)} unknown."
        )


def sorted_rows(column: TableColumn) -> Rows:
    """The rows in ascending order of their cells, missing ones last; equal cells stay in the file's order."""
    if column.kind == "str":
        return np.asarray(pc.sort_indices(column.strings, null_placement="at_end"), dtype=np.int64)
    values = np.where(column.missing, np.inf, column.values) if column.missing.any() else column.values
    return np.lexsort((values, column.missing)).astype(np.int64)


def numbers(column: TableColumn, name: str) -> NDArray[np.float64]:
    """The cells as numbers, shape (n,), NaN where missing; True and False count as 1 and 0.

    Raises InvalidSubmission where some cell is text that is no number.
    """
    if column.numeric:
        return column.numbers()
    if not column.missing.all() and set(column.values[~column.missing]) <= {"True", "False"}:
        return np.where(column.missing, np.nan, column.values == "True")  # truth values with gaps between them
    if column.missing.all():
        return np.full(len(column.values), np.nan)
    raise InvalidSubmission(f"There is text in {name!r}, where numbers are asked for.")


def finite(values: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """The same values; none is missing or infinite."""
    if not np.isfinite(values).all():
        raise InvalidSubmission(f"There are missing or infinite values in {name!r}. Fill every cell with a number.")
    return values


def within(values: NDArray[np.float64], low: float, high: float, name: str) -> None:
    """Every value that is not missing lies in [low, high]."""
    if len(values) and (np.nanmin(values, initial=np.inf) < low or np.nanmax(values, initial=-np.inf) > high):
        raise InvalidSubmission(f"There are values in {name!r} below {low:g} or above {high:g}.")


def _paired(submission: TableColumn, reference: TableColumn) -> Rows | None:
    if len(submission.values) != len(reference.values):
        return None
    if not len(reference.values):
        return np.empty(0, dtype=np.int64)
    if submission.missing.any() or reference.missing.any() or submission.numeric != reference.numeric:
        return None
    if submission.kind == "str":
        return _paired_texts(submission.strings, reference.strings)
    if np.array_equal(submission.values, reference.values):
        return np.arange(len(reference.values), dtype=np.int64)
    return _by_order(submission, reference)


def _paired_texts(mine: pa.LargeStringArray, asked: pa.LargeStringArray) -> Rows | None:
    if mine.equals(asked):
        return np.arange(len(asked), dtype=np.int64)
    place = pc.index_in(asked, value_set=mine)
    if place.null_count:
        return None
    rows: Rows = place.to_numpy(zero_copy_only=False).astype(np.int64)
    if len(pc.unique(place)) == len(asked):
        return rows  # n asked ids found in n different rows: there is no other
    order, target = pc.sort_indices(mine), pc.sort_indices(asked)
    if not mine.take(order).equals(asked.take(target)):
        return None
    rows[np.asarray(target)] = np.asarray(order)
    return rows


def _by_order(submission: TableColumn, reference: TableColumn) -> Rows | None:
    order, target = np.argsort(submission.values, kind="stable"), np.argsort(reference.values, kind="stable")
    if not np.array_equal(submission.values[order], reference.values[target]):
        return None
    rows = np.empty(len(order), dtype=np.int64)
    rows[target] = order
    return rows


def _distinct(column: TableColumn) -> set[object]:
    """The distinct ids; each missing one counts for itself, as NaN is unequal to itself."""
    present = column.values[~column.missing]
    missing: set[object] = {("missing", id(column))} if column.missing.any() else set()
    return set(present.tolist()) | missing
