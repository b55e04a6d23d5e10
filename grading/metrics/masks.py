"""Metrics of segmentation masks, which are kept as runs of pixels, so that a run of any length costs the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]

IOU_THRESHOLDS: Final = np.arange(10, 20) / 20
"""0.50, 0.55, ..., 0.95."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Pixels of one image, numbered from 0, as half-open runs: ascending, disjoint, not touching (see `mask`)."""

    starts: Places
    stops: Places

    @property
    def area(self) -> int:
        """How many pixels it has."""
        return int((self.stops - self.starts).sum())

    def same(self, other: Mask) -> bool:
        """Whether both have the same pixels."""
        return np.array_equal(self.starts, other.starts) and np.array_equal(self.stops, other.stops)

    def intersection(self, other: Mask) -> Mask:
        """The pixels in both. Time and memory go with the numbers of runs."""
        first = np.searchsorted(other.stops, self.starts, side="right")
        counts = np.searchsorted(other.starts, self.stops, side="left") - first
        mine = np.repeat(np.arange(len(counts)), counts)
        theirs = np.arange(len(mine)) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(first, counts)
        return Mask(
            np.maximum(self.starts[mine], other.starts[theirs]), np.minimum(self.stops[mine], other.stops[theirs])
        )

    def difference(self, other: Mask) -> Mask:
        """The pixels that the other has not."""
        if not len(other.starts) or not len(self.starts):
            return self
        low, high = min(self.starts[0], other.starts[0]), max(self.stops[-1], other.stops[-1])
        gaps = Mask(np.append(low, other.stops), np.append(other.starts, high))
        inside = gaps.starts < gaps.stops
        return self.intersection(Mask(gaps.starts[inside], gaps.stops[inside]))

    def shifted(self, by: int) -> Mask:
        """Every pixel moved on by so many places."""
        return Mask(self.starts + by, self.stops + by)


def mask(starts: Places, stops: Places) -> Mask:
    """The pixels that lie in any of these runs, which may be empty, overlap, and come in any order."""
    order = np.argsort(starts, kind="stable")
    order = order[starts[order] < stops[order]]
    if not len(order):
        return Mask(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    starts, reach = starts[order], np.maximum.accumulate(stops[order])
    new = np.append(True, starts[1:] > reach[:-1])
    last = np.append(np.flatnonzero(new)[1:] - 1, len(order) - 1)
    return Mask(starts[new], reach[last])


def union(masks: Sequence[Mask]) -> Mask:
    """The pixels that lie in any of the masks."""
    nothing = np.empty(0, dtype=np.int64)
    starts = np.concatenate([nothing, *(each.starts for each in masks)])
    return mask(starts, np.concatenate([nothing, *(each.stops for each in masks)]))


def dice(truth: Mask, prediction: Mask) -> float:
    """Dice coefficient, 2|T n P| / (|T| + |P|); NaN where both are empty. Source: Dice 1945."""
    areas = truth.area + prediction.area
    return 2 * truth.intersection(prediction).area / areas if areas else float("nan")


def mean_dice(truths: Sequence[Mask], predictions: Sequence[Mask]) -> float:
    """Mean over images of the Dice coefficient, which is 1 where both masks are empty.

    Source: Kaggle, HuBMAP - Hacking the Kidney.
    """
    values = np.array([dice(truth, prediction) for truth, prediction in zip(truths, predictions, strict=True)])
    return float(np.mean(np.where(np.isnan(values), 1.0, values)))


def global_dice(truths: Sequence[Mask], predictions: Sequence[Mask]) -> float:
    """Dice coefficient of all images' pixels together, 2 sum|T n P| / sum(|T| + |P|); NaN where all are empty.

    Source: Kaggle, Google Research - Identify Contrails.
    """
    pairs = list(zip(truths, predictions, strict=True))
    areas = sum(truth.area + prediction.area for truth, prediction in pairs)
    common = sum(truth.intersection(prediction).area for truth, prediction in pairs)
    return 2 * common / areas if areas else float("nan")


def mean_f05(truths: Sequence[Mask], predictions: Sequence[Mask]) -> float:
    """Mean over images of F0.5 of their pixels, 1.25 TP / (1.25 TP + FP + 0.25 FN); 0 where both masks are empty.

    Source: Kaggle, Vesuvius Challenge - Ink Detection.
    """
    pairs = zip(truths, predictions, strict=True)
    return float(np.mean([_f_beta(truth, prediction, 0.5) for truth, prediction in pairs]))


def mean_iou_precision(truths: Sequence[Mask], predictions: Sequence[Mask]) -> float:
    """Mean over images of the share of the IoU thresholds 0.50, 0.55, ..., 0.95 that the masks' IoU exceeds.

    IoU = |T n P| / |T u P|. Two empty masks count 1, one empty mask counts 0. This is the mean average precision over
    IoU thresholds where each image has one object. Source: Kaggle, TGS Salt Identification Challenge.
    """
    pairs = zip(truths, predictions, strict=True)
    return float(np.mean([_iou_precision(truth, prediction) for truth, prediction in pairs]))


def _f_beta(truth: Mask, prediction: Mask, beta: float) -> float:
    hits = truth.intersection(prediction).area
    weighted = beta**2 * truth.area + prediction.area  # (1 + b^2) TP + FP + b^2 FN
    return (1 + beta**2) * hits / weighted if weighted else 0.0


def _iou_precision(truth: Mask, prediction: Mask) -> float:
    hits = truth.intersection(prediction).area
    union_area = truth.area + prediction.area - hits
    return float(np.mean(hits / union_area > IOU_THRESHOLDS)) if union_area else 1.0
