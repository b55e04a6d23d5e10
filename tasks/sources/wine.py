"""Wine recognition (Forina and others): 178 Italian wines of three cultivars, from scikit-learn."""

from __future__ import annotations

from sklearn.datasets import load_wine

from tasks.rows import Rows


def load() -> Rows:
    """13 chemical measurements; target: the cultivar, `class_0` to `class_2`."""
    data = load_wine(as_frame=True)
    features = data.data.rename(columns={"od280/od315_of_diluted_wines": "od280_od315"})
    return Rows(features=features, target=data.target.map(lambda number: f"class_{number}"))
