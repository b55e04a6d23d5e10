"""Metrics of boxes in space that stand upright and are turned about the vertical axis."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from grading.metrics.boxes import NONE, Flags, Groups, Places, envelope_precision, grouped
from grading.metrics.values import Floats

THRESHOLDS: Final = np.arange(10, 20) / 20
"""Of the IoU: 0.50, 0.55, ..., 0.95."""

CORNERS: Final = np.array([[1, -1], [1, 1], [-1, 1], [-1, -1]]) / 2
"""Of the base, in halves of length and width, counter-clockwise."""

AT_ONCE: Final = 1 << 18
"""How many pairs of boxes are compared in one go."""


@dataclass(frozen=True, eq=False)
class Boxes3d:
    """Labelled boxes of many samples, in the order in which they were written; n of them."""

    sample: Places
    """Shape (n,): the number of the sample."""
    label: NDArray[Any]
    """Shape (n,)."""
    score: Floats
    """Shape (n,): confidence."""
    centre: Floats
    """Shape (n, 3): x, y, z."""
    size: Floats
    """Shape (n, 3): width, length, height. The length lies along the heading, the width across it."""
    yaw: Floats
    """Shape (n,): radians."""

    def groups(self) -> Groups:
        """The boxes of each label and sample, in the order in which they were written."""
        return grouped(self.label, self.sample)

    def taken(self, rows: NDArray[Any]) -> Boxes3d:
        """The boxes of these numbers, or those that are flagged."""
        parts = (self.sample, self.label, self.score, self.centre, self.size, self.yaw)
        return Boxes3d(*(part[rows] for part in parts))

    def base(self) -> Floats:
        """The corners of the base, shape (n, 4, 2), counter-clockwise."""
        return self.centre[:, None, :2] + _turned(CORNERS * self.size[:, None, 1::-1], self.yaw[:, None])


def map_3d(truth: Boxes3d, prediction: Boxes3d, samples: int) -> float:
    """Mean over the samples and the IoU thresholds 0.50, 0.55, ..., 0.95 of the mean average precision of the true
    labels of a sample.

    By descending confidence each box points at the true box of its label with the largest IoU (the first of equals),
    and is a hit where that is above the threshold and no box before it was. AP is the area under the precision-recall
    curve, precision taken as the largest at this recall or beyond; 0 for a label that nobody predicts. Source: Kaggle,
    Lyft 3D Object Detection for Autonomous Vehicles.
    """
    mine = prediction.groups()
    values: dict[int, list[Floats]] = defaultdict(list)
    for (label, sample), true in truth.groups().items():
        # Python's own sort, for it says where a NaN ends up
        ranked = sorted(mine.get((label, sample), NONE).tolist(), key=lambda k: prediction.score[k], reverse=True)
        boxes = prediction.taken(np.array(ranked, dtype=np.int64))
        values[sample].append(_precisions(truth.taken(true), boxes))
    means = [float(np.mean(values[sample])) if sample in values else np.nan for sample in range(samples)]
    return float(np.mean(means))


def iou_3d(first: Boxes3d, second: Boxes3d) -> Floats:
    """Intersection over union of the boxes, pair by pair: overlap in height times that of the bases, shape (n,)."""
    low = np.maximum(first.centre[:, 2] - first.size[:, 2] / 2, second.centre[:, 2] - second.size[:, 2] / 2)
    high = np.minimum(first.centre[:, 2] + first.size[:, 2] / 2, second.centre[:, 2] + second.size[:, 2] / 2)
    common = np.maximum(high - low, 0.0) * _common_base(first, second)
    total = np.prod(first.size, axis=1) + np.prod(second.size, axis=1) - common
    ratio: Floats = np.clip(common / total, 0.0, 1.0)
    return ratio


def square_corners(boxes: Boxes3d, tolerance: float = 1e-8) -> Flags:
    """Whether the edges of the base still meet at right angles, so that their scalar products are at most `tolerance`:
    far from the origin the corners' coordinates are too coarse for it; shape (n,)."""
    with np.errstate(all="ignore"):
        edges = np.diff(boxes.base(), axis=1, append=boxes.base()[:, :1])
        square: Flags = (np.abs(np.sum(edges * np.roll(edges, 1, axis=1), axis=2)) <= tolerance).all(axis=1)
    return square


