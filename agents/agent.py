"""The agent protocol: `async run(brief, tools) -> Submission`, and the tools it gets.

An agent is one file in `agents/` whose class satisfies `Agent`, and a section of a `.toml` beside it. It can name
neither the grader, nor private paths, nor the model's address: it has its Brief and these Tools, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol

from pydantic import JsonValue

from containers.sandbox import Execution
from podium.brief import Brief, Submission, Validity
from podium.records import Record
from podium.spec import Spec


class Message(Spec):
    """One message of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


class Reply(Record):
    """What a model answered."""

    content: str
    reasoning: str = ""
    """What the model thought before it spoke, where the endpoint tells it apart."""
    data: dict[str, JsonValue] | None = None
    """The object asked for by `schema`, checked against it; None where no schema was given."""
    finish_reason: str = ""
    """`stop`; `length`: the answer was cut at the most tokens it may have; empty: not said."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt's, those that the engine had in its prefix cache, where it says so."""
    reasoning_tokens: int = 0
    """Of the completion's, where the endpoint says so."""
    model: str = ""
    """What the endpoint calls itself."""


class Left(Record):
    """What is left of the trial's budget."""

    seconds: float
    steps: int
    tokens: int | None


class Tools(Protocol):
    """What an agent may do. Every call that costs checks the budget first and raises BudgetSpent."""

    async def execute(self, program: str, *, seconds: float | None = None) -> Execution:
        """Run Python in the trial's sandbox: data in `./input`, output expected in `./submission/`.

        The result's `files` are those below `submission/` and `working/`. Takes an executor when first called.
        """
        ...

    async def chat(
        self,
        messages: Sequence[Message],
        *,
        temperature: float | None = None,
        schema: Mapping[str, Any] | None = None,
        purpose: str = "",
    ) -> Reply:
        """Ask the trial's model. With a JSON `schema` the reply carries a checked object in `data`.

        An endpoint that is away is waited for, and that time is not the trial's; InfrastructureFailure where it stays
        away. Raises ModelFailure where it refuses: ContextOverflow for a prompt that is too long, UnfitReply where no
        answer fits the schema.
        """
        ...

    async def validate(self, submission: Submission) -> Validity:
        """Ask whether a submission has the right form: public knowledge only, never a score."""
        ...

    async def keep(self, submission: Submission, code: str, note: str = "") -> None:
        """Save this as the best so far (atomically); a death later still leaves it to be graded."""
        ...

    def log(self, name: str, content: str) -> None:
        """Write `logs/<name>` as a whole (journal.json, ...); whoever reads it sees the old or the new."""
        ...

    def event(self, kind: str, **fields: JsonValue) -> None:
        """Append one line to `logs/events.jsonl`: what happened, with the time."""
        ...

    def left(self) -> Left: ...

    def step(self) -> None:
        """Count one step of the budget; raises BudgetSpent when none is left."""
        ...


class Agent(Protocol):
    """Solves a brief."""

    async def run(self, brief: Brief, tools: Tools) -> Submission:
        """Hand in the best submission. Raises AgentFailure where there is none."""
        ...
