"""The 82 competitions of MLE-bench as rows: the facts of its own registry, rules and metrics that load, and bounds."""

from __future__ import annotations

import importlib
import json
import math
from collections import Counter
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from grading.grade import grade
from grading.medals import award
from grading.order import GradeOrder
from grading.parse import OpenParser
from grading.shelf import Shelf
from podium.brief import Submission
from podium.plugins import load, names
from podium.records import Grade
from podium.settings import CHECKOUT, Site
from tasks import registry
from tasks.benchmark import SUBMISSION
from tests.unit.grading_site import MOMENT
from tests.unit.test_oracle_metrics import ANSWERS, CASES, TOLERANCE, lines

FACTS = {facts["competition_id"]: facts for facts in lines("competitions.jsonl")}
ALL = registry.benchmark_names()
MEDALS = ("gold", "silver", "bronze", "median")
SAME_NAME = ("name", "split", *MEDALS)
OTHER_NAME = {
    "systemcard": "in_systemcard30",
    "size_gb": "dataset_size_gb",
    "type": "competition_type",
    "lower_is_better": "is_lower_better",
    "sample_score": "sample_submission_score",
}
KNOWN_TROUBLE = {
    "tensorflow-speech-recognition-challenge": {"broken"},
    "icecube-neutrinos-in-deep-ice": {"broken"},
    "ranzcr-clip-catheter-line-classification": {"broken"},
    "champs-scalar-coupling": {"broken"},
    "tabular-playground-series-dec-2021": {"crowded"},
    "tabular-playground-series-may-2022": {"crowded"},
    "jigsaw-toxic-comment-classification-challenge": {"crowded"},
    "multi-modal-gesture-recognition": {"leak"},
    "smartphone-decimeter-2022": {"leak"},
    "hubmap-kidney-segmentation": {"leak"},
    "random-acts-of-pizza": {"leak"},
}


def graded(competition: str, submission: str, site: Site) -> Grade:
    """The grade of a submission against the recorded answers, by everything that a trial's grade goes through."""
    task = registry.benchmark(competition)
    private = site.private_dir(competition)
    private.mkdir(parents=True, exist_ok=True)
    (private / task.row.answers).write_text(ANSWERS[competition]["text"], encoding="utf-8")
    files = {SUBMISSION: submission.encode()}
    order = GradeOrder(
        trial_id="t", sweep_id="s", run_group="g", task=task.grading(site), digest=Submission(files).digest, files=files
    )
    return grade(order, OpenParser(), site, Shelf(), MOMENT)


def public_functions() -> dict[str, FunctionType]:
    """The public functions of `grading.metrics`, by name."""
    found: dict[str, FunctionType] = {}
    for module in names("grading.metrics"):
        loaded = importlib.import_module(f"grading.metrics.{module}")
        for name, thing in vars(loaded).items():
            if isinstance(thing, FunctionType) and thing.__module__ == loaded.__name__ and not name.startswith("_"):
                found[name] = thing
    return found


METRICS = public_functions()


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(data=tmp_path / "data", private=tmp_path / "private").resolved(tmp_path)


def test_all_82_are_there() -> None:
    assert set(ALL) == set(FACTS)
    assert Counter(registry.benchmark(name).row.split for name in ALL) == {
        "low": 22,
        "medium": 38,
        "high": 15,
        "dev": 7,
    }


@pytest.mark.parametrize("competition", ALL)
def test_its_row_says_what_the_benchmarks_registry_says(competition: str) -> None:
    row, facts = registry.benchmark(competition).row, FACTS[competition]
    assert {name: getattr(row, name) for name in SAME_NAME} == {name: facts[name] for name in SAME_NAME}
    assert {name: getattr(row, name) for name in OTHER_NAME} == {
        name: facts[other] for name, other in OTHER_NAME.items()
    }
    assert row.category == (facts["category"] or "")
    assert row.public == tuple(facts["public_tabular_files"])
    assert row.private == tuple(facts["private_tabular_files"])
    assert f"private/{row.answers}" == facts["answers"]
    assert f"{'private' if row.sample_private else 'public'}/{row.sample}" == facts["sample_submission"]
    assert (f"private/{row.gold_submission}" if row.gold_submission else None) == facts["gold_submission"]


@pytest.mark.parametrize("competition", ALL)
def test_its_columns_are_the_benchmarks(competition: str) -> None:
    """Long lists are cut short in the facts; of those the row names none, which means all but the ids."""
    row, facts = registry.benchmark(competition).row, FACTS[competition]
    assert row.ids[0] == facts["id_column"]
    listed = facts["prediction_columns"]
    cut = any(name.startswith("...") for name in listed)
    assert row.targets == (() if cut else tuple(name for name in listed if name not in row.ids))


