"""The sweep's entry script and its Ray shell: agent actors, the grader and the gateway as the runner's ports.

ray job submit --working-dir . -- python jobs/sweep.py --agent aide --split starter --seeds 2
"""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":  # as a script: the checkout is the root of imports, and jobs/ shadows nothing
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

import asyncio
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import click
import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
from rich.console import Console

from agents.actor import AgentActor
from agents.catalogue import AgentEntry
from agents.order import AttemptOrder
from cluster.code import code_digest
from containers import backends, rootfs
from containers.sandbox import Probe
from grading.actor import find_grader
from grading.order import GradeOrder
from jobs.catalogue import agent_entries
from jobs.deploy import ensure
from jobs.drive import DONE, INTERRUPTED, SWEEP_LINE, USER_ERROR, drive, finish, prepare, show_plan, sole_driver
from jobs.options import Request, request, sweep_options
from jobs.plan import NO_MODEL
from jobs.sweepdir import SweepDir
from podium.brief import Hardware, Submission
from podium.errors import InfrastructureFailure, PodiumError, Preempted, Unavailable, UserError
from podium.placement import Role, options
from podium.records import Accepted, AttemptRecord, Grade
from podium.rundir import AttemptDir
from podium.settings import CHECKOUT, load_secrets, load_site
from podium.spec import TrialSpec
from podium.state import NAMESPACE, ClusterState, default_state_file, ray_environment, read_state
from serve.gateway_actor import find_gateway
from serve.keys import key_hash
from tasks import registry

ANSWER_SECONDS = 120.0
"""How long a service may take to answer; a grade of a large submission is the longest."""
PROBE_SECONDS = 300.0
"""How long trying the sandbox on a host may take: the first time it may have to be unpacked."""


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
            self._actors[place] = _new_agent_actor()
        actor = self._actors[place]
        try:
            record: AttemptRecord = await _answer(actor.run.remote(order))
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
            task=registry.find(trial.task, self._site).grading(self._site),
            digest=accepted.digest,
            files=dict(submission),
            submission_path=str(trial_dir / "submission" / names[0]) if names else "",
        )
        grade: Grade = await _answer(self._grader.grade.remote(order), ANSWER_SECONDS)
        await self._forget(trial)
        return grade

    async def ledger(self, run_group: str) -> list[str]:
        """See `jobs.drive.Ports`."""
        rows: list[str] = await _answer(self._grader.rows.remote(run_group), ANSWER_SECONDS)
        return rows

    async def _key(self, trial: TrialSpec) -> str:
        """The trial's own key; gateway and grader know its hash only."""
        if trial.trial_id in self._keys:
            return self._keys[trial.trial_id]
        key = secrets.token_urlsafe(32)
        task = registry.find(trial.task, self._site).grading(self._site)
        await _answer(self._grader.register.remote(key_hash(key), task), ANSWER_SECONDS)
        if trial.model != NO_MODEL:
            await _answer(
                self._gateway.register.remote(trial.trial_id, key_hash(key), (trial.model,), trial.budget.tokens),
                ANSWER_SECONDS,
            )
        self._keys[trial.trial_id] = key
        return key

    async def _forget(self, trial: TrialSpec) -> None:
        """Shut the key of a graded trial out; where a service is away, it forgets it with its own restart or not."""
        key = self._keys.pop(trial.trial_id, None)
        if key is None:
            return
        with suppress(InfrastructureFailure):
            await _answer(self._grader.forget.remote(key_hash(key)), ANSWER_SECONDS)
            if trial.model != NO_MODEL:
                await _answer(self._gateway.revoke.remote(trial.trial_id), ANSWER_SECONDS)


def _code_environment() -> dict[str, Any]:
    """The runtime environment in which workers find this code: an uploaded package brings it by itself."""
    if ray.get_runtime_context().runtime_env.get("working_dir"):
        return {}
    return {"env_vars": {"PYTHONPATH": str(CHECKOUT)}}


