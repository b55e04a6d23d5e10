"""The rule of the competition scored by Matthews' correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.metrics.classification import matthews
from grading.refusal import InvalidSubmission
from grading.rules.cells import of_whole_numbers
from grading.rules.keyed import Keyed
from grading.table import TableColumn


@dataclass(frozen=True, kw_only=True)
class MatthewsCorrelation(Keyed[NDArray[Any]]):
    """Labels are whole numbers; rows are paired by sorted ids."""

    strict: bool = False
    """Labels other than 0 and 1 are refused. By default each is a class of its own."""

    def read(self, cells: TableColumn) -> NDArray[Any]:
        """See Keyed."""
        labels = of_whole_numbers(cells, self.target)
        if self.strict and not np.isin(labels, (0, 1)).all():
            raise InvalidSubmission(f"There are labels in {self.target!r} other than 0 and 1.")
        return labels

    def value(self, truth: TableColumn, said: NDArray[Any]) -> float:
        """See Keyed."""
        return matthews(self.read(truth), said)
