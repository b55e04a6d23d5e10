"""What a check finds: one fact each, and what to do about it; together they are its report."""

from __future__ import annotations

from typing import Literal

from podium.spec import Spec
from serve.checks.fit import Fit


class Finding(Spec):
    """One thing that was looked at."""

    what: str
    level: Literal["ok", "note", "missing"]
    """`note`: worth to know, and it goes without."""
    seen: str
    remedy: str = ""


def ok(what: str, seen: str) -> Finding:
    return Finding(what=what, level="ok", seen=seen)


def note(what: str, seen: str, remedy: str = "") -> Finding:
    return Finding(what=what, level="note", seen=seen, remedy=remedy)


def missing(what: str, seen: str, remedy: str) -> Finding:
    return Finding(what=what, level="missing", seen=seen, remedy=remedy)


class Asked(Spec):
    """The GPUs that are asked about, in place of the entry's and this host's."""

    gpu: str = ""
    gpus: int = 0


class Report(Spec):
    """The answer."""

    model: str
    findings: tuple[Finding, ...]
    fit: Fit | None = None
    """How the model fits its GPUs, or main memory; None: not known, or it needs neither."""

    @property
    def is_well(self) -> bool:
        return all(finding.level != "missing" for finding in self.findings)
