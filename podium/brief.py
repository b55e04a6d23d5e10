"""What an agent sees of a task (`Brief`) and what it hands in (`Submission`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import Field

from podium.spec import Budget, Spec

ColumnKind = Literal["id", "number", "probability", "label", "text"]


class Column(Spec):
    """One column of a table that is asked for."""

    name: str
    kind: ColumnKind
    labels: tuple[str, ...] = ()
    """The labels allowed in a `label` column, where they are public knowledge; empty: not said."""


class OutputFile(Spec):
    """One file that a submission must hold."""

    name: str = "submission.csv"
    columns: tuple[Column, ...] = ()
    """In order; the first of kind `id` names the row."""
    rows: int | None = None
    sample: str = "sample_submission.csv"
    """The public file that shows the form and carries the ids; empty: there is none."""
    max_mb: int = Field(64, ge=1)


class DataFile(Spec):
    """A public file, read-only at `./input/<name>`."""

    name: str
    bytes: int = Field(ge=0)


class Hardware(Spec):
    """What the agent's code runs on."""

    cpus: float = 1.0
    memory_mb: int = 2048
    gpus: float = 0.0
    packages: tuple[str, ...] = ()
    """`name==version` of what can be imported inside the sandbox."""


class Brief(Spec):
    """All that an agent knows of its task."""

    id: str
    kind: Literal["competition", "technique", "experiment"] = "competition"
    text: str
    """The description, Markdown."""
    files: tuple[DataFile, ...] = ()
    metric: str
    """The metric's standard term, for example `roc_auc`."""
    lower_is_better: bool
    outputs: tuple[OutputFile, ...] = (OutputFile(),)
    budget: Budget = Budget()
    hardware: Hardware = Hardware()
    execution_seconds: float = 600.0
    """Wall time of one execution in the sandbox."""
    seed: int = 0


class Submission(Mapping[str, bytes]):
    """A set of named files, as bytes. Its digest names it in the ledger."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = dict(sorted(files.items()))

    def __getitem__(self, name: str) -> bytes:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @property
    def digest(self) -> str:
        """SHA-256 over names, lengths and bytes, in the names' order; 64 hex digits."""
        digest = hashlib.sha256()
        for name, content in self._files.items():
            digest.update(f"{len(name.encode())}:{name}:{len(content)}:".encode())
            digest.update(content)
        return digest.hexdigest()


class Validity(Spec):
    """What public knowledge says of a submission's form; never a score."""

    valid: bool
    message: str
