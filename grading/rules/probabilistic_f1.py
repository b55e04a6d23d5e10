"""The rule of the competition scored by the probabilistic F1."""

from __future__ import annotations

from dataclasses import dataclass

from grading.metrics.probabilistic import probabilistic_f1
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.rules.keyed import Keyed
from grading.table import TableColumn


@dataclass(frozen=True, kw_only=True)
class ProbabilisticF1(Keyed[Floats]):
    """Predictions beyond 0 and 1 are clipped, and a missing one makes the score 0."""

    def read(self, cells: TableColumn) -> Floats:
        """See Keyed."""
        said = pairing.numbers(cells, self.target)
        if (said < 0).all():
            raise InvalidSubmission(f"Every value in {self.target!r} is negative. Write probabilities.")
        return said

    def value(self, truth: TableColumn, said: Floats) -> float:
        """See Keyed."""
        labels = pairing.numbers(truth, self.target)
        if not (labels == 1).any():
            raise InvalidSubmission("The answers hold no positive row, so there is no score to be had.")
        return probabilistic_f1(labels, said)
