"""The runner: takes planned trials to `trial.json`, each exactly once, whatever dies on the way.

Plain asyncio over two ports (start an attempt, ask for a grade). It keeps nothing in memory that matters: what to do
next with a trial is read from its folder, so a new driver goes on where a dead one stopped.

    attempts/<n>/ made -> attempt.json -> accepted.json (first wins) -> grade -> trial.json (first wins)
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from jobs.patience import patiently
from jobs.policy import Policy, cause_of, choose
from jobs.ports import AskGrade, AskUsage, Clock, Phase, Start, Watcher
from podium.brief import Submission
from podium.errors import InfrastructureFailure, PodiumError, Unavailable, UserError
from podium.records import Accepted, AttemptRecord, Cause, Grade, TrialRecord
from podium.rundir import AttemptDir, TrialDir
from podium.spec import TrialSpec

STOP_SECONDS = 2.0
"""How long a stop waits for running attempts to end; `ray job stop` kills after 3 s."""


@dataclass
class Result:
    """What one run of the driver came to."""

    done: list[TrialRecord] = field(default_factory=list)
    unfinished: dict[str, str] = field(default_factory=dict)
    """Trial id -> why it has no `trial.json` yet."""
    stopped: bool = False


class Runner:
    """Drives trials with bounded parallelism. One `run()` an object."""

    def __init__(
        self,
        trials: Iterable[TrialSpec],
        *,
        place: Callable[[TrialSpec], TrialDir],
        start: Start,
        grade: AskGrade,
        usage: AskUsage,
        clock: Clock,
        jitter: Callable[[], float],
        watch: Watcher,
        policy: Policy,
    ) -> None:
        self._queue = deque(trials)
        self._place, self._start, self._grade = place, start, grade
        self._usage = usage
        self._clock, self._jitter, self._watch, self._policy = clock, jitter, watch, policy
        self._workers: set[asyncio.Task[None]] = set()
        self._cancel_waiting: Callable[[], object] = lambda: None
        self._result = Result()

    async def run(self) -> Result:
        """Bring every trial to its record; an error that is not a trial's own ends the run after the others stopped."""
        count = min(self._policy.parallel, len(self._queue))
        if count == 0:
            return self._result
        self._workers = {asyncio.create_task(self._work()) for _ in range(count)}
        waiting = asyncio.create_task(asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION))
        self._cancel_waiting = waiting.cancel
        try:
            await waiting
        except asyncio.CancelledError:
            if not self._result.stopped:
                raise
        finally:
            await self._cancel_workers()
        for worker in self._workers:
            if worker.done() and not worker.cancelled():
                worker.result()
        return self._result

    def stop(self) -> None:
        """Start nothing more and cancel what runs; `run()` then returns within `STOP_SECONDS`. For signal handlers."""
        self._result.stopped = True
        self._queue.clear()
        self._cancel_waiting()

    async def _cancel_workers(self) -> None:
        alive = {worker for worker in self._workers if not worker.done()}
        for worker in alive:
            worker.cancel()
        if alive:
            await asyncio.wait(alive, timeout=STOP_SECONDS)

    async def _work(self) -> None:
        while self._queue:
            trial = self._queue.popleft()
            try:
                record = await self._bring(trial, self._place(trial))
            except PodiumError as error:
                self._leave(trial, str(error))
            except asyncio.CancelledError:
                self._leave(trial, "The sweep was stopped.")
                raise
            else:
                self._result.done.append(record)
                self._watch.changed(trial, Phase.DONE, record.message)

    def _leave(self, trial: TrialSpec, reason: str) -> None:
        self._result.unfinished[trial.trial_id] = reason
        self._watch.changed(trial, Phase.UNFINISHED, reason)

    async def _bring(self, trial: TrialSpec, folder: TrialDir) -> TrialRecord:
        """One trial from wherever it stands to its record."""
        standing = folder.record()
        if standing is not None:
            return standing
        accepted = folder.accept(folder.accepted() or await self._attempt_until_accepted(trial, folder))
        grade = await self._ask_grade(trial, folder, accepted)
        attempts = tuple(self._closed_attempts(trial, folder))
        last = attempts[-1]
        record = TrialRecord(
            spec=trial,
            outcome=last.cause if last.cause in (Cause.OK, Cause.AGENT) else Cause.INFRASTRUCTURE,
            message=last.message,
            attempts=attempts,
            accepted=accepted,
            grade=grade,
            usage=await self._usage(trial),
            finished_at=self._clock.now(),
        )
        folder.finish(record)
        return folder.record() or record

    async def _attempt_until_accepted(self, trial: TrialSpec, folder: TrialDir) -> Accepted:
        while True:
            attempts = self._closed_attempts(trial, folder)
            chosen = choose(attempts, self._policy.retries)
            if chosen is not None:
                return Accepted(trial_id=trial.trial_id, attempt=chosen.attempt, digest=chosen.digest)
            failures = sum(attempt.cause in (Cause.INFRASTRUCTURE, Cause.PREEMPTED) for attempt in attempts)
            if failures:
                self._watch.changed(trial, Phase.WAITING, attempts[-1].message)
                await self._clock.sleep(self._policy.delay(failures, self._jitter()))
            await self._attempt(trial, folder.begin_attempt())

    async def _attempt(self, trial: TrialSpec, attempt: AttemptDir) -> None:
        """One try; however it ends, its record lies in its folder."""
        self._watch.changed(trial, Phase.RUNNING, f"attempt {attempt.number}" if attempt.number else "")
        started = self._clock.now()
        try:
            record = await self._start(trial, attempt)
        except asyncio.CancelledError:
            attempt.close(self._failed(trial, attempt, started, Cause.STOPPED, "The sweep was stopped."))
            raise
        except (Unavailable, UserError) as error:
            attempt.close(self._failed(trial, attempt, started, Cause.STOPPED, str(error)))
            raise
        except PodiumError as error:
            record = self._failed(trial, attempt, started, cause_of(error), str(error))
        attempt.close(_with_digest(record, attempt))

    def _failed(
        self, trial: TrialSpec, attempt: AttemptDir, started: datetime, cause: Cause, message: str
    ) -> AttemptRecord:
        return AttemptRecord(
            trial_id=trial.trial_id,
            attempt=attempt.number,
            cause=cause,
            message=message,
            started_at=started,
            ended_at=self._clock.now(),
        )

    def _closed_attempts(self, trial: TrialSpec, folder: TrialDir) -> list[AttemptRecord]:
        """The trial's attempts; those that a dead driver left open are closed, their folders stay."""
        records = []
        for attempt in folder.attempts():
            if attempt.record() is None:
                began = datetime.fromtimestamp(attempt.path.stat().st_mtime, UTC)
                attempt.close(self._failed(trial, attempt, began, Cause.STOPPED, "The driver died."))
            record = attempt.record()
            assert record is not None
            records.append(record)
        return records

    async def _ask_grade(self, trial: TrialSpec, folder: TrialDir, accepted: Accepted) -> Grade:
        attempt = folder.attempt(accepted.attempt)
        submission = attempt.read_submission()
        if _digest(submission) != accepted.digest:
            raise Unavailable(
                f"The files in {attempt.submission} are not those that were accepted (digest {accepted.digest}).",
                "Put the accepted files back; a trial is graded once, and only on what it handed in.",
            )
        self._watch.changed(trial, Phase.GRADING)
        try:
            return await patiently(
                lambda: self._grade(trial, attempt, accepted, submission),
                self._policy.grade_tries,
                lambda failures: self._clock.sleep(self._policy.delay(failures, self._jitter())),
            )
        except InfrastructureFailure as error:
            raise Unavailable(
                f"The grader did not answer {self._policy.grade_tries} times: {error.message}",
                "Look at `podium status`; then resume: the accepted submission waits for its grade.",
            ) from None


def _digest(submission: Submission) -> str | None:
    return submission.digest if len(submission) else None


def _with_digest(record: AttemptRecord, attempt: AttemptDir) -> AttemptRecord:
    """The record with the digest of the files that lie in the folder, for these are what will be graded."""
    digest = _digest(attempt.read_submission())
    if digest is None and record.cause is Cause.OK:
        return record.model_copy(update={"cause": Cause.AGENT, "message": "Nothing was handed in.", "digest": None})
    return record.model_copy(update={"digest": digest})
