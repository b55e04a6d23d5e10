"""Which names a program uses come from where: for writing its imports, and for mending one that is missing."""

from __future__ import annotations

import re

SOURCES = {
    "sklearn.base": ("BaseEstimator", "TransformerMixin"),
    "sklearn.calibration": ("CalibratedClassifierCV",),
    "sklearn.compose": ("ColumnTransformer", "TransformedTargetRegressor"),
    "sklearn.decomposition": ("TruncatedSVD",),
    "sklearn.discriminant_analysis": ("LinearDiscriminantAnalysis",),
    "sklearn.ensemble": (
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "HistGradientBoostingClassifier",
        "HistGradientBoostingRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
    ),
    "sklearn.exceptions": ("ConvergenceWarning",),
    "sklearn.feature_extraction.text": ("HashingVectorizer", "TfidfTransformer", "TfidfVectorizer"),
    "sklearn.gaussian_process": ("GaussianProcessRegressor",),
    "sklearn.gaussian_process.kernels": ("ConstantKernel", "DotProduct", "RBF", "WhiteKernel"),
    "sklearn.impute": ("SimpleImputer",),
    "sklearn.linear_model": ("ElasticNetCV", "LogisticRegression", "Ridge"),
    "sklearn.metrics": (
        "accuracy_score",
        "average_precision_score",
        "cohen_kappa_score",
        "f1_score",
        "log_loss",
        "matthews_corrcoef",
        "mean_absolute_error",
        "mean_squared_error",
        "r2_score",
        "recall_score",
        "roc_auc_score",
    ),
    "sklearn.model_selection": (
        "GroupKFold",
        "KFold",
        "StratifiedGroupKFold",
        "StratifiedKFold",
        "cross_val_score",
        "train_test_split",
    ),
    "sklearn.neighbors": ("KNeighborsClassifier", "KNeighborsRegressor"),
    "sklearn.neural_network": ("MLPClassifier", "MLPRegressor"),
    "sklearn.pipeline": ("Pipeline", "make_pipeline"),
    "sklearn.preprocessing": (
        "OneHotEncoder",
        "OrdinalEncoder",
        "PolynomialFeatures",
        "QuantileTransformer",
        "StandardScaler",
        "TargetEncoder",
    ),
    "sklearn.svm": ("SVC", "SVR"),
    "scipy.stats": ("spearmanr",),
}
MODULES = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "re": "import re",
    "time": "import time",
    "warnings": "import warnings",
}
STANDARD = ("os", "json", "math")


def import_of(name: str) -> str | None:
    """The line that imports `name`; None where it is not known."""
    if name in MODULES:
        return MODULES[name]
    if name in STANDARD:
        return f"import {name}"
    return next((f"from {module} import {name}" for module, names in SOURCES.items() if name in names), None)


def missing_imports(code: str) -> list[str]:
    """The known classes and functions that a program calls and neither imports nor defines."""
    known = {name for names in SOURCES.values() for name in names}
    called = set(re.findall(r"\b([A-Za-z_]\w*)\(", code)) & known
    given = set(re.findall(r"\w+", " ".join(re.findall(r"^(?:from|import) .*|^(?:def|class) \w+", code, re.MULTILINE))))
    return sorted(called - given)


def import_lines(text: str) -> str:
    """The imports that a program's text needs, standard library first."""
    used = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"\"\"\".*?\"\"\"", "", text, flags=re.DOTALL)))
    called = {name for name in MODULES if re.search(rf"\b{name}\.", text)}
    standard = [MODULES[name] for name in ("re", "time", "warnings") if name in called]
    third = [MODULES[name] for name in ("np", "pd") if name in called]
    for module, names in sorted(SOURCES.items()):
        wanted = sorted(used & set(names))
        if wanted:
            third.append(f"from {module} import {', '.join(wanted)}")
    return "\n".join([*standard, *([""] if standard else []), *third])
