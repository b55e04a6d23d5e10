"""Rules of competitions scored by areas under ROC curves that are weighed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from grading.metrics.curves import bias_auc, weighted_roc_auc
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.rules.keyed import Keyed
from grading.table import Table, TableColumn


@dataclass(frozen=True, kw_only=True)
class WeightedRocAuc(Keyed[Floats]):
    """The lower band of the true positive rate weighs double; scores may be any finite numbers."""

    def read(self, cells: TableColumn) -> Floats:
        """See Keyed."""
        return pairing.finite(pairing.converted(cells, self.target), self.target)

    def value(self, truth: TableColumn, said: Floats) -> float:
        """See Keyed."""
        positive = pairing.numbers(truth, self.target) == 1
        return weighted_roc_auc(positive.astype(np.float64), said)


@dataclass(frozen=True)
class BiasAuc:
    """Areas of all rows and of groups of rows; truth and groups count from 0.5 on, and missing ones do not."""

    id: str
    target: str
    truth: str
    """The answers' column; the submission may name its scores so, too."""
    groups: Sequence[str]
    strict: bool = False
    """Scores are ranked as they are. By default each counts as 1 from 0.5 on and as 0 below, or where missing."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._scores(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        scores = self._scores(submission, answers)
        groups = np.stack([_half(pairing.numbers(answers[name], name)) for name in self.groups], axis=1)
        score = bias_auc(_half(pairing.numbers(answers[self.truth], self.truth)), scores, groups)
        if np.isnan(score):
            raise InvalidSubmission("Some group has a single class in the answers, so there is no score to be had.")
        return score

    def _scores(self, submission: Table, reference: Table) -> Floats:
        """The submission's scores in the order of `reference`, shape (n,)."""
        pairing.require(submission, self.id)
        given = [name for name in (self.target, self.truth) if name in submission] or [self.target]
        if len(given) > 1:
            raise InvalidSubmission(f"There are scores in {self.target!r} and in {self.truth!r}. Write one of them.")
        pairing.require(submission, *given)
        pairing.same_length(submission, reference)
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        scores = pairing.numbers(submission[given[0]], given[0])[rows]
        return scores if self.strict else _half(scores)


def _half(values: Floats) -> Floats:
    """1.0 from 0.5 on, else 0.0."""
    return (values >= 0.5).astype(np.float64)
