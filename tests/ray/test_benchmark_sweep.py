"""A sweep over prepared competitions of MLE-bench, from `ray job submit` to the benchmark's own files, and back.

The competitions' raw data are synthetic: the recorded cases, laid out as `mlebench prepare` leaves them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podium.settings import CHECKOUT, Site
from podium.state import STATE_VARIABLE, ClusterState
from tests.ray.test_jobs_submit import environment, submit

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

ORACLE = CHECKOUT / "tests" / "oracle"
TASKS = ("playground-series-s3e18", "spaceship-titanic", "us-patent-phrase-to-phrase-matching")


def prepared(site: Site) -> None:
    """Both halves of the competitions, where the site has them."""
    for line in (ORACLE / "prepare_cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        task = case["competition_id"]
        if task not in TASKS:
            continue
        public = {**case["public"], "description.md": f"# {task}\n"}
        for folder, files in ((site.public_dir(task), public), (site.private_dir(task), case["private"])):
            folder.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (folder / name).write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def variables(services: ClusterState) -> dict[str, str]:
    return environment(services, Path(os.environ[STATE_VARIABLE]))


@pytest.fixture(scope="module")
def group(services: ClusterState, variables: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run group of a sweep of the sample agent, which hands in the sample submissions."""
    prepared(services.site)
    runs = tmp_path_factory.mktemp("swept") / "runs"
    words = ["--agent", "sample", *(word for task in TASKS for word in ("--task", task)), "-o", str(runs)]
    done = submit(
        ["--", "python", "jobs/sweep.py", *words, "--limit", "memory_mb=1024", "-k", "2"], runs.parent, variables
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = runs.glob("*_run-group_sample")
    return found


def rows(report: Path) -> list[dict[str, Any]]:
    """The competition reports in a grading report."""
    found: list[dict[str, Any]] = json.loads(report.read_text())["competition_reports"]
    return found


def test_its_grading_report_has_the_benchmarks_keys_in_their_order(group: Path) -> None:
    report = json.loads((group / "grading_report.json").read_text())
    theirs = json.loads(
        json.loads((ORACLE / "aggregate_cases.jsonl").read_text().splitlines()[1])["aggregate_json_indent2"]
    )
    assert list(report) == list(theirs)
    assert [list(row) for row in report["competition_reports"]] == [list(theirs["competition_reports"][0])] * len(TASKS)
    assert (report["total_runs"], report["total_valid_submissions"]) == (3, 3)
    assert [row["competition_id"] for row in report["competition_reports"]] == sorted(TASKS)


def test_it_says_by_which_rules_it_was_judged(group: Path) -> None:
    assert "judged by the benchmark's own rules" in (group / "report.md").read_text()
    metadata = json.loads((group / "metadata.json").read_text())
    assert (metadata["rules"], metadata["network"]) == ("benchmark", "none")
    assert [run["success"] for run in metadata["runs"].values()] == [True] * 3


def test_what_it_handed_in_is_graded_again_to_the_same_scores(
    group: Path, variables: Mapping[str, str], tmp_path: Path
) -> None:
    listed = tmp_path / "submission.jsonl"
    commands = [
        ["experiments/make_submission.py", "--metadata", group / "metadata.json", "--output", listed],
        ["-m", "podium", "grade", "--submission", listed, "--output-dir", tmp_path / "graded"],
    ]
    for words in commands:
        command = [sys.executable, *map(str, words)]
        done = subprocess.run(command, cwd=CHECKOUT, env=dict(variables), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (again,) = (tmp_path / "graded").glob("*_grading_report.json")
    before = {row["competition_id"]: row for row in rows(group / "grading_report.json")}
    for row in rows(again):
        assert {**row, "created_at": ""} == {**before[row["competition_id"]], "created_at": ""}
    assert sorted(listed.read_text().splitlines()) == sorted((group / "submission.jsonl").read_text().splitlines())
