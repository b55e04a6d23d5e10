"""Masks as runs agree with masks as pixels, and so do their metrics."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from grading.metrics.masks import (
    Mask,
    dice,
    global_dice,
    mask,
    mean_dice,
    mean_f05,
    mean_iou_precision,
    union,
)

Pixels = NDArray[np.bool_]


def runs(pixels: Pixels) -> Mask:
    places = np.flatnonzero(pixels)
    return mask(places, places + 1)


def drawn(mask: Mask, size: int) -> Pixels:
    pixels = np.zeros(size, dtype=np.bool_)
    for start, stop in zip(mask.starts, mask.stops, strict=True):
        pixels[start:stop] = True
    return pixels


def pairs(count: int, seed: int) -> list[tuple[Pixels, Pixels]]:
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 40, count)
    return [(random.random(size) < random.random(), random.random(size) < random.random()) for size in sizes]


@pytest.mark.parametrize("seed", range(3))
def test_sets_of_pixels_are_computed_on_their_runs(seed: int) -> None:
    for a, b in pairs(200, seed):
        assert np.array_equal(drawn(runs(a), len(a)), a)
        assert np.array_equal(drawn(runs(a).intersection(runs(b)), len(a)), a & b)
        assert np.array_equal(drawn(runs(a).difference(runs(b)), len(a)), a & ~b)
        assert np.array_equal(drawn(union([runs(a), runs(b)]), len(a)), a | b)


def test_equal_masks_have_equal_runs_however_they_were_made() -> None:
    assert mask(np.array([5, 0, 2, 3]), np.array([6, 2, 5, 3])).same(mask(np.array([0]), np.array([6])))
    for a, b in pairs(100, 4):
        assert runs(a & b).same(runs(a).intersection(runs(b)))


def test_a_run_of_any_length_takes_no_room() -> None:
    vast = mask(np.array([0, 10**15 + 7]), np.array([10**15, 10**18]))
    assert vast.intersection(mask(np.array([10**14]), np.array([10**15 + 8]))).area == 10**15 - 10**14 + 1
    assert dice(vast, vast) == 1.0


def naive_f05(truth: Pixels, prediction: Pixels) -> float:
    hits, wrong, missed = (truth & prediction).sum(), (~truth & prediction).sum(), (truth & ~prediction).sum()
    below = 1.25 * hits + wrong + 0.25 * missed
    return float(1.25 * hits / below) if below else 0.0


def naive_precision(truth: Pixels, prediction: Pixels) -> float:
    if not truth.any():
        return float(not prediction.any())
    iou = (truth & prediction).sum() / (truth | prediction).sum()
    return sum(iou > k / 100 for k in range(50, 100, 5)) / 10


def test_metrics_agree_with_their_definitions_pixel_by_pixel() -> None:
    both = [*pairs(60, 5), (np.zeros(4, dtype=np.bool_), np.zeros(4, dtype=np.bool_))]
    truths, guesses = [runs(a) for a, _ in both], [runs(b) for _, b in both]
    pooled = 2 * sum((a & b).sum() for a, b in both) / sum(a.sum() + b.sum() for a, b in both)
    assert global_dice(truths, guesses) == pytest.approx(pooled)
    single = [2 * (a & b).sum() / (a.sum() + b.sum()) if (a | b).any() else 1.0 for a, b in both]
    assert mean_dice(truths, guesses) == pytest.approx(np.mean(single))
    assert mean_f05(truths, guesses) == pytest.approx(np.mean([naive_f05(a, b) for a, b in both]))
    assert mean_iou_precision(truths, guesses) == pytest.approx(np.mean([naive_precision(a, b) for a, b in both]))
