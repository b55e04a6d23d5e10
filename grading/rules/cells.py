"""What metrics of labels and texts read from a column's cells: texts as pandas prints them, whole numbers, tokens.

Every function that takes a column's `name` raises InvalidSubmission where the benchmark gives no score.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grading.metrics.lists import Integers, Tokens
from grading.refusal import InvalidSubmission
from grading.table import TableColumn

FARTHEST: Final = 2.0**63
"""From here on whole numbers do not fit into 64 bits, and are no labels to scikit-learn; minus this one still does."""


def holds_texts(column: TableColumn) -> bool:
    """Whether pandas keeps texts in the column: no numbers, no truth values (gaps or not), not gaps alone."""
    return column.kind == "str" and not truth_values_with_gaps(column)


def truth_values_with_gaps(column: TableColumn) -> bool:
    """Whether every cell is True, False or missing; without a gap such a column is of kind `bool`."""
    if column.kind != "str" or not column.missing.any() or column.missing.all():
        return False
    return bool(pc.all(pc.is_in(column.strings.drop_null(), value_set=pa.array(["True", "False"]))).as_py())


def printed(column: TableColumn, missing: str = "nan") -> pa.LargeStringArray:
    """The cells as text, as pandas and Python print them: 12, 12.0, True, and `missing` where one is missing."""
    if column.kind == "str":
        texts = column.strings
    else:
        texts = pa.array([str(value) for value in column.values.tolist()], pa.large_string(), mask=column.missing)
    return texts.fill_null(missing)


def filled(column: TableColumn, name: str) -> None:
    """No cell is missing."""
    if column.missing.any():
        raise InvalidSubmission(f"There are cells without a value in {name!r}. Fill every cell.")


def of_whole_numbers(column: TableColumn, name: str) -> NDArray[Any]:
    """The values of a column of numbers or truth values, all of them whole and none missing."""
    filled(column, name)
    if not column.numeric:
        raise InvalidSubmission(f"There is text in {name!r}. Write a whole number into every cell.")
    values = column.values
    if column.kind == "float64" and not (_fits(values) & (values == np.trunc(values))).all():
        raise InvalidSubmission(f"There are numbers in {name!r} that are not whole. Write a whole number a cell.")
    return values


def cut_to_whole(column: TableColumn, name: str) -> Integers:
    """The cells as Python's int() makes them: fractions are cut off, a text is a whole number's digits."""
    filled(column, name)
    if not column.numeric:
        return literals(column, name, str.strip)
    values = column.values
    if column.kind == "float64" and not _fits(values).all():
        raise InvalidSubmission(f"There are infinite or very large numbers in {name!r}. Write a whole number a cell.")
    return values.astype(np.int64)


def literals(column: TableColumn, name: str, part: Callable[[str], str]) -> Integers:
    """The whole number that a part of each text spells, in a column of texts without gaps."""
    encoded = column.strings.dictionary_encode()
    try:
        numbers = [int(part(text)) for text in encoded.dictionary.to_pylist()]
        whole: Integers = np.array(numbers, dtype=np.int64)[np.asarray(encoded.indices)]
        return whole
    except (ValueError, IndexError, OverflowError):
        raise InvalidSubmission(f"There is text in {name!r} that is no whole number, such as 3.") from None


def words(texts: pa.LargeStringArray) -> Tokens:
    """The texts split at any white space, as Python's split() does."""
    every = _tokens(pc.utf8_split_whitespace(texts))
    full = pc.not_equal(every.texts, "")
    return Tokens(every.rows[np.asarray(full)], every.texts.filter(full), every.count)


def split_at_spaces(texts: pa.LargeStringArray, first: int | None = None) -> Tokens:
    """The texts split at each single space, so that doubled spaces have an empty token between them; of each text
    the `first` tokens."""
    lists = pc.split_pattern(texts, " ", max_splits=first)
    return _tokens(pc.list_slice(lists, 0, first) if first is not None else lists)


def _fits(values: NDArray[Any]) -> NDArray[np.bool_]:
    fits: NDArray[np.bool_] = (values >= -FARTHEST) & (values < FARTHEST)
    return fits


def _tokens(lists: pa.ListArray) -> Tokens:
    rows = np.repeat(np.arange(len(lists)), np.asarray(pc.list_value_length(lists)))
    return Tokens(rows, lists.flatten(), len(lists))
