"""Rules of competitions with several labels a row: F1 of label sets, and label-ranking precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from grading.metrics.lists import Tokens, numbered
from grading.metrics.multilabel import f1_micro_multilabel, f1_samples_multilabel, lwlrap
from grading.metrics.values import Floats
from grading.refusal import InvalidSubmission
from grading.rules import cells as cell
from grading.rules import pairing
from grading.rules.keyed import Keyed
from grading.table import Table, TableColumn


@dataclass(frozen=True, kw_only=True)
class LabelSets(Keyed[Tokens]):
    """Micro F1 of cells split at white space; a missing cell is an empty set.

    Labels that no answer has are dropped and cost nothing, and a column read as numbers or truth values has no score.
    `strict`: unknown labels count, such a column is read as text, and rows are averaged as Kaggle's metric does.
    """

    gaps: bool = False
    """An answer may hold no label."""
    average: Literal["micro", "samples"] = "micro"
    """Of Kaggle's metric, for `strict` only."""
    strict: bool = False

    def read(self, cells: TableColumn) -> Tokens:
        """See Keyed."""
        if not self.strict and not cell.holds_texts(cells) and not cells.missing.all():
            raise InvalidSubmission(
                f"{self.target!r} is read as numbers or truth values, because no cell holds two labels. The benchmark "
                "gives no score then."
            )
        return cell.words(cell.printed(cells, missing=""))

    def value(self, truth: TableColumn, said: Tokens) -> float:
        """See Keyed."""
        if truth.missing.any() and not self.gaps:
            raise InvalidSubmission("An answer has no label, so that no submission has a score.")
        asked, given = numbered(self.read(truth), said)
        if self.strict:
            return (f1_micro_multilabel if self.average == "micro" else f1_samples_multilabel)(asked, given)
        known = np.unique(asked.items)
        if len(known) < 2:
            raise InvalidSubmission("The answers have fewer than two labels, so that no submission has a score.")
        return f1_micro_multilabel(asked, given.kept(np.isin(given.items, known)))


@dataclass(frozen=True, kw_only=True)
class LabelRanking:
    """Label-weighted label-ranking average precision of one column a label: the id first, then the labels in the
    answers' order (strict mode puts them there)."""

    id: str

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._scores(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule. A missing or infinite score is a fault only in a row that has a true label."""
        scores = self._scores(submission, answers)
        truth = _matrix(answers, self._labels(answers))
        labelled = (truth > 0).any(axis=1)
        if not labelled.any():
            raise InvalidSubmission("The answers have no label, so that no submission has a score.")
        if not np.isfinite(scores[labelled]).all():
            raise InvalidSubmission("There are missing or infinite scores. Write a number into every cell.")
        return lwlrap(truth[labelled], scores[labelled])

    def _scores(self, submission: Table, reference: Table) -> Floats:
        """The submission's scores, shape (rows, labels), rows in the reference's order."""
        labels = self._labels(reference)
        pairing.require(submission, self.id, *labels)
        if submission.names != (self.id, *labels):
            raise InvalidSubmission(
                f"The columns are not those asked for: {self.id!r} first, then the sample submission's in its order."
            )
        pairing.same_length(submission, reference)
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        return _matrix(submission, labels)[rows]

    def _labels(self, reference: Table) -> tuple[str, ...]:
        return tuple(name for name in reference.names if name != self.id)


def _matrix(table: Table, labels: tuple[str, ...]) -> Floats:
    return np.stack([pairing.numbers(table[name], name) for name in labels], axis=1)
