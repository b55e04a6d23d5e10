"""Metrics of probabilities."""

from __future__ import annotations

import numpy as np

from grading.metrics.values import Floats

CLIP = 1e-15
"""Probabilities are kept this far from 0 and 1 before a logarithm (Kaggle's rule for log loss)."""


def brier(truth: Floats, prediction: Floats) -> float:
    """Brier score, mean((y - p)^2); y in {0, 1}. Source: scikit-learn, brier_score_loss."""
    return float(np.mean((truth - prediction) ** 2))


def log_loss(truth: Floats, prediction: Floats) -> float:
    """Logarithmic loss, -mean(log p of the true class), natural logarithm.

    Binary: shapes (n,), y in {0, 1}, p the probability of 1. Multi-class: shapes (n, k), y one-hot, each row of p
    divided by its sum. p is clipped to [1e-15, 1 - 1e-15]. Source: Kaggle's evaluation page for log loss.
    """
    if prediction.ndim == 1:
        clipped = np.clip(prediction, CLIP, 1 - CLIP)
        return float(-np.mean(np.where(truth == 1, np.log(clipped), np.log1p(-clipped))))
    sums = prediction.sum(axis=1, keepdims=True)
    shares = np.divide(prediction, sums, out=np.full_like(prediction, 1 / prediction.shape[1]), where=sums > 0)
    clipped = np.clip(shares, CLIP, 1 - CLIP)
    return float(-np.mean(np.log(clipped[np.arange(len(truth)), truth.argmax(axis=1)])))
