"""Boxes in space (Lyft): `confidence x y z width length height yaw class` for each, in one cell a sample."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grading.metrics.boxes3d import Boxes3d, map_3d, square_corners
from grading.refusal import InvalidSubmission
from grading.rules.ids import Rows
from grading.rules.keyed import Keyed
from grading.rules.objects import listed
from grading.rules.rle import texts
from grading.table import Table, TableColumn


@dataclass(frozen=True, kw_only=True)
class SpatialBoxes(Keyed[Boxes3d]):
    """Average precision over thresholds of the IoU, sample by sample and class by class."""

    strict: bool = False
    """Numbers must be finite. By default a confidence may be missing, and only boxes of a class that the sample has are
    looked at."""

    def read(self, cells: TableColumn) -> Boxes3d:
        """See Keyed."""
        lists = [cell.split(" ") if cell.strip() else [] for cell in texts(cells, self.target, blank=True)]
        found = listed(lists, 9, 8, self.target, finite=self.strict)
        score, centre, size, yaw = np.split(found.numbers, [1, 4, 7], axis=1)
        return Boxes3d(found.cell, found.words, score[:, 0], centre, size, yaw[:, 0])

    def value(self, truth: TableColumn, said: Boxes3d) -> float:
        """See Keyed."""
        asked = self.read(truth)
        wanted = asked.groups().keys()
        looked_at = [pair in wanted for pair in zip(said.label, said.sample.tolist(), strict=True)]
        boxes = said.taken(np.array(looked_at, dtype=np.bool_))
        if not (boxes.size > 0).all():
            raise InvalidSubmission(f"There is a box in {self.target!r} whose width, length or height is not positive.")
        if not square_corners(boxes).all():
            raise InvalidSubmission(f"There is a box in {self.target!r} that lacks a number or is too far away.")
        return map_3d(asked, boxes, len(truth.missing))

    def _rows(self, submission: Table, reference: Table) -> Rows:
        rows = super()._rows(submission, reference)
        if submission[self.id].numeric:
            raise InvalidSubmission(f"There are plain numbers in {self.id!r}, where a sample's id must be text.")
        return rows
