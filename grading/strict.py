"""What `--strict` asks of a benchmark submission in any competition: columns, each id once, no gaps; any row order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from grading.refusal import InvalidSubmission
from grading.rules import ids, pairing
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
        """The submission's columns in this order, its rows in that of `reference`. Raises InvalidSubmission.

        A reference that repeats ids asks for each as often as it has it; one without the targets (answers with several
        rows for one of the submission's) asks for each once, in the order in which they first appear. One without any
        of the id columns has no order to give: then only columns and cells are checked.
        """
        targets = self.targets or tuple(name for name in reference.names if name not in self.ids)
        pairing.only(submission, *self.ids, *targets)
        for name in targets:
            self._check(submission[name], name)
        formed = Table({name: submission[name] for name in (*self.ids, *targets)}, submission.rows)
        keys = tuple(name for name in self.ids if name in reference)
        return formed.taken(_rows(formed, reference, keys, targets)) if keys else formed

    def _check(self, column: TableColumn, name: str) -> None:
        if column.missing.any() and not self.blank:
            row = int(np.argmax(column.missing)) + 1
            raise InvalidSubmission(f"There is no value in {name!r} in row {row}. Fill every cell.")
        if self.kind in ("number", "probability"):
            values = pairing.finite(pairing.numbers(column, name), name)
            if self.kind == "probability":
                pairing.within(values, 0.0, 1.0, name)


def _rows(submission: Table, reference: Table, names: tuple[str, ...], targets: tuple[str, ...]) -> ids.Rows:
    """For each row that is asked for the submission's, by the cells of the id columns. Raises InvalidSubmission."""
    mine, asked = _keys(submission, reference, names)
    if not all(name in reference for name in targets):
        asked = asked.taken(ids.first_rows(asked))
    rows = ids.paired(mine, asked)
    if rows is not None:
        return rows
    if len(mine) != len(asked):
        raise InvalidSubmission(f"There are {len(mine)} rows, but {len(asked)} are asked for. Write one for each id.")
    if mine.missing.any():
        raise InvalidSubmission(f"There is no id in row {int(np.argmax(mine.missing)) + 1}. Fill every cell.")
    if ids.repeated(mine) and not ids.repeated(asked):
        raise InvalidSubmission(f"An id occurs more than once in {', '.join(names)}. Write each id once.")
    raise InvalidSubmission(
        f"The ids in {', '.join(names)} are not those of the sample submission. Take them from there."
    )


def _keys(submission: Table, reference: Table, names: tuple[str, ...]) -> tuple[TableColumn, TableColumn]:
    """One column each that names a row: the id column itself, or numbers that stand for the cells of several."""
    if len(names) == 1:
        return submission[names[0]], reference[names[0]]
    joined = ids.joined([(submission[name], reference[name]) for name in names])
    missing = [np.logical_or.reduce([table[name].missing for name in names]) for table in (submission, reference)]
    mine, asked = joined[: submission.rows], joined[submission.rows :]
    return TableColumn("int64", mine, missing[0]), TableColumn("int64", asked, missing[1])
