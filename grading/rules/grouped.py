"""The rule of the competition scored by the logarithms of errors, group by group."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from grading.metrics.grouped import group_log_mae
from grading.metrics.values import Floats
from grading.rules import pairing
from grading.table import Table

FLOOR = 1e-9
"""Kaggle's least error of a group."""


@dataclass(frozen=True)
class GroupLogMae:
    """Rows are joined by id, so that a repeated row counts as often as it is there."""

    id: str
    target: str
    group: str
    """The answers' column."""
    strict: bool = False
    """A group without error counts as one with an error of 1e-9. By default it makes the score minus infinity."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._predictions(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        prediction = self._predictions(submission, answers)
        rows = pairing.known(submission[self.id], answers[self.id], self.id)
        truth = pairing.numbers(answers[self.target], self.target)[rows]
        codes = answers[self.group].strings.dictionary_encode().indices
        groups = np.asarray(pc.fill_null(codes, -1), dtype=np.int64)[rows]
        kept = groups >= 0
        return group_log_mae(truth[kept], prediction[kept], groups[kept], floor=FLOOR if self.strict else 0.0)

    def _predictions(self, submission: Table, reference: Table) -> Floats:
        """In the file's order."""
        pairing.require(submission, self.target, self.id)
        pairing.same_set(submission[self.id], reference[self.id], self.id)
        return pairing.finite(pairing.converted(submission[self.target], self.target), self.target)
