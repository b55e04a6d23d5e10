"""A baseline for tables: reads the task's facts, tries a few scikit-learn pipelines, predicts with the best.

It runs in the sandbox like any generated program; `TASK` is filled in by `agents/baseline.py`. Longer than most files
because a program that goes into a sandbox must be one file.
"""

import json
import re
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn import metrics
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, TimeSeriesSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

TASK = "{}"

task: dict[str, Any] = {
    "metric": "",
    "lower_is_better": True,
    "outputs": [],
    "seconds": 600.0,
    "cpus": 1.0,
    "seed": 0,
    "rows": 200_000,
    "folds": 5,
    **json.loads(TASK),
}
STARTED = time.monotonic()
METRIC = re.sub(r"[^a-z0-9]+", "_", task["metric"].lower()).strip("_")
MISSING = "(none)"
THREADS = max(1, int(task["cpus"]))
LOG_METRICS = ("rmsle", "msle", "mape", "mean_squared_log_error", "root_mean_squared_log_error")
ABSOLUTE_METRICS = ("mae", "mean_absolute_error", "medae", "median_absolute_error", "smape", "mape")


# --- reading ---------------------------------------------------------------------------------------------------------


def read_tables() -> dict[str, pd.DataFrame]:
    """Every CSV below ./input by its path, keeping texts such as `NA` of the id columns out of harm's way."""
    paths = sorted(path for path in Path("input").rglob("*") if path.suffix in (".csv", ".tsv"))
    return {
        path.relative_to("input").as_posix(): pd.read_csv(path, sep="\t" if path.suffix == ".tsv" else ",")
        for path in paths
    }


def pick(tables: dict[str, pd.DataFrame], word: str, sample: str, needed: set[str], without: set[str]) -> pd.DataFrame:
    """The table that is called `word`; else the longest that has the `needed` columns and none of `without`."""
    others = {name: table for name, table in tables.items() if name != sample}
    for name, table in others.items():
        if Path(name).stem.lower() == word:
            return table
    fitting = [t for t in others.values() if needed <= set(t.columns) and not without & set(t.columns)]
    named = [table for name, table in others.items() if word in name.lower()]
    return max(fitting or named or others.values(), key=len)


def columns_of(output: dict[str, Any], sample: pd.DataFrame) -> tuple[list[str], list[dict[str, Any]]]:
    """The id columns, and the columns to be predicted."""
    described = output["columns"] or [
        {"name": name, "kind": "id" if i == 0 else "number", "labels": []} for i, name in enumerate(sample.columns)
    ]
    ids = [column["name"] for column in described if column["kind"] == "id"]
    return ids, [column for column in described if column["kind"] != "id"]


# --- features --------------------------------------------------------------------------------------------------------


