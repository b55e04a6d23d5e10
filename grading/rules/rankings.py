"""Rules of competitions that ask for an order: mean average precision of ranked items, Kendall's tau of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from grading.metrics.lists import Tokens, numbered
from grading.metrics.ordering import kendall_tau
from grading.metrics.retrieval import map_at_k
from grading.refusal import InvalidSubmission
from grading.rules import cells as cell
from grading.rules import ids, pairing
from grading.rules.keyed import Keyed
from grading.table import Table, TableColumn


@dataclass(frozen=True, kw_only=True)
class MeanAveragePrecision(Keyed[TableColumn]):
    """MAP@k of cells as they print, split at each single space; a missing one is the item nan.

    `strict` splits at white space, and leading zeros do not count where the items were read as numbers.
    """

    k: int
    strict: bool = False

    def read(self, cells: TableColumn) -> TableColumn:
        """See Keyed."""
        return cells

    def value(self, truth: TableColumn, said: TableColumn) -> float:
        """See Keyed."""
        asked = cell.printed(truth)
        if self.strict and said.numeric and not truth.numeric:
            asked = pc.replace_substring_regex(asked, r"\b0+(\d)", r"\1")
        return map_at_k(*numbered(self._items(asked), self._items(cell.printed(said), self.k)), k=self.k)

    def _items(self, texts: pa.LargeStringArray, first: int | None = None) -> Tokens:
        return cell.words(texts) if self.strict else cell.split_at_spaces(texts, first)


@dataclass(frozen=True, kw_only=True)
class SupersetMeanAveragePrecision(MeanAveragePrecision):
    """The submission may name more ids than asked for. The rows of those asked for are paired by their place in the
    sorted order, as far as the shorter table goes, so that a repeated id shifts what follows."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        pairing.only(submission, self.id, self.target)
        absent = ids.lacking(reference[self.id], submission[self.id])
        if absent:
            raise InvalidSubmission(f"{absent} of the ids asked for are absent from {self.id!r}.")

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        self.check(submission, answers)
        asked_for = ids.places(submission[self.id], answers[self.id]) >= 0
        mine = submission.taken(np.flatnonzero(asked_for))
        order, target = pairing.sorted_rows(mine[self.id]), pairing.sorted_rows(answers[self.id])
        pairs = min(len(order), len(target))
        truth, said = answers.taken(target[:pairs]), mine.taken(order[:pairs])
        return self.value(truth[self.target], said[self.target])


@dataclass(frozen=True, kw_only=True)
class CellOrder(Keyed[Tokens]):
    """Kendall's tau pooled over rows of cells split at white space; each row holds the true cells in some order."""

    def read(self, cells: TableColumn) -> Tokens:
        """See Keyed."""
        return cell.words(cell.printed(cells))

    def value(self, truth: TableColumn, said: Tokens) -> float:
        """See Keyed."""
        asked, given = numbered(self.read(truth), said)
        if not np.array_equal(asked.lengths, given.lengths):
            raise InvalidSubmission(f"{self.target!r} has too few or too many cells in some row.")
        if (asked.places_in(given) < 0).any():
            raise InvalidSubmission(f"{self.target!r} lacks a cell in some row. Write each of its cells once.")
        if not (asked.lengths > 1).any():
            raise InvalidSubmission("No row of the answers has two cells, so that no submission has a score.")
        return kendall_tau(asked, given)
