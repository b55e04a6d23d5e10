"""Breast cancer Wisconsin (diagnostic): 569 fine-needle aspirates, from scikit-learn."""

from __future__ import annotations

from sklearn.datasets import load_breast_cancer

from tasks.rows import Rows


def load() -> Rows:
    """30 measurements of cell nuclei; target 1 for a malignant mass."""
    data = load_breast_cancer(as_frame=True)
    features = data.data.rename(columns=lambda name: name.replace(" ", "_"))
    return Rows(features=features, target=1 - data.target)
