"""Mean average precision of boxes as the COCO evaluator computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from grading.metrics.boxes import NONE, Boxes, Flags, Places, descending
from grading.metrics.values import Floats

LEVELS: Final = np.linspace(0.0, 1.0, 101)
"""Levels of recall."""

LARGEST_AREA: Final = 1e10
"""Boxes with an area below 0 or above this are out of range."""

KEPT: Final = 100
"""How many boxes of a label and an image are looked at, of the highest confidences."""


@dataclass(frozen=True, eq=False)
class Evaluated:
    """The boxes of one label in one image, in descending order of confidence."""

    scores: Floats
    hits: Flags
    counted: Flags
    """False: the box is neither a hit nor a false alarm."""
    positives: int
    """True boxes in range."""


def coco_map(
    truth: Boxes,
    prediction: Boxes,
    *,
    threshold: float,
    true_areas: Floats | None = None,
    areas: Floats | None = None,
    first_number: int = 1,
) -> float:
    """Mean over labels of the mean precision at 101 levels of recall, at one IoU threshold; -1 where no label has a
    true box in range.

    Boxes are (x, y, width, height). In an image those of a label take, by descending confidence, the free true box of
    largest IoU at or above the threshold (the later one of equals). Precision at a level is the largest one at this
    recall or beyond. True boxes out of range are tried last and count for nothing, as does a box that takes one, or
    that is no hit and itself out of range.

    `areas`: width times height, unless they are recorded otherwise. The evaluator keeps matches by the boxes' numbers,
    0 meaning none: if boxes are numbered from 0 (`first_number`), the first true box is never a hit, and the first box
    does not keep its true box from the others. Source: Lin et al., Microsoft COCO, 2014, and its evaluator.
    """
    marks, real = _numbered(prediction, first_number), _numbered(truth, first_number)
    valid, ignored = _in_range(prediction, areas), ~_in_range(truth, true_areas)
    mine, asked = prediction.groups(), truth.groups()
    found: dict[Any, list[Evaluated]] = {label: [] for label in np.unique(truth.label)}
    for key in sorted(key for key in mine.keys() | asked.keys() if key[0] in found):
        boxes = mine.get(key, NONE)
        boxes = boxes[descending(prediction.score[boxes])][:KEPT]
        true = asked.get(key, NONE)
        true = true[np.argsort(ignored[true], kind="stable")]
        taken = _taken(_iou(prediction.sides[boxes], truth.sides[true]), ignored[true], marks[boxes], threshold)
        hits = (taken >= 0) & np.append(real[true], False)[taken]
        dropped = np.append(ignored[true], False)[taken] | (~hits & ~valid[boxes])
        positives = int((~ignored[true]).sum())
        found[key[0]].append(Evaluated(prediction.score[boxes], hits, ~dropped, positives))
    values = [_average_precision(parts) for parts in found.values() if any(part.positives for part in parts)]
    return float(np.mean(values)) if values else -1.0


def _average_precision(parts: list[Evaluated]) -> float:
    counted = np.concatenate([part.counted for part in parts])
    scores = np.concatenate([part.scores for part in parts])[counted]
    found = np.cumsum(np.concatenate([part.hits for part in parts])[counted][descending(scores)])
    recall = found / sum(part.positives for part in parts)
    precision = found / (np.arange(1, len(found) + 1) + np.spacing(1))
    best = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(best[np.searchsorted(recall, LEVELS, side="left")].mean())


def _taken(overlap: Floats, ignored: Flags, marks: Flags, threshold: float) -> Places:
    """The true box that each box takes, -1 for none; shape (n,) from (n, m). NaN is at or above every threshold."""
    taken = np.full(len(overlap), -1, dtype=np.int64)
    free = np.ones(overlap.shape[1], dtype=np.bool_)
    for row in np.flatnonzero(~(overlap < threshold).all(axis=1)):
        best, chosen = threshold, -1
        for column in np.flatnonzero(free).tolist():
            if chosen >= 0 and ignored[column] and not ignored[chosen]:
                break
            if not overlap[row, column] < best:
                best, chosen = overlap[row, column], column
        taken[row] = chosen
        if chosen >= 0 and marks[row]:
            free[chosen] = False
    return taken


def _iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union of boxes (x, y, width, height), shapes (n, 4) and (m, 4) to (n, m)."""
    with np.errstate(all="ignore"):
        low = np.fmax(first[:, None, :2], second[None, :, :2])
        high = np.fmin((first[:, :2] + first[:, 2:])[:, None], (second[:, :2] + second[:, 2:])[None])
        common = np.prod(high - low, axis=2)
        total = np.prod(first[:, 2:], axis=1)[:, None] + np.prod(second[:, 2:], axis=1)
        return np.where((high - low <= 0).any(axis=2), 0.0, common / (total - common))


def _numbered(boxes: Boxes, first: int) -> Flags:
    """Whether each box has a number other than 0."""
    named: Flags = np.arange(first, first + len(boxes.image)) != 0
    return named


def _in_range(boxes: Boxes, areas: Floats | None) -> Flags:
    with np.errstate(all="ignore"):
        size = np.prod(boxes.sides[:, 2:], axis=1) if areas is None else areas
    return ~((size < 0) | (size > LARGEST_AREA))
