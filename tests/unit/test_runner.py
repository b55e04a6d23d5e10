"""The runner under a simulated clock: bounded, tried again, and exactly once whatever dies at whatever step."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.policy import Policy, choose
from jobs.ports import Phase
from jobs.runner import STOP_SECONDS, Runner
from podium.records import AttemptRecord, Cause
from podium.rundir import AttemptDir
from podium.spec import TrialSpec
from tests.unit.simulation import START, World, check, trials

QUICK = Policy(parallel=2, retries=2, backoff_seconds=1.0)
ENDINGS = ("ok", "keep-die", "die", "preempt", "fail", "empty", "grade-die", "grade-lost")


@contextmanager
def memory() -> Iterator[Path]:
    """A folder in memory where there is such a place: thousands of fsyncs wear a disk and prove nothing more."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def attempt(number: int, cause: Cause, digest: str | None = None) -> AttemptRecord:
    return AttemptRecord(trial_id="t", attempt=number, cause=cause, digest=digest, started_at=START, ended_at=START)


def test_every_trial_is_finished_and_graded_once(tmp_path: Path) -> None:
    world, asked = World(tmp_path), trials(5)
    result = world.drive(asked, QUICK)
    assert result is not None
    assert len(result.done) == 5
    assert len(world.ledger.asked) == 5
    check(world, asked)


def test_no_more_trials_run_at_once_than_allowed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.drive(trials(7), Policy(parallel=3))
    assert world.most_running == 3


def test_a_finished_trial_is_not_started_again(tmp_path: Path) -> None:
    world, asked = World(tmp_path), trials(3)
    world.drive(asked, QUICK)
    world.drive(asked, QUICK)
    assert len(world.starts) == 3
    assert len(world.ledger.asked) == 3


def test_an_infrastructure_failure_is_tried_again_after_a_growing_wait(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["die", "die"])), trials(1)
    world.drive(asked, QUICK)
    assert world.starts == [(asked[0].trial_id, number) for number in (0, 1, 2)]
    assert world.elapsed == pytest.approx(3 * 10 + 1 + 2 + 1)


def test_after_the_last_retry_the_trial_is_a_record_of_the_infrastructure(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["die"] * 3)), trials(1)
    world.drive(asked, QUICK)
    record = world.records(asked)[0]
    assert record is not None
    assert (record.outcome, len(record.attempts)) == (Cause.INFRASTRUCTURE, 3)
    assert record.grade is not None
    assert not record.grade.submission_exists


def test_what_cannot_be_tried_at_all_is_left_for_a_resume(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["away"])), trials(1)
    result = world.drive(asked, Policy(retries=0))
    assert result is not None
    assert "podium status" in result.unfinished[asked[0].trial_id]
    assert world.records(asked) == [None]
    assert world.place(asked[0]).accepted() is None
    world.drive(asked, Policy(retries=0))
    record = world.records(asked)[0]
    assert record is not None
    assert (record.outcome, len(record.attempts)) == (Cause.OK, 2)


def test_what_was_kept_before_the_last_host_died_is_graded(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["die", "keep-die", "die"])), trials(1)
    world.drive(asked, QUICK)
    record = world.records(asked)[0]
    assert record is not None
    assert record.accepted is not None
    assert record.accepted.attempt == 1
    check(world, asked)


def test_preemption_does_not_count_as_a_try(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["preempt"] * 6)), trials(1)
    world.drive(asked, QUICK)
    record = world.records(asked)[0]
    assert record is not None
    assert (record.outcome, len(record.attempts)) == (Cause.OK, 7)


@pytest.mark.parametrize("ending", ["fail", "empty"])
def test_an_agents_failure_counts_and_ends_the_trial(tmp_path: Path, ending: str) -> None:
    world, asked = World(tmp_path, iter([ending])), trials(1)
    world.drive(asked, QUICK)
    record = world.records(asked)[0]
    assert record is not None
    assert (record.outcome, len(record.attempts)) == (Cause.AGENT, 1)
    assert record.message


def test_a_grader_that_restarts_is_asked_again(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["ok", "grade-die", "grade-lost"])), trials(1)
    world.drive(asked, QUICK)
    assert len(world.ledger.asked) == 2
    check(world, asked)


def test_a_grader_that_stays_away_leaves_the_trial_to_a_resume(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["ok"] + ["grade-die"] * 10)), trials(1)
    result = world.drive(asked, QUICK)
    assert result is not None
    assert "did not answer" in result.unfinished[asked[0].trial_id]
    assert world.records(asked) == [None]
    world.drive(asked, QUICK)
    assert len(world.starts) == 1, "a resume after acceptance starts no new attempt"
    check(world, asked)


def test_an_acceptance_stands_when_a_resume_allows_more_tries(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["keep-die"] + ["grade-die"] * 10)), trials(1)
    world.drive(asked, Policy(retries=0))
    world.drive(asked, Policy(retries=5))
    assert len(world.starts) == 1
    check(world, asked)


