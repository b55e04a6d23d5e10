"""`--model replay:RUN_GROUP` is looked up before anything starts, and a trial's attempt knows its tapes."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.catalogue import make_plan, models_of
from jobs.plan import Plan, Resources
from jobs.recordings import find_recording, replays, tape_of
from jobs.sweepdir import SweepDir, SweepRecord
from podium.errors import UnknownName, UserError
from podium.rundir import AttemptDir
from podium.settings import Site
from podium.spec import SweepSpec, TrialSpec
from serve.tapes.recording import Recording
from serve.tapes.tape import TapeSpec
from serve.tapes.tapes import Recorder
from tests.unit.synthetic import START, SWEEP
from tests.unit.taping import CHAT, answer, request

OTHER = "0b0c2a6e-8f2e-4f3e-9d1b-0c5a7c1d2e3f"


def sweep_in(runs: Path, sweep_id: str = SWEEP, **values: object) -> SweepDir:
    """A sweep of AIDE on wine that has not run."""
    spec = SweepSpec.model_validate({"agents": ("aide",), "tasks": ("wine",), **values})
    site = Site(data=runs, private=runs, runs=runs)
    return SweepDir.create(runs, SweepRecord(sweep_id=sweep_id, created_at=START, spec=spec, site=site))


def record(sweep: SweepDir, *models: str, agent: str = "aide") -> str:
    """Record a request to each of `models`; gives the name of the run group."""
    group = sweep.group(agent)
    recorder = Recorder(Recording(group.recording), TapeSpec(coordinate="wine/0"), "trial")
    for model in models:
        recorder.keep(CHAT, request(model=model), answer(model))
    return group.name


def test_a_recording_is_found_by_name_path_and_sweep_id(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path)
    name = record(sweep, "offline")
    folder = sweep.group("aide").recording.resolve()
    for asked in (name, str(tmp_path / name), SWEEP, SWEEP[:8], f"{name}@offline"):
        found = find_recording(f"replay:{asked}", tmp_path)
        assert (found.folder, found.model) == (folder, "offline")


def test_a_run_group_without_a_recording_says_how_to_make_one(tmp_path: Path) -> None:
    name = sweep_in(tmp_path).group("aide").name
    with pytest.raises(UserError, match=rf"{name} has no recording.\s+Run it with --record"):
        find_recording(f"replay:{name}", tmp_path)


def test_a_wrong_name_is_answered_with_the_near_recording(tmp_path: Path) -> None:
    name = record(sweep_in(tmp_path), "offline")
    with pytest.raises(UnknownName, match=f"Did you mean {name}"):
        find_recording(f"replay:{name[:-1]}", tmp_path)


def test_a_recording_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    name = sweep_in(tmp_path).group("aide").name
    (tmp_path / name / "recording" / "requests.jsonl").mkdir(parents=True)
    with pytest.raises(UserError, match="cannot be read"):
        find_recording(f"replay:{name}", tmp_path)


@pytest.mark.parametrize("name", ["replay:", "replay:@offline"])
def test_no_name_is_no_recording(tmp_path: Path, name: str) -> None:
    record(sweep_in(tmp_path), "offline")
    with pytest.raises(UnknownName):
        find_recording(name, tmp_path)


def test_of_several_recorded_models_one_must_be_named(tmp_path: Path) -> None:
    name = record(sweep_in(tmp_path), "offline", "openai/x")
    with pytest.raises(UserError, match=f"replay:{name}@offline or replay:{name}@openai/x"):
        find_recording(f"replay:{name}", tmp_path)
    assert find_recording(f"replay:{name}@openai/x", tmp_path).model == "openai/x"
    with pytest.raises(UnknownName, match="Did you mean offline"):
        find_recording(f"replay:{name}@ofline", tmp_path)


def test_of_a_sweep_of_several_agents_a_run_group_must_be_named(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path, agents=("aide", "aide/dev"))
    name = record(sweep, "offline", agent="aide/dev")
    with pytest.raises(UserError, match=f"Name one of its run groups: .*{name}"):
        find_recording(f"replay:{SWEEP}", tmp_path)
    assert find_recording(f"replay:{name}", tmp_path).folder.parent.name == name
    with pytest.raises(UserError, match="has no recording"):
        find_recording(f"replay:{sweep.group('aide').name}", tmp_path)


def test_a_plan_knows_recordings_of_its_runs(tmp_path: Path) -> None:
    name = record(sweep_in(tmp_path / "elsewhere"), "offline")
    spec = SweepSpec(agents=("aide",), tasks=("wine",), models=(f"replay:{name}",))
    site = Site(data=tmp_path, private=tmp_path, runs=tmp_path / "runs")
    assert make_plan(spec, OTHER, site, tmp_path / "elsewhere").sweep_id == OTHER
    with pytest.raises(UnknownName, match="no run group with a recording"):
        make_plan(spec, OTHER, site)


def test_a_recording_is_no_model_that_must_be_up() -> None:
    trials = tuple(
        TrialSpec(sweep_id=SWEEP, trial_id=model, agent="aide", task="wine", model=model, seed=0)
        for model in ("replay:x", "offline", "none")
    )
    numbers = dict.fromkeys(Resources.model_fields, 0)
    plan = Plan(sweep_id=SWEEP, trials=trials, misfits=(), resources=Resources.model_validate(numbers))
    assert models_of(plan) == ["offline"]


def tape(sweep: SweepDir, model: str = "offline", attempt: int = 0) -> TapeSpec | None:
    trial = TrialSpec(sweep_id=SWEEP, trial_id="t", agent="aide", task="wine", model=model, seed=3)
    folder = AttemptDir(sweep.group("aide").path / "wine_t" / "attempts" / str(attempt))
    return tape_of(trial, folder, sweep, replays([model], sweep.runs))


def test_a_trial_that_was_asked_for_nothing_has_no_tape(tmp_path: Path) -> None:
    assert tape(sweep_in(tmp_path)) is None


def test_record_keeps_in_the_run_group_by_task_seed_and_attempt(tmp_path: Path) -> None:
    sweep = sweep_in(tmp_path, record=True)
    found = tape(sweep, attempt=2)
    assert found == TapeSpec(coordinate="wine/3", take=2, record=sweep.group("aide").recording.resolve())


def test_the_cache_is_one_for_the_sites_runs(tmp_path: Path) -> None:
    found = tape(sweep_in(tmp_path, cache=True))
    assert found is not None
    assert found.cache == (tmp_path / ".cache" / "models").resolve()


def test_a_replay_names_the_recording_and_whose_answers(tmp_path: Path) -> None:
    before = sweep_in(tmp_path)
    name = record(before, "offline")
    found = tape(sweep_in(tmp_path, OTHER), model=f"replay:{name}")
    assert found is not None
    assert (found.replay, found.replay_model) == (before.group("aide").recording.resolve(), "offline")
    assert (found.record, found.cache) == (None, None)


def test_a_tape_survives_the_trip_to_the_gateways_ledger(tmp_path: Path) -> None:
    found = tape(sweep_in(tmp_path, record=True, cache=True))
    assert found is not None
    assert TapeSpec.model_validate_json(found.model_dump_json(exclude_defaults=True)) == found