@pytest.mark.parametrize("name", ["low", "medium", "high", "dev"])
def test_a_split_lists_the_competitions_that_say_so(name: str) -> None:
    assert set(registry.split(name)) == {other for other in ALL if FACTS[other]["split"] == name}


def test_the_other_lists_are_the_benchmarks() -> None:
    assert registry.split("lite") == registry.split("low")
    assert set(registry.split("split75")) == {
        *registry.split("low"),
        *registry.split("medium"),
        *registry.split("high"),
    }
    assert set(registry.split("systemcard")) == {name for name in ALL if FACTS[name]["in_systemcard30"]}
    assert len(registry.split("systemcard")) == 30
    assert registry.split("spaceship-titanic") == ["spaceship-titanic"]
    assert set(registry.split("all")) == set(ALL)


def test_a_list_names_nothing_twice() -> None:
    for name in registry.split_names():
        text = (CHECKOUT / "experiments" / "splits" / f"{name}.txt").read_text()
        listed = [line for line in text.splitlines() if line and not line.startswith("#")]
        assert listed == registry.split(name)


def test_every_size_of_lite_is_known() -> None:
    sizes = [registry.benchmark(name).row.size_gb for name in registry.split("lite")]
    assert sum(size for size in sizes if size) == pytest.approx(158, abs=1)


def test_what_is_known_to_be_wrong_is_said_with_who_says_so() -> None:
    rows = [registry.benchmark(name).row for name in ALL]
    assert {row.id: {flag.kind for flag in row.flags} for row in rows if row.flags} == KNOWN_TROUBLE
    threads = [flag.thread for row in rows for flag in row.flags]
    assert {thread.rpartition("#")[2] for thread in threads if "#" in thread} == {
        "30", "58", "63", "70", "77", "93", "108",
    }  # fmt: skip
    assert all(thread.startswith("openai/mle-bench") for thread in threads)


@pytest.mark.parametrize("competition", ALL)
def test_its_thresholds_are_in_the_order_of_its_direction(competition: str) -> None:
    row = registry.benchmark(competition).row
    found = [getattr(row, name) for name in MEDALS]
    assert found == sorted(found, reverse=not row.lower_is_better)


@pytest.mark.parametrize("competition", ALL)
def test_its_sample_submission_would_win_nothing(competition: str) -> None:
    row = registry.benchmark(competition).row
    assert not award(row.sample_score, row.thresholds).any


@pytest.mark.parametrize("competition", ALL)
def test_its_rule_can_be_made_from_its_options(competition: str) -> None:
    row = registry.benchmark(competition).row
    rule = load(row.rule)(**row.options)
    assert row.rule.startswith("grading.rules.")
    assert callable(rule.check)
    assert callable(rule.score)


@pytest.mark.parametrize("competition", ALL)
def test_its_metric_is_a_public_function_that_names_its_source(competition: str) -> None:
    metric = registry.benchmark(competition).row.metric
    assert metric in METRICS
    assert "Source" in (METRICS[metric].__doc__ or "")


@pytest.mark.parametrize("competition", ALL)
def test_its_grader_is_made_the_same_in_both_ways(competition: str, site: Site) -> None:
    task = registry.benchmark(competition)
    for strict in (False, True):
        asked = task.grading(site, strict=strict)
        assert asked.options["strict"] is strict
        assert asked.form == "rules"
        load(asked.grader)(**asked.options)


@pytest.mark.parametrize("competition", ALL)
def test_its_reports_are_the_benchmarks(competition: str, site: Site) -> None:
    cases = [case for case in CASES[competition] if case["report"] is not None]
    assert len(cases) >= 5
    for case in cases:
        made = json.loads(graded(competition, case["submission_csv"], site).model_dump_json())
        assert differing(made, case["report"]) == {}, case["case"]


@pytest.mark.parametrize("competition", ALL)
def test_what_the_benchmark_cannot_read_is_invalid_and_aborts_nothing(competition: str, site: Site) -> None:
    for case in CASES[competition]:
        if case["report"] is None:
            assert not graded(competition, case["submission_csv"], site).valid_submission, case["case"]


@pytest.mark.parametrize("competition", ALL)
def test_its_best_submission_takes_gold(competition: str, site: Site) -> None:
    case = next(case for case in CASES[competition] if case["case"] == "gold")
    assert graded(competition, case["submission_csv"], site).gold_medal


def differing(made: dict[str, Any], wanted: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The keys of `wanted` that `made` has otherwise; NaN and infinity are null in ours."""
    return {key: (made[key], value) for key, value in wanted.items() if not same(made[key], value)}


def same(ours: Any, theirs: Any) -> bool:
    if ours is None:
        return theirs is None or not math.isfinite(float(theirs))
    if isinstance(ours, float):
        return theirs is not None and math.isclose(ours, float(theirs), rel_tol=0, abs_tol=TOLERANCE)
    return bool(ours == theirs)
