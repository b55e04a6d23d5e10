"""What `--strict` asks of a benchmark submission in any competition: columns, each id once, no gaps; any row order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.table import Table, TableColumn


@dataclass(frozen=True)
class Asked:
    """A submission's columns."""

    ids: tuple[str, ...]
    """They name a row, together."""
    targets: tuple[str, ...]
    """Empty: every other column of the reference."""
    kind: Literal["number", "probability", "label", "text"]
    """What a target cell holds."""
    blank: bool = False
    """An empty target cell means something (no object, for example)."""

    def formed(self, submission: Table, reference: Table) -> Table:
        """The submission in the order of `reference`, with these columns only. Raises InvalidSubmission."""
        targets = self.targets or tuple(name for name in reference.names if name not in self.ids)
        pairing.only(submission, *self.ids, *targets)
        pairing.same_length(submission, reference)
        for name in targets:
            self._check(submission[name], name)
        keys = tuple(name for name in self.ids if name in reference)
        mine, asked = _key(submission, keys), _key(reference, keys)
        if len(np.unique(np.asarray(mine.texts(), dtype=object))) != submission.rows:
            raise InvalidSubmission(f"An id occurs more than once in {', '.join(keys)}. Write each id once.")
        rows = pairing.by_sorted_ids(mine, asked, ", ".join(keys))
        return submission.taken(rows)

    def _check(self, column: TableColumn, name: str) -> None:
        if column.missing.any() and not self.blank:
            row = int(np.argmax(column.missing)) + 1
            raise InvalidSubmission(f"There is no value in {name!r} in row {row}. Fill every cell.")
        if self.kind in ("number", "probability"):
            values = pairing.finite(pairing.numbers(column, name), name)
            if self.kind == "probability":
                pairing.within(values, 0.0, 1.0, name)


def _key(table: Table, names: tuple[str, ...]) -> TableColumn:
    """One column that names a row: the id column itself, or the cells of several joined."""
    if len(names) == 1:
        return table[names[0]]
    joined = np.empty(table.rows, dtype=object)
    joined[:] = ["\t".join(cells) for cells in zip(*(table[name].texts() for name in names), strict=True)]
    missing = np.logical_or.reduce([table[name].missing for name in names])
    return TableColumn("str", joined, missing)