def is_text(values: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_datetime64_any_dtype(values)


def as_dates(values: pd.Series) -> pd.Series | None:
    """The values as dates, if nearly all of them are."""
    known = values.dropna().astype(str)
    if known.empty or not known.head(50).str.contains(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}").all():
        return None
    dates = pd.to_datetime(values, errors="coerce", format="mixed", utc=True)
    return dates if dates.notna().sum() >= 0.9 * len(known) else None


def expand(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Dates become numbers, truth values too; columns that say nothing go."""
    both = pd.concat([train, test], ignore_index=True)
    made: dict[str, Any] = {}
    for name in both.columns:
        values = both[name]
        if values.nunique(dropna=False) <= 1:
            continue
        dates = as_dates(values) if is_text(values) else None
        if dates is not None:
            made[f"{name} days"] = (dates - pd.Timestamp("2000-01-01", tz="UTC")).dt.total_seconds() / 86400
            made[f"{name} year"], made[f"{name} month"] = dates.dt.year, dates.dt.month
            made[f"{name} weekday"], made[f"{name} hour"] = dates.dt.dayofweek, dates.dt.hour
        elif pd.api.types.is_bool_dtype(values):
            made[name] = values.astype(float)
        elif is_text(values):
            made[name] = values.astype(str).where(values.notna(), MISSING).astype(object)
        else:
            made[name] = values.replace([np.inf, -np.inf], np.nan).astype(float)
    table = pd.DataFrame(made, index=both.index)
    if not made:
        table["row"] = np.arange(len(both), dtype=float)
    return table.iloc[: len(train)].reset_index(drop=True), table.iloc[len(train) :].reset_index(drop=True)


def sort_columns(table: pd.DataFrame) -> dict[str, list[str]]:
    """The columns by what is done with them: numbers, few categories, many categories, texts."""
    kinds: dict[str, list[str]] = {"number": [], "few": [], "many": [], "text": []}
    for name in table.columns:
        values = table[name].dropna()
        if not is_text(table[name]):
            kinds["number"].append(name)
        elif values.nunique() <= 30:
            kinds["few"].append(name)
        elif np.mean([len(str(value).split()) for value in values]) >= 3 and values.nunique() > 0.3 * len(values):
            kinds["text"].append(name)
        elif values.nunique() < 0.8 * len(values):
            kinds["many"].append(name)
    return kinds


def preparation(kinds: dict[str, list[str]], linear: bool) -> ColumnTransformer:
    """Numbers, categories and texts as one matrix of numbers without gaps."""
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    numbers = make_pipeline(imputer, StandardScaler()) if linear else make_pipeline(imputer)
    few = OneHotEncoder(handle_unknown="ignore", min_frequency=2, sparse_output=False)
    many = make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, min_frequency=3),
        StandardScaler(),
    )
    parts: list[tuple[str, Any, Any]] = [
        ("numbers", numbers, kinds["number"]),
        ("few", few, kinds["few"]),
        ("many", many, kinds["many"]),
    ]
    parts = [part for part in parts if part[2]]
    for name in kinds["text"]:
        words = TfidfVectorizer(max_features=5000, sublinear_tf=True)
        parts.append((f"text {name}", make_pipeline(words, TruncatedSVD(20, random_state=task["seed"])), name))
    return ColumnTransformer(parts, sparse_threshold=0)


# --- models ----------------------------------------------------------------------------------------------------------


def candidates(kinds: dict[str, list[str]], classes: int, rows: int, positive: bool) -> dict[str, Any]:
    """Pipelines to choose from. `classes` 0: a number is predicted."""
    seed, trees = task["seed"], 300 if rows <= 2000 else 100
    models: dict[str, Any]
    if classes:
        models = {
            "linear": LogisticRegression(C=0.3, max_iter=1000),
            "forest": ExtraTreesClassifier(trees, min_samples_leaf=2, n_jobs=THREADS, random_state=seed),
            "boosting": HistGradientBoostingClassifier(
                max_iter=max(40, 150 // max(1, classes - 1)), learning_rate=0.08, max_leaf_nodes=15, random_state=seed
            ),
        }
    else:
        loss = "absolute_error" if METRIC in ABSOLUTE_METRICS else "squared_error"
        models = {
            "linear": RidgeCV(np.logspace(-2, 4, 13)),
            "forest": ExtraTreesRegressor(trees, min_samples_leaf=2, n_jobs=THREADS, random_state=seed),
            "boosting": HistGradientBoostingRegressor(
                loss=loss, max_iter=150, learning_rate=0.06, max_leaf_nodes=15, random_state=seed
            ),
        }
        if METRIC in LOG_METRICS and positive:
            models = {
                name: TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1)
                for name, model in models.items()
            }
    return {name: make_pipeline(preparation(kinds, name == "linear"), model) for name, model in models.items()}


def splits(train: pd.DataFrame, test: pd.DataFrame, target: np.ndarray, classes: int) -> list[Any]:
    """Folds that treat unseen groups and the future as the test set does."""
    folds = max(2, min(task["folds"], len(train) // 2))
    for name in train.columns.intersection(test.columns):
        seen, ahead = train[name].dropna(), test[name].dropna()
        if seen.empty or ahead.empty:
            continue
        comparable = pd.api.types.is_numeric_dtype(seen) and pd.api.types.is_numeric_dtype(ahead)
        if (comparable or name.endswith(" days")) and ahead.min() > seen.max():
            order = np.argsort(train[name].fillna(seen.min()).to_numpy(), kind="stable")
            return [(order[fit], order[check]) for fit, check in TimeSeriesSplit(folds).split(order)]
        groups = seen.nunique()
        repeated = folds <= groups <= 0.5 * len(seen) and (is_text(seen) or (seen == seen.round()).all())
        if repeated and not set(seen.astype(str)) & set(ahead.astype(str)):
            return list(GroupKFold(folds).split(train, target, train[name].astype(str)))
    if classes and np.unique(target, return_counts=True)[1].min() >= folds:
        return list(StratifiedKFold(folds, shuffle=True, random_state=task["seed"]).split(train, target))
    return list(KFold(folds, shuffle=True, random_state=task["seed"]).split(train))


def predictions(model: Any, table: pd.DataFrame, classes: int) -> np.ndarray:
    """Probabilities of the classes 0..classes-1 (rows x classes), or numbers (rows x 1)."""
    if not classes:
        return np.asarray(model.predict(table), dtype=float).reshape(-1, 1)
    result = np.zeros((len(table), classes))
    result[:, model.classes_.astype(int)] = model.predict_proba(table)
    return result


def score(target: np.ndarray, guess: np.ndarray, classes: int, low: float, high: float) -> float:
    """The task's metric of predictions that were not fitted on, or the usual one where it is not known here."""
    if not classes:
        numbers = np.clip(guess[:, 0], low, high)
        return float(number_score(target, numbers))
    labels = guess.argmax(axis=1)
    if METRIC in ("roc_auc", "auc", "auroc", "roc_auc_score"):
        if classes == 2:
            return float(metrics.roc_auc_score(target, guess[:, 1]))
        rows = guess / guess.sum(axis=1, keepdims=True)
        return float(metrics.roc_auc_score(target, rows, multi_class="ovr", labels=np.arange(classes)))
    if METRIC in ("average_precision", "ap", "pr_auc") and classes == 2:
        return float(metrics.average_precision_score(target, guess[:, 1]))
    if METRIC in ("brier", "brier_score") and classes == 2:
        return float(metrics.brier_score_loss(target, guess[:, 1]))
    average = "binary" if classes == 2 else "macro"
    by_label: dict[str, Callable[[], Any]] = {
        "accuracy": lambda: metrics.accuracy_score(target, labels),
        "balanced_accuracy": lambda: metrics.balanced_accuracy_score(target, labels),
        "f1": lambda: metrics.f1_score(target, labels, average=average),
        "f1_macro": lambda: metrics.f1_score(target, labels, average="macro"),
        "macro_f1": lambda: metrics.f1_score(target, labels, average="macro"),
        "f1_micro": lambda: metrics.f1_score(target, labels, average="micro"),
        "f1_weighted": lambda: metrics.f1_score(target, labels, average="weighted"),
        "mcc": lambda: metrics.matthews_corrcoef(target, labels),
        "matthews_corrcoef": lambda: metrics.matthews_corrcoef(target, labels),
        "quadratic_weighted_kappa": lambda: metrics.cohen_kappa_score(target, labels, weights="quadratic"),
        "quadratic_kappa": lambda: metrics.cohen_kappa_score(target, labels, weights="quadratic"),
        "cohen_kappa": lambda: metrics.cohen_kappa_score(target, labels),
    }
    if METRIC in by_label:
        return float(by_label[METRIC]())
    loss = float(metrics.log_loss(target, np.clip(guess, 1e-6, 1), labels=np.arange(classes)))
    return loss if task["lower_is_better"] else -loss


def number_score(target: np.ndarray, guess: np.ndarray) -> float:
    known: dict[str, Callable[[], Any]] = {
        "mae": lambda: metrics.mean_absolute_error(target, guess),
        "mean_absolute_error": lambda: metrics.mean_absolute_error(target, guess),
        "mse": lambda: metrics.mean_squared_error(target, guess),
        "mean_squared_error": lambda: metrics.mean_squared_error(target, guess),
        "medae": lambda: metrics.median_absolute_error(target, guess),
        "mape": lambda: metrics.mean_absolute_percentage_error(target, guess),
        "r2": lambda: metrics.r2_score(target, guess),
        "pearson": lambda: np.corrcoef(target, guess)[0, 1],
        "spearman": lambda: pd.Series(target).rank().corr(pd.Series(guess).rank()),
        "smape": lambda: np.mean(2 * np.abs(target - guess) / np.maximum(np.abs(target) + np.abs(guess), 1e-12)),
        "rmsle": lambda: np.sqrt(np.mean((np.log1p(np.maximum(target, 0)) - np.log1p(np.maximum(guess, 0))) ** 2)),
    }
    for other, name in (("root_mean_squared_log_error", "rmsle"), ("mean_absolute_percentage_error", "mape")):
        known[other] = known[name]
    if METRIC in known:
        return float(known[METRIC]())
    error = float(np.sqrt(metrics.mean_squared_error(target, guess)))
    return error if task["lower_is_better"] else -error


def held_out(
    model: Any, train: pd.DataFrame, target: np.ndarray, classes: int, parts: list[Any], patient: bool
) -> np.ndarray | None:
    """Predictions of rows that were not fitted on; None where it would take too long, unless `patient`."""
    guess = np.zeros((len(train), max(1, classes)))
    started = time.monotonic()
    for number, (fitted, check) in enumerate(parts):
        each = (time.monotonic() - started) / number if number else 0.0
        left = 0.5 * task["seconds"] - (time.monotonic() - STARTED)
        if not patient and each * (len(parts) - number) > left:
            print("too slow here:", type(model[-1]).__name__)
            return None
        one = clone(model).fit(train.iloc[fitted], target[fitted])
        guess[check] = predictions(one, train.iloc[check], classes)
    return guess


def fit(train: pd.DataFrame, test: pd.DataFrame, target: np.ndarray, classes: int) -> tuple[np.ndarray, float]:
    """The best candidate's predictions of the test table, and its validation score; a blend of all is one candidate."""
    low, high = (float(target.min()), float(target.max())) if not classes else (0.0, 1.0)
    margin = 0.5 * (high - low) if not classes else 0.0
    low, high = (max(0.0, low - margin) if low >= 0 else low - margin), high + margin
    parts = splits(train, test, target, classes)
    inside: dict[str, np.ndarray] = {}
    models = candidates(sort_columns(train), classes, len(train), bool(low >= 0))
    checked = np.unique(np.concatenate([check for _, check in parts]))
    for name, model in models.items():
        guess = held_out(model, train, target, classes, parts, patient=not inside)
        if guess is not None:
            inside[name] = guess
    if len(inside) > 1:
        inside["blend"] = np.mean(list(inside.values()), axis=0)
    scores = {name: score(target[checked], guess[checked], classes, low, high) for name, guess in inside.items()}
    sign = 1.0 if task["lower_is_better"] else -1.0
    best = min(scores, key=lambda name: sign * scores[name] if np.isfinite(scores[name]) else np.inf)
    print(", ".join(f"{name} {value:.5f}" for name, value in scores.items()), "-> best:", best)
    names = [name for name in inside if name != "blend"] if best == "blend" else [best]
    outside = [predictions(models[name].fit(train, target), test, classes) for name in names]
    result = np.mean(outside, axis=0)
    return (result if classes else np.clip(result, low, high)), scores[best]


# --- the submission --------------------------------------------------------------------------------------------------


def target_for(train: pd.DataFrame, test: pd.DataFrame, ids: list[str], wanted: list[str]) -> str:
    """The training column that holds the answer where it is not named as the submission's column."""
    hidden = [name for name in train.columns if name not in test.columns and name not in ids]
    if not hidden:
        raise SystemExit(f"no column of the training table looks like the target of {wanted}")
    return next((name for name in hidden if class_columns(train[name], wanted)), hidden[-1])


def class_columns(values: pd.Series, wanted: list[str]) -> dict[str, Any]:
    """Submission column -> class, where the columns are named for the classes (`2`, `class_2`); else empty."""
    classes = list(values.dropna().unique())
    found: dict[str, Any] = {}
    for name in wanted:
        for value in classes:
            text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
            if name == text or re.search(rf"[ _\-.:]{re.escape(text)}$", name) or name.lower() == text.lower():
                found[name] = value
                break
    return found if len(found) == len(wanted) and len(set(found.values())) == len(found) else {}


def encoded(values: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Class numbers 0..k-1 and the classes, in sorted order."""
    classes = sorted(values.unique(), key=lambda value: (str(type(value)), value))
    return values.map({value: number for number, value in enumerate(classes)}).to_numpy(dtype=int), classes


def solve(output: dict[str, Any], tables: dict[str, pd.DataFrame]) -> list[float]:
    """Write one submission file; returns the validation scores of its columns."""
    sample = pd.read_csv(Path("input") / output["sample"])
    ids, wanted = columns_of(output, sample)
    names = [column["name"] for column in wanted]
    train = pick(tables, "train", output["sample"], set(names), set())
    test = pick(tables, "test", output["sample"], set(ids), set(names))
    if len(train) > task["rows"]:
        train = train.sample(task["rows"], random_state=task["seed"]).sort_index()
    features = [name for name in test.columns if name in train.columns and name not in ids and name not in names]
    if ids and ids[0] in test.columns:
        test = sample[ids].merge(test.drop_duplicates(ids), on=ids, how="left")
    answer = sample.copy()
    together = len(wanted) > 1 and not set(names) & set(train.columns)
    groups = [wanted] if together else [[column] for column in wanted]
    scores = []
    for columns in groups:
        own = [column["name"] for column in columns]
        name = own[0] if own[0] in train.columns else target_for(train, test, ids, own)
        rows = train[train[name].notna()].reset_index(drop=True)
        used = [feature for feature in features if feature != name]
        table, ahead = expand(rows[used], test[used])
        scores.append(fill(answer, columns, rows[name], table, ahead))
    path = Path("submission") / output["name"]
    path.parent.mkdir(parents=True, exist_ok=True)
    answer.to_csv(path, index=False)
    return scores


def fill(answer: pd.DataFrame, columns: list[dict[str, Any]], values: pd.Series, table: Any, ahead: Any) -> float:
    """Predict one target and write it into its column, or into one column for each class."""
    own = [column["name"] for column in columns]
    kind, by_class = columns[0]["kind"], class_columns(values, own) if len(columns) > 1 else {}
    smooth = kind == "probability" and not by_class and values.nunique() > 2
    if (kind == "number" and len(columns) == 1) or smooth:
        guess, result = fit(table, ahead, values.to_numpy(dtype=float), 0)
        answer[own[0]] = np.clip(guess[:, 0], 0, 1) if smooth else guess[:, 0]
        return result
    target, classes = encoded(values)
    if len(classes) < 2:
        answer[own[0]] = 1.0 if kind == "probability" else classes[0]
        return float("nan")
    guess, result = fit(table, ahead, target, len(classes))
    if kind in ("label", "text") and len(columns) == 1:
        answer[own[0]] = [classes[number] for number in guess.argmax(axis=1)]
    elif len(columns) == 1:
        answer[own[0]] = guess[:, 1]
    else:
        for name, value in (by_class or dict(zip(own, classes, strict=False))).items():
            answer[name] = guess[:, classes.index(value)]
    return result


def main() -> None:
    warnings.simplefilter("ignore")
    tables = read_tables()
    scores = [value for output in task["outputs"] for value in solve(output, tables)]
    print(f"Validation {task['metric']}: {np.mean(scores):.6f}")


if __name__ == "__main__":
    main()
