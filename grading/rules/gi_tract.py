"""Masks of organs on slices of scans (UW-Madison GI Tract): overlap slice by slice, distance scan by scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grading.metrics.masks import Mask, union
from grading.metrics.volumes import Volume, dice_hausdorff
from grading.refusal import InvalidSubmission
from grading.rules import pairing, rle
from grading.table import Table

MARK = "_slice_"
"""In an id, what stands before it names the scan."""

Side = tuple[int, int]
"""Rows and columns of a slice."""


@dataclass(frozen=True)
class GiTract:
    """Ids are `<case>_<day>_slice_<number>`; the answers hold the sizes of the slices.

    By default submission row k is compared with answer row k, whatever both are called, and the distance is that of the
    three organs together.
    """

    id: str = "id"
    organ: str = "class"
    predicted: str = "predicted"
    height: str = "image_height"
    width: str = "image_width"
    strict: bool = False
    """Distances are taken organ by organ, and starts and lengths come in pairs. (Rows were paired by ids before.)"""

    def check(self, submission: Table, reference: Table) -> None:
        """See Rule. An overlap of runs behind a slice's last pixel is no fault, but is refused where no size is
        known."""
        self._masks(submission, reference)

    def score(self, submission: Table, answers: Table) -> float:
        """See Rule."""
        predictions, truths = self._masks(submission, answers), self._masks(answers, answers)
        sides = _sides(answers, self.height, self.width)
        mine, asked = self._volumes(submission, predictions, sides), self._volumes(answers, truths, sides)
        return dice_hausdorff(truths[: len(predictions)], predictions, list(zip(asked, mine, strict=False)))

    def _masks(self, submission: Table, reference: Table) -> list[Mask]:
        """The masks of those rows that have a partner: surplus ones are not looked at."""
        pairing.require(submission, self.id, self.organ, self.predicted)
        rows = min(submission.rows, reference.rows)
        ids = submission[self.id]
        if rows and (ids.numeric or ids.missing[:rows].any()):
            raise InvalidSubmission(f"There are ids in {self.id!r} that are no text. Take them from the sample.")
        cells = rle.texts(submission[self.predicted], self.predicted, blank=True)
        sizes = rle.pixels(reference, self.height, self.width)[:rows]
        return rle.masks(cells[:rows], sizes, self.predicted, even=self.strict)

    def _volumes(self, table: Table, masks: Sequence[Mask], sides: Sequence[Side]) -> list[Volume]:
        """The volume of each scan, or of each organ in it, in the order of the ids, in which slices are stacked too."""
        organs = table[self.organ].texts() if self.strict else [""] * table.rows
        volumes: dict[tuple[str, str], dict[str, list[tuple[Mask, Side]]]] = {}
        rows = zip(table[self.id].values, organs, masks, sides, strict=False)
        for name, organ, mask, side in sorted(rows, key=lambda row: row[:2]):
            slices = volumes.setdefault((name.split(MARK)[0], organ), {})
            slices.setdefault(name, []).append((mask, side))
        return [_stacked(list(slices.values())) for slices in volumes.values()]


def _stacked(slices: Sequence[Sequence[tuple[Mask, Side]]]) -> Volume:
    sides = {side for found in slices for _, side in found}
    if len(sides) > 1:
        raise InvalidSubmission("Slices of one scan stand in rows where slices of different sizes are asked for.")
    height, width = sides.pop()
    flat = [union([mask for mask, _ in found]).shifted(k * height * width) for k, found in enumerate(slices)]
    return Volume((len(slices), height, width), union(flat))


def _sides(answers: Table, height: str, width: str) -> list[Side]:
    return list(zip(answers[height].values.tolist(), answers[width].values.tolist(), strict=True))
