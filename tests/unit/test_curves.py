"""Weighed areas under ROC curves agree with restatements of their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from grading.metrics.curves import bias_auc, weighted_roc_auc
from grading.metrics.values import Floats


def by_strips(truth: Floats, scores: Floats) -> float:
    """The weighted area by summing narrow strips of the false positive rate."""
    false_rate, rate, _ = roc_curve(truth, scores, drop_intermediate=False)
    middles = (np.arange(400_000) + 0.5) / 400_000
    height = np.interp(middles, false_rate + np.arange(len(rate)) * 1e-12, rate)
    return float((2 * np.clip(height, 0, 0.4) + np.clip(height, 0.4, 1) - 0.4).mean() / 1.4)


@pytest.mark.parametrize("seed", range(8))
def test_the_weighted_area_is_the_integral_of_its_bands(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth = np.append(random.integers(0, 2, 30), [0, 1]).astype(float)
    scores = np.round(random.random(32) + 0.3 * truth, int(seed % 3))
    assert weighted_roc_auc(truth, scores) == pytest.approx(by_strips(truth, scores), abs=1e-5)


def test_a_curve_that_stands_on_the_border_of_two_bands_is_cut_there() -> None:
    truth = np.array([1, 1, 0, 0, 1, 1, 1, 0], dtype=float)  # 2 of 5 positives before two false alarms
    scores = -np.arange(8, dtype=float)
    assert weighted_roc_auc(truth, scores) == pytest.approx((2 * 0.4 + (1 / 3) * 0.6) / 1.4)


def test_the_weighted_area_is_1_of_a_perfect_order_and_the_rest_is_as_agreed() -> None:
    truth, scores = np.array([0.0, 1.0, 1.0]), np.array([0.1, 0.5, 0.7])
    assert weighted_roc_auc(truth, scores) == 1.0
    assert weighted_roc_auc(np.zeros(3), scores) == 0.0
    assert math.isnan(weighted_roc_auc(np.ones(3), scores))


def naive_bias(truth: Floats, scores: Floats, groups: Floats) -> float:
    means = []
    for kind in ("subgroup", "bpsn", "bnsp"):
        total = 0.0
        for g in groups.T:
            if kind == "subgroup":
                rows = g == 1
            elif kind == "bpsn":
                rows = ((truth == 0) & (g == 1)) | ((truth == 1) & (g == 0))
            else:
                rows = ((truth == 1) & (g == 1)) | ((truth == 0) & (g == 0))
            total += roc_auc_score(truth[rows], scores[rows]) ** -5
        means.append((total / groups.shape[1]) ** (-1 / 5))
    return 0.25 * roc_auc_score(truth, scores) + 0.25 * sum(means)


@pytest.mark.parametrize("seed", range(5))
def test_the_bias_auc_is_that_of_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, groups = random.integers(0, 2, 200).astype(float), random.integers(0, 2, (200, 4)).astype(float)
    scores = np.round(random.random(200), 1)
    assert bias_auc(truth, scores, groups) == pytest.approx(naive_bias(truth, scores, groups))


def test_a_group_with_an_area_of_0_has_a_mean_of_0() -> None:
    truth, scores = np.array([0.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 1.0])
    groups = np.array([[1.0], [1.0], [0.0], [0.0]])  # the group is ordered the wrong way round
    expected = 0.25 * 0.5 + 0.25 * (0.0 + 0.5 + 0.5)
    assert bias_auc(truth, scores, groups) == pytest.approx(expected)


def test_a_group_with_one_class_has_no_area() -> None:
    truth = np.array([0.0, 1.0, 1.0])
    assert math.isnan(bias_auc(truth, truth, np.array([[0.0], [1.0], [1.0]])))
