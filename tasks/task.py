"""The task protocol: what an agent is told (`brief`), how it is judged (`grading`), and how its data come to be."""

from __future__ import annotations

from typing import Literal, Protocol

from grading.order import GradingTask
from podium.brief import Brief, Hardware
from podium.settings import Site
from podium.spec import Budget

Kind = Literal["competition", "technique", "experiment"]


class Task(Protocol):
    """Something that is put to an agent. Found by `tasks.registry.find`."""

    @property
    def id(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    def brief(self, site: Site, *, budget: Budget, hardware: Hardware, seed: int, execution_seconds: float) -> Brief:
        """All that an agent is told. Reads public data only. Raises UserError where these are not prepared."""
        ...

    def grading(self, site: Site, *, strict: bool = False) -> GradingTask:
        """How submissions are judged: public knowledge only, no answer.

        `strict`: rightly, where by default MLE-bench's faults are kept; our own tasks are always judged strictly.
        Raises UserError where a user's own leaderboard cannot be read.
        """
        ...

    def check_prepared(self, site: Site) -> None:
        """Raise UserError, naming the command that helps, unless the public half is there, byte for byte."""
        ...

    def prepare(self, site: Site) -> None:
        """Make the data below `site`: deterministic, atomic for readers, does nothing where all is right already.

        The public half is readable by everybody; the private one only by whoever calls this (0700, files 0600).
        """
        ...
