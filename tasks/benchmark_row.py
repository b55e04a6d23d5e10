"""A competition of MLE-bench as a row of data: what `mlebench/<id>.toml` may say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from grading.medals import Thresholds
from podium.spec import Name, Spec


class Flag(Spec):
    """Something known to be wrong with a competition's data or leaderboard."""

    kind: Literal["leak", "broken", "crowded"]
    """`leak`: the test labels can be had from the public data; `broken`: the data are faulty or cannot be had;
    `crowded`: so many teams share the best scores that medals mean little."""
    text: str
    thread: str
    """The issue or pull request that says so, for example `openai/mle-bench#77`."""


class Difference(Spec):
    """Something that the benchmark gets wrong or leaves to its libraries' versions."""

    benchmark: str
    """What it does, and so do we by default."""
    strict: str
    """What `--strict` does."""


class BenchmarkRow(Spec):
    """One competition. Facts of openai/mle-bench at 783b15a; file names are below `prepared/public` and `/private`."""

    id: Name
    name: str
    split: Literal["low", "medium", "high", "dev"]
    systemcard: bool = False
    """One of the 30 below 50 GB that system cards report."""
    type: Literal["simple", "code"]
    """Kaggle's kind: files, or notebooks."""
    category: str = ""
    size_gb: float | None = Field(None, gt=0)
    """Of the raw data; None: not known."""
    answers: str
    sample: str
    """The sample submission in the public half."""
    sample_private: bool = False
    """It lies in the private half only (zipped in the public one)."""
    gold_submission: str = ""
    """The best possible submission, in the private half; empty: the answers themselves."""
    public: tuple[str, ...]
    """Files of tables in the public half (csv, json, jsonl, parquet, bson)."""
    private: tuple[str, ...]
    ids: tuple[str, ...]
    """The columns that name a row of a submission."""
    targets: tuple[str, ...]
    """The columns to fill; empty: every other column of the sample submission."""
    kind: Literal["number", "probability", "label", "text"]
    """What a target cell holds, as `--strict` asks."""
    blank: bool = False
    """An empty target cell means something."""
    metric: str
    """Standard term; the name of a function in `grading.metrics`."""
    lower_is_better: bool
    rule: str
    """`module:class` in `grading.rules`."""
    options: dict[str, JsonValue] = {}
    """The rule's fields."""
    gold: float
    silver: float
    bronze: float
    median: float
    sample_score: float | None = None
    """What the sample submission scores on the benchmark's data; None: not a number."""
    flags: tuple[Flag, ...] = ()
    differences: tuple[Difference, ...] = ()
    """Beside those that hold for every competition (docs/mlebench.md)."""
    unseen: tuple[str, ...] = ()
    """Faults that only the answers show, so that `/validate` cannot tell them."""

    @property
    def thresholds(self) -> Thresholds:
        """What the real leaderboard asks for."""
        return Thresholds(
            gold=self.gold,
            silver=self.silver,
            bronze=self.bronze,
            median=self.median,
            lower_is_better=self.lower_is_better,
        )
