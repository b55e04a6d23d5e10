"""Metrics that average over groups of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from grading.metrics.values import Floats


def group_log_mae(truth: Floats, prediction: Floats, groups: NDArray[np.int64], *, floor: float = 0.0) -> float:
    """Mean over groups of ln(max(MAE, floor)); minus infinity where a group has no error and there is no floor.

    `groups`: shape (n,), whole numbers from 0 on; those of no row are left out. Source: Kaggle, Predicting Molecular
    Properties (floor 1e-9).
    """
    counts = np.bincount(groups)
    with np.errstate(over="ignore", divide="ignore"):
        errors = np.bincount(groups, np.abs(truth - prediction))[counts > 0] / counts[counts > 0]
        return float(np.mean(np.log(np.maximum(errors, floor))))
