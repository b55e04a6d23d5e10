"""The contract of competitions: the same bytes, no answer in the public half, bounds that hold, a true leaderboard."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pandas as pd
import pytest
from scipy.stats import spearmanr

from bench.leaderboards import entries, ranked, rendered, scored
from podium.brief import Brief, Hardware
from podium.settings import CHECKOUT, Site
from podium.spec import Budget
from tasks import registry
from tasks.bounds import check, graded
from tasks.competition import ANSWERS, SAMPLE, Competition

ALL = registry.starter_names()
FULL: Final = "wine"
"""The competition whose whole leaderboard is made again here; `python -m bench.leaderboards --check` does all."""
SOME: Final = {
    "affairs": ("logistic regression on splines", "decision tree, depth 3", "naive Bayes, Gaussian"),
    "breast-cancer": ("logistic regression on shapes, C=1", "random forest, seed 0", "blend: 3 kinds"),
    "carbon-dioxide": ("degree 1, 4 harmonics since 1975", "Gaussian process alone", "extra trees on calendar"),
    "diabetes": ("Gaussian process on logarithms, length 4", "gradient boosting", "k nearest neighbours, k=5"),
    "digits": ("nearest 1 of pixels", "decision tree, depth free", "support vectors on pixels, C=1, gamma=0.2"),
    "doctor-visits": ("ridge on persons, alpha=10", "gradient boosting", "nearest 80 persons"),
    "party-identification": ("ridge, limits searched", "random forest, seed 1", "Gaussian process, cut by shares"),
}
"""Entries that are quick to make again."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    folder = tmp_path_factory.mktemp("site")
    made = Site(data=folder / "data", private=folder / "private").resolved(folder)
    for task_id in ALL:
        registry.find(task_id, made).prepare(made)
    return made


@pytest.fixture(params=ALL)
def competition(request: pytest.FixtureRequest) -> Competition:
    return registry.competition(request.param)


def tables(competition: Competition, site: Site) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """train.csv, test.csv, the answers."""
    public = site.public_dir(competition.id)
    answers = site.private_dir(competition.id) / ANSWERS
    return pd.read_csv(public / "train.csv"), pd.read_csv(public / "test.csv"), pd.read_csv(answers)


def brief(competition: Competition, site: Site) -> Brief:
    return competition.brief(site, budget=Budget(), hardware=Hardware(), seed=3, execution_seconds=20.0)


def test_its_bounds_hold(competition: Competition, site: Site) -> None:
    findings = list(check(competition, site))
    assert len(findings) > 10
    assert [finding for finding in findings if not finding.holds] == []


def test_its_id_is_plain(competition: Competition) -> None:
    assert competition.id == competition.folder.name
    assert "_" not in competition.id, "folders of runs are named <task>_<trial>"


