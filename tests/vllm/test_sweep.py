"""A whole trial of AIDE against real vLLM: nonsense becomes buggy nodes, all is counted, and it can be replayed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.sweepdir import SweepDir
from podium.records import Cause, ModelUsage, TrialRecord
from podium.rundir import TrialDir
from tasks import registry
from tests.vllm.stage import Stage

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(900)]

STEPS = 3


def swept(stage: Stage, runs: Path, model: str, *words: str) -> TrialDir:
    """The one trial of a sweep, whose results lie below `runs`."""
    asked = ["-a", "aide", "-t", "wine", "-m", model, "--steps", str(STEPS), "--time", "10m"]
    done = stage.run("-m", "podium", "sweep", *asked, "--limit", "memory_mb=1024", "-o", str(runs), *words)
    assert done.returncode in (0, 2), done.stdout + done.stderr
    newest = max(runs.glob("*_run-group_aide"), key=lambda folder: folder.stat().st_mtime)
    (group,) = SweepDir.find(runs, newest.name).groups()
    (trial,) = group.trials()
    return trial


def record(trial: TrialDir) -> TrialRecord:
    found = trial.record()
    assert found is not None
    return found


def usage(trial: TrialDir) -> ModelUsage:
    found = record(trial).usage
    assert found is not None
    return found


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("swept") / "runs"


@pytest.fixture(scope="module")
def trial(stage: Stage, models: None, runs: Path) -> TrialDir:
    """Of a sweep that records."""
    registry.competition("wine").prepare(stage.state.site)
    return swept(stage, runs, "tiny-qwen3", "--record")


@pytest.fixture(scope="module")
def again(stage: Stage, trial: TrialDir, runs: Path) -> TrialDir:
    """Of a sweep that hears the recording of the first."""
    return swept(stage, runs, f"replay:{trial.path.parent.name}")


def test_nonsense_becomes_buggy_nodes(trial: TrialDir) -> None:
    journal = json.loads((trial.attempts()[0].logs / "journal.json").read_text())
    assert [node["is_buggy"] for node in journal["nodes"]] == [True] * STEPS


def test_the_trial_ends_as_its_agents_failure(trial: TrialDir) -> None:
    assert (record(trial).outcome, len(record(trial).attempts)) == (Cause.AGENT, 1)
    assert "wrote a valid submission" in record(trial).message


def test_what_the_gateway_counted_is_what_the_agent_was_told(trial: TrialDir) -> None:
    counted, told = usage(trial), record(trial).attempts[0].tokens
    assert (counted.requests, counted.prompt, counted.completion) == (told.requests, told.prompt, told.completion)
    assert counted.prompt > 0
    assert (counted.estimated, counted.replayed, counted.fallbacks) == (0, 0, {})


def test_the_report_says_how_much_of_the_prompts_was_cached(trial: TrialDir) -> None:
    rate = usage(trial).cache_hit_rate
    assert rate
    lines = (trial.path.parent / "report.md").read_text().splitlines()
    names = next(line for line in lines if line.startswith("| task |") and "cached %" in line).split(" | ")
    row = next(line for line in lines if line.startswith("| wine | aide | tiny-qwen3 | 0 |")).split(" | ")
    assert row[names.index("cached %")] == f"{100 * rate:.0f}"


def test_a_recorded_trial_is_heard_again_and_no_model_is_asked(trial: TrialDir, again: TrialDir) -> None:
    first, second = usage(trial), usage(again)
    assert (second.replayed, second.requests, second.tokens) == (first.requests, 0, 0)


def test_a_trial_that_is_heard_again_ends_as_the_first(trial: TrialDir, again: TrialDir) -> None:
    first, second = record(trial), record(again)
    assert (second.outcome, second.message) == (first.outcome, first.message)
    plans = [
        [node["plan"] for node in json.loads((one.attempts()[0].logs / "journal.json").read_text())["nodes"]]
        for one in (trial, again)
    ]
    assert plans[0] == plans[1]
