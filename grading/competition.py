"""The grader of competitions whose submission and answers are tables: align by id, then one metric.

    competition(metric="rmse", id="id", targets=["price"], answers="test.csv")

The answers have a submission's columns: for `log_loss` with a column a label they hold 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.grader import Grader, Score
from grading.metrics.registry import Metric, metric
from grading.shelf import Shelf
from grading.table import Table, TableColumn

UNDEFINED = "The metric is not defined for this submission (a constant column, perhaps)."


def competition(
    *, metric: str, targets: Sequence[str], id: str = "id", answers: str = "test.csv", submission: str = ""
) -> Grader:
    """The grader of one competition.

    `metric`: a name of `grading.metrics.registry.METRICS`. `targets`: the columns to score, in submission and answers
    alike. `answers`: the file in the private directory. `submission`: the submission's file, where there are several.
    Raises UnknownName for an unknown metric.
    """
    return CompetitionGrader(metric, tuple(targets), id, answers, submission)


class CompetitionGrader:
    """Scores one table against one table. The order of the rows and other columns do not matter."""

    def __init__(self, name: str, targets: tuple[str, ...], id_column: str, answers: str, submission: str) -> None:
        self._metric = metric(name)
        self._targets, self._id, self._answers, self._submission = targets, id_column, answers, submission

    def grade(self, files: Mapping[str, Table], private: Path, shelf: Shelf) -> Score:
        """See Grader. Says nothing of the answers but which columns they have."""
        guess = files.get(self._submission) if self._submission else next(iter(files.values()), None)
        if guess is None:
            return Score(score=None, message="There is no table to score.")
        absent = [name for name in (self._id, *self._targets) if name not in guess]
        if absent:
            return Score(score=None, message=f"The column {absent[0]!r} is missing.")
        truth = shelf.table(private / self._answers)
        order = aligned(guess[self._id], truth[self._id])
        if order is None:
            return Score(score=None, message=f"The column {self._id!r} does not name each test row once.")
        return self._score(guess, truth, order)

    def _score(self, guess: Table, truth: Table, order: NDArray[np.int64]) -> Score:
        try:
            predicted = [prepared(self._metric, guess[name])[order] for name in self._targets]
        except ValueError as error:
            return Score(score=None, message=f"A predicted column does not fit {self._metric.name}: {error}.")
        true = [prepared(self._metric, truth[name]) for name in self._targets]
        value = self._metric(_stacked(true), _stacked(predicted))
        if not math.isfinite(value):
            return Score(score=None, message=UNDEFINED)
        return Score(score=value)


def aligned(ids: TableColumn, wanted: TableColumn) -> NDArray[np.int64] | None:
    """For each wanted id the row that has it; None unless `ids` holds exactly the wanted ones, each once."""
    place = {text: row for row, text in enumerate(ids.texts())}
    texts = wanted.texts()
    if not len(place) == len(texts) == len(ids.values) or not place.keys() >= set(texts):
        return None
    return np.array([place[text] for text in texts], dtype=np.int64)


def prepared(metric: Metric, column: TableColumn) -> NDArray[Any]:
    """A column as the metric wants it, shape (n,). Raises ValueError in words fit for the one who handed it in."""
    if column.missing.any():
        raise ValueError("a value is missing")
    if metric.needs == "label":
        return np.array(column.texts(), dtype=object)
    numbers = column.numbers()
    if not np.isfinite(numbers).all():
        raise ValueError("a value is infinite")
    if metric.needs == "ordinal":
        if (numbers != np.round(numbers)).any():
            raise ValueError("a value is no whole number")
        return numbers.astype(np.int64)
    if metric.needs == "probability" and ((numbers < 0) | (numbers > 1)).any():
        raise ValueError("a probability is below 0 or above 1")
    return numbers


def _stacked(columns: list[NDArray[Any]]) -> NDArray[Any]:
    return columns[0] if len(columns) == 1 else np.stack(columns, axis=1)
