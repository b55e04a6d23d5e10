"""The report reads only the run directory; its three files are compared with golden ones.

To write the golden files anew, after looking at what changed: `python -m tests.unit.test_report`.
"""

from __future__ import annotations

import csv
import io
import json
import sys
import tempfile
from pathlib import Path

import pytest
from rich.console import Console

from jobs.render import duration, print_report
from jobs.report import build, write
from jobs.sweepdir import SweepDir, read_sweep
from podium.errors import UnknownName
from tests.unit.synthetic import SWEEP, write_sweep

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def sweep(tmp_path: Path) -> SweepDir:
    return write_sweep(tmp_path)


@pytest.mark.parametrize("suffix", ["md", "json", "csv"])
def test_the_report_of_a_sweep_is_the_golden_one(sweep: SweepDir, suffix: str) -> None:
    write(sweep)
    assert (sweep.main / f"report.{suffix}").read_text() == (GOLDEN / f"report.{suffix}").read_text()


def test_each_run_group_has_its_own_report(sweep: SweepDir) -> None:
    write(sweep)
    report = json.loads(sweep.group("sample").report_file("json").read_text())
    assert {row["agent"] for row in report["trials"]} == {"sample"}
    assert report["unfinished"] == 1


def test_the_grading_report_lists_a_tasks_seeds_in_their_order(sweep: SweepDir) -> None:
    write(sweep)
    report = json.loads(sweep.group("aide").grading_report_file.read_text())
    found = [(row["competition_id"], row["score"]) for row in report["competition_reports"]]
    assert found == [("digits", 0.98), ("digits", 0.95), ("wine", 0.12), ("wine", None)]
    assert (report["total_runs"], report["total_medals"], report["total_valid_submissions"]) == (4, 2, 3)


def test_metadata_has_the_users_form(sweep: SweepDir) -> None:
    group = sweep.group("aide")
    metadata = json.loads(group.metadata_file.read_text())
    assert metadata["run_group"] == group.name
    assert set(metadata["runs"]) == {trial.path.name for trial in group.trials()}
    assert sorted(run["success"] for run in metadata["runs"].values()) == [False, True, True, True]
    assert metadata["sweep_id"] == SWEEP
    assert (metadata["rules"], metadata["network"]) == ("benchmark", "none")


def test_the_terminal_shows_medals_and_nothing_that_steers_it(sweep: SweepDir) -> None:
    text = io.StringIO()
    print_report(write(sweep), Console(file=text, width=200))
    assert "gold" in text.getvalue()
    assert "says of itself: offline (no LLM)" in text.getvalue()
    assert "1 of 8 trials are not finished" in text.getvalue()
    assert "\x1b" not in text.getvalue()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, ["by the benchmark's own rules", "No agent saw a held-out signal", "without network"]),
        ({"strict": True}, ["judged strictly"]),
        ({"sandbox": "local"}, ["had the host's network"]),
    ],
)
def test_a_report_discloses_how_it_was_come_by(sweep: SweepDir, asked: dict[str, object], told: list[str]) -> None:
    spec = sweep.record.spec.model_copy(update=asked)
    said = " ".join(build(SweepDir(sweep.runs, sweep.record.model_copy(update={"spec": spec})), sweep.groups()).notes)
    assert [words for words in told if words not in said] == []
    assert ("held-out" in said) == (spec.sandbox != "local")


def test_the_csv_has_one_line_a_trial(sweep: SweepDir) -> None:
    write(sweep)
    rows = list(csv.DictReader(io.StringIO((sweep.main / "report.csv").read_text())))
    assert len(rows) == 7
    assert rows[1]["causes"] == "infrastructure;ok"


def test_a_report_can_be_made_again_and_is_the_same(sweep: SweepDir) -> None:
    write(sweep)
    first = (sweep.main / "report.json").read_bytes()
    write(SweepDir.find(sweep.runs, sweep.main.name))
    assert (sweep.main / "report.json").read_bytes() == first


def test_a_sweep_is_found_by_folder_by_path_and_by_id(sweep: SweepDir) -> None:
    group = sweep.group("aide")
    for name in (group.name, str(group.path), sweep.main.name, SWEEP, SWEEP[:8]):
        assert SweepDir.find(sweep.runs, name).record == sweep.record
    with pytest.raises(UnknownName):
        SweepDir.find(sweep.runs, "no-such-sweep")


def test_a_sweep_of_one_agent_has_no_folder_of_its_own(tmp_path: Path) -> None:
    sweep = write_sweep(tmp_path)
    alone = sweep.record.model_copy(
        update={"spec": sweep.record.spec.model_copy(update={"agents": ("aide",)}), "groups": {}, "folder": ""}
    )
    made = SweepDir.create(tmp_path, alone)
    assert made.main == made.group("aide").path
    assert read_sweep(made.main).folder == ""


def test_a_report_before_the_first_trial_is_empty_and_says_so(sweep: SweepDir) -> None:
    group = sweep.group("sample")
    for trial in group.trials():
        trial.record_file.unlink(missing_ok=True)
    report = build(sweep, [group])
    assert report.agents == ()
    assert report.unfinished == 4


def test_durations_read_well() -> None:
    assert [duration(seconds) for seconds in (8, 200, 7500)] == ["8 s", "3 min 20 s", "2 h 05 min"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        made = write_sweep(Path(folder))
        write(made)
        GOLDEN.mkdir(exist_ok=True)
        for suffix in ("md", "json", "csv"):
            (GOLDEN / f"report.{suffix}").write_text((made.main / f"report.{suffix}").read_text())
    sys.stdout.write(f"written: {GOLDEN}\n")