def _precisions(truth: Boxes3d, boxes: Boxes3d) -> Floats:
    """The average precision at each threshold, shape (10,), of boxes in descending order of confidence."""
    overlap, place = _best(truth, boxes)
    values = np.zeros(len(THRESHOLDS))
    for k, threshold in enumerate(THRESHOLDS):
        able = np.flatnonzero(overlap > threshold)
        if not len(able):
            break
        hits = np.zeros(len(overlap), dtype=np.bool_)
        hits[able[np.unique(place[able], return_index=True)[1]]] = True
        values[k] = envelope_precision(hits, len(truth.yaw))
    return values


def _best(truth: Boxes3d, boxes: Boxes3d) -> tuple[Floats, Places]:
    """The largest IoU of each box with a true one, and with which (the first of equals); shapes (n,), (n,).

    Pairs whose sizes or distance keep their IoU below every threshold count as 0.
    """
    overlaps, places = np.zeros(len(boxes.yaw)), np.zeros(len(boxes.yaw), dtype=np.int64)
    step = max(1, AT_ONCE // len(truth.yaw))
    for start in range(0, len(boxes.yaw), step):
        some = boxes.taken(np.arange(start, min(start + step, len(boxes.yaw))))
        mine, asked = np.nonzero(_near(some, truth))
        grid = np.zeros((len(some.yaw), len(truth.yaw)))
        grid[mine, asked] = iou_3d(some.taken(mine), truth.taken(asked))
        places[start : start + step] = grid.argmax(axis=1)
        overlaps[start : start + step] = grid.max(axis=1)
    return overlaps, places


def _near(first: Boxes3d, second: Boxes3d) -> Flags:
    """Pairs that may have an IoU above one half, shape (n, m)."""
    with np.errstate(over="ignore"):
        volumes, others = np.prod(first.size, axis=1)[:, None], np.prod(second.size, axis=1)
        alike = np.minimum(volumes, others) > 0.49 * np.maximum(volumes, others)
        reach = np.hypot(first.size[:, 0], first.size[:, 1])[:, None] + np.hypot(second.size[:, 0], second.size[:, 1])
        away = first.centre[:, None, :2] - second.centre[:, :2]
        near: Flags = alike & (np.hypot(away[..., 0], away[..., 1]) <= reach / 2 + 1e-6)
    return near


def _common_base(first: Boxes3d, second: Boxes3d) -> Floats:
    """The area in which the two bases of each pair overlap, shape (n,).

    In the frame of the second, which is a rectangle there, it is the integral around the first base of its height,
    held within the rectangle's: exact, for that height is linear between the places where it enters or leaves.
    """
    offset = _turned((first.centre - second.centre)[:, None, :2], -second.yaw[:, None])
    corners = offset + _turned(CORNERS * first.size[:, None, 1::-1], (first.yaw - second.yaw)[:, None])
    steps = np.roll(corners, -1, axis=1) - corners
    halves = second.size[:, None, 1::-1] / 2
    entering, leaving = _crossings(corners[..., 0], steps[..., 0], halves[..., 0], 0.0, 1.0)
    under, over = _crossings(corners[..., 1], steps[..., 1], halves[..., 1], entering, leaving)
    along = np.stack([entering, under, over, leaving])
    heights = np.clip(corners[..., 1] + along * steps[..., 1], -halves[..., 1], halves[..., 1])
    under_edges = np.sum(np.diff(along, axis=0) * (heights[1:] + heights[:-1]) / 2, axis=0) * steps[..., 0]
    area: Floats = np.maximum(-under_edges.sum(axis=1), 0.0)
    return area


def _crossings(start: Floats, step: Floats, half: Floats, low: Any, high: Any) -> tuple[Floats, Floats]:
    """Where on the way from `start` to `start + step`, within [low, high] of it, [-half, half] is entered and left."""
    pace = np.where(step == 0, 1.0, step)
    with np.errstate(over="ignore"):
        first, second = (-half - start) / pace, (half - start) / pace
    return np.clip(np.minimum(first, second), low, high), np.clip(np.maximum(first, second), low, high)


def _turned(points: Floats, angle: Floats) -> Floats:
    """Points, shape (..., 2), turned counter-clockwise about the origin."""
    x, y = points[..., 0], points[..., 1]
    return np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=-1)
