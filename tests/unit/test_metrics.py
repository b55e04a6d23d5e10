"""Metrics against values worked out by hand, and the registry against what the fields expect."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics as sk

from grading.metrics.registry import METRICS, metric
from podium.errors import UnknownName

Y = np.array([1.0, 2.0, 3.0, 4.0])
P = np.array([1.0, 2.0, 3.0, 8.0])
B = np.array([0.0, 0.0, 1.0, 1.0])
Q = np.array([0.1, 0.4, 0.35, 0.8])
WORDS = np.array(["a", "a", "b", "c"], dtype=object)
SAID = np.array(["a", "b", "b", "b"], dtype=object)
GRADES = np.array([0, 1, 2, 2])
GIVEN = np.array([0, 2, 2, 1])

BY_HAND = {
    "rmse": (Y, P, 2.0),
    "mse": (Y, P, 4.0),
    "mae": (Y, P, 1.0),
    "median_absolute_error": (Y, P, 0.0),
    "mape": (Y, P, 0.25),
    "smape": (Y, P, 100 * (2 * 4 / 12) / 4),
    "rmsle": (Y, P, math.log(9 / 5) / 2),
    "r2": (Y, P, 1 - 16 / 5),
    "pearson": (Y, 2 * Y + 1, 1.0),
    "spearman": (Y, Y**3, 1.0),
    "roc_auc": (B, Q, 0.75),
    "gini": (B, Q, 0.5),
    "average_precision": (B, Q, 0.5 * 1 + 0.5 * 2 / 3),
    "brier": (B, Q, (0.01 + 0.16 + 0.65**2 + 0.04) / 4),
    "log_loss": (B, Q, -(math.log(0.9) + math.log(0.6) + math.log(0.35) + math.log(0.8)) / 4),
    "accuracy": (WORDS, SAID, 0.5),
    "balanced_accuracy": (WORDS, SAID, (0.5 + 1 + 0) / 3),
    "f1": (B.astype(int), np.array([0, 1, 1, 1]), 0.8),
    "f1_macro": (WORDS, SAID, (2 / 3 + 0.5 + 0) / 3),
    "f1_micro": (WORDS, SAID, 0.5),
    "f1_weighted": (WORDS, SAID, (2 * 2 / 3 + 0.5 + 0) / 4),
    "matthews": (B.astype(int), np.array([0, 1, 1, 1]), 1 / math.sqrt(3)),
}


def test_every_metric_was_worked_out_by_hand() -> None:
    assert set(BY_HAND) | {"quadratic_kappa"} == set(METRICS)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_metric_has_the_value_worked_out_by_hand(name: str) -> None:
    truth, prediction, value = BY_HAND[name]
    assert METRICS[name](truth, prediction) == pytest.approx(value)


def test_quadratic_kappa_is_one_less_observed_over_expected_disagreement() -> None:
    observed = np.mean((GRADES - GIVEN) ** 2)
    expected = np.mean([(a - b) ** 2 for a in GRADES for b in GIVEN])
    assert METRICS["quadratic_kappa"](GRADES, GIVEN) == pytest.approx(1 - observed / expected)


def test_multi_class_log_loss_is_scikit_learns_after_dividing_rows_by_their_sum() -> None:
    truth = np.eye(3)[[0, 2, 1, 0]]
    shares = np.array([[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [0.3, 0.4, 0.3], [0.9, 0.05, 0.05]])
    wanted = sk.log_loss(truth.argmax(axis=1), shares)
    assert METRICS["log_loss"](truth, 7 * shares) == pytest.approx(wanted)


def test_a_row_of_zeros_counts_as_an_even_guess_and_certainty_is_clipped() -> None:
    assert METRICS["log_loss"](np.eye(2)[[0]], np.zeros((1, 2))) == pytest.approx(math.log(2))
    assert METRICS["log_loss"](np.array([1.0]), np.array([0.0])) == pytest.approx(-math.log(1e-15))


def test_other_metrics_of_several_columns_are_the_mean_over_the_columns() -> None:
    truth, guess = np.stack([B, B], axis=1), np.stack([Q, B], axis=1)
    assert METRICS["roc_auc"](truth, guess) == pytest.approx((0.75 + 1) / 2)


@pytest.mark.parametrize("name", ["roc_auc", "gini", "average_precision", "r2", "pearson", "spearman"])
def test_a_metric_that_is_undefined_for_constant_truth_is_nan(name: str) -> None:
    assert math.isnan(METRICS[name](np.ones(4), Q))


def test_a_negative_prediction_counts_as_zero_in_rmsle() -> None:
    assert METRICS["rmsle"](np.array([0.0]), np.array([-5.0])) == 0.0


def test_errors_are_lower_is_better_and_scores_are_not() -> None:
    lower = {name for name, entry in METRICS.items() if entry.lower_is_better}
    errors = {"rmse", "mse", "mae", "median_absolute_error", "mape", "smape", "rmsle", "brier", "log_loss"}
    assert lower == errors


def test_an_unknown_metric_answers_with_the_near_ones() -> None:
    with pytest.raises(UnknownName, match="roc_auc"):
        metric("roc_acu")
