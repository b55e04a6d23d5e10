"""One attempt at a trial, from order to record: the one place where an agent's failure becomes a record."""

from __future__ import annotations

import asyncio
import socket
import time
import traceback
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import cast

from agents.agent import Agent
from agents.allowance import Allowance
from agents.notes import Notes
from agents.order import AttemptOrder
from agents.pool import ExecutorPool, Open
from agents.trial import Chat, TrialTools, Validate
from podium.brief import Submission
from podium.errors import AgentFailure, BudgetSpent, InfrastructureFailure, PodiumError, Preempted, Unavailable
from podium.plugins import load
from podium.records import AttemptRecord, Cause, now
from podium.rundir import AttemptDir

GRACE_SECONDS = 5.0
"""How long an agent that was told to end may still take; then it is left to itself."""


class Ending(Exception):
    """Why an attempt was ended from outside: the trial's time is up, or the sweep was stopped."""

    def __init__(self, cause: Cause, message: str) -> None:
        super().__init__(cause, message)
        self.cause, self.message = cause, message


async def run_attempt(
    order: AttemptOrder,
    *,
    open_executor: Open,
    chat: Chat,
    validate: Validate,
    stop: asyncio.Event | None = None,
    grace_seconds: float = GRACE_SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> AttemptRecord:
    """Run the order's agent and say what came of it; never raises for what an agent, a model or an executor does.

    What the agent kept lies in the attempt's `submission/` whatever ended it, and its digest is in the record, which
    is written to `attempt.json`. `stop` ends the attempt as STOPPED when it is set, and so does a cancellation.
    """
    started = now()
    attempt = AttemptDir(order.attempt_dir)
    attempt.make()
    notes = Notes(attempt, secrets=(order.api_key,))
    allowance = Allowance(order.trial.budget, clock)
    async with ExecutorPool(open_executor, order.trial.executors) as executors:
        tools = TrialTools(order.brief, notes, allowance, executors, chat, validate, clock)
        tools.event("started", agent=order.trial.agent, task=order.trial.task, model=order.trial.model)
        work = _watched(_solve(order, tools), allowance, stop or asyncio.Event(), grace_seconds)
        cause, message = await _outcome(work, tools, notes)
        tools.close()
        tools.event("ended", cause=cause.value, message=message)
    notes.progress(phase="ended")
    record = _record(order, tools, allowance, executors, attempt, (cause, message, started))
    attempt.close(record)
    return record


async def _outcome(work: Coroutine[None, None, Submission], tools: TrialTools, notes: Notes) -> tuple[Cause, str]:
    """Why the attempt ended, and in words; what was handed in is on disk."""
    try:
        submission = await work
        if tools.kept is None or submission.digest != tools.kept.digest:
            notes.hand_in(submission)
        return Cause.OK, ""
    except BudgetSpent as error:
        return (Cause.OK if tools.kept else Cause.AGENT), error.message
    except Ending as ending:
        kept = tools.kept is not None and ending.cause is Cause.AGENT
        return (Cause.OK if kept else ending.cause), ending.message
    except asyncio.CancelledError:  # the root of an attempt: its record is what a cancellation comes to
        return Cause.STOPPED, "The attempt was cancelled."
    except Preempted as error:
        return Cause.PREEMPTED, str(error)
    except (InfrastructureFailure, Unavailable) as error:
        return Cause.INFRASTRUCTURE, str(error)
    except PodiumError as error:
        return Cause.AGENT, str(error)
    except Exception as error:  # an agent is a plug-in: whatever it raises is its failure, and a record
        notes.log("agent_error.txt", traceback.format_exc())
        return Cause.AGENT, f"The agent raised {type(error).__name__}: {error}"


async def _solve(order: AttemptOrder, tools: TrialTools) -> Submission:
    make = cast(Callable[[object], Agent], load(order.agent_class))
    submission = await make(order.trial.options).run(order.brief, tools)
    if not isinstance(submission, Submission) or not submission:
        raise AgentFailure("The agent handed in nothing.", "An agent returns a Submission with at least one file.")
    return submission


async def _watched(
    work: Coroutine[None, None, Submission], allowance: Allowance, stop: asyncio.Event, grace_seconds: float
) -> Submission:
    """The result of `work`, ended when the time is up or `stop` is set, even if it hangs."""
    task = asyncio.create_task(work)
    stopper = asyncio.create_task(stop.wait())
    try:
        while not task.done():
            left = allowance.seconds_left()
            if stopper.done():
                raise Ending(Cause.STOPPED, "The sweep was stopped.")
            if left <= 0:
                raise Ending(Cause.AGENT, "The trial's time was up.")
            await asyncio.wait({task, stopper}, timeout=max(left, 0.1), return_when=asyncio.FIRST_COMPLETED)
        return task.result()
    finally:
        stopper.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=grace_seconds)


def _record(
    order: AttemptOrder,
    tools: TrialTools,
    allowance: Allowance,
    executors: ExecutorPool,
    attempt: AttemptDir,
    ended: tuple[Cause, str, datetime],
) -> AttemptRecord:
    cause, message, started = ended
    submission = attempt.read_submission()
    message = message.replace(order.api_key, "***") if order.api_key else message
    return AttemptRecord(
        trial_id=order.trial.trial_id,
        attempt=attempt.number,
        cause=cause,
        message=message,
        started_at=started,
        ended_at=now(),
        digest=submission.digest if submission else None,
        steps=allowance.steps,
        executions=tools.executions,
        execution_seconds=tools.execution_seconds,
        tokens=allowance.used,
        away_seconds=round(allowance.away_seconds, 3),
        sandbox=executors.facts.sandbox,
        unbounded=executors.facts.unbounded,
        host=executors.facts.host or socket.gethostname(),
        model_says=tools.model_says,
    )
