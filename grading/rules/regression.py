"""Rules of competitions scored by errors of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grading.metrics.regression import mae, mean_columnwise_rmse, mean_columnwise_rmsle, rmse
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.table import Table, TableColumn


@dataclass(frozen=True)
class RootMeanSquaredError:
    """Error of one column over all rows, which are paired by sorted ids."""

    id: str
    target: str
    low: float = -np.inf
    high: float = np.inf
    """Predictions beyond these are refused."""
    compared: bool = True
    """False: the ids only sort the rows of each file; whether they are those of the answers is not asked."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._aligned(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        prediction = self._aligned(submission, answers)
        return rmse(pairing.numbers(answers[self.target], self.target), prediction)

    def _aligned(self, submission: Table, reference: Table) -> Floats:
        """The predictions in the order of `reference`, shape (n,). Raises InvalidSubmission."""
        pairing.require(submission, self.id, self.target)
        pairing.same_length(submission, reference)
        bounded = np.isfinite(self.low) or np.isfinite(self.high)  # a text, whatever it spells, cannot be compared
        read = pairing.numbers if bounded else pairing.converted
        prediction = pairing.finite(read(submission[self.target], self.target), self.target)
        pairing.within(prediction, self.low, self.high, self.target)
        mine, asked = submission[self.id], reference[self.id]
        rows = pairing.by_sorted_ids(mine, asked, self.id) if self.compared else pairing.by_place_in_order(mine, asked)
        return prediction[rows]


@dataclass(frozen=True)
class MeanColumnwiseRmsle:
    """Mean of the columns' errors of logarithms; rows are paired as they stand in the files, and no id is read.

    The logarithm of a column of True and False is taken in half precision; with `strict` in double.
    """

    targets: Sequence[str]
    strict: bool = False

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._predictions(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        truth = [pairing.numbers(answers[name], name) for name in self.targets]
        return mean_columnwise_rmsle(np.stack(truth, axis=1), self._predictions(submission, answers))

    def _predictions(self, submission: Table, reference: Table) -> Floats:
        """In the file's order, shape (n, k). Raises InvalidSubmission."""
        pairing.require(submission, *self.targets)
        pairing.same_length(submission, reference)
        return np.stack([self._checked(submission[name], name) for name in self.targets], axis=1)

    def _checked(self, column: TableColumn, name: str) -> Floats:
        values = pairing.finite(pairing.converted(column, name), name)
        pairing.within(values, 0.0, np.inf, name)
        if column.kind == "bool" and not self.strict:
            values = np.expm1(np.log1p(values.astype(np.float16)).astype(np.float64))
        return values


@dataclass(frozen=True)
class MaskedRmse:
    """Mean of the columns' errors over the rows that are scored, which a column of the answers tells.

    Rows are paired by sorted ids, but which of the submission's are scored is told by their places in the file: the
    mask of the answers' row that stands at the same place. In strict mode both files have the same order.
    """

    id: str
    targets: Sequence[str]
    """The columns that are scored."""
    mask: str
    """The answers' column of True and False."""
    unscored: Sequence[str] = ()
    """Columns that must be there and are not looked at."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule. Which rows are scored only the answers tell, so no value is looked at."""
        pairing.require(submission, self.id, *self.targets, *self.unscored)
        pairing.same_length(submission, reference)
        pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        self.check(submission, answers)
        scored = pairing.numbers(answers[self.mask], self.mask) == 1
        mine, true = pairing.sorted_rows(submission[self.id]), pairing.sorted_rows(answers[self.id])
        mine, true = mine[scored[mine]], true[scored[true]]
        truth = [pairing.numbers(answers[name], name)[true] for name in self.targets]
        return mean_columnwise_rmse(np.stack(truth, axis=1), _converted(submission, self.targets, mine))


@dataclass(frozen=True)
class MaskedMae:
    """Mean absolute error over the rows whose mask in the answers is 0; rows are paired by sorted ids."""

    id: str
    target: str
    mask: str

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule. Which rows are scored only the answers tell, so no value is looked at."""
        self._paired(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        rows = self._paired(submission, answers)
        scored = np.flatnonzero(pairing.numbers(answers[self.mask], self.mask) == 0)
        truth = pairing.numbers(answers[self.target], self.target)[scored]
        return mae(truth, _converted(submission, [self.target], rows[scored])[:, 0])

    def _paired(self, submission: Table, reference: Table) -> pairing.Rows:
        pairing.require(submission, self.id, self.target)
        pairing.same_length(submission, reference)
        return pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)


@dataclass(frozen=True)
class WholeMae:
    """Mean absolute error, rounded to a whole number (halves to even); a repeated id counts as often as it is there."""

    id: str
    target: str

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        pairing.require(submission, self.id, self.target)
        pairing.same_set(submission[self.id], reference[self.id], self.id)
        pairing.finite(pairing.converted(submission[self.target], self.target), self.target)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        self.check(submission, answers)
        rows = pairing.known(submission[self.id], answers[self.id], self.id)
        truth = pairing.numbers(answers[self.target], self.target)[rows]
        error = mae(truth, pairing.converted(submission[self.target], self.target))
        if not np.isfinite(error):
            raise InvalidSubmission(f"The values in {self.target!r} are too large to be averaged.")
        return float(np.rint(error))


def _converted(submission: Table, names: Sequence[str], rows: pairing.Rows) -> Floats:
    """These rows of the columns, none missing or infinite, shape (m, k). Raises InvalidSubmission."""
    columns = [pairing.finite(pairing.converted(submission[name], name, rows), name) for name in names]
    return np.stack(columns, axis=1)
