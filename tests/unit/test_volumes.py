"""The Hausdorff distance of volumes agrees with SciPy's, voxel by voxel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import directed_hausdorff

from grading.metrics.masks import mask
from grading.metrics.volumes import Volume, dice_hausdorff, normalised_hausdorff

Voxels = NDArray[np.bool_]
"""Shape (slices, rows, columns)."""


def volume(voxels: Voxels) -> Volume:
    slices, rows, columns = voxels.shape
    places = np.flatnonzero(voxels.transpose(0, 2, 1))
    return Volume((slices, rows, columns), mask(places, places + 1))


def naive(truth: Voxels, prediction: Voxels) -> float:
    if not truth.any() or not prediction.any() or prediction.sum() > 10 * truth.sum():
        return 1.0 if truth.any() or prediction.any() else math.nan
    a, b = np.argwhere(truth) / truth.shape, np.argwhere(prediction) / truth.shape
    return max(directed_hausdorff(a, b)[0], directed_hausdorff(b, a)[0]) / math.sqrt(3)


def solid(random: np.random.Generator, shape: tuple[int, ...]) -> Voxels:
    voxels = np.zeros(shape, dtype=np.bool_)
    for _ in range(random.integers(0, 4)):
        low = [random.integers(0, size) for size in shape]
        high = [random.integers(start, size) + 1 for start, size in zip(low, shape, strict=True)]
        voxels[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
    return voxels


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alike", [True, False])
def test_the_distance_is_that_of_all_pairs_of_voxels(seed: int, alike: bool) -> None:
    random = np.random.default_rng(seed)
    for turn in range(80):
        shape = tuple(random.integers(1, 9, 3))
        other = shape if alike else tuple(random.integers(1, 9, 3))
        if turn % 2:
            truth, prediction = solid(random, shape), solid(random, other)
        else:
            truth, prediction = random.random(shape) < random.random(), random.random(other) < random.random()
        found = normalised_hausdorff(volume(truth), volume(prediction))
        assert found == pytest.approx(naive(truth, prediction), abs=1e-12, nan_ok=True)


def test_what_is_far_too_large_is_not_laid_out() -> None:
    truth = Volume((1000, 1000, 1000), mask(np.array([0]), np.array([5])))
    vast = Volume((1000, 1000, 1000), mask(np.array([0]), np.array([10**9])))
    assert normalised_hausdorff(truth, vast) == 1.0


def test_pairs_without_voxels_are_left_out_of_both_means() -> None:
    empty, full = np.zeros((1, 2, 2), dtype=np.bool_), np.ones((1, 2, 2), dtype=np.bool_)
    solids = [(volume(empty), volume(empty)), (volume(full), volume(full))]
    masks = [volume(empty).voxels, volume(full).voxels]
    assert dice_hausdorff(masks, masks, solids) == 1.0
    assert math.isnan(dice_hausdorff(masks, masks, solids[:1]))
    assert math.isnan(dice_hausdorff(masks[:1], masks[:1], solids))
