"""Rules of competitions with one label a row: accuracy, top-1 error, macro and micro F1, quadratic kappa."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from grading.metrics.classification import accuracy, f1_macro, f1_micro, quadratic_kappa, top_1_error
from grading.metrics.lists import Integers
from grading.refusal import InvalidSubmission
from grading.rules import cells as cell
from grading.rules.keyed import Keyed
from grading.table import TableColumn

Labels: TypeAlias = pa.LargeStringArray | NDArray[Any]
"""Texts without gaps, or numbers and truth values."""

FEW: Final = 2
"""Two columns of different kinds make scikit-learn fail where neither has more than this many distinct labels."""


@dataclass(frozen=True, kw_only=True)
class Accuracy(Keyed[Labels]):
    """Numbers equal numbers (1 is 1.0 and True), texts equal texts.

    Where one side is read as texts and the other as numbers no row matches, and the score is 0; but with at most two
    distinct labels on each side there is none. `strict` refuses labels of the wrong kind.
    """

    labels: Literal["number", "text"] = "number"
    """What the true labels are; truth values are numbers. Asked for by `strict` only."""
    gaps: bool = False
    """A missing label is an empty text, so that a column with gaps is one of texts."""
    strict: bool = False

    def read(self, cells: TableColumn) -> Labels:
        """See Keyed."""
        if self.strict and (self.labels == "number") != cells.numeric:
            raise InvalidSubmission(
                f"The labels in {self.target!r} are not {self.labels}s. Write them as in the sample."
            )
        if self.gaps and cells.missing.any():
            return cell.printed(cells, missing="")
        cell.filled(cells, self.target)
        return cells.strings if not cells.numeric else cell.of_whole_numbers(cells, self.target)

    def value(self, truth: TableColumn, said: Labels) -> float:
        """See Keyed."""
        cell.filled(truth, self.target)
        asked = self.read(truth)
        if isinstance(asked, pa.Array) == isinstance(said, pa.Array):
            return accuracy(asked, said)
        if _distinct(asked) <= FEW and _distinct(said) <= FEW:
            raise InvalidSubmission(f"The labels in {self.target!r} are text for numbers, or numbers for text.")
        return 0.0


@dataclass(frozen=True, kw_only=True)
class ExactText(Keyed[pa.LargeStringArray]):
    """Accuracy of the cells as they print; a missing one (NA and null are read as missing) is the text nan."""

    def read(self, cells: TableColumn) -> pa.LargeStringArray:
        """See Keyed."""
        return cell.printed(cells)

    def value(self, truth: TableColumn, said: pa.LargeStringArray) -> float:
        """See Keyed."""
        return accuracy(cell.printed(truth), said)


@dataclass(frozen=True, kw_only=True)
class MicroF1(Keyed[pa.LargeStringArray]):
    """Texts; a missing one among them is the text nan."""

    def read(self, cells: TableColumn) -> pa.LargeStringArray:
        """See Keyed."""
        if not cell.holds_texts(cells):
            raise InvalidSubmission(f"There is no text in {self.target!r}. Write labels as in the sample submission.")
        return cell.printed(cells)

    def value(self, truth: TableColumn, said: pa.LargeStringArray) -> float:
        """See Keyed."""
        return f1_micro(cell.printed(truth), said)


@dataclass(frozen=True, kw_only=True)
class MacroF1(Keyed[Integers]):
    """Over the classes that occur in the answers or the submission. Fractions are cut off; `strict` refuses them."""

    strict: bool = False

    def read(self, cells: TableColumn) -> Integers:
        """See Keyed."""
        if self.strict and cells.kind == "float64":
            cell.of_whole_numbers(cells, self.target)
        return cell.cut_to_whole(cells, self.target)

    def value(self, truth: TableColumn, said: Integers) -> float:
        """See Keyed."""
        return f1_macro(cell.cut_to_whole(truth, self.target), said)


@dataclass(frozen=True, kw_only=True)
class Top1Error(Keyed[Integers]):
    """A text stands for the whole number that its first word spells; a column read as fractions has no score."""

    def read(self, cells: TableColumn) -> Integers:
        """See Keyed."""
        cell.filled(cells, self.target)
        if cells.kind == "float64":
            raise InvalidSubmission(f"There are fractions in {self.target!r}. Write whole numbers, without a point.")
        if cells.numeric:
            return cells.values.astype(np.int64)
        return cell.literals(cells, self.target, lambda text: text.split()[0])

    def value(self, truth: TableColumn, said: Integers) -> float:
        """See Keyed."""
        return top_1_error(self.read(truth), said)


@dataclass(frozen=True, kw_only=True)
class QuadraticKappa(Keyed[NDArray[Any]]):
    """Weights by a grade's place among the grades that occur; `strict`: by its value, as Kaggle has them."""

    strict: bool = False

    def read(self, cells: TableColumn) -> NDArray[Any]:
        """See Keyed."""
        return cell.of_whole_numbers(cells, self.target)

    def value(self, truth: TableColumn, said: NDArray[Any]) -> float:
        """See Keyed."""
        return quadratic_kappa(self.read(truth), said, by_value=self.strict)


def _distinct(labels: Labels) -> int:
    return pc.count_distinct(labels).as_py() if isinstance(labels, pa.Array) else len(np.unique(labels))
