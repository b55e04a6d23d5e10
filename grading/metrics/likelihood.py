"""Metrics of predictions that come with their own uncertainty."""

from __future__ import annotations

import numpy as np

from grading.metrics.values import Floats

LEAST_SPREAD = 70.0
"""Standard deviations count as this at least."""
LARGEST_ERROR = 1000.0
"""Errors count as this at most."""


def laplace_log_likelihood(truth: Floats, prediction: Floats, spread: Floats) -> float:
    """Modified Laplace log likelihood, the mean of -sqrt(2) d / s - ln(sqrt(2) s); NaN without rows.

    s = max(spread, 70) is a standard deviation, d = min(|y - p|, 1000). Source: Kaggle, OSIC Pulmonary Fibrosis
    Progression.
    """
    if not len(prediction):
        return float("nan")
    error = np.minimum(np.abs(truth - prediction), LARGEST_ERROR)
    sigma = np.maximum(spread, LEAST_SPREAD)
    return float(np.mean(-np.sqrt(2) * error / sigma - np.log(np.sqrt(2) * sigma)))
