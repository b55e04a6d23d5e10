"""Likelihoods, probabilistic counts, grouped errors and Matthews' correlation agree with their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from grading.metrics.classification import matthews
from grading.metrics.grouped import group_log_mae
from grading.metrics.likelihood import laplace_log_likelihood
from grading.metrics.probabilistic import probabilistic_f1
from grading.metrics.values import Floats


def test_spreads_below_70_and_errors_above_1000_are_held() -> None:
    value = laplace_log_likelihood(np.array([2000.0, 2000.0]), np.array([2030.0, 9000.0]), np.array([10.0, 200.0]))
    first = -math.sqrt(2) * 30 / 70 - math.log(math.sqrt(2) * 70)
    second = -math.sqrt(2) * 1000 / 200 - math.log(math.sqrt(2) * 200)
    assert value == pytest.approx((first + second) / 2)


def test_a_likelihood_of_nothing_is_none() -> None:
    assert math.isnan(laplace_log_likelihood(np.empty(0), np.empty(0), np.empty(0)))


def naive_probabilistic_f1(truth: Floats, prediction: Floats) -> float:
    hits = sum(min(max(p, 0.0), 1.0) for y, p in zip(truth, prediction, strict=True) if y == 1)
    alarms = sum(min(max(p, 0.0), 1.0) for y, p in zip(truth, prediction, strict=True) if y == 0)
    precision, recall = hits / (hits + alarms), hits / sum(truth)
    return 2 * precision * recall / (precision + recall) if precision > 0 and recall > 0 else 0.0


@pytest.mark.parametrize("seed", range(5))
def test_the_probabilistic_f1_is_that_of_its_definition(seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, prediction = np.append(random.integers(0, 2, 40), 1).astype(float), random.uniform(-0.5, 1.5, 41)
    assert probabilistic_f1(truth, prediction) == pytest.approx(naive_probabilistic_f1(truth, prediction))


@pytest.mark.parametrize("prediction", [[0.0, 0.0], [0.0, 1.0], [np.nan, 1.0], [1.0, np.nan]])
def test_the_probabilistic_f1_is_0_without_hits_or_with_a_gap(prediction: list[float]) -> None:
    assert probabilistic_f1(np.array([1.0, 0.0]), np.array(prediction)) == 0.0


def test_errors_are_averaged_within_groups_and_their_logarithms_between() -> None:
    truth, prediction, groups = np.zeros(4), np.array([1.0, 3.0, -5.0, 5.0]), np.array([0, 0, 3, 3])
    assert group_log_mae(truth, prediction, groups) == pytest.approx((math.log(2) + math.log(5)) / 2)


def test_a_group_without_error_counts_as_the_floor() -> None:
    truth, prediction, groups = np.zeros(2), np.array([0.0, 1.0]), np.array([0, 1])
    assert group_log_mae(truth, prediction, groups) == -math.inf
    assert group_log_mae(truth, prediction, groups, floor=1e-9) == pytest.approx(math.log(1e-9) / 2)


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_matthews_correlation_is_scikit_learns(classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    truth, prediction = random.integers(0, 2, 60), random.integers(0, classes, 60)
    assert matthews(truth, prediction) == pytest.approx(matthews_corrcoef(truth, prediction))
    assert matthews(truth, truth) == 1.0
    assert matthews(truth, np.ones(60)) == 0.0


def test_matthews_correlation_lays_out_no_table_of_classes() -> None:
    many = np.arange(300_000)  # a table of all pairs would have 9e10 cells
    assert matthews(many, many) == pytest.approx(1.0)
