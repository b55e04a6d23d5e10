"""Rules of competitions scored by logarithmic losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow.compute as pc

from grading.metrics.probability import log_loss, weighted_log_loss
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import ids, pairing
from grading.table import Table

CLIP: Final = 2.0**-52
"""scikit-learn's log_loss keeps probabilities this far from 0 and 1 (Kaggle: 1e-15), and does not rescale rows."""


@dataclass(frozen=True)
class BinaryLogLoss:
    """Log loss of one column; the sets of ids and the numbers of rows must agree, rows are paired by sorted ids."""

    id: str
    target: str

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._aligned(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        share = self._aligned(submission, answers)
        return log_loss(pairing.two_classes(answers[self.target], self.target), share, clip=CLIP)

    def _aligned(self, submission: Table, reference: Table) -> Floats:
        """The submission's probabilities in the order of `reference`, shape (n,). Raises InvalidSubmission."""
        pairing.require(submission, self.id, self.target)
        share = probabilities(submission, self.target)
        rows = ids.paired(submission[self.id], reference[self.id])
        if rows is None:
            pairing.same_set(submission[self.id], reference[self.id], self.id)
            pairing.same_length(submission, reference)
            rows = pairing.by_place_in_order(submission[self.id], reference[self.id])
        return share[rows]


@dataclass(frozen=True)
class MulticlassLogLoss:
    """Log loss of one column a class, which must sum to 1 in each row; rows are paired by sorted ids."""

    id: str
    targets: Sequence[str] = ()
    """Empty: every other column of the answers."""
    exact: bool = False
    """Columns beside these are refused."""
    decimals: int | None = None
    """Sums are rounded to so many decimals, and then are 1. None: they differ from 1 by 1.1e-5 at most."""
    by_place: bool = False
    """Every column but the file's first is tested as a class, whatever its name."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._aligned(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        shares = self._aligned(submission, answers)
        truth = [pairing.numbers(answers[name], name) for name in self._classes(answers)]
        return log_loss(np.stack(truth, axis=1), shares, clip=CLIP, normalised=False)

    def _classes(self, reference: Table) -> Sequence[str]:
        return self.targets or [name for name in reference.names if name != self.id]

    def _aligned(self, submission: Table, reference: Table) -> Floats:
        """The submission's probabilities in the order of `reference`, shape (n, k). Raises InvalidSubmission."""
        classes = self._classes(reference)
        if self.exact:
            pairing.only(submission, self.id, *classes)
        pairing.require(submission, self.id, *classes)
        pairing.same_length(submission, reference)
        tested = submission.names[1:] if self.by_place else classes
        shares = {name: probabilities(submission, name) for name in tested}
        self._check_sums(submission, shares)
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        chosen = [shares[name] if name in shares else probabilities(submission, name) for name in classes]
        return np.stack([column[rows] for column in chosen], axis=1)

    def _check_sums(self, submission: Table, shares: dict[str, Floats]) -> None:
        sums = np.sum(list(shares.values()), axis=0)
        if self.decimals is None:
            if len({submission[name].kind == "bool" for name in shares}) > 1:
                raise InvalidSubmission("There are columns of True and False beside columns of numbers. Write numbers.")
            whole = np.isclose(sums, 1.0, rtol=1e-5, atol=1e-6)
        else:
            whole = np.round(sums, self.decimals) == 1
        if not whole.all():
            row = int(np.argmin(whole))
            raise InvalidSubmission(
                f"The probabilities in row {row + 1} sum to {sums[row]:.7g}. Divide each row by its sum."
            )


@dataclass(frozen=True)
class FractureLogLoss:
    """Weighted log loss of one row a study and variable (`<study>_<variable>`); rows are paired by sorted ids.

    Positives weigh twice as much as negatives, and the whole patient (`patient_overall`) seven times as much as a
    vertebra; the weights are scaled to sum to 1 in each study.
    """

    id: str
    target: str

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._aligned(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        share = self._aligned(submission, answers)
        truth = pairing.numbers(answers[self.target], self.target)
        parts = pc.split_pattern(answers[self.id].strings, "_", max_splits=1)
        overall = pc.equal(pc.list_element(parts, 1), "patient_overall").to_numpy(zero_copy_only=False)
        study = pc.list_element(parts, 0).dictionary_encode().indices.to_numpy()
        return weighted_log_loss(truth, share, np.where(overall, 7.0, 1.0) * (1.0 + truth), study)

    def _aligned(self, submission: Table, reference: Table) -> Floats:
        """The submission's probabilities in the order of `reference`, shape (n,). Raises InvalidSubmission."""
        pairing.require(submission, self.id, self.target)
        pairing.same_length(submission, reference)
        share = probabilities(submission, self.target)
        return share[pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)]


def probabilities(submission: Table, name: str) -> Floats:
    """A column's values, all of them between 0 and 1. Raises InvalidSubmission."""
    values = pairing.numbers(submission[name], name)
    pairing.within(values, 0.0, 1.0, name)
    return pairing.finite(values, name)
