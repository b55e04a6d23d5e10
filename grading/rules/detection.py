"""Boxes and points that are found in images, listed in one cell an image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from grading.metrics.boxes import Boxes, centre_f1, detection_map, voc_map
from grading.metrics.coco import coco_map
from grading.refusal import InvalidSubmission
from grading.rules import pairing
from grading.rules.ids import places
from grading.rules.keyed import Keyed
from grading.rules.objects import Objects, listed
from grading.rules.rle import texts
from grading.table import Table, TableColumn


@dataclass(frozen=True, kw_only=True)
class LabelledBoxes(Keyed[Boxes]):
    """`label confidence x_min y_min x_max y_max` for each box; average precision at an IoU above one half."""

    strict: bool = False
    """True boxes that nobody found are missed, as PASCAL VOC counts, and numbers must be finite. By default they count
    as found by a prediction of confidence 0."""

    def read(self, cells: TableColumn) -> Boxes:
        """See Keyed."""
        lists = [cell.split() for cell in texts(cells, self.target, blank=False)]
        found = listed(lists, 6, 0, self.target, finite=self.strict)
        return Boxes(found.cell, found.words, found.numbers[:, 0], found.numbers[:, 1:])

    def value(self, truth: TableColumn, said: Boxes) -> float:
        """See Keyed."""
        asked = self.read(truth)
        if not np.isfinite(said.score[np.isin(said.label, np.unique(asked.label))]).all():
            raise InvalidSubmission(f"There are missing or infinite confidences in {self.target!r}.")
        score = voc_map(asked, said) if self.strict else detection_map(asked, said, len(truth.missing))
        if np.isnan(score):
            raise InvalidSubmission("Every image has right boxes of some label and no other, which has no score.")
        return score


@dataclass(frozen=True)
class ClassedBoxes:
    """`class confidence x_min y_min x_max y_max` for each box; the answers hold one true box a row."""

    id: str = "image_id"
    predicted: str = "PredictionString"
    label: str = "class_id"
    sides: tuple[str, ...] = ("x_min", "y_min", "x_max", "y_max")
    threshold: float = 0.4
    """Of the IoU."""
    strict: bool = False
    """Boxes are as they are written, and their numbers finite. By default the evaluator is told (x_max, y_max) as width
    and height, and boxes are numbered from 0, which it takes for no box."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._objects(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        found = self._objects(submission, answers)
        ids = answers[self.id]
        sides = np.stack([pairing.numbers(answers[side], side) for side in self.sides], axis=1)
        truth = Boxes(places(ids, ids), answers[self.label].values, np.ones(answers.rows), sides)
        image = places(submission[self.id], ids)[found.cell]
        prediction = Boxes(image, np.trunc(found.numbers[:, 0]), found.numbers[:, 1], found.numbers[:, 2:])
        if self.strict:
            return coco_map(_measured(truth), _measured(prediction), threshold=self.threshold)
        areas = [np.prod(_measured(boxes).sides[:, 2:], axis=1) for boxes in (truth, prediction)]
        return coco_map(
            truth, prediction, threshold=self.threshold, true_areas=areas[0], areas=areas[1], first_number=0
        )

    def _objects(self, submission: Table, reference: Table) -> Objects:
        pairing.require(submission, self.predicted, self.id)
        pairing.same_set(submission[self.id], reference[self.id], self.id)
        cells = texts(submission[self.predicted], self.predicted, blank=False)
        found = listed([cell.split(" ") for cell in cells], 6, None, self.predicted, finite=self.strict)
        if not np.isfinite(found.numbers[:, 0]).all():
            raise InvalidSubmission(f"There is a class in {self.predicted!r} that is no whole number.")
        return found


@dataclass(frozen=True, kw_only=True)
class Characters(Keyed[Boxes]):
    """`label x y` for each character; the answers hold `label x y width height`, and both may be missing."""

    strict: bool = False
    """Numbers must be finite."""

    def read(self, cells: TableColumn) -> Boxes:
        """See Keyed."""
        return self._listed(cells, 3)

    def value(self, truth: TableColumn, said: Boxes) -> float:
        """See Keyed."""
        return centre_f1(self._listed(truth, 5), said)

    def _listed(self, cells: TableColumn, width: int) -> Boxes:
        pages = [cell.split(" ") if cell else [] for cell in texts(cells, self.target, blank=True)]
        found = listed(pages, width, 0, self.target, finite=self.strict)
        return Boxes(found.cell, found.words, np.ones(len(found.cell)), found.numbers)


def _measured(boxes: Boxes) -> Boxes:
    """Boxes (x_min, y_min, x_max, y_max) as (x, y, width, height)."""
    with np.errstate(all="ignore"):
        sides = np.concatenate([boxes.sides[:, :2], boxes.sides[:, 2:] - boxes.sides[:, :2]], axis=1)
    return Boxes(boxes.image, boxes.label, boxes.score, sides)
