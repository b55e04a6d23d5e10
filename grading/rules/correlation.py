"""Rules of competitions scored by correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc

from grading.metrics.regression import mean_columnwise_spearman, pearson
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.table import Table, TableColumn


@dataclass(frozen=True)
class PearsonCorrelation:
    """Pearson's correlation of one column; rows are paired by sorted ids. NaN (constant or missing values) is valid.

    With `strict` constant values are refused.
    """

    id: str
    target: str
    strict: bool = False

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._aligned(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        prediction = self._aligned(submission, answers)
        return pearson(pairing.numbers(answers[self.target], self.target), prediction)

    def _aligned(self, submission: Table, reference: Table) -> Floats:
        """The predictions in the order of `reference`, shape (n,). Raises InvalidSubmission."""
        pairing.require(submission, self.id, self.target)
        pairing.same_length(submission, reference)
        column = submission[self.target]
        if not column.numeric:
            raise InvalidSubmission(f"There is text in {self.target!r}, where numbers are asked for.")
        if submission.rows < 2:
            raise InvalidSubmission("A correlation needs two rows. Write one row for each id of the sample submission.")
        values = column.numbers()
        if self.strict:
            _varies(values, self.target)
        return values[pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)]


@dataclass(frozen=True)
class MeanColumnwiseSpearman:
    """Mean of the columns' rank correlations; each file is sorted by id and paired place by place, ids unseen.

    The columns are all of the answers beside the id. A column with text in it is ranked alphabetically. NaN (a constant
    column, a missing value) is valid; with `strict` a constant column is refused.
    """

    id: str
    strict: bool = False

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        pairing.only(submission, self.id, *reference.names)
        pairing.same_length(submission, reference)
        if self.strict:
            for name in submission.names:
                if name != self.id:
                    _varies(_comparable(submission[name]), name)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        self.check(submission, answers)
        rows = pairing.by_place_in_order(submission[self.id], answers[self.id])
        names = [name for name in answers.names if name != self.id]
        ranked = [_comparable(submission[name])[rows] for name in names]
        truth = [pairing.numbers(answers[name], name) for name in names]
        return mean_columnwise_spearman(np.stack(truth, axis=1), np.stack(ranked, axis=1))


def _varies(values: Floats, name: str) -> None:
    """Not all values are equal."""
    if len(values) and (values == values[0]).all():
        raise InvalidSubmission(f"All values in {name!r} are equal, so that nothing can be correlated with them.")


def _comparable(column: TableColumn) -> Floats:
    """Numbers in the order of the cells, NaN where missing."""
    if column.numeric:
        return column.numbers()
    ranks: Floats = pc.rank(column.strings, tiebreaker="dense").to_numpy().astype(np.float64)
    return np.where(column.missing, np.nan, ranks)
