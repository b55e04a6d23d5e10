"""Optical recognition of handwritten digits: 1,797 images of 8 x 8 pixels, from scikit-learn."""

from __future__ import annotations

from sklearn.datasets import load_digits

from tasks.rows import Rows


def load() -> Rows:
    """64 pixels of 0 to 16 in row-major order; target: the digit."""
    data = load_digits(as_frame=True)
    return Rows(features=data.data.astype(int), target=data.target.astype(int))
