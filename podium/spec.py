"""What is asked: limits, budgets, trials and sweeps, as frozen pydantic models."""

from __future__ import annotations

import uuid
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$")]
"""A name of an agent, a task or a model: no spaces, no underscore at the front, no shell characters."""


class Spec(BaseModel):
    """Base of everything that is asked: frozen, and a misspelt key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Spec):
    """What one sandbox may use. Memory counts everything inside it, temporary file systems included."""

    memory_mb: int = Field(2048, ge=64)
    disk_mb: int = Field(1024, ge=1)
    """Size of the workspace (MiB)."""
    file_mb: int = Field(512, ge=1)
    """Largest single file (MiB)."""
    files: int = Field(20_000, ge=16)
    """Inodes of the workspace."""
    shm_mb: int | None = Field(None, ge=1)
    """Size of /dev/shm (MiB), which counts as memory; None: half of `memory_mb`."""
    processes: int = Field(128, ge=4)
    cpus: float = Field(1.0, gt=0, allow_inf_nan=False)
    gpus: float = Field(0.0, ge=0, allow_inf_nan=False)
    seconds: float = Field(600.0, gt=0, allow_inf_nan=False)
    """Wall time of one execution."""
    output_bytes: int = Field(1 << 20, ge=1024)
    """Most bytes of standard output and standard error together; more ends the execution."""


class Budget(Spec):
    """What one trial may use altogether."""

    seconds: float = Field(3600.0, gt=0, allow_inf_nan=False)
    """Wall time of one attempt; waiting for an executor, or for a model that is away, is not counted."""
    steps: int = Field(20, ge=1)
    """Nodes of the journal, where the agent makes such."""
    tokens: int | None = Field(None, ge=1)
    """Prompt and completion tokens together; None: not bounded."""
    requests: int | None = Field(None, ge=1)
    """Requests to the model; None: not bounded."""
    cost: float | None = Field(None, gt=0, allow_inf_nan=False)
    """What the model's answers may cost (USD, by the catalogue's prices); None: not bounded."""


class TrialSpec(Spec):
    """One agent x task x model x seed of a sweep."""

    sweep_id: str
    trial_id: str
    """UUID made from the sweep's id and the four coordinates: the same for the same trial, for ever."""
    agent: Name
    task: Name
    model: Name
    seed: int = Field(ge=0)
    sandbox: str = "bubblewrap"
    executors: int = Field(1, ge=1)
    limits: Limits = Limits()
    budget: Budget = Budget()
    options: dict[str, JsonValue] = {}
    """The agent's own knobs, by the names of its section in agents/*.toml."""


class SweepSpec(Spec):
    """A sweep: which agents on which tasks with which models, how often, with what."""

    agents: tuple[Name, ...] = Field(min_length=1)
    tasks: tuple[Name, ...] = Field(min_length=1)
    models: tuple[Name, ...] = Field(("offline",), min_length=1)
    seeds: int = Field(1, ge=1)
    """Seeds 0..seeds-1."""
    parallel: int = Field(4, ge=1)
    """How many trials run at once."""
    executors: int = Field(1, ge=1)
    """How many sandboxes one trial may use at once."""
    retries: int = Field(2, ge=0)
    """How often a trial is tried again after an infrastructure failure (preemption not counted)."""
    sandbox: str = "bubblewrap"
    limits: Limits = Limits()
    budget: Budget = Budget()
    rate: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Requests a minute that one trial may make to its model; None: not bounded."""
    record: bool = False
    """Keep every request to a model and its answer in the run group, for `replay:RUN_GROUP`."""
    cache: bool = False
    """Answer from the cache that all trials of the site share what was asked before; keep there what was not. Trials
    that ask the same then hear the same: their seeds are independent only as far as the requests carry them."""
    strict: bool = False
    """Judge MLE-bench's competitions rightly where the benchmark's own rules are wrong."""
    options: dict[str, JsonValue] = {}
    """Knobs set for every agent of the sweep (`--set KEY=VALUE`), over those of agents/*.toml."""


def trial_id(sweep_id: str, agent: str, task: str, model: str, seed: int) -> str:
    """UUIDv5 of the trial's coordinates in its sweep. `sweep_id` is itself a UUID's text."""
    return str(uuid.uuid5(uuid.UUID(sweep_id), "\n".join((agent, task, model, str(seed)))))