def _new_agent_actor() -> Any:
    chosen = options(Role.AGENT, max_restarts=0, max_task_retries=0, runtime_env=_code_environment())
    return ray.remote(AgentActor).options(**chosen).remote()


async def _answer(reference: Any, seconds: float | None = None) -> Any:
    """The answer of an actor; Ray's errors become ours, and what the actor raised comes out as it was."""
    try:
        return await asyncio.wait_for(reference, seconds)
    except asyncio.CancelledError:
        ray.cancel(reference)
        raise
    except TimeoutError:
        raise InfrastructureFailure(f"A service did not answer within {seconds:g} s.") from None
    except ray.exceptions.RayError as error:
        raise ours(error) from None


def ours(error: Exception) -> PodiumError:
    """A Ray error as one of ours; what an actor raised on purpose comes out as it was."""
    if isinstance(error, ray.exceptions.RayTaskError):
        return error.cause if isinstance(error.cause, PodiumError) else InfrastructureFailure(f"A call failed: {error}")
    kind = Preempted if getattr(error, "preempted", False) else InfrastructureFailure
    return kind(f"{type(error).__name__}: {_first_line(error)}")


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0]


def _probe(backend: str, scratch: Path) -> Probe:
    return backends.backend(backend).probe(scratch)


def check_sandboxes(backend: str, scratch: Path, console: Console) -> None:
    """Try the sandbox on every agent host. Raises Unavailable, saying what to install where."""
    hosts = [node for node in ray.nodes() if node["Alive"] and node["Labels"].get("role") == Role.AGENT.value]
    if not hosts:
        raise Unavailable("The cluster has no host with the role `agent`.", "Look at `podium status`; `podium up`.")
    asked = {
        node["NodeManagerHostname"]: ray.remote(_probe)
        .options(
            **options(
                Role.AGENT,
                scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
                runtime_env=_code_environment(),
            )
        )
        .remote(backend, scratch)
        for node in hosts
    }
    for host, reference in asked.items():
        try:
            found: Probe = ray.get(reference, timeout=PROBE_SECONDS)
        except ray.exceptions.RayError as error:
            raise ours(error) from None
        if not found.usable:
            raise Unavailable(f"The sandbox {backend} cannot be used on {host}: {found.reason}", found.remedy)
        if not found.jail:
            console.print(
                f"WARNING: the sandbox {backend} is no jail: code written by models runs unconfined on {host}."
            )


def enter_environment(state: ClusterState) -> None:
    """Start this process anew where it lacks the cluster's variables: Ray reads the token's path once, at its start."""
    wanted = ray_environment(state, default_state_file())
    if any(os.environ.get(name) != value for name, value in wanted.items() if name.startswith("RAY_AUTH")):
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **wanted})  # noqa: S606 (itself again)


@contextmanager
def connected(state: ClusterState) -> Iterator[None]:
    """Speak to the cluster, for as long as the context lasts."""
    try:
        ray.init(state.address, namespace=NAMESPACE, log_to_driver=False, logging_level="warning")
    except (ConnectionError, ray.exceptions.RayError) as error:
        raise Unavailable(
            f"The cluster at {state.address} does not answer: {_first_line(error)}", "Type `podium status`."
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


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
        check_sandboxes(prepared.record.spec.sandbox, site.scratch_dir(), console)
        sweep = prepared.open()
        name = f"{SWEEP_LINE}{sweep.record.sweep_id}: {sweep.main}"
        console.print(name, markup=False, highlight=False, soft_wrap=True)
        with sole_driver(sweep):
            ports = RayPorts(state, sweep)
            result, report = asyncio.run(drive(prepared, ports, asked, console, sweep))
            return finish(result, report, sweep, asked, console)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@sweep_options
def sweep(**values: Any) -> None:
    """Run agents x tasks x models x seeds on the running cluster and grade what they hand in."""
    try:
        code = run(request(values))
    except PodiumError as error:
        click.echo(f"sweep: {error}", err=True)
        code = USER_ERROR
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    sweep()