def test_files_changed_after_acceptance_are_never_graded(tmp_path: Path) -> None:
    world, asked = World(tmp_path, iter(["ok"] + ["grade-die"] * 10)), trials(1)
    world.drive(asked, QUICK)
    (world.place(asked[0]).attempt(0).submission / "submission.csv").write_text("better\n")
    result = world.drive(asked, QUICK)
    assert result is not None
    assert "are not those that were accepted" in result.unfinished[asked[0].trial_id]
    assert world.ledger.first == {}


def test_a_stop_cancels_what_runs_and_the_directory_resumes(tmp_path: Path) -> None:
    world, asked = World(tmp_path), trials(4)

    def stop_soon(runner: Runner) -> None:
        asyncio.get_running_loop().call_later(5.0, runner.stop)

    result = world.drive(asked, QUICK, stop_soon)
    assert result is not None
    assert result.stopped
    assert world.elapsed <= 5.0 + STOP_SECONDS
    assert len(world.starts) == 2
    first = world.place(asked[0]).attempt(0).record()
    assert first is not None
    assert first.cause is Cause.STOPPED
    world.drive(asked, QUICK)
    check(world, asked)


def test_a_stop_waits_no_longer_than_it_may_for_an_attempt_that_will_not_end(tmp_path: Path) -> None:
    class Stubborn(World):
        async def sleep(self, seconds: float) -> None:
            try:
                await asyncio.sleep(1000.0)
            except asyncio.CancelledError:
                await asyncio.sleep(1000.0)

    world = Stubborn(tmp_path, iter(["die"]))

    def stop_soon(runner: Runner) -> None:
        asyncio.get_running_loop().call_later(15.0, runner.stop)

    result = world.drive(trials(1), QUICK, stop_soon)
    assert result is not None
    assert world.elapsed == pytest.approx(15.0 + STOP_SECONDS)


def test_an_error_that_is_no_trials_own_ends_the_run(tmp_path: Path) -> None:
    class Broken(World):
        def changed(self, trial: object, phase: Phase, note: str = "") -> None:
            if phase is Phase.GRADING:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Broken(tmp_path).drive(trials(3), QUICK)


def test_the_driver_may_die_at_every_single_step() -> None:
    """One driver after another, the n-th killed at its n-th step, for every n until one comes through."""
    script = ["die", "ok", "grade-lost", "preempt", "grade-die", "fail", "keep-die"]
    deaths = 0
    for step in count(1):
        with memory() as folder:
            world, asked = World(folder, iter(script)), trials(3)
            world.die_at = step
            survived = world.drive(asked, QUICK) is not None
            world.die_at = None
            assert world.drive(asked, QUICK) is not None
            check(world, asked)
        if survived:
            break
        deaths += 1
    assert deaths > 100, "there are more awaits and file-system calls than that in three trials"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    endings=st.lists(st.sampled_from(ENDINGS), max_size=12),
    lives=st.lists(st.integers(1, 160), max_size=6),
    parallel=st.integers(1, 4),
    retries=st.integers(0, 2),
)
def test_no_trial_is_lost_or_finished_or_graded_twice(
    endings: list[str], lives: list[int], parallel: int, retries: int
) -> None:
    policy = Policy(parallel=parallel, retries=retries)
    with memory() as folder:
        world, asked = World(folder, iter(endings)), trials(3)
        for life in lives:
            world.steps, world.die_at = 0, life
            world.drive(asked, policy)
        world.die_at = None
        for _ in range(len(endings) + 1):
            result = world.drive(asked, policy)
            if result is not None and not result.unfinished:
                break
        check(world, asked)


def test_choice_is_a_function_of_the_attempts_alone() -> None:
    ok, died = attempt(0, Cause.OK, "a"), attempt(0, Cause.INFRASTRUCTURE, "b")
    assert choose([], 2) is None
    assert choose([ok], 2) is ok
    assert choose([died, attempt(1, Cause.STOPPED), attempt(2, Cause.PREEMPTED)], 1) is None
    assert choose([died, attempt(1, Cause.INFRASTRUCTURE)], 1) is died


def test_the_wait_doubles_up_to_its_limit() -> None:
    policy = Policy(backoff_seconds=1.0, backoff_limit=30.0)
    assert [policy.delay(failures, 0.5) for failures in (1, 2, 3, 6, 60)] == [1.0, 2.0, 4.0, 30.0, 30.0]
    assert policy.delay(1, 0.0) == 0.5


def test_a_link_in_a_submission_is_not_read(tmp_path: Path) -> None:
    class Linking(World):
        async def start(self, trial: TrialSpec, attempt: AttemptDir) -> AttemptRecord:
            record = await super().start(trial, attempt)
            (attempt.submission / "more.csv").symlink_to("/etc/passwd")
            return record

    world, asked = Linking(tmp_path), trials(1)
    world.drive(asked, QUICK)
    assert set(world.place(asked[0]).attempt(0).read_submission()) == {"submission.csv"}
    check(world, asked)
