"""The facts that the plan needs, looked up in the catalogues of agents, tasks and models."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import JsonValue

from agents import catalogue
from agents.catalogue import AgentEntry
from jobs.plan import NO_MODEL, AgentFacts, Plan, TaskFacts, plan
from jobs.recordings import replays
from podium.errors import UnknownName, UserError
from podium.plugins import load
from podium.settings import Site, checked
from podium.spec import Budget, SweepSpec
from serve.models import catalogue_of
from serve.tapes.tape import is_replay
from tasks import registry


def agent_entries(spec: SweepSpec) -> dict[str, AgentEntry]:
    """The sweep's agents with its options over their own. An option may be known to some of the agents only.

    Raises UnknownName for an agent, or for an option that none of them knows; UserError for a value that does not fit.
    """
    entries: dict[str, AgentEntry] = {}
    known: set[str] = set()
    refused: dict[str, UnknownName] = {}
    for name in spec.agents:
        catalogue.find(name)
        fitting: dict[str, JsonValue] = {}
        for key, value in spec.options.items():
            try:
                catalogue.find(name, {key: value})
            except UnknownName as error:
                refused[key] = error
            else:
                fitting[key] = value
        known |= fitting.keys()
        entries[name] = catalogue.find(name, fitting)
        load(entries[name].agent_class)(entries[name].options)  # a value that it refuses is refused before the start
    for key, refusal in refused.items():
        if key not in known:
            raise refusal
    return entries


def agent_facts(entry: AgentEntry, spec: SweepSpec) -> AgentFacts:
    """The budget: its defaults, under the agent's section, under the sweep's, under `--set`."""
    section = catalogue.find(entry.name).budget
    set_here = {key: value for key, value in entry.budget.items() if section.get(key) != value}
    given = spec.budget.model_dump(include=spec.budget.model_fields_set)
    values: Mapping[str, object] = {**Budget().model_dump(), **section, **given, **set_here}
    return AgentFacts(
        name=entry.name,
        needs_model=entry.needs_model,
        kinds=entry.kinds,
        options=entry.options,
        budget=checked(Budget, values, f"The budget of {entry.name}"),
    )


def task_facts(task_id: str, site: Site) -> TaskFacts:
    """Raises UnknownName; a task that is not prepared, or has no leaderboard, is a fact."""
    task = registry.find(task_id, site)
    try:
        task.check_prepared(site)
        task.grading(site)
    except UserError as error:
        return TaskFacts(id=task.id, kind=task.kind, obstacle=f"{error.message} {error.remedy}")
    except FileNotFoundError as error:
        return TaskFacts(id=task.id, kind=task.kind, obstacle=f"It cannot be judged: there is no {error.filename}.")
    return TaskFacts(id=task.id, kind=task.kind)


def make_plan(spec: SweepSpec, sweep_id: str, site: Site, runs: Path | None = None) -> Plan:
    """Look everything up and plan; recordings lie below `runs` (None: the site's). Raises UserError, UnknownName."""
    agents = {name: agent_facts(entry, spec) for name, entry in agent_entries(spec).items()}
    tasks = {name: task_facts(name, site) for name in spec.tasks}
    known, recorded = catalogue_of(site), replays(spec.models, runs or site.runs)
    for model in spec.models:
        if model not in recorded:
            known.find(model)
    return plan(spec, sweep_id, agents, tasks)


def models_of(plan: Plan) -> list[str]:
    """The models that a plan's trials ask; a recording asks none."""
    return sorted({trial.model for trial in plan.trials if trial.model != NO_MODEL and not is_replay(trial.model)})
