"""The vectorised metrics of labels, sets, texts and orders against plain restatements and against scikit-learn."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk
from sklearn.preprocessing import MultiLabelBinarizer

from grading.metrics.classification import accuracy, quadratic_kappa, top_1_error
from grading.metrics.lists import Lists, Tokens, numbered
from grading.metrics.multilabel import f1_micro_multilabel, f1_samples_multilabel, lwlrap
from grading.metrics.ordering import kendall_tau
from grading.metrics.retrieval import map_at_k
from grading.metrics.text import jaccard, levenshtein, token_error_rate
from grading.rules.cells import split_at_spaces, words

Rows = list[list[str]]

ROW = st.lists(st.sampled_from("abcd"), max_size=6)
PAIRS = st.lists(st.tuples(ROW, ROW), min_size=1, max_size=6).map(
    lambda pairs: tuple(map(list, zip(*pairs, strict=True)))
)
TEXTS = st.text(alphabet=st.sampled_from("ab \t\x1f\u00a0é"), max_size=8)
LABELS = st.lists(st.tuples(st.integers(-3, 4), st.integers(-3, 4)), min_size=1, max_size=12)


def tokens(rows: Rows) -> Tokens:
    places = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return Tokens(places, pa.array([item for row in rows for item in row], pa.large_string()), len(rows))


def lists(pair: tuple[Rows, Rows]) -> tuple[Lists, Lists]:
    truth, said = numbered(*map(tokens, pair))
    return truth, said


@given(PAIRS)
def test_operations_on_lists_are_those_of_python(pair: tuple[Rows, Rows]) -> None:
    left, right = lists(pair)
    assert left.lengths.tolist() == [len(row) for row in pair[0]]
    assert left.positions.tolist() == [place for row in pair[0] for place in range(len(row))]
    assert left.first(2).lengths.tolist() == [len(row[:2]) for row in pair[0]]
    assert left.distinct().lengths.tolist() == [len(set(row)) for row in pair[0]]
    both = list(zip(*pair, strict=True))
    assert left.within(right).tolist() == [item in other for row, other in both for item in row]
    places = [other.index(item) if item in other else -1 for row, other in both for item in row]
    assert left.places_in(right).tolist() == places


@given(PAIRS)
def test_f1_of_label_sets_is_that_of_scikit_learn(pair: tuple[Rows, Rows]) -> None:
    binarizer = MultiLabelBinarizer(classes=list("abcdx"))
    truth, said = (binarizer.fit_transform(rows) for rows in pair)
    ours = lists(pair)
    assert f1_micro_multilabel(*ours) == pytest.approx(sk.f1_score(truth, said, average="micro", zero_division=0))
    assert f1_samples_multilabel(*ours) == pytest.approx(sk.f1_score(truth, said, average="samples", zero_division=1))


@given(PAIRS, st.sampled_from([0.0, 1.0]))
def test_jaccard_index_is_intersection_over_union(pair: tuple[Rows, Rows], empty: float) -> None:
    rows = [(set(left), set(right)) for left, right in zip(*pair, strict=True)]
    value = np.mean([len(left & right) / len(left | right) if left | right else empty for left, right in rows])
    assert jaccard(*lists(pair), both_empty=empty) == pytest.approx(value)


def average_precision(truth: list[str], said: list[str], k: int) -> float:
    hits, total = 0, 0.0
    for place, item in enumerate(said[:k]):
        if item in truth and item not in said[:place]:
            hits += 1
            total += hits / (place + 1)
    return total / min(len(set(truth)), k) if truth else 0.0


@given(PAIRS, st.integers(1, 5))
def test_map_at_k_is_the_mean_of_the_rows_average_precision(pair: tuple[Rows, Rows], k: int) -> None:
    value = np.mean([average_precision(truth, said, k) for truth, said in zip(*pair, strict=True)])
    assert map_at_k(*lists(pair), k=k) == pytest.approx(value)


@given(
    st.lists(st.permutations("abcdefghij"), min_size=1, max_size=5), st.lists(st.integers(0, 10), min_size=5), st.data()
)
def test_kendall_tau_counts_discordant_pairs(orders: list[list[str]], lengths: list[int], data: st.DataObject) -> None:
    truth = [order[:length] for order, length in zip(orders, [2, *lengths], strict=False)]
    said = [data.draw(st.permutations(row)) for row in truth]
    ranks = [[other.index(item) for item in row] for row, other in zip(truth, said, strict=True)]
    swaps = sum(row[i] > row[j] for row in ranks for j in range(len(row)) for i in range(j))
    pairs = sum(len(row) * (len(row) - 1) for row in truth)
    assert kendall_tau(*lists((truth, said))) == pytest.approx(1 - 4 * swaps / pairs)


def distance(left: str | list[str], right: str | list[str]) -> int:
    row = list(range(len(right) + 1))
    for i, x in enumerate(left, 1):
        above, row[0] = row[0], i
        for j, y in enumerate(right, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (x != y))
    return row[-1]


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=4))
def test_levenshtein_is_the_mean_distance_in_code_points(texts: list[tuple[str, str]]) -> None:
    truth, said = zip(*texts, strict=True)
    assert levenshtein(truth, said) == pytest.approx(np.mean([distance(*pair) for pair in texts]))


@given(PAIRS.filter(lambda pair: any(pair[0])))
def test_token_error_rate_is_a_ratio_of_sums(pair: tuple[Rows, Rows]) -> None:
    edits = sum(distance(truth, said) for truth, said in zip(*pair, strict=True))
    assert token_error_rate(*lists(pair)) == pytest.approx(edits / sum(map(len, pair[0])))


@given(
    hnp.arrays(np.int64, (5, 4), elements=st.integers(0, 1)).filter(lambda truth: bool(truth.any())),
    hnp.arrays(np.int64, (5, 4), elements=st.integers(-2, 2)),
)
def test_lwlrap_is_scikit_learns_precision_weighted_by_labels(truth: np.ndarray, scores: np.ndarray) -> None:
    rows = truth.any(axis=1)
    weights = truth.sum(axis=1)[rows]
    theirs = sk.label_ranking_average_precision_score(truth[rows], scores[rows], sample_weight=weights)
    assert lwlrap(truth.astype(np.float64), scores.astype(np.float64)) == pytest.approx(theirs)


@given(LABELS)
def test_quadratic_kappa_by_place_is_that_of_scikit_learn(labels: list[tuple[int, int]]) -> None:
    truth, said = np.array(labels).T
    with warnings.catch_warnings(action="ignore"):  # of one label only
        theirs = sk.cohen_kappa_score(truth, said, weights="quadratic") if len(np.unique(labels)) > 1 else math.nan
    assert quadratic_kappa(truth, said) == pytest.approx(theirs, nan_ok=True, abs=1e-12)


@given(LABELS.filter(lambda labels: len(np.unique(labels)) > 1))
def test_quadratic_kappa_by_value_weighs_differences_of_labels(labels: list[tuple[int, int]]) -> None:
    truth, said = np.array(labels).T
    expected = np.mean((truth[:, None] - said) ** 2)
    value = 1 - np.mean((truth - said) ** 2) / expected
    assert quadratic_kappa(truth, said, by_value=True) == pytest.approx(value, abs=1e-12)


@given(LABELS)
def test_accuracy_is_the_same_for_arrow_and_numpy_and_one_less_the_error(labels: list[tuple[int, int]]) -> None:
    truth, said = np.array(labels).T
    value = sk.accuracy_score(truth, said)
    assert accuracy(truth, said) == pytest.approx(value)
    assert top_1_error(truth, said) == pytest.approx(1 - value)
    assert accuracy(*(pa.array([str(label) for label in side]) for side in (truth, said))) == pytest.approx(value)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_texts_are_split_as_python_splits_them(texts: list[str]) -> None:
    column = pa.array(texts, pa.large_string())
    assert words(column).texts.to_pylist() == [word for text in texts for word in text.split()]
    assert np.bincount(words(column).rows, minlength=len(texts)).tolist() == [len(text.split()) for text in texts]
    assert split_at_spaces(column).texts.to_pylist() == [item for text in texts for item in text.split(" ")]
    assert split_at_spaces(column, 2).texts.to_pylist() == [item for text in texts for item in text.split(" ")[:2]]
