"""What a report holds: one row a trial, one a task, one an agent."""

from __future__ import annotations

from datetime import datetime

from jobs.aggregate import Mean
from podium.records import Cause, Record


class TrialRow(Record):
    """One finished trial."""

    agent: str
    task: str
    model: str
    seed: int
    trial_id: str
    folder: str
    """Relative to the runs directory."""
    score: float | None
    medal: str
    submitted: bool
    valid: bool
    above_median: bool
    outcome: Cause
    message: str
    """Why it failed, or why the submission is invalid."""
    seconds: float
    """Wall time of all attempts together."""
    tokens: int
    requests: int
    prompt_tokens: int = 0
    cache_hit_rate: float | None = None
    """Share of the prompts' tokens that the engine had in its prefix cache, as it says itself."""
    cost: float = 0.0
    """USD, by the catalogue's prices."""
    replayed: int = 0
    """Requests answered from a recording or a cache."""
    fallbacks: dict[str, int] = {}
    """Requests that another model answered, by its name."""
    steps: int
    executions: int
    attempts: int
    causes: tuple[str, ...]
    """How each attempt ended."""
    sandbox: str
    unbounded: tuple[str, ...]
    model_says: str


class TaskRow(Record):
    """One agent and model on one task, over its seeds."""

    agent: str
    task: str
    model: str
    lower_is_better: bool
    score: Mean
    """Of the valid submissions."""
    best: float | None
    valid: int
    medals: tuple[int, int, int]
    """Gold, silver, bronze."""
    trials: int


class AgentRow(Record):
    """One agent with one model, over all its tasks."""

    agent: str
    model: str
    trials: int
    failed: int
    """Trials that ended by the agent's or the infrastructure's failure."""
    medals: tuple[int, int, int]
    valid: Mean
    """Per cent; mean and standard error over seeds, as the next two."""
    above_median: Mean
    any_medal: Mean
    pass_at: tuple[float, ...]
    """pass@1..pass@n in per cent: a trial passes with any medal."""
    seconds: float
    tokens: int
    cache_hit_rate: float | None = None
    """Of the prompts' tokens of all trials together."""
    cost: float = 0.0


class Report(Record):
    """All that is printed, as `report.json`."""

    title: str
    sweep_id: str
    created_at: datetime
    groups: tuple[str, ...]
    planned: int
    agents: tuple[AgentRow, ...]
    tasks: tuple[TaskRow, ...]
    trials: tuple[TrialRow, ...]
    unfinished: int
    """Planned trials without a record: `--resume` goes on with them."""
    misfits: tuple[str, ...]
    notes: tuple[str, ...]
    """What a reader must know of these numbers: models that are no LLM, sandboxes that are no jail."""


class Summary(Record):
    """One run group in a list of them."""

    run_group: str
    agent: str
    sweep_id: str
    created_at: datetime
    planned: int
    finished: int
    medals: int
