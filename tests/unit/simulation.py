"""A simulated world for the runner: its clock, its agents, its grader, and death at any step.

A step is one turn of the event loop, one call that changes the file system below the world's folder, or one moment
inside a port. `World.die_at` names the step at which the driver is killed: from then on nothing it does takes effect,
and all it held in memory is dropped, as with SIGKILL. The grader and its ledger are another process and live on.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jobs.policy import Policy
from jobs.ports import Phase
from jobs.runner import Result, Runner
from podium.brief import Submission
from podium.errors import AgentFailure, InfrastructureFailure, Preempted, Unavailable
from podium.records import Accepted, AttemptRecord, Cause, Grade, ModelUsage, TrialRecord
from podium.rundir import AttemptDir, TrialDir
from podium.spec import TrialSpec, trial_id

SWEEP = "6f0c2a6e-8f2e-4f3e-9d1b-0c5a7c1d2e3f"
START = datetime(2026, 11, 21, 13, 0, tzinfo=UTC)


class Death(SystemExit):
    """The driver is killed. A SystemExit leaves an event loop at once, past every task."""


class Ticker(selectors.DefaultSelector):
    """A selector that never waits: it moves the simulated time to the next timer."""

    def __init__(self, step: Callable[[], None]) -> None:
        super().__init__()
        self.seconds = 0.0
        self.step = step

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.step()
        ready = super().select(0)
        if timeout is None and not ready:
            raise AssertionError("deadlock: nothing is ready and no timer runs")
        if not ready:
            self.seconds += timeout or 0.0
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is the ticker's."""

    def __init__(self, ticker: Ticker) -> None:
        super().__init__(ticker)
        self.ticker = ticker

    def time(self) -> float:
        return self.ticker.seconds


class Ledger:
    """The grader: one grade a trial; it asserts what must never be asked of it."""

    def __init__(self) -> None:
        self.first: dict[str, Grade] = {}
        self.asked: list[str] = []

    def grade(self, trial: TrialSpec, accepted: Accepted, submission: Submission) -> Grade:
        self.asked.append(trial.trial_id)
        digest = submission.digest if len(submission) else None
        assert accepted.digest == digest, "asked to grade other bytes than the accepted ones"
        standing = self.first.get(trial.trial_id)
        if standing is not None:
            assert standing.digest == digest, "asked to grade another digest of a graded trial"
            return standing
        self.first[trial.trial_id] = grade_of(trial, digest)
        return self.first[trial.trial_id]


def grade_of(trial: TrialSpec, digest: str | None, score: float = 0.5) -> Grade:
    """A grade without a medal."""
    return Grade(
        trial_id=trial.trial_id, digest=digest, competition_id=trial.task, score=score if digest else None,
        gold_threshold=0.9, silver_threshold=0.8, bronze_threshold=0.7, median_threshold=0.6,
        any_medal=False, gold_medal=False, silver_medal=False, bronze_medal=False, above_median=False,
        submission_exists=digest is not None, valid_submission=digest is not None, is_lower_better=False,
        created_at=START,
    )  # fmt: skip


def trials(count: int, agent: str = "aide", task: str = "wine") -> list[TrialSpec]:
    """Seeds 0..count-1 of one agent on one task."""
    return [
        TrialSpec(
            sweep_id=SWEEP,
            trial_id=trial_id(SWEEP, agent, task, "offline", seed),
            agent=agent,
            task=task,
            model="offline",
            seed=seed,
        )
        for seed in range(count)
    ]


