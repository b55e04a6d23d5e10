"""What most competitions have in common: a column of ids, a column to fill, rows paired by sorted ids."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Generic, TypeVar

from grading.rules import pairing
from grading.table import Table, TableColumn

Cells = TypeVar("Cells")
"""What a rule makes of the column to fill."""


@dataclass(frozen=True, kw_only=True)
class Keyed(ABC, Generic[Cells]):
    """Both columns are there, with as many rows as asked for and the same ids; other columns are not looked at."""

    id: str
    target: str
    only: bool = False
    """Other columns are refused."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._rows(submission, reference)
        self.read(submission[self.target])

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        rows = self._rows(submission, answers)
        cells = Table({self.target: submission[self.target]}, submission.rows).taken(rows)[self.target]
        return self.value(answers[self.target], self.read(cells))

    @abstractmethod
    def read(self, cells: TableColumn) -> Cells:
        """The submission's cells as the metric takes them. Raises InvalidSubmission where public knowledge tells that
        there is no score."""

    @abstractmethod
    def value(self, truth: TableColumn, said: Cells) -> float:
        """The score, rows in the answers' order. Raises InvalidSubmission where only the answers tell."""

    def _rows(self, submission: Table, reference: Table) -> pairing.Rows:
        """For each row of `reference` the submission's."""
        if self.only:
            pairing.only(submission, self.id, self.target)
        pairing.require(submission, self.id, self.target)
        pairing.same_length(submission, reference)
        return pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
