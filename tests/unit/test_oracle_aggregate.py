"""Aggregates equal the benchmark's own: the text of its grading report, and its means over seeds to the last digit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from jobs.benchmark_report import CompetitionReport, aggregate_reports, read_reports, report_text
from jobs.seeds import EXPERIMENTS, Outcome, aggregate, metrics, seeds, summary
from podium.errors import UnknownName, UserError

ORACLE = Path(__file__).resolve().parent.parent / "oracle"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (ORACLE / name).read_text(encoding="utf-8").splitlines()]


AGGREGATES = lines("aggregate_cases.jsonl")
SEEDS = lines("seed_aggregate_cases.jsonl")


@pytest.mark.parametrize("case", AGGREGATES, ids=lambda case: case["case"])
def test_a_grading_report_is_the_benchmarks_text_but_for_what_is_no_json(case: dict[str, Any]) -> None:
    rows = [{**row, "score": math.nan if row["score"] == "NaN" else row["score"]} for row in case["reports_in"]]
    report = aggregate_reports([CompetitionReport.model_validate(row) for row in rows])
    assert report_text(report) == case["aggregate_json_indent2"].replace(": NaN", ": null")


@pytest.mark.parametrize("case", AGGREGATES, ids=lambda case: case["case"])
def test_the_benchmarks_report_is_read_back_as_it_was(case: dict[str, Any], tmp_path: Path) -> None:
    theirs = tmp_path / "grading_report.json"
    theirs.write_text(case["aggregate_json_indent2"])
    found = aggregate_reports(read_reports(theirs, CompetitionReport))
    assert report_text(found) == case["aggregate_json_indent2"].replace(": NaN", ": null")


def written(folder: Path, reports: Iterable[list[dict[str, Any]]]) -> list[str]:
    """Grading reports whose names are in the order of `reports`."""
    paths = []
    for number, rows in enumerate(reports):
        paths.append(folder / f"{number}_grading_report.json")
        paths[-1].write_text(json.dumps({"competition_reports": rows}))
    return [str(path) for path in paths]


def run(*words: str) -> Result:
    return CliRunner().invoke(aggregate, words, catch_exceptions=True)


@pytest.mark.parametrize("case", SEEDS, ids=lambda case: case["case"])
def test_means_over_seeds_are_the_benchmarks(case: dict[str, Any], tmp_path: Path) -> None:
    split = tmp_path / "mine.txt"
    split.write_text("\n".join(case["split"]))
    reports = written(tmp_path, case["reports_in_sorted_path_order"])
    done = run("--grading-reports", *reversed(reports), "--split", str(split), *case["flags"])
    if case["error"] is not None:
        assert str(case["error"]).split(": ", 1)[-1] in str(done.exception)
        return
    assert done.exit_code == case["returncode"]
    assert json.loads(done.stdout) == case["result"]
    assert done.stderr.splitlines() == case["seed_lines"]


def outcome(competition: str, medal: bool = False) -> Outcome:
    return Outcome.nothing(competition).model_copy(update={"gold_medal": medal})


def test_competitions_without_a_report_are_named_in_the_lists_order() -> None:
    with pytest.raises(UserError, match=re.escape("Missing reports for competitions: b, A; cannot build complete se")):
        seeds([[outcome("c")]], ["b", "A", "c"])


@pytest.mark.parametrize("number", [-1, 3])
def test_padding_makes_no_seed_of_nothing(number: int) -> None:
    with pytest.raises(UserError, match=r"No reports available to form any seed\."):
        seeds([[outcome("c")]], ["a", "b"], number, pad=True)


def test_reports_are_taken_in_the_order_of_their_names_as_texts(tmp_path: Path) -> None:
    (tmp_path / "split.txt").write_text("wine\n")
    for group, medal in (("aide", False), ("aide-dev", True)):  # as paths, `aide/` would be the first
        (tmp_path / group).mkdir()
        written(tmp_path / group, [[outcome("wine", medal).model_dump()]])
    reports = [str(tmp_path / group / "0_grading_report.json") for group in ("aide", "aide-dev")]
    found = [
        json.loads(run("--grading-reports", *reports, "--split", str(tmp_path / "split.txt"), "--num-seeds", n).stdout)
        for n in ("1", "-1")
    ]
    assert [one["metrics"]["gold_medal_percentage"]["mean"] for one in found] == [100.0, 50.0]


def test_more_seeds_than_there_are_cannot_be_had() -> None:
    with pytest.raises(UserError, match=r"Requested 5 seeds, but only 1 complete seeds available\."):
        seeds([[outcome("a"), outcome("b")], [outcome("a")]], ["a", "b"], 5)


def test_the_first_seeds_are_taken_and_the_incomplete_one_is_dropped() -> None:
    reports = [[outcome("a", medal=True)], [outcome("b"), outcome("a")], [outcome("a")]]
    assert [[row.gold_medal for row in seed] for seed in seeds(reports, ["a", "b"])] == [[True, False]]


def test_one_seed_has_no_error() -> None:
    assert summary([metrics([outcome("a", medal=True), outcome("b")])])["metrics"]["any_medal_percentage"] == {
        "mean": 50.0, "ci_lower": 50.0, "ci_upper": 50.0, "standard_error": 0.0,
    }  # fmt: skip


def experiment(runs: Path) -> None:
    """Two run groups of one experiment, one of another."""
    (runs / EXPERIMENTS).write_text("experiment_id,run_group\nmine,g1\nmine,g2\nother,g3\n")
    for name, medal in (("g1", True), ("g2", False), ("g3", True)):
        (runs / name).mkdir()
        report = {"competition_reports": [outcome("wine", medal).model_dump()]}
        (runs / name / "grading_report.json").write_text(json.dumps(report))


def test_an_experiment_is_the_run_groups_that_the_table_lists(tmp_path: Path) -> None:
    experiment(tmp_path)
    (tmp_path / "split.txt").write_text("wine\n")
    done = run("--experiment-id", "mine", "--split", str(tmp_path / "split.txt"), "-o", str(tmp_path), "--json")
    found = json.loads(done.stdout)
    assert found["num_seeds_averaged"] == 2
    assert found["metrics"]["gold_medal_percentage"]["mean"] == 50.0
    assert done.stderr == ""


def of_experiment(runs: Path) -> Result:
    (runs / "split.txt").write_text("wine\n")
    return run("--experiment-id", "mine", "--split", str(runs / "split.txt"), "-o", str(runs), "--json")


def test_a_table_with_blanks_a_byte_order_mark_and_no_header_is_read_as_the_benchmark_reads_it(tmp_path: Path) -> None:
    experiment(tmp_path)
    (tmp_path / EXPERIMENTS).write_text("\ufeffmine, g1\r\n\r\n mine ,g2 \r\n", newline="")
    assert json.loads(of_experiment(tmp_path).stdout)["num_seeds_averaged"] == 2


def test_a_run_group_without_a_report_is_left_out_and_said(tmp_path: Path) -> None:
    experiment(tmp_path)
    (tmp_path / "g1" / "grading_report.json").unlink()
    done = of_experiment(tmp_path)
    assert json.loads(done.stdout)["num_seeds_averaged"] == 1
    assert "podium report g1" in done.stderr


def test_an_experiment_of_which_no_report_is_left_is_an_error(tmp_path: Path) -> None:
    experiment(tmp_path)
    for group in ("g1", "g2"):
        (tmp_path / group / "grading_report.json").unlink()
    assert "No run group of mine has a grading report" in str(of_experiment(tmp_path).exception)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--grading-reports FILE"),
        (("--grading-reports", "/no/such.json"), "No such file"),
        (("--experiment-id", "mine", "-o", "/no/such"), "--grading-reports"),
        (("--grading-reports", "x.json", "--num-seeds", "0"), "-1 takes all"),
        (("--grading-reports", "x.json", "--split", "lit"), "lite"),
    ],
)
def test_what_cannot_be_aggregated_is_said(words: tuple[str, ...], told: str) -> None:
    done = run(*words)
    assert isinstance(done.exception, UserError)
    assert told in str(done.exception)


def test_an_unknown_experiment_is_answered_with_the_near_ones(tmp_path: Path) -> None:
    experiment(tmp_path)
    assert isinstance(run("--experiment-id", "min", "-o", str(tmp_path)).exception, UnknownName)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not JSON"),
        ("[]", "no list `competition_reports`"),
        ('{"competition_reports": [{"competition_id": "wine"}]}', r"Report 1 \(wine\) of .*gold_medal: Field required"),
    ],
)
def test_a_report_that_is_none_is_named_with_what_is_missing(text: str, told: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(UserError, match=told):
        read_reports(file, Outcome)
