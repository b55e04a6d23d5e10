"""Rules of competitions scored by the area under the ROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grading.metrics.ranking import mean_columnwise_roc_auc
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import ids, pairing
from grading.table import Table, TableColumn


@dataclass(frozen=True)
class RocAuc:
    """Mean of the target columns' areas; rows are paired by sorted ids, each as often as in the answers."""

    id: str
    targets: Sequence[str]
    probabilities: bool = True
    """Scores below 0 or above 1 are refused, though the area does not need that."""
    exact: bool = False
    """Columns beside these are refused."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._aligned(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        scores = self._aligned(submission, answers)
        truth = [pairing.two_classes(answers[name], name) for name in self.targets]
        return mean_columnwise_roc_auc(np.stack(truth, axis=1), scores)

    def _aligned(self, submission: Table, reference: Table) -> Floats:
        """The submission's scores in the order of `reference`, shape (n, k). Raises InvalidSubmission."""
        if self.exact:
            pairing.only(submission, self.id, *self.targets)
        pairing.require(submission, self.id, *self.targets)
        pairing.same_length(submission, reference)
        columns = [self._checked(submission, name) for name in self.targets]
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        return np.stack([column[rows] for column in columns], axis=1)

    def _checked(self, submission: Table, name: str) -> Floats:
        if not self.probabilities:
            return pairing.finite(pairing.converted(submission[name], name), name)
        values = pairing.numbers(submission[name], name)
        pairing.within(values, 0.0, 1.0, name)
        return pairing.finite(values, name)


@dataclass(frozen=True)
class ToxicityAuc:
    """Mean of the columns' areas over the rows that are scored: those whose true values are not marked by -1.

    The benchmark pairs columns by their place, and so the kept rows once both files are sorted; a repeated id is let
    pass where the number of kept rows stays the same. In strict mode both files have the same order.
    """

    id: str
    targets: Sequence[str]

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule. Which rows are scored only the answers tell, so no value is looked at."""
        self._known(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        known = self._known(submission, answers)
        asked = [name for name in answers.names if name != self.id]
        kept = np.sum([answers[name].numbers() for name in asked], axis=0) >= 0
        mine, true = _indexed(submission[self.id]), _indexed(answers[self.id])
        mine, true = mine[kept[known[mine]]], true[kept[true]]
        if len(mine) != len(true):
            raise InvalidSubmission(f"An id occurs more than once in {self.id!r}. Write each id once.")
        given = [name for name in submission.names if name != self.id]
        scores = [pairing.finite(pairing.converted(submission[name], name, mine), name) for name in given]
        truth = [pairing.two_classes(answers[name], name, true) for name in asked]
        return mean_columnwise_roc_auc(np.stack(truth, axis=1), np.stack(scores, axis=1))

    def _known(self, submission: Table, reference: Table) -> pairing.Rows:
        """For each row of the submission the row of `reference` with its id. Raises InvalidSubmission."""
        pairing.only(submission, self.id, *self.targets)
        pairing.same_length(submission, reference)
        return pairing.known(submission[self.id], reference[self.id], self.id)


def _indexed(column: TableColumn) -> pairing.Rows:
    """The rows as pandas' sort_index leaves them: equal ids in the file's order where that is ascending already."""
    return np.arange(len(column), dtype=np.int64) if ids.ascending(column) else ids.sorted_rows(column)
