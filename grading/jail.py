"""The sandbox in which submissions are parsed: no data, no network, and no more than a parser needs."""

from __future__ import annotations

from pathlib import Path

from containers.backends import backend
from containers.sandbox import Sandbox, SandboxSpec
from grading.memory import keep_freed
from grading.parse import JailedParser
from podium.spec import Limits

JAILS = 2
"""How many files the validator reads at once."""
PARSER_LIMITS = Limits(memory_mb=2048, disk_mb=512, file_mb=256, files=64, processes=16, cpus=1.0, seconds=60.0)


def jailed_parser(scratch: Path, sandbox: str, jails: int = 1, *, verdicts_only: bool = False) -> JailedParser:
    """A parser in jails of the back end `sandbox`, each opened when it is first needed (the first also by `check`).

    `jails`: how many files of a kind are read at once; `verdicts_only`: see JailedParser. From here on this process
    keeps the memory that it frees.
    """
    keep_freed()
    spec = SandboxSpec(limits=PARSER_LIMITS, scratch=scratch, warm=())

    def opened() -> Sandbox:
        return backend(sandbox).open(spec)

    return JailedParser(opened, jails=jails, verdicts_only=verdicts_only)
