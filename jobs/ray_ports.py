"""Agent actors, the grader and the gateway of a Ray cluster, as the runner's ports."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from agents.actor import start_agent
from agents.catalogue import AgentEntry
from agents.order import AttemptOrder
from containers import rootfs
from grading.actor import find_grader
from grading.order import GradeOrder, GradingTask
from jobs.catalogue import agent_entries
from jobs.connection import ANSWER_SECONDS, answer, code_environment
from jobs.patience import Answer, patiently
from jobs.plan import NO_MODEL
from jobs.policy import Policy
from jobs.recordings import replays, tape_of
from jobs.sweepdir import SweepDir
from podium.brief import Hardware, Submission
from podium.errors import InfrastructureFailure, Unavailable
from podium.keys import key_hash
from podium.records import Accepted, AttemptRecord, Grade, ModelUsage
from podium.rundir import AttemptDir
from podium.spec import TrialSpec
from podium.state import ClusterState
from serve.gateway.actor import find_gateway
from serve.gateway.grant import Grant
from tasks import registry


class RayPorts:
    """The runner's ports on a Ray cluster."""

    def __init__(self, state: ClusterState, sweep: SweepDir) -> None:
        self._state, self._sweep, self._site = state, sweep, sweep.record.site
        self._grader, self._gateway = find_grader(), find_gateway()
        self._entries: dict[str, AgentEntry] = agent_entries(sweep.record.spec)
        self._actors: dict[tuple[str, str], Any] = {}
        self._keys: dict[str, str] = {}
        self._packages = rootfs.packages()
        self._recorded = replays(sweep.record.spec.models, sweep.runs)

    async def start(self, trial: TrialSpec, attempt: AttemptDir) -> AttemptRecord:
        """See `jobs.ports.Start`."""
        key = await self._key(trial, attempt)
        task = registry.find(trial.task, self._site)
        limits = trial.limits
        hardware = Hardware(cpus=limits.cpus, memory_mb=limits.memory_mb, gpus=limits.gpus, packages=self._packages)
        order = AttemptOrder(
            trial=trial,
            brief=task.brief(
                self._site,
                budget=trial.budget,
                hardware=hardware,
                seed=trial.seed,
                execution_seconds=trial.limits.seconds,
            ),
            agent_class=self._entries[trial.agent].agent_class,
            attempt_dir=attempt.path,
            data=self._site.public_dir(trial.task),
            scratch=self._site.scratch_dir(),
            base_url=self._state.gateway,
            api_key=key,
            model=trial.model,
            validator=self._state.validator,
        )
        place = (trial.agent, trial.task)
        if place not in self._actors:
            self._actors[place] = start_agent(runtime_env=code_environment())
        actor = self._actors[place]
        try:
            record: AttemptRecord = await answer(actor.run.remote(order))
        except InfrastructureFailure:
            if self._actors.get(place) is actor:
                del self._actors[place]
            raise
        return record

    async def grade(self, trial: TrialSpec, attempt: AttemptDir, accepted: Accepted, submission: Submission) -> Grade:
        """See `jobs.ports.AskGrade`."""
        names, trial_dir = sorted(submission), attempt.path.parent.parent
        order = GradeOrder(
            trial_id=trial.trial_id,
            sweep_id=trial.sweep_id,
            run_group=self._sweep.group(trial.agent).name,
            task=self._judged(trial),
            digest=accepted.digest,
            files=dict(submission),
            submission_path=str(trial_dir / "submission" / names[0]) if names else "",
        )
        grade: Grade = await answer(self._grader.grade.remote(order), ANSWER_SECONDS)
        await self._forget(trial)
        return grade

    async def usage(self, trial: TrialSpec) -> ModelUsage | None:
        """See `jobs.ports.AskUsage`."""
        if trial.model == NO_MODEL:
            return None
        try:
            used: ModelUsage = await _patiently(
                lambda: answer(self._gateway.usage.remote(trial.trial_id), ANSWER_SECONDS)
            )
        except Unavailable:
            return None
        return used

    async def ledger(self, run_group: str) -> list[str]:
        """See `jobs.drive.Ports`."""
        rows: list[str] = await _patiently(lambda: answer(self._grader.rows.remote(run_group), ANSWER_SECONDS))
        return rows

    async def _key(self, trial: TrialSpec, attempt: AttemptDir) -> str:
        """The attempt's own key, in place of the last one's; gateway and grader know its hash only."""
        key = secrets.token_urlsafe(32)
        await _patiently(lambda: self._register(trial, attempt, key_hash(key)))
        before = self._keys.pop(trial.trial_id, None)
        if before is not None:
            with suppress(InfrastructureFailure):
                await answer(self._grader.forget.remote(key_hash(before)), ANSWER_SECONDS)
        self._keys[trial.trial_id] = key
        return key

    def _judged(self, trial: TrialSpec) -> GradingTask:
        """How the trial's task is judged in this sweep."""
        return registry.grading_of(trial.task, self._site, strict=self._sweep.record.spec.strict)

    async def _register(self, trial: TrialSpec, attempt: AttemptDir, hashed: str) -> None:
        await answer(self._grader.register.remote(hashed, self._judged(trial)), ANSWER_SECONDS)
        if trial.model == NO_MODEL:
            return
        budget = trial.budget
        grant = Grant(
            trial_id=trial.trial_id,
            key_hash=hashed,
            models=(trial.model,),
            tokens=budget.tokens,
            requests=budget.requests,
            cost=budget.cost,
            rate=self._sweep.record.spec.rate,
            tape=tape_of(trial, attempt, self._sweep, self._recorded),
        )
        await answer(self._gateway.register.remote(grant), ANSWER_SECONDS)

    async def _forget(self, trial: TrialSpec) -> None:
        """Shut the key of a graded trial out; a service that is away goes on knowing it, but nobody has it any more."""
        key = self._keys.pop(trial.trial_id, None)
        if key is None:
            return
        with suppress(InfrastructureFailure):
            await answer(self._grader.forget.remote(key_hash(key)), ANSWER_SECONDS)
            if trial.model != NO_MODEL:
                await answer(self._gateway.revoke.remote(trial.trial_id), ANSWER_SECONDS)


async def _patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """What a service answers, which may be starting again. Raises Unavailable, for no attempt may be lost with it."""
    policy = Policy()
    try:
        return await patiently(
            ask, policy.grade_tries, lambda failures: asyncio.sleep(policy.delay(failures, random.random()))
        )
    except InfrastructureFailure as error:
        raise Unavailable(
            f"A service did not answer {policy.grade_tries} times: {error.message}", "Look at `podium status`; resume."
        ) from None
