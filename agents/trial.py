"""The tools of one attempt: executor, model and validator within the budget, and everything written down."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Protocol

from pydantic import JsonValue

from agents.agent import Left, Message, Reply
from agents.allowance import Allowance
from agents.asking import Asking
from agents.notes import Notes
from agents.pool import ExecutorPool
from containers.sandbox import Execution
from podium.brief import Brief, Submission, Validity
from podium.errors import AgentFailure, InfrastructureFailure
from serve.client.retry import Caller

COLLECT = ("submission/*", "working/*")
MARKERS = {"submission/.keep": b"", "working/.keep": b""}
"""Files that make the two folders exist before a program runs."""


class Chat(Protocol):
    """The model's client, with its endpoint, key and model already chosen (`agents.model.ModelClient`)."""

    async def __call__(
        self,
        messages: Sequence[tuple[str, str]],
        temperature: float | None,
        schema: Mapping[str, Any] | None,
        caller: Caller,
    ) -> Reply:
        """One answer; `caller` is told what each request used, and of an outage. Raises as `Tools.chat` does."""
        ...


Validate = Callable[[Submission], Awaitable[Validity]]


class TrialTools:
    """The `Tools` of one attempt."""

    def __init__(
        self,
        brief: Brief,
        notes: Notes,
        allowance: Allowance,
        executors: ExecutorPool,
        chat: Chat,
        validate: Validate,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._brief, self._notes, self._allowance = brief, notes, allowance
        self._executors, self._chat, self._validate, self._clock = executors, chat, validate, clock
        self.kept: Submission | None = None
        self._closed = False
        self.executions = 0
        self.execution_seconds = 0.0
        self.model_says = ""

    async def execute(self, program: str, *, seconds: float | None = None) -> Execution:
        """See `Tools.execute`. A dead executor is replaced once; a second death is an InfrastructureFailure."""
        self._allowance.check()
        program = program.encode("utf-8", "replace").decode()
        name = self._notes.program(program, self._allowance.steps)
        try:
            run = await self._run(program, seconds)
        except InfrastructureFailure as error:
            self.event("executor_lost", message=error.message)
            run = await self._run(program, seconds)
        self.executions += 1
        self.execution_seconds += run.usage.seconds
        files = {path: content for path, content in run.files.items() if path not in MARKERS}
        self._notes.output(name, run)
        self.event("execution", program=name, ended=run.ended.value, detail=run.detail, seconds=run.usage.seconds)
        return run.model_copy(update={"files": files})

    async def _run(self, program: str, seconds: float | None) -> Execution:
        self._notes.progress(phase="waiting for an executor")
        with self._allowance.waiting():
            executor = await self._executors.take()
        self._notes.progress(phase="running")
        try:
            run = await executor.execute(program, self._seconds(seconds), COLLECT)
        except BaseException:
            self._executors.drop(executor)
            raise
        self._executors.give(executor)
        return run

    def _seconds(self, asked: float | None) -> float:
        bound = self._brief.execution_seconds
        return max(0.1, min(bound if asked is None else asked, bound, self._allowance.seconds_left()))

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
        purpose: str = "",
    ) -> Reply:
        """See `Tools.chat`."""
        self._allowance.check(tokens=True)
        started = self._clock()
        pairs = [(message.role, message.content) for message in messages]
        with Asking(self._allowance, self._notes, purpose or "asking the model") as asking:
            reply = await self._chat(pairs, temperature, schema, asking)
        self.model_says = reply.model
        self._notes.exchange(messages, reply, purpose, self._clock() - started - asking.away_seconds)
        return reply

    async def validate(self, submission: Submission) -> Validity:
        """See `Tools.validate`."""
        self._allowance.check()
        return await self._validate(submission)

    async def keep(self, submission: Submission, code: str, note: str = "") -> None:
        """See `Tools.keep`. An agent that outlives its attempt's end keeps nothing more: the digest is written down."""
        if self._closed:
            raise AgentFailure(
                "The attempt has ended; nothing is kept any more.", "An agent ends when it is cancelled."
            )
        for name in submission:
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not name:
                raise AgentFailure(f"{name!r} is no name for a submission's file.", "Use the names of the brief.")
        self._notes.best(submission, code, note)
        self.kept = submission
        self.event("kept", digest=submission.digest, note=note)

    def close(self) -> None:
        """End the attempt for an agent that does not end by itself."""
        self._closed = True

    def log(self, name: str, content: str) -> None:
        """See `Tools.log`."""
        self._notes.log(name, content)

    def event(self, kind: str, **fields: JsonValue) -> None:
        """See `Tools.event`. A `best` event with a `metric` is shown as the trial's progress."""
        self._notes.event(kind, fields)
        if kind == "best":
            self._notes.progress(metric=fields.get("metric"))

    def left(self) -> Left:
        return self._allowance.left()

    def step(self) -> None:
        """See `Tools.step`."""
        self._allowance.check()
        self._allowance.step()
        self._notes.progress(step=self._allowance.steps)
