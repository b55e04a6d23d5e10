"""Metrics of segmented volumes: stacks of slices, each a mask whose pixels are numbered column by column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from grading.metrics.masks import Mask, Places, dice

Points = NDArray[np.float64]
"""Shape (n, 3): slice, row, column."""

LARGER: Final = 10
"""A prediction of more than so many times the true voxels counts as farthest."""


@dataclass(frozen=True, eq=False)
class Volume:
    """A segmented volume."""

    shape: tuple[int, int, int]
    """Slices, rows, columns."""
    voxels: Mask
    """Numbered down the columns, then from column to column, then from slice to slice."""

    def same(self, other: Volume) -> bool:
        """Whether both have the same size and the same voxels."""
        return self.shape == other.shape and self.voxels.same(other.voxels)


def dice_hausdorff(
    truths: Sequence[Mask], predictions: Sequence[Mask], solids: Sequence[tuple[Volume, Volume]]
) -> float:
    """0.4 mean Dice + 0.6 (1 - mean normalised Hausdorff distance), of masks and of (true, predicted) volumes.

    Pairs that are empty on both sides are left out; NaN where none is left. Source: Kaggle, UW-Madison GI Tract Image
    Segmentation.
    """
    overlaps = [dice(truth, prediction) for truth, prediction in zip(truths, predictions, strict=True)]
    distances = [normalised_hausdorff(truth, prediction) for truth, prediction in solids]
    return 0.4 * _mean(overlaps) + 0.6 * (1 - _mean(distances))


def normalised_hausdorff(truth: Volume, prediction: Volume) -> float:
    """Hausdorff distance of two sets of voxels in [0, 1]; NaN where both are empty.

    The larger of the two largest distances from a voxel of one set to the nearest of the other, each axis divided by
    the true volume's size, the whole by sqrt(3). 1 where one set is empty, or the predicted one has more than ten times
    the true voxels (so that what is laid out in memory is bounded by the truth).
    """
    true_area, area = truth.voxels.area, prediction.voxels.area
    if not true_area and not area:
        return math.nan
    if truth.same(prediction):
        return 0.0
    if not true_area or not area or area > LARGER * true_area:
        return 1.0
    scale = np.array(truth.shape, dtype=np.float64)
    there = _farthest(truth, prediction, scale)
    return max(there, _farthest(prediction, truth, scale)) / math.sqrt(3)


def _farthest(source: Volume, target: Volume, scale: Points) -> float:
    """The largest distance from a voxel of `source` to the nearest of `target`.

    Runs are asked by their middle voxels first: a run can hold a larger distance only where the middle's, and the way
    to its ends, add up to more.
    """
    comparable = source.shape[1:] == target.shape[1:]
    asked = source.voxels.difference(target.voxels) if comparable else source.voxels  # the others are 0 away
    if not asked.area:
        return 0.0
    tree = cKDTree(_points(_each(_shell(target) if comparable else target.voxels), target, scale))
    runs = _within_columns(asked, source.shape[1])
    middles = (runs.starts + runs.stops - 1) // 2
    distances = tree.query(_points(middles, source, scale))[0]
    reach = distances + (runs.stops - 1 - middles) / scale[1]
    farther = (reach > distances.max()) & (runs.stops - runs.starts > 1)
    rest = tree.query(_points(_each(Mask(runs.starts[farther], runs.stops[farther])), source, scale))[0]
    return float(max(distances.max(), rest.max(initial=0.0)))


def _shell(volume: Volume) -> Mask:
    """The voxels that may be nearest to one outside: those with a neighbour, along an axis, that is not in the set."""
    _, rows, columns = volume.shape
    inner = volume.voxels
    for step in (1, rows, rows * columns):
        inner = inner.intersection(volume.voxels.shifted(step)).intersection(volume.voxels.shifted(-step))
    return volume.voxels.difference(inner)


def _within_columns(runs: Mask, rows: int) -> Mask:
    """The same runs, cut where they pass from one column to the next."""
    first, last = runs.starts // rows, (runs.stops - 1) // rows
    counts = last - first + 1
    run = np.repeat(np.arange(len(counts)), counts)
    column = np.arange(len(run)) - np.repeat(np.cumsum(counts) - counts, counts) + first[run]
    return Mask(np.maximum(runs.starts[run], column * rows), np.minimum(runs.stops[run], (column + 1) * rows))


def _each(runs: Mask) -> Places:
    """The numbers of all voxels."""
    lengths = runs.stops - runs.starts
    places: Places = np.arange(lengths.sum()) + np.repeat(runs.starts - (np.cumsum(lengths) - lengths), lengths)
    return places


def _points(places: Places, volume: Volume, scale: Points) -> Points:
    _, rows, columns = volume.shape
    index = (places // (rows * columns), places % rows, places // rows % columns)
    return np.stack(index, axis=1) / scale


def _mean(values: Sequence[float]) -> float:
    present = [value for value in values if not math.isnan(value)]
    return float(np.mean(present)) if present else math.nan
