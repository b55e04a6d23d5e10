"""A trap: an open sandbox, the bait laid around it, and the user that its programs run as."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from containers.sandbox import DATA, Backend, Execution, Probe, Sandbox
from podium.spec import Limits
from tests.contracts import bare, hostile
from tests.contracts.bait import Bait
from tests.contracts.bare import Person

LIMITS = Limits(
    memory_mb=512, disk_mb=48, file_mb=24, files=400, processes=40, cpus=1, seconds=20, output_bytes=100_000
)
"""Small, so that a bomb is over soon and is harmless where it goes off."""


def poison(secret: str) -> dict[str, str]:
    """Variables of a starter that no sandbox may inherit."""
    return dict.fromkeys(("OPENAI_API_KEY", "RAY_ADDRESS", "RAY_AUTH_TOKEN", "PODIUM_BAIT"), secret)


@dataclass(frozen=True)
class Trap:
    """An open sandbox, the bait around it, and the user that it runs as."""

    name: str
    backend: Backend
    probe: Probe
    sandbox: Sandbox
    bait: Bait
    person: Person
    data: Path
    descriptors: tuple[int, ...]
    """Open since before the sandbox was opened, and inheritable then; each leads to the secret."""

    @property
    def environment(self) -> dict[str, str]:
        """The starter's environment with the secret in it."""
        return {**os.environ, **poison(self.bait.secret)}

    def attack(self, name: str) -> Execution:
        """Run an attack inside."""
        return self.sandbox.execute(hostile.program(name, self.bait.told(jail=True, data=[DATA, "input"])))

    def bare(self, name: str, person: Person | None = None, **more: Any) -> hostile.Verdict:
        """Run the same attack bare: as the sandbox's user, or as `person`."""
        told = self.bait.told(jail=False, data=[str(self.data)])
        printed = bare.run(
            hostile.program(name, told),
            person or self.person,
            home=self.bait.home,
            fds=self.descriptors,
            env=self.environment,
            **more,
        )
        return hostile.verdict(printed)
