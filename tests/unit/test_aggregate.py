"""Numbers over seeds: standard errors, medal rates, pass@k and the benchmark's own aggregate."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.aggregate import mean_of, pass_at, pass_at_k, rate_over_seeds
from jobs.benchmark_report import CompetitionReport, aggregate_reports
from tests.unit.simulation import grade_of, trials


def test_the_standard_error_divides_by_n_minus_one() -> None:
    mean = mean_of([1.0, 2.0, 4.0])
    assert mean.mean == pytest.approx(7 / 3)
    assert mean.sem == pytest.approx(math.sqrt(7 / 3) / math.sqrt(3))


def test_one_value_has_no_standard_error_and_none_no_mean() -> None:
    assert mean_of([2.0]).sem is None
    assert mean_of([]).mean is None


def test_a_rate_is_averaged_over_seeds_not_over_trials() -> None:
    rate = rate_over_seeds({0: [True, False], 1: [True, True]})
    assert rate.mean == 75.0
    assert rate.sem == pytest.approx(25.0)
    assert rate.n == 2


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_success(numbers: tuple[int, int, int]) -> None:
    n, c, k = numbers
    draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_pass_at_k_refuses_more_draws_than_tries() -> None:
    with pytest.raises(ValueError, match="k <= n"):
        pass_at_k(2, 1, 3)


def test_pass_at_is_averaged_over_tasks_up_to_the_fewest_seeds() -> None:
    assert pass_at([[True, False], [False, False, False]]) == (25.0, 50.0)
    assert pass_at([]) == ()


def test_the_grading_report_has_the_benchmarks_keys_in_its_order() -> None:
    trial = trials(1)[0]
    report = aggregate_reports([CompetitionReport.of(grade_of(trial, digest)) for digest in ("d", None)])
    assert list(report) == [
        "total_runs", "total_runs_with_submissions", "total_valid_submissions", "total_medals", "total_gold_medals",
        "total_silver_medals", "total_bronze_medals", "total_above_median", "competition_reports",
    ]  # fmt: skip
    assert (report["total_runs"], report["total_runs_with_submissions"]) == (2, 1)
    assert list(report["competition_reports"][0]) == [
        "competition_id", "score", "gold_threshold", "silver_threshold", "bronze_threshold", "median_threshold",
        "any_medal", "gold_medal", "silver_medal", "bronze_medal", "above_median", "submission_exists",
        "valid_submission", "is_lower_better", "created_at", "submission_path",
    ]  # fmt: skip
    json.dumps(report, allow_nan=False)
