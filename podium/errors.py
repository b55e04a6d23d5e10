"""Every error that Podium raises on purpose, each with a remedy.

    PodiumError              message + remedy; `str()` shows both
      UserError              what was asked cannot be: fix the input            (exit code 1)
        UnknownName          a name that is not there; answers with the near ones
        SpecChanged          a resume whose spec differs from the one on disk
      Unavailable            a part of the site is missing or down: install or start it
      InfrastructureFailure  a host, actor or service died under a trial, or stayed away: it is tried again
        Preempted            the host was drained or reclaimed: does not count as a try
      AgentFailure           the agent could not do its work: counts, and is reported
        ModelFailure         the model's endpoint refused
          UnfitReply         it answers, but never in the form that was asked for
          ContextOverflow    the prompt is longer than the model's context
        BudgetSpent          seconds, steps or tokens ran out before a submission

An error's `args` are its fields, so that it survives pickling between two actors.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PodiumError(Exception):
    """An error with what happened (`message`) and what to do (`remedy`, may be empty)."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n  {self.remedy}" if self.remedy else self.message


class UserError(PodiumError):
    """What was asked cannot be done as it was asked."""


class UnknownName(UserError):
    """A name of some kind that is not among the known ones; says which are near."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        near = difflib.get_close_matches(name, self.known, n=3, cutoff=0.5)
        if near:
            remedy = "Did you mean " + " or ".join(near) + "?"
        elif self.known:
            shown = ", ".join(self.known[:12]) + (f" and {len(self.known) - 12} more" if len(self.known) > 12 else "")
            remedy = f"There are: {shown}."
        else:
            remedy = f"There is no {kind} at all yet."
        super().__init__(f"There is no {kind} named {name!r}.", remedy)
        self.args = (kind, name, self.known)


class SpecChanged(UserError):
    """A resume was asked with another spec than the one that lies beside the results."""

    def __init__(self, key: str, before: str, now: str) -> None:
        self.key, self.before, self.now = key, before, now
        super().__init__(
            f"This run was started with {key} = {before}, and is now asked to go on with {now}.",
            "Resume with the same value, or start a new sweep.",
        )
        self.args = (key, before, now)


class Unavailable(PodiumError):
    """Something that the work needs is not installed, not started or not reachable."""


class InfrastructureFailure(PodiumError):
    """A host, an actor or a service died under a trial, or stayed away; the trial is tried again."""


class Preempted(InfrastructureFailure):
    """The host was drained or reclaimed; the attempt does not count as a try."""


class AgentFailure(PodiumError):
    """The agent did not come to a submission."""


class ModelFailure(AgentFailure):
    """The model's endpoint refused the request for good."""


class UnfitReply(ModelFailure):
    """The model answers, but never in the form that was asked for (a schema)."""


class ContextOverflow(ModelFailure):
    """The prompt, with the room asked for the answer, is longer than the model's context."""

    def __init__(self, model: str, limit: int | None, said: str) -> None:
        self.model, self.limit, self.said = model, limit, said
        room = f"{limit} tokens" if limit else "the model's context"
        super().__init__(f"The prompt does not fit {room} of {model}: {said}", "Send less, or ask a model with more.")
        self.args = (model, limit, said)


class BudgetSpent(AgentFailure):
    """The trial's seconds, steps or tokens ran out before there was a submission."""
