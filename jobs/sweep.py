"""The sweep's entry script: agent actors, the grader and the gateway as the runner's ports.

ray job submit --working-dir . -- python jobs/sweep.py --agent aide --split starter --seeds 2
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # as a script: the checkout is the root of imports, and jobs/ shadows nothing
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import asyncio
import os
import random
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import click
from rich.console import Console

from agents.actor import start_agent
from agents.catalogue import AgentEntry
from agents.order import AttemptOrder
from cluster.code import code_digest
from cluster.health import own_submission
from containers import rootfs
from grading.actor import find_grader
from grading.order import GradeOrder, GradingTask
from jobs import cli
from jobs.catalogue import agent_entries, models_of
from jobs.connection import (
    ANSWER_SECONDS,
    answer,
    check_hosts,
    check_models,
    code_environment,
    connected,
    enter_environment,
)
from jobs.deploy import ensure
from jobs.drive import DONE, SWEEP_LINE, drive, finish, prepare, show_plan
from jobs.options import Request, request, sweep_options
from jobs.patience import Answer, patiently
from jobs.plan import NO_MODEL
from jobs.runner import Policy
from jobs.sweepdir import SweepDir
from podium.brief import Hardware, Submission
from podium.errors import InfrastructureFailure, Unavailable, UserError
from podium.keys import key_hash
from podium.records import Accepted, AttemptRecord, Grade
from podium.rundir import AttemptDir
from podium.settings import CHECKOUT, load_secrets, load_site
from podium.spec import TrialSpec
from podium.state import ClusterState, default_state_file, read_state
from serve.gateway_actor import find_gateway
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

    async def start(self, trial: TrialSpec, attempt: AttemptDir) -> AttemptRecord:
        """See `jobs.ports.Start`."""
        key = await self._key(trial)
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

    async def ledger(self, run_group: str) -> list[str]:
        """See `jobs.drive.Ports`."""
        rows: list[str] = await _patiently(lambda: answer(self._grader.rows.remote(run_group), ANSWER_SECONDS))
        return rows

    async def _key(self, trial: TrialSpec) -> str:
        """The trial's own key; gateway and grader know its hash only."""
        if trial.trial_id not in self._keys:
            key = secrets.token_urlsafe(32)
            await _patiently(lambda: self._register(trial, key_hash(key)))
            self._keys[trial.trial_id] = key
        return self._keys[trial.trial_id]

    def _judged(self, trial: TrialSpec) -> GradingTask:
        """How the trial's task is judged in this sweep."""
        return registry.grading_of(trial.task, self._site, strict=self._sweep.record.spec.strict)

    async def _register(self, trial: TrialSpec, hashed: str) -> None:
        await answer(self._grader.register.remote(hashed, self._judged(trial)), ANSWER_SECONDS)
        if trial.model != NO_MODEL:
            grant = (trial.trial_id, hashed, (trial.model,), trial.budget.tokens)
            await answer(self._gateway.register.remote(*grant), ANSWER_SECONDS)

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


def run(asked: Request) -> int:
    """A sweep from request to report; gives the exit code. Raises PodiumError where it cannot begin."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160
    console = Console(stderr=asked.as_json, width=wide)
    if asked.dry_run:
        state = read_state() if asked.site is None and default_state_file().exists() else None
        site = state.site if state else load_site(asked.site)
        prepared = prepare(asked, site, load_secrets(CHECKOUT, os.environ))
        show_plan(prepared.plan, console, as_json=asked.as_json)
        return DONE
    state = read_state()
    enter_environment(state)
    site = state.site
    prepared = prepare(asked, site, load_secrets(state.checkout, os.environ), code_digest(CHECKOUT))
    if not prepared.plan.trials:
        show_plan(prepared.plan, console, as_json=False)
        raise UserError("Nothing fits.", "Mend what the plan says, for example with `podium prepare`.")
    state = ensure(default_state_file())
    with connected(state):
        check_hosts(prepared.record.spec, site.scratch_dir(), console)
        check_models(models_of(prepared.plan))
        with prepared.opened() as sweep:
            name = f"{SWEEP_LINE}{sweep.record.sweep_id}: {sweep.main}"
            console.print(name, markup=False, highlight=False, soft_wrap=True)
            if job := own_submission(os.environ):
                said = f"Ctrl-C only stops watching, the sweep goes on. To stop it: ray job stop {job}"
                console.print(said, markup=False, highlight=False, soft_wrap=True)
            if sweep.record.digest != code_digest(CHECKOUT):
                console.print("NOTE: the code, or an agent's knobs, changed since this sweep was begun.")
            ports = RayPorts(state, sweep)
            result, report = asyncio.run(drive(prepared, ports, asked, console, sweep))
            return finish(result, report, sweep, asked, console)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@sweep_options
def sweep(**values: Any) -> int:
    """Run agents x tasks x models x seeds on the running cluster and grade what they hand in."""
    return run(request(values))


if __name__ == "__main__":
    cli.run(sweep, "sweep")
