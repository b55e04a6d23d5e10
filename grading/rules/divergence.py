"""Rule of the competition scored by the Kullback-Leibler divergence between shares of votes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from grading.metrics.probability import kl_divergence
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import ids, pairing
from grading.table import Table, TableColumn

CLIP: Final = 1e-15
"""Probabilities are kept this far from 0 and 1, and rows are not rescaled after that."""


@dataclass(frozen=True)
class KullbackLeibler:
    """Divergence of the submitted probabilities from the experts' votes; a missing probability costs nothing.

    A column written in whole numbers escapes the clipping, so that a 0 in it may cost infinitely much; with `strict`
    it is clipped like every other.
    """

    id: str
    targets: Sequence[str]
    strict: bool = False

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._paired(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        rows = self._paired(submission, answers)
        votes = np.stack([pairing.numbers(answers[name], name) for name in self.targets], axis=1)
        sums = votes.sum(axis=1, keepdims=True)
        if not (sums > 0).all():
            raise InvalidSubmission("There is a row of the answers without votes, so there is no score to be had.")
        shares = np.stack([self._clipped(submission[name])[rows] for name in self.targets], axis=1)
        return kl_divergence(votes / sums, shares)

    def _clipped(self, column: TableColumn) -> Floats:
        escapes = column.kind == "int64" and not self.strict
        return column.numbers() if escapes else np.clip(column.numbers(), CLIP, 1 - CLIP)

    def _paired(self, submission: Table, reference: Table) -> pairing.Rows:
        """For each row of `reference` that of the submission. Raises InvalidSubmission."""
        pairing.require(submission, self.id, *self.targets)
        pairing.same_length(submission, reference)
        given = [name for name in submission.names if name != self.id]
        shares = {name: _number(submission, name) for name in given}
        asked = np.nansum([shares[name] for name in self.targets], axis=0)
        for whole in (np.round(asked, 5) == 1, np.isclose(np.nansum(list(shares.values()), axis=0), 1.0)):
            if not whole.all():
                row = int(np.argmin(whole)) + 1
                raise InvalidSubmission(f"The probabilities in row {row} do not sum to 1. Divide each row by its sum.")
        rows = ids.paired(submission[self.id], reference[self.id])
        if rows is None:
            pairing.same_set(submission[self.id], reference[self.id], self.id)
            rows = pairing.by_place_in_order(submission[self.id], reference[self.id])
        return rows


def _number(submission: Table, name: str) -> Floats:
    """A column of numbers between 0 and 1, or missing; truth values are not taken. Raises InvalidSubmission."""
    column = submission[name]
    if column.kind not in ("int64", "float64"):
        raise InvalidSubmission(f"There is text or True and False in {name!r}, where numbers are asked for.")
    values = column.numbers()
    pairing.within(values, 0.0, 1.0, name)
    return values
