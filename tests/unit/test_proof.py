"""The proof of the chaos run finds what is wrong: it must be able to fail."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench.proof import faults_of, losses
from jobs.plan import AgentFacts, TaskFacts, plan
from jobs.sweepdir import SweepDir
from podium.records import Cause
from podium.spec import TrialSpec
from tests.unit.synthetic import SWEEP, write_sweep

Ledger = dict[str, list[str]]


@pytest.fixture
def sweep(tmp_path: Path) -> SweepDir:
    return write_sweep(tmp_path)


@pytest.fixture
def planned(sweep: SweepDir) -> list[TrialSpec]:
    """The trials that the synthetic sweep finished."""
    agents = {name: AgentFacts(name=name, needs_model=True) for name in sweep.record.spec.agents}
    tasks = {name: TaskFacts(id=name) for name in sweep.record.spec.tasks}
    trials = plan(sweep.record.spec, SWEEP, agents, tasks).trials
    return [trial for trial in trials if (trial.agent, trial.task, trial.seed) != ("sample", "wine", 1)]


@pytest.fixture
def ledger(sweep: SweepDir) -> Ledger:
    """What a grader that graded each of them once has written down."""
    return {
        group.name: [
            json.dumps({"trial_id": record.spec.trial_id, "digest": record.accepted.digest, "reason": ""})
            for trial in group.trials()
            if (record := trial.record()) and record.accepted
        ]
        for group in sweep.groups()
    }


def test_a_sweep_that_came_out_right_has_no_faults(sweep: SweepDir, planned: list[TrialSpec], ledger: Ledger) -> None:
    assert faults_of(sweep, planned, ledger) == []


def test_a_trial_graded_twice_is_found(sweep: SweepDir, planned: list[TrialSpec], ledger: Ledger) -> None:
    rows = next(iter(ledger.values()))
    rows.append(rows[0])
    assert any("2 times" in fault for fault in faults_of(sweep, planned, ledger))


def test_a_trial_that_was_never_graded_is_found(sweep: SweepDir, planned: list[TrialSpec], ledger: Ledger) -> None:
    next(iter(ledger.values())).pop()
    assert any("not in the ledger" in fault for fault in faults_of(sweep, planned, ledger))


def test_a_lost_record_is_found(sweep: SweepDir, planned: list[TrialSpec], ledger: Ledger) -> None:
    trial = planned[0]
    sweep.group(trial.agent).trial(trial.task, trial.trial_id).record_file.unlink()
    assert faults_of(sweep, planned, ledger) == [f"{trial.trial_id} has no trial.json"]


def test_a_deleted_attempt_is_found(sweep: SweepDir, planned: list[TrialSpec], ledger: Ledger) -> None:
    trial = planned[0]
    shutil.rmtree(sweep.group(trial.agent).trial(trial.task, trial.trial_id).attempt(0).path)
    assert any("has lost an attempt" in fault for fault in faults_of(sweep, planned, ledger))


def test_a_grade_of_another_digest_is_found(sweep: SweepDir, planned: list[TrialSpec], ledger: Ledger) -> None:
    rows = next(iter(ledger.values()))
    rows[0] = json.dumps({**json.loads(rows[0]), "digest": "e" * 64})
    assert any("digests differ" in fault for fault in faults_of(sweep, planned, ledger))


def test_a_trial_that_came_to_no_submission_is_a_loss(sweep: SweepDir) -> None:
    records = [record for group in sweep.groups() for trial in group.trials() if (record := trial.record())]
    empty = [record for record in records if record.outcome is not Cause.OK]
    assert len(losses(sweep)) == len(empty) > 0
    assert empty[0].spec.trial_id in losses(sweep)[0]
