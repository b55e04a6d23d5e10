"""Objects that are listed in a cell: so many tokens each, some of them numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.metrics.boxes import Places
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission


@dataclass(frozen=True, eq=False)
class Objects:
    """n objects of many cells, in the order in which they were written."""

    cell: Places
    """Shape (n,): the number of the cell."""
    words: NDArray[np.object_]
    """Shape (n,): the token that is no number; of numbers alone empty text."""
    numbers: Floats
    """Shape (n, k): the other tokens, in their order."""


def listed(cells: Sequence[Sequence[str]], width: int, word: int | None, name: str, *, finite: bool = False) -> Objects:
    """The objects in each cell, whose tokens are given: `width` of them an object, the one at place `word` a word.

    Raises InvalidSubmission where tokens are left over or one that should be a number is none, or, if they must be
    `finite`, is NaN or infinite.
    """
    counts = [len(tokens) // width for tokens in cells]
    if any(len(tokens) % width for tokens in cells):
        raise InvalidSubmission(
            f"There is a cell in {name!r} whose tokens are no multiple of {width}. Write {width} each."
        )
    places = [place for place in range(width) if place != word]
    numbers = np.empty((sum(counts), len(places)))
    try:
        for column, place in enumerate(places):
            numbers[:, column] = [float(token) for tokens in cells for token in tokens[place::width]]
    except ValueError:
        raise InvalidSubmission(f"There is text in {name!r} where a number is asked for.") from None
    if finite and not np.isfinite(numbers).all():
        raise InvalidSubmission(f"There is a missing or infinite number in {name!r}. Write finite ones.")
    words = np.full(len(numbers), "", dtype=object)
    if word is not None:
        words[:] = [token for tokens in cells for token in tokens[word::width]]
    return Objects(np.repeat(np.arange(len(cells)), counts), words, numbers)
