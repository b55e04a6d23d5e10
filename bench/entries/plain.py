"""Plain entries that fit any table: preparation of columns, and the estimators that a first look would try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import BayesianRidge, ElasticNet, Lasso, LinearRegression, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def scaled() -> Any:
    """Numbers imputed and standardised, words one-hot: for models that measure distances."""
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    )
    return _columns(numbers, words)


def coded() -> Any:
    """Numbers imputed, words numbered: for trees."""
    words = make_pipeline(
        SimpleImputer(strategy="most_frequent"),
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    )
    return _columns(SimpleImputer(strategy="median"), words)


def _columns(numbers: Any, words: Any) -> Any:
    return make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (words, make_column_selector(dtype_exclude="number")),
    )


def classifiers(trees: int = 200) -> Iterator[tuple[str, Any]]:
    """Names and pipelines, from the dummy to default boosting."""
    yield "dummy: shares", make_pipeline(coded(), DummyClassifier(strategy="prior"))
    for strength in (0.001, 0.01, 0.1, 1.0):
        model = LogisticRegression(C=strength, max_iter=2000)
        yield f"logistic regression, C={strength:g}", make_pipeline(scaled(), model)
    for k in (1, 5, 25):
        yield f"k nearest neighbours, k={k}", make_pipeline(scaled(), KNeighborsClassifier(k))
    yield "naive Bayes, Gaussian", make_pipeline(scaled(), GaussianNB())
    yield "linear discriminant", make_pipeline(scaled(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
    support = CalibratedClassifierCV(SVC(), ensemble=False)
    yield "support vectors, calibrated", make_pipeline(scaled(), support)
    for depth in (1, 3, 6, None):
        tree = DecisionTreeClassifier(max_depth=depth, random_state=0)
        yield f"decision tree, depth {depth or 'free'}", make_pipeline(coded(), tree)
    yield "bagged trees", make_pipeline(coded(), BaggingClassifier(n_estimators=50, random_state=0))
    for seed in (0, 1):
        forest = RandomForestClassifier(trees, random_state=seed)
        yield f"random forest, seed {seed}", make_pipeline(coded(), forest)
    yield "extra trees", make_pipeline(coded(), ExtraTreesClassifier(trees, random_state=0))
    yield "AdaBoost", make_pipeline(coded(), AdaBoostClassifier(random_state=0))
    yield "gradient boosting", make_pipeline(coded(), GradientBoostingClassifier(random_state=0))
    yield "histogram boosting", make_pipeline(coded(), HistGradientBoostingClassifier(random_state=0))


def regressors(trees: int = 200) -> Iterator[tuple[str, Any]]:
    """Names and pipelines, from the dummy to default boosting."""
    yield "dummy: mean", make_pipeline(coded(), DummyRegressor())
    yield "least squares", make_pipeline(scaled(), LinearRegression())
    for strength in (1.0, 100.0):
        yield f"ridge, alpha={strength:g}", make_pipeline(scaled(), Ridge(strength))
    yield "Bayesian ridge", make_pipeline(scaled(), BayesianRidge())
    yield "lasso", make_pipeline(scaled(), Lasso(0.02))
    yield "elastic net", make_pipeline(scaled(), ElasticNet(0.02))
    for k in (1, 5, 25):
        yield f"k nearest neighbours, k={k}", make_pipeline(scaled(), KNeighborsRegressor(k))
    yield "support vectors", make_pipeline(scaled(), SVR())
    for depth in (1, 3, 6, None):
        tree = DecisionTreeRegressor(max_depth=depth, random_state=0)
        yield f"decision tree, depth {depth or 'free'}", make_pipeline(coded(), tree)
    yield "bagged trees", make_pipeline(coded(), BaggingRegressor(n_estimators=50, random_state=0))
    for seed in (0, 1):
        forest = RandomForestRegressor(trees, random_state=seed)
        yield f"random forest, seed {seed}", make_pipeline(coded(), forest)
    yield "extra trees", make_pipeline(coded(), ExtraTreesRegressor(trees, random_state=0))
    yield "AdaBoost", make_pipeline(coded(), AdaBoostRegressor(random_state=0))
    yield "gradient boosting", make_pipeline(coded(), GradientBoostingRegressor(random_state=0))
    yield "histogram boosting", make_pipeline(coded(), HistGradientBoostingRegressor(random_state=0))
