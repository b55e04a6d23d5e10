"""The rule of the competition scored by a likelihood (OSIC): the last three visits of each patient count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grading.metrics.likelihood import laplace_log_likelihood
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.rules.ids import Rows
from grading.table import Table

VISITS = 3


@dataclass(frozen=True)
class LaplaceLikelihood:
    """Ids are `<patient>_<week>`. The scored rows of the answers that the submission has are scored, the others not."""

    id: str = "Patient_Week"
    value: str = "FVC"
    spread: str = "Confidence"
    patient: str = "Patient"
    """The answers' column."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._places(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule. One scored row may be repeated if it is the only one."""
        places = self._places(submission, answers)
        mine = np.flatnonzero(np.isin(places, self._scored(answers)))
        distinct = len(np.unique(places[mine]))
        if distinct not in (1, len(mine)):
            raise InvalidSubmission(f"An id in {self.id!r} occurs more than once. Write each id once.")
        spread = np.nan_to_num(submission[self.spread].numbers()[mine], nan=0.0, posinf=np.inf, neginf=-np.inf)
        truth = answers[self.value].numbers()[places[mine]]
        return laplace_log_likelihood(truth, self._numbers(submission, self.value)[mine], spread)

    def _places(self, submission: Table, reference: Table) -> Rows:
        """For each row of the submission the reference's row with its id."""
        pairing.require(submission, self.id, self.value, self.spread)
        places = pairing.known(submission[self.id], reference[self.id], self.id)
        for name in (self.value, self.spread):
            self._numbers(submission, name)
        return places

    def _numbers(self, submission: Table, name: str) -> Floats:
        if not submission[name].numeric:
            raise InvalidSubmission(f"There is text in {name!r}, where numbers are asked for.")
        return submission[name].numbers()

    def _scored(self, answers: Table) -> Rows:
        """The last three visits of each patient whose value is known."""
        known = np.flatnonzero(~answers[self.value].missing & ~answers[self.patient].missing)
        weeks = np.array([int(name.rsplit("_", 1)[1]) for name in answers[self.id].values[known]])
        _, patients = np.unique(answers[self.patient].values[known], return_inverse=True)
        order = np.lexsort((weeks, patients))[::-1]
        turn = np.arange(len(order)) - np.searchsorted(-patients[order], -patients[order])
        return known[order[turn < VISITS]]
