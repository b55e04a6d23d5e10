"""The plan: which trials a sweep is, in which order, what they ask of the cluster, and what does not fit. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from pydantic import JsonValue

from podium.errors import UserError
from podium.spec import Budget, Limits, Name, Spec, SweepSpec, TrialSpec, trial_id

NO_MODEL = "none"
"""The model of an agent that asks none: its trials are the same whatever models a sweep names."""


class AgentFacts(Spec):
    """What the plan must know of an agent."""

    name: Name
    needs_model: bool
    kinds: tuple[str, ...] = ("competition",)
    """The kinds of task that it can solve."""
    options: dict[str, JsonValue] = {}
    """Its knobs, the sweep's own already over them."""
    budget: Budget = Budget()


class TaskFacts(Spec):
    """What the plan must know of a task."""

    id: Name
    kind: str = "competition"
    obstacle: str = ""
    """Why it cannot be run here (not prepared, ...); empty: it can."""


class Misfit(Spec):
    """A pair that the plan leaves out."""

    agent: str
    task: str
    reason: str


class Host(Spec):
    """What an agent host of the cluster offers altogether."""

    name: str
    cpus: float
    memory_mb: int
    gpus: float

    def holds(self, limits: Limits) -> bool:
        """Whether one sandbox with these limits fits on it when nothing else runs there."""
        return self.cpus >= limits.cpus and self.memory_mb >= limits.memory_mb and self.gpus >= limits.gpus

    def __str__(self) -> str:
        return f"{self.name}: {sizes(self.cpus, self.memory_mb, self.gpus)}"


class Resources(Spec):
    """What the sweep asks of the cluster at most."""

    trials: int
    parallel: int
    """Trials at once: what was asked, or fewer where there are fewer."""
    agent_actors: int
    """One per agent and task, light: they only wait."""
    executors: int
    """Sandboxes at once."""
    cpus: float
    memory_mb: int
    gpus: float
    disk_mb: int
    hours: float
    """Wall time if each trial used its whole budget and all slots were always full; no retries counted."""


class Plan(Spec):
    """A sweep, planned."""

    sweep_id: str
    trials: tuple[TrialSpec, ...]
    misfits: tuple[Misfit, ...]
    resources: Resources


def plan(spec: SweepSpec, sweep_id: str, agents: Mapping[str, AgentFacts], tasks: Mapping[str, TaskFacts]) -> Plan:
    """Every trial of the sweep: all pairs of a seed come before the next seed, so that early results cover all tasks.

    `agents` and `tasks` hold the facts of every name in `spec`; `sweep_id` is a UUID's text.
    """
    reasons = {
        (agent, task): reason
        for agent, task in product(spec.agents, spec.tasks)
        if (reason := misfit(agents[agent], tasks[task]))
    }
    trials = tuple(
        _trial(spec, sweep_id, agents[agent], task, model, seed)
        for seed, task, agent in product(range(spec.seeds), spec.tasks, spec.agents)
        if (agent, task) not in reasons
        for model in (spec.models if agents[agent].needs_model else (NO_MODEL,))
    )
    misfits = tuple(Misfit(agent=agent, task=task, reason=reason) for (agent, task), reason in reasons.items())
    return Plan(sweep_id=sweep_id, trials=trials, misfits=misfits, resources=resources(spec, trials))


def misfit(agent: AgentFacts, task: TaskFacts) -> str:
    """Why `agent` cannot be put on `task`; empty where it can."""
    if task.obstacle:
        return task.obstacle
    if task.kind not in agent.kinds:
        return f"{agent.name} solves tasks of kind {', '.join(agent.kinds)}; {task.id} is of kind {task.kind}"
    return ""


def resources(spec: SweepSpec, trials: tuple[TrialSpec, ...]) -> Resources:
    """What `trials` ask of the cluster when as many run at once as may."""
    parallel = min(spec.parallel, len(trials))
    executors = parallel * spec.executors
    return Resources(
        trials=len(trials),
        parallel=parallel,
        agent_actors=len({(trial.agent, trial.task) for trial in trials}),
        executors=executors,
        cpus=executors * spec.limits.cpus,
        memory_mb=executors * spec.limits.memory_mb,
        gpus=executors * spec.limits.gpus,
        disk_mb=executors * spec.limits.disk_mb,
        hours=sum(trial.budget.seconds for trial in trials) / parallel / 3600 if trials else 0.0,
    )


def check_room(hosts: Sequence[Host], limits: Limits) -> None:
    """Raise UserError, naming the sizes, where no host could ever hold one sandbox: its trial would wait for ever."""
    if any(host.holds(limits) for host in hosts):
        return
    raise UserError(
        f"A sandbox of this sweep asks for {sizes(limits.cpus, limits.memory_mb, limits.gpus)}, and no agent host "
        f"is that large ({'; '.join(map(str, hosts))}).",
        "Ask for less, for example `--limit memory_mb=2048 --limit cpus=1`, or add a larger host.",
    )


def sizes(cpus: float, memory_mb: int, gpus: float) -> str:
    """`2 CPUs, 4096 MiB`, with the GPUs where there are any."""
    return f"{cpus:g} CPUs, {memory_mb} MiB" + (f", {gpus:g} GPUs" if gpus else "")


def _trial(spec: SweepSpec, sweep_id: str, agent: AgentFacts, task: str, model: str, seed: int) -> TrialSpec:
    return TrialSpec(
        sweep_id=sweep_id,
        trial_id=trial_id(sweep_id, agent.name, task, model, seed),
        agent=agent.name,
        task=task,
        model=model,
        seed=seed,
        sandbox=spec.sandbox,
        executors=spec.executors,
        limits=spec.limits,
        budget=agent.budget,
        options=agent.options,
    )