class World:
    """Everything outside the driver, and the steps of the driver's life."""

    def __init__(self, folder: Path, script: Iterator[str] | None = None) -> None:
        self.folder = folder
        self.ledger = Ledger()
        self.script = script or iter(())
        """What the next calls do: ok, keep-die, die, preempt, away, fail, empty, grade-die, grade-lost; then ok."""
        self.phases: list[tuple[str, Phase]] = []
        self.starts: list[tuple[str, int]] = []
        self.running = self.most_running = 0
        self.steps = 0
        self.die_at: int | None = None
        self.dead = False
        self.attempt_seconds = 10.0
        self.elapsed = 0.0

    def step(self) -> None:
        """Count one step of the driver's life, or end it."""
        self.steps += 1
        if self.dead or self.steps == self.die_at:
            self.dead = True
            raise Death

    def now(self) -> datetime:
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def changed(self, trial: TrialSpec, phase: Phase, note: str = "") -> None:
        self.phases.append((trial.trial_id, phase))

    def place(self, trial: TrialSpec) -> TrialDir:
        return TrialDir(self.folder / f"{trial.task}_{trial.trial_id}")

    async def start(self, trial: TrialSpec, attempt: AttemptDir) -> AttemptRecord:
        self.step()
        self.starts.append((trial.trial_id, attempt.number))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await asyncio.sleep(self.attempt_seconds)
            return self._ending(trial, attempt, next(self.script, "ok"))
        finally:
            self.running -= 1

    def _ending(self, trial: TrialSpec, attempt: AttemptDir, ending: str) -> AttemptRecord:
        if ending == "preempt":
            raise Preempted("The host was drained.")
        if ending == "die":
            raise InfrastructureFailure("The agent actor died.")
        if ending == "away":
            raise Unavailable("The grader is not running.", "Look at `podium status`.")
        if ending == "fail":
            raise AgentFailure("The agent gave up.")
        if ending != "empty":
            (attempt.submission / "submission.csv").write_text(f"{trial.seed} {attempt.number}\n")
        if ending == "keep-die":
            raise InfrastructureFailure("The agent actor died with a submission kept.")
        self.step()
        return AttemptRecord(
            trial_id=trial.trial_id,
            attempt=attempt.number,
            cause=Cause.OK,
            started_at=self.now(),
            ended_at=self.now(),
        )

    async def grade(self, trial: TrialSpec, attempt: AttemptDir, accepted: Accepted, submission: Submission) -> Grade:
        self.step()
        assert self.place(trial).accepted() == accepted, "asked for a grade before the acceptance was on disk"
        await asyncio.sleep(1.0)
        ending = next(self.script, "ok")
        if ending == "grade-die":
            raise InfrastructureFailure("The grader is restarting.")
        grade = self.ledger.grade(trial, accepted, submission)
        self.step()
        if ending == "grade-lost":
            raise InfrastructureFailure("The grader died behind its answer.")
        await asyncio.sleep(0)
        return grade

    async def usage(self, trial: TrialSpec) -> ModelUsage:
        self.step()
        return ModelUsage(requests=1, prompt=100, cached=60, completion=7)

    def drive(
        self, asked: list[TrialSpec], policy: Policy, act: Callable[[Runner], None] | None = None
    ) -> Result | None:
        """One driver from birth to its end; None: it was killed."""
        self.dead, self.running = False, 0
        runner = Runner(
            asked, place=self.place, start=self.start, grade=self.grade, usage=self.usage, clock=self,
            jitter=lambda: 0.5, watch=self, policy=policy,
        )  # fmt: skip
        ticker = Ticker(self.step)
        loop = SimulatedLoop(ticker)
        loop.set_exception_handler(lambda _loop, _context: None)

        async def life() -> Result:
            if act is not None:
                act(runner)
            return await runner.run()

        with killing(self):
            try:
                return loop.run_until_complete(life())
            except Death:
                return None
            finally:
                self.elapsed = ticker.seconds
                self.dead = True
                _drop(loop)

    def records(self, asked: list[TrialSpec]) -> list[TrialRecord | None]:
        return [self.place(trial).record() for trial in asked]


def _drop(loop: SimulatedLoop) -> None:
    """Forget what a dead driver held in memory: its tasks end, and whatever they still try has no effect."""
    loop.ticker.step = lambda: None
    while tasks := asyncio.all_tasks(loop):
        for task in tasks:
            task.cancel()
        with suppress(Death):
            loop.run_until_complete(asyncio.wait(tasks))
    loop.close()


class _Hook:
    """An audit hook cannot be taken away; this one does nothing while it has no world."""

    world: World | None = None
    installed = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        world = self.world
        if world is None or not _changes(event, arguments):
            return
        if str(arguments[0]).startswith(str(world.folder)) or str(arguments[-1]).startswith(str(world.folder)):
            world.step()


HOOK = _Hook()


def _changes(event: str, arguments: tuple[Any, ...]) -> bool:
    if event == "open":
        return isinstance(arguments[2], int) and bool(arguments[2] & 0o3)
    return event in ("os.link", "os.mkdir", "os.rename", "os.symlink", "os.remove", "os.rmdir", "os.truncate")


@contextmanager
def killing(world: World) -> Iterator[None]:
    """Let every change of the file system below the world's folder be a step of its driver."""
    if not HOOK.installed:
        sys.addaudithook(HOOK)
        HOOK.installed = True
    HOOK.world = world
    try:
        yield
    finally:
        HOOK.world = None


def check(world: World, asked: list[TrialSpec]) -> None:
    """What must be true when all is done: each trial finished and graded once, none lost, nothing deleted."""
    for trial, record in zip(asked, world.records(asked), strict=True):
        assert record is not None, f"{trial.trial_id} was lost"
        folder = world.place(trial)
        assert record.spec == trial
        assert record.accepted is not None
        assert record.grade == world.ledger.first[trial.trial_id]
        assert record.grade.digest == record.accepted.digest
        numbers = [attempt.number for attempt in folder.attempts()]
        assert numbers == list(range(len(numbers))), "an attempt's folder was deleted"
        assert [attempt.attempt for attempt in record.attempts] == numbers
        begun = {number for name, number in world.starts if name == trial.trial_id}
        assert begun <= set(numbers), "an attempt that ran has no folder"
        shown = (folder.path / "submission").resolve()
        assert shown == folder.attempt(record.accepted.attempt).submission.resolve()
    assert set(world.ledger.first) == {trial.trial_id for trial in asked}


__all__ = ["SWEEP", "Death", "World", "check", "grade_of", "trials"]
