"""Masks written as run lengths: `start length start length ...`, pixels numbered from 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grading.metrics.masks import Mask, mask
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.table import Table, TableColumn

UNKNOWN: Final = 2**63 - 1
"""The size of an image when nobody says it: no run reaches its end."""


def texts(column: TableColumn, name: str, *, blank: bool) -> list[str]:
    """The cells of a column of text, '' where one is missing, if it may be (`blank`); numbers are never text."""
    if column.missing.any() and not blank:
        row = int(np.argmax(column.missing)) + 1
        raise InvalidSubmission(f"There is no text in {name!r} in row {row}. Fill every cell.")
    if column.numeric and not column.missing.all():
        raise InvalidSubmission(f"There are plain numbers in {name!r}, where text as in the sample is asked for.")
    return [""] * len(column.missing) if column.numeric else column.values.tolist()


def pixels(table: Table, height: str, width: str) -> list[int]:
    """How many pixels the image of each row has; UNKNOWN where the table does not say it."""
    if height not in table or width not in table:
        return [UNKNOWN] * table.rows
    sides = pairing.numbers(table[height], height) * pairing.numbers(table[width], width)
    sizes: list[int] = sides.astype(np.int64).tolist()
    return sizes


def masks(cells: Sequence[str], sizes: Sequence[int], name: str, *, even: bool = False) -> list[Mask]:
    """The mask in each cell, of an image of so many pixels."""
    return [decoded(text, size, name, even=even) for text, size in zip(cells, sizes, strict=True)]


def decoded(text: str, size: int, name: str, *, even: bool = False) -> Mask:
    """The mask in one cell. Raises InvalidSubmission.

    Starts ascend, starts and lengths are 1 or more, and no pixel of the image is covered twice; what lies behind its
    last pixel, however far, is cut off. Nothing, and a lone start, is the empty mask; in `start length start` the one
    length holds for both runs: so the benchmark's decoder reads them. Both are refused where the count must be `even`.
    """
    numbers = _whole(text, name)
    if len(numbers) % 2 and (even or len(numbers) > 3):
        raise InvalidSubmission(f"There is an odd count of numbers in a cell of {name!r}. Write {_FORM}.")
    if (numbers < 1).any():
        raise InvalidSubmission(f"There is a start or a length below 1 in {name!r}. Pixels are numbered from 1.")
    begins, lengths = np.broadcast_arrays(numbers[::2], numbers[1::2])
    if (np.diff(numbers[::2]) < 0).any():
        raise InvalidSubmission(
            f"The runs of a mask in {name!r} are not in ascending order. Sort them by their starts."
        )
    starts = np.minimum(begins - 1, size).astype(np.int64)
    stops = starts + np.minimum(lengths, size - starts).astype(np.int64)
    if (starts[1:] < stops[:-1]).any():
        raise InvalidSubmission(f"The runs of a mask in {name!r} overlap. Cover each pixel once.")
    return mask(starts, stops)


def _whole(text: str, name: str) -> NDArray[Any]:
    """The numbers that a cell spells, as Python's where some do not fit into 64 bits."""
    try:
        numbers = [int(token) for token in text.split()]
    except ValueError:
        raise InvalidSubmission(f"There is text in {name!r} that is no whole number. Write {_FORM}.") from None
    try:
        return np.array(numbers, dtype=np.int64)
    except OverflowError:
        return np.array(numbers, dtype=object)


_FORM = "`start length start length ...`"
