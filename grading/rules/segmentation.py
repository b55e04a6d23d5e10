"""One mask an image, as run lengths: compared over all pixels, image by image, or by thresholds of the IoU."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from grading.metrics.masks import Mask, global_dice, mask, mean_dice, mean_f05, mean_iou_precision
from grading.refusal import InvalidSubmission
from grading.rules import pairing, rle
from grading.table import Table

_METRICS: Final[dict[str, Callable[[Sequence[Mask], Sequence[Mask]], float]]] = {
    "global_dice": global_dice,
    "mean_dice": mean_dice,
}


@dataclass(frozen=True)
class Segmentation:
    """Dice coefficients of masks; the answers hold the images' sizes."""

    id: str
    predicted: str
    truth: str
    """The answers' column of masks."""
    height: str
    width: str
    metric: Literal["global_dice", "mean_dice"]
    hyphen: bool = False
    """The empty mask is written `-`, and a cell must be filled; else it is an empty cell."""
    alike: bool = False
    """All images have one size."""
    strict: bool = False
    """Starts and lengths come in pairs."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule. An overlap of runs behind an image's last pixel is no fault, but is refused where no size is
        known."""
        self._masks(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        predictions = self._masks(submission, answers)
        sizes = rle.pixels(answers, self.height, self.width)
        if self.alike and any(len(np.unique(answers[side].values)) > 1 for side in (self.height, self.width)):
            raise InvalidSubmission("The answers' images differ in size, so there is no score to be had.")
        truths = self._decoded(rle.texts(answers[self.truth], self.truth, blank=False), sizes)
        return _METRICS[self.metric](truths, predictions)

    def _masks(self, submission: Table, reference: Table) -> list[Mask]:
        """The predictions, in the reference's order."""
        pairing.require(submission, self.id, self.predicted)
        pairing.same_length(submission, reference)
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        cells = rle.texts(submission[self.predicted], self.predicted, blank=not self.hyphen)
        return self._decoded([cells[row] for row in rows], rle.pixels(reference, self.height, self.width))

    def _decoded(self, cells: Sequence[str], sizes: Sequence[int]) -> list[Mask]:
        plain = ["" if self.hyphen and cell == "-" else cell for cell in cells]
        return rle.masks(plain, sizes, self.predicted, even=self.strict)


@dataclass(frozen=True)
class SaltMasks:
    """Precision over thresholds of the IoU, for images of one size that each have one object or none."""

    id: str = "id"
    mask: str = "rle_mask"
    side: int = 101
    """Pixels along an edge of the square images."""
    strict: bool = False
    """An empty prediction overlaps nothing, and starts and lengths come in pairs. By default it counts as the whole
    image where the truth is not empty, for so the benchmark's histogram takes a mask without contrast."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule."""
        self._masks(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        predictions, truths = self._masks(submission, answers), self._masks(answers, answers)
        whole = mask(np.array([0]), np.array([self.side**2]))
        pairs = zip(truths, predictions, strict=True)
        taken = [self._taken(prediction, whole if truth.area else prediction) for truth, prediction in pairs]
        return mean_iou_precision(truths, taken)

    def _taken(self, prediction: Mask, instead: Mask) -> Mask:
        return prediction if prediction.area or self.strict else instead

    def _masks(self, submission: Table, reference: Table) -> list[Mask]:
        """The predictions, in the reference's order."""
        pairing.only(submission, self.id, self.mask)
        pairing.same_length(submission, reference)
        cells = rle.texts(submission[self.mask], self.mask, blank=True)
        if submission[self.id].numeric:
            raise InvalidSubmission(
                f"There are plain numbers in {self.id!r}, where ids as in the sample are asked for."
            )
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        return rle.masks([cells[row] for row in rows], [self.side**2] * len(rows), self.mask, even=self.strict)


@dataclass(frozen=True)
class InkMasks:
    """F0.5 of the pixels of each fragment. Rows come in the reference's order; the answers hold the images' sizes."""

    id: str = "Id"
    predicted: str = "Predicted"
    height: str = "height"
    width: str = "width"
    strict: bool = False
    """Starts and lengths come in pairs."""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule. An overlap of runs behind an image's last pixel is no fault, but is refused where no size is
        known."""
        self._masks(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        predictions = self._masks(submission, answers)
        return mean_f05(self._decoded(answers, answers), predictions)

    def _masks(self, submission: Table, reference: Table) -> list[Mask]:
        pairing.same_length(submission, reference)
        pairing.only(submission, self.id, self.predicted)
        rows = pairing.by_sorted_ids(submission[self.id], reference[self.id], self.id)
        if not np.array_equal(rows, np.arange(reference.rows)):
            raise InvalidSubmission("The rows are not in the sample submission's order. Write them in that order.")
        return self._decoded(submission, reference)

    def _decoded(self, table: Table, reference: Table) -> list[Mask]:
        cells = rle.texts(table[self.predicted], self.predicted, blank=False)
        sizes = rle.pixels(reference, self.height, self.width)
        return rle.masks(cells, sizes, self.predicted, even=self.strict)
