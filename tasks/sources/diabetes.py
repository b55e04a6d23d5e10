"""Diabetes (Efron and others, 2004): 442 patients, from scikit-learn, in the measurements' own units."""

from __future__ import annotations

from typing import Final

from sklearn.datasets import load_diabetes

from tasks.rows import Rows

SEX: Final = {1.0: "A", 2.0: "B"}
"""The source does not say which code is which."""
SERUM: Final = {
    "s1": "total_cholesterol",
    "s2": "ldl",
    "s3": "hdl",
    "s4": "cholesterol_hdl_ratio",
    "s5": "log_triglycerides",
    "s6": "blood_sugar",
}


def load() -> Rows:
    """Ten baseline measurements; target: disease progression after one year."""
    data = load_diabetes(as_frame=True, scaled=False)
    features = data.data.rename(columns={**SERUM, "bp": "blood_pressure"})
    features = features.assign(sex=features["sex"].map(SEX), age=features["age"].astype(int))
    return Rows(features=features, target=data.target.astype(int))
