"""Entries for affairs: ordered words, coarse ages, and people who answer alike but act apart.

No nearest neighbours: on so coarse answers distances tie, and the processor's rounding would choose among them.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import pandas as pd
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer, StandardScaler

from bench.entries.entry import Entry, Solve, bare, blend, classify
from bench.entries.plain import classifiers

entry = partial(classify, "affair")
ORDER: Final = {
    "marriage_rating": ("very poor", "poor", "fair", "good", "very good"),
    "religious": ("not", "mildly", "fairly", "strongly"),
    "education": (
        "grade school",
        "high school",
        "some college",
        "college graduate",
        "some graduate school",
        "advanced degree",
    ),
}


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Ordered words as ranks, occupations as indicators, and how the years fit together."""
    result = bare(frame)
    for name, words in ORDER.items():
        result[name] = result[name].map({word: rank for rank, word in enumerate(words)}).astype(float)
    result["age_at_marriage"] = result["age"] - result["years_married"]
    result["married_share"] = result["years_married"] / result["age"]
    result["children_by_year"] = result["children"] / (result["years_married"] + 1)
    result["same_occupation"] = (result["occupation"] == result["husband_occupation"]).astype(float)
    return pd.get_dummies(result, columns=["occupation", "husband_occupation"], dtype=float)


def ranks(frame: pd.DataFrame) -> pd.DataFrame:
    """The eight answers as numbers, occupations by their place in the alphabet."""
    result = bare(frame)
    for name in ("occupation", "husband_occupation"):
        result[name] = result[name].map({word: rank for rank, word in enumerate(sorted(result[name].unique()))})
    for name, words in ORDER.items():
        result[name] = result[name].map({word: rank for rank, word in enumerate(words)})
    return result.astype(float)


def entries() -> list[Entry]:
    """Plain ones, tuned ones, and blends of them."""
    plain = {name: model for name, model in classifiers(100) if "neighbours" not in name}
    found = [Entry(name, entry(model)) for name, model in plain.items()]
    tuned = _tuned()
    kinds = [
        "boosting, 400 slow trees, seed 0",
        "logistic regression on splines",
        "logistic regression on a kernel map",
        "forest, large leaves, seed 0",
        "logistic regression on products",
    ]
    seeds = [tuned[f"boosting, 400 slow trees, seed {seed}"] for seed in (0, 1, 2)]
    tuned["blend: three seeds of boosting"] = blend(seeds)
    for count in (2, 3, 4, 5):
        tuned[f"blend: {count} kinds"] = blend([tuned[name] for name in kinds[:count]])
    tuned["blend: boosting, splines, kernel map"] = blend([*seeds, tuned[kinds[1]], tuned[kinds[2]]], [1, 1, 1, 2, 3])
    return found + [Entry(name, solve) for name, solve in tuned.items()]


def _tuned() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for strength in (0.03, 1.0):
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=2000))
        found[f"logistic regression on ordered columns, C={strength:g}"] = entry(linear, ordered)
    curves = make_pipeline(SplineTransformer(4, degree=2), LogisticRegression(C=0.3, max_iter=3000))
    found["logistic regression on splines"] = entry(curves, ordered)
    products = make_pipeline(
        StandardScaler(), PolynomialFeatures(2), StandardScaler(), LogisticRegression(C=0.003, max_iter=3000)
    )
    found["logistic regression on products"] = entry(products, ordered)
    kernel = Nystroem(gamma=0.02, n_components=300, random_state=0)
    mapped = make_pipeline(StandardScaler(), kernel, LogisticRegression(C=3.0, max_iter=3000))
    found["logistic regression on a kernel map"] = entry(mapped, ordered)
    for leaf in (5, 20):
        extra = ExtraTreesClassifier(200, min_samples_leaf=leaf, max_features=0.5, random_state=0)
        found[f"extra trees, leaves of {leaf}"] = entry(extra, ordered)
    for seed in (0, 1):
        forest = RandomForestClassifier(300, min_samples_leaf=15, max_features=0.3, random_state=seed)
        found[f"forest, large leaves, seed {seed}"] = entry(forest, ordered)
    found.update(_boosted())
    return found


def _boosted() -> dict[str, Solve]:
    found: dict[str, Solve] = {}
    for seed in (0, 1, 2):
        slow = GradientBoostingClassifier(
            n_estimators=400, learning_rate=0.03, max_depth=3, subsample=0.5, max_features=0.4, random_state=seed
        )
        found[f"boosting, 400 slow trees, seed {seed}"] = entry(slow, ordered)
    for leaves in (5, 8):
        tall = HistGradientBoostingClassifier(
            max_iter=150, learning_rate=0.05, max_leaf_nodes=leaves, l2_regularization=5.0, random_state=0
        )
        found[f"histogram boosting, {leaves} leaves"] = entry(tall, ordered)
    falling = [0, 0, 0, 0, -1, 0, 0, 0]
    monotone = HistGradientBoostingClassifier(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=6, monotonic_cst=[-1, *falling[1:]], random_state=0
    )
    found["histogram boosting, falling with marriage and religion"] = entry(monotone, ranks)
    base: list[tuple[str, Any]] = [
        ("linear", make_pipeline(StandardScaler(), LogisticRegression(C=0.1))),
        ("forest", RandomForestClassifier(100, min_samples_leaf=15, random_state=0)),
    ]
    stack = StackingClassifier(base, final_estimator=LogisticRegression(), cv=5)
    found["stack: logistic regression, forest"] = entry(stack, ordered)
    return found
