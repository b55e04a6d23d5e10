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
from grading.rules import ids
from grading.rules.ids import Rows, places, repeated, sorted_rows
from grading.table import Table, TableColumn

__all__ = ["Rows", "places", "repeated", "sorted_rows"]  # pieces of rules that need no message; the rest is below

Floats = NDArray[np.float64]


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
    asked = set(names)
    extra = [name for name in submission.names if name not in asked]
    if extra:
        some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
        raise InvalidSubmission(f"There is a column too many: {extra[0][:80]!r}. Write {some} only.")


def by_sorted_ids(submission: TableColumn, reference: TableColumn, name: str) -> Rows:
    """For each row of `reference` the submission's row with its id, shape (n,).

    Both columns are sorted and compared place by place: the same ids equally often, none missing. Repeated ids are
    paired as `sorted_rows` leaves them.
    """
    rows = ids.paired(submission, reference)
    if rows is None:
        raise InvalidSubmission(
            f"The ids in {name!r} are not those asked for. Take every id of the sample submission once."
        )
    return rows


def by_place_in_order(submission: TableColumn, reference: TableColumn) -> Rows:
    """For each row of `reference` the submission's row at the same place once both are sorted, shape (n,).

    The ids are not compared, so both must have n rows.
    """
    same = ids.paired(submission, reference)
    if same is not None:
        return same
    rows = np.empty(len(reference.missing), dtype=np.int64)
    rows[sorted_rows(reference)] = sorted_rows(submission)
    return rows


def same_set(submission: TableColumn, reference: TableColumn, name: str) -> None:
    """The same distinct ids; how often each occurs is not asked."""
    absent, unknown = ids.lacking(reference, submission), ids.lacking(submission, reference)
    if absent or unknown:
        raise InvalidSubmission(f"The ids in {name!r} are not those asked for: {absent} are absent, {unknown} unknown.")


def known(submission: TableColumn, reference: TableColumn, name: str) -> Rows:
    """For each row of the submission a row of `reference` with its id, shape (m,); each must have one."""
    found = places(submission, reference)
    if (found < 0).any():
        raise InvalidSubmission(f"There are ids in {name!r} that are not asked for. Take them from the sample.")
    return found


def numbers(column: TableColumn, name: str) -> Floats:
    """The cells as numbers, shape (n,), NaN where missing; True and False count as 1 and 0.

    Raises InvalidSubmission where some cell is text that is no number.
    """
    values = _numbers(column)
    if values is None:
        raise InvalidSubmission(f"There is text in {name!r}, where numbers are asked for.")
    return values


def converted(column: TableColumn, name: str, rows: Rows | None = None) -> Floats:
    """The cells of these rows (None: of all) as Python's float() reads them, NaN where missing.

    Wider than `numbers`: text in other rows does no harm, and neither does a number that a reader left as text (a whole
    one of more than 64 bits, or one spelt 1_000). Raises InvalidSubmission where some cell is no number.
    """
    values = _numbers(column)
    if values is not None:
        return values if rows is None else values[rows]
    cells = column.strings if rows is None else column.strings.take(pa.array(rows))
    try:
        return np.array([np.nan if cell is None else float(cell) for cell in cells.to_pylist()], dtype=np.float64)
    except ValueError:
        raise InvalidSubmission(f"There is text in {name!r}, where numbers are asked for.") from None


def finite(values: Floats, name: str) -> Floats:
    """The same values; none is missing or infinite."""
    if not np.isfinite(values).all():
        raise InvalidSubmission(f"There are missing or infinite values in {name!r}. Fill every cell with a number.")
    return values


def within(values: Floats, low: float, high: float, name: str) -> None:
    """Every value that is not missing lies in [low, high]."""
    if len(values) and (np.nanmin(values, initial=np.inf) < low or np.nanmax(values, initial=-np.inf) > high):
        raise InvalidSubmission(f"There are values in {name!r} below {low:g} or above {high:g}.")


def two_classes(answers: TableColumn, name: str, rows: Rows | None = None) -> Floats:
    """The answers of a binary target in these rows (None: in all): 1.0 for the larger of its two values, 0.0 for the
    other."""
    values = numbers(answers, name) if rows is None else numbers(answers, name)[rows]
    classes = np.unique(values)
    if len(classes) != 2 or np.isnan(classes).any():
        raise InvalidSubmission(f"The answers in {name!r} do not hold two classes, so there is no score to be had.")
    positive: Floats = (values == classes[1]).astype(np.float64)
    return positive


def _numbers(column: TableColumn) -> Floats | None:
    """None for a column with text in it that is more than truth values with gaps between them."""
    if column.numeric:
        return column.numbers()
    present = column.strings.drop_null().unique().to_pylist()
    if not present:
        return np.full(len(column.missing), np.nan)
    if not set(present) <= {"True", "False"}:
        return None
    true = pc.equal(column.strings, "True").fill_null(False).to_numpy(zero_copy_only=False)
    values: Floats = np.where(column.missing, np.nan, true)
    return values