def test_another_process_with_another_environment_makes_the_same_bytes(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from podium.settings import Site; from tasks import registry\n"
        "folder = Path(sys.argv[1]); site = Site(data=folder / 'd', private=folder / 'p')\n"
        "for task_id in registry.starter_names():\n"
        "    task = registry.find(task_id, site); task.prepare(site); task.check_prepared(site)\n"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_public_half_is_readable_by_all_and_holds_four_files(competition: Competition, site: Site) -> None:
    public = site.public_dir(competition.id)
    assert sorted(path.name for path in public.iterdir()) == [
        "description.md",
        SAMPLE,
        "test.csv",
        "train.csv",
    ]
    assert all(path.stat().st_mode & 0o004 for path in public.iterdir())
    assert public.stat().st_mode & 0o005 == 0o005


def test_neither_ids_nor_the_rows_order_tell_of_the_target(competition: Competition, site: Site) -> None:
    train, _, answers = tables(competition, site)
    if competition.row.target.kind == "probabilities":
        values = [answers[label] for label in competition.row.target.labels]
    else:
        values = [answers[competition.row.target.column]]
    for value in values:
        assert spearmanr(answers["id"], value).pvalue > 0.001
    known = pd.factorize(train[competition.row.target.column], sort=True)[0]
    assert spearmanr(train["id"], known).pvalue > 0.001
    assert answers["id"].is_monotonic_increasing
    assert train["id"].is_monotonic_increasing


def test_ids_do_not_tell_which_half_a_row_is_in(competition: Competition, site: Site) -> None:
    train, test, _ = tables(competition, site)
    assert sorted([*train["id"], *test["id"]]) == list(range(1, len(train) + len(test) + 1))
    half = [0] * len(train) + [1] * len(test)
    assert spearmanr([*train["id"], *test["id"]], half).pvalue > 0.001


def test_no_column_of_the_test_rows_is_the_target_in_another_form(competition: Competition, site: Site) -> None:
    train, test, _ = tables(competition, site)
    target = pd.factorize(train[competition.row.target.column], sort=True)[0]
    for name in test.columns.drop("id"):
        codes = pd.Series(pd.factorize(train[name], sort=True)[0])
        assert codes.nunique() < 2 or not pd.Series(target).groupby(codes).nunique().eq(1).all() or (
            codes.nunique() > len(train) / 2
        ), f"{name} decides the target"  # fmt: skip
        if pd.api.types.is_numeric_dtype(train[name]) and pd.Series(target).nunique() > 10:
            known = train[name].notna()
            assert abs(spearmanr(train[name][known], target[known]).statistic) < 0.999, name


def test_households_and_persons_are_in_one_half_only(site: Site) -> None:
    train, test, _ = tables(registry.competition("doctor-visits"), site)
    for name in ("household", "person"):
        assert set(train[name]).isdisjoint(test[name])


def test_the_weeks_asked_for_are_later_than_those_given(site: Site) -> None:
    train, test, _ = tables(registry.competition("carbon-dioxide"), site)
    assert train["date"].max() < test["date"].min()


def test_its_brief_says_what_is_asked_and_no_private_path(competition: Competition, site: Site) -> None:
    made = brief(competition, site)
    _, test, answers = tables(competition, site)
    assert made.outputs[0].rows == len(test)
    assert [column.name for column in made.outputs[0].columns] == list(answers.columns)
    assert {file.name for file in made.files} == {"description.md", SAMPLE, "test.csv", "train.csv"}
    assert made.seed == 3
    text = made.model_dump_json()
    assert str(site.private) not in text
    assert "private" not in text


def test_its_description_names_metric_columns_and_form(competition: Competition, site: Site) -> None:
    text = competition.description
    train, test, answers = tables(competition, site)
    assert f"`{competition.row.metric}`" in text
    assert ",".join(answers.columns) in text
    assert f"{len(train):,}" in text
    assert f"{len(test):,}" in text
    assert "## Source and licence" in text
    patterned = {"breast-cancer", "digits"}
    if competition.id not in patterned:
        assert [name for name in test.columns if name not in text] == []


def test_a_better_prediction_ranks_higher(competition: Competition, site: Site) -> None:
    scores = [score for score, _ in competition.leaderboard()]
    top = graded(competition, site, (site.private_dir(competition.id) / ANSWERS).read_bytes())
    sample = graded(competition, site, (site.public_dir(competition.id) / SAMPLE).read_bytes())
    assert top.is_lower_better == competition.row.lower_is_better
    assert top.score is not None
    assert sample.score is not None
    better = (lambda one, other: one < other) if top.is_lower_better else (lambda one, other: one > other)
    assert better(top.score, scores[0]) or top.score == scores[0]
    assert better(scores[0], sample.score)
    assert not sample.above_median


def test_its_leaderboard_lists_every_reference_entry_once(competition: Competition) -> None:
    listed = [name for _, name in competition.leaderboard()]
    assert sorted(listed) == sorted(entry.name for entry in entries(competition.id))
    assert len(set(listed)) == len(listed) >= 20


def test_its_leaderboard_is_in_the_form_that_the_script_writes(competition: Competition) -> None:
    board = ranked(competition.leaderboard(), lower_is_better=competition.row.lower_is_better)
    assert rendered(board) == (competition.folder / "leaderboard.csv").read_text()


@pytest.mark.parametrize(("task_id", "name"), [(key, name) for key, names in SOME.items() for name in names])
def test_an_entry_scores_what_the_leaderboard_says(task_id: str, name: str, site: Site) -> None:
    competition = registry.competition(task_id)
    (entry,) = (entry for entry in entries(task_id) if entry.name == name)
    known = {listed: score for score, listed in competition.leaderboard()}
    assert scored(competition, site, entry) == known[name]


def test_a_whole_leaderboard_is_made_again_to_the_byte(site: Site) -> None:
    competition = registry.competition(FULL)
    made = [(scored(competition, site, entry), entry.name) for entry in entries(FULL)]
    board = ranked(made, lower_is_better=competition.row.lower_is_better)
    assert rendered(board) == (competition.folder / "leaderboard.csv").read_text()
