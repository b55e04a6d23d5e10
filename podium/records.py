"""What happened: records that are written beside the results and read a year later."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from podium.spec import TrialSpec

SCHEMA_VERSION: Literal[1] = 1


def now() -> datetime:
    """The time, with its zone (UTC)."""
    return datetime.now(UTC)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Finite = Annotated[float | None, BeforeValidator(_finite)]
"""A number that JSON can hold: what is not finite becomes None."""


class Record(BaseModel):
    """Base of everything that is written down."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION


class Cause(StrEnum):
    """Why an attempt ended."""

    OK = "ok"
    AGENT = "agent"
    """The agent failed: counts, is not tried again."""
    INFRASTRUCTURE = "infrastructure"
    """A host, actor or service died: tried again, up to `retries`."""
    PREEMPTED = "preempted"
    """The host was drained: tried again, not counted."""
    STOPPED = "stopped"
    """The sweep was stopped; a resume starts a new attempt."""


class Tokens(Record):
    """Tokens as the model's answers counted them."""

    prompt: int = Field(0, ge=0)
    """Cached ones included."""
    completion: int = Field(0, ge=0)
    """Reasoning included."""
    cached: int = Field(0, ge=0)
    """Of the prompts', those that the engine had in its prefix cache, where it says so."""
    reasoning: int = Field(0, ge=0)
    requests: int = Field(0, ge=0)

    @property
    def total(self) -> int:
        return self.prompt + self.completion

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            prompt=self.prompt + other.prompt,
            completion=self.completion + other.completion,
            cached=self.cached + other.cached,
            reasoning=self.reasoning + other.reasoning,
            requests=self.requests + other.requests,
        )


class ModelUsage(Record):
    """What the gateway counted for one trial, over all its attempts."""

    requests: int = Field(0, ge=0)
    """Requests that an endpoint answered, also in part."""
    prompt: int = Field(0, ge=0)
    """Tokens of the prompts, cached ones included."""
    cached: int = Field(0, ge=0)
    """Tokens of the prompts that the engine had in its prefix cache, as it says itself."""
    completion: int = Field(0, ge=0)
    """Tokens of the answers, reasoning included."""
    reasoning: int = Field(0, ge=0)
    estimated: int = Field(0, ge=0)
    """Requests whose endpoint never said what they used, so that it was counted from the text."""
    replayed: int = Field(0, ge=0)
    """Requests answered from a recording or a cache; they use no tokens."""
    fallbacks: dict[str, int] = {}
    """Requests answered by another model than the one asked, by that model's name."""
    cost: float = Field(0.0, ge=0)
    """USD, by the catalogue's prices."""
    seconds: float = Field(0.0, ge=0)
    """Time of all requests together, from the gateway's side."""
    first_token_seconds: float = Field(0.0, ge=0)
    """Of that, until the first byte of the answer."""
    replicas: tuple[str, ...] = ()
    """Who answered, sorted."""

    @property
    def tokens(self) -> int:
        return self.prompt + self.completion

    @property
    def cache_hit_rate(self) -> float | None:
        """Share of the prompts' tokens that were cached; None without any."""
        return self.cached / self.prompt if self.prompt else None


class AttemptRecord(Record):
    """One try at a trial: `attempts/<n>/attempt.json`, written once when the attempt ends."""

    trial_id: str
    attempt: int = Field(ge=0)
    cause: Cause
    message: str = ""
    started_at: datetime
    ended_at: datetime
    digest: str | None = None
    """Of the submission in `attempts/<n>/submission`; None: there is none."""
    steps: int = 0
    executions: int = 0
    """Programs run in a sandbox."""
    execution_seconds: float = 0.0
    tokens: Tokens = Tokens()
    away_seconds: float = 0.0
    """How long the attempt's clock stood still because its model was away."""
    sandbox: str = ""
    unbounded: tuple[str, ...] = ()
    """Limits that the sandbox could not enforce on its host."""
    host: str = ""
    model_says: str = ""
    """What the model's endpoint calls itself, for example that it is no LLM."""


class Accepted(Record):
    """`accepted.json`: the one attempt that is graded. Linked before the grade is asked; first wins."""

    trial_id: str
    attempt: int
    digest: str | None


class Grade(Record):
    """The grader's one answer for a trial's submission. The keys from `competition_id` to
    `submission_path` are those of MLE-bench's competition report."""

    trial_id: str
    digest: str | None
    competition_id: str
    score: Finite
    """Rounded to 5 decimals; None: invalid or missing, or not finite where the task's rules let that pass."""
    gold_threshold: Finite
    """None: the leaderboard has a gap at that place."""
    silver_threshold: Finite
    bronze_threshold: Finite
    median_threshold: Finite
    any_medal: bool
    gold_medal: bool
    silver_medal: bool
    bronze_medal: bool
    above_median: bool
    submission_exists: bool
    valid_submission: bool
    is_lower_better: bool
    created_at: datetime
    submission_path: str = ""
    message: str = ""
    """Why it is invalid, in words that give no answer away."""

    @property
    def medal(self) -> Literal["gold", "silver", "bronze", ""]:
        if self.gold_medal:
            return "gold"
        if self.silver_medal:
            return "silver"
        return "bronze" if self.bronze_medal else ""


class TrialRecord(Record):
    """`trial.json`: it exists, so the trial is done. Written last; first wins."""

    spec: TrialSpec
    outcome: Cause
    message: str = ""
    attempts: tuple[AttemptRecord, ...]
    accepted: Accepted | None
    grade: Grade | None
    usage: ModelUsage | None = None
    """What the gateway counted; None: the trial asked no model, or the gateway did not answer."""
    finished_at: datetime
