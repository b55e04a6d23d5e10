"""From a role to Ray's options: every actor of ours gets its label selector here, and none goes without."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Role(StrEnum):
    """What a host of the cluster is for."""

    HEAD = "head"
    LLM = "llm"
    GRADING = "grading"
    AGENT = "agent"


def options(
    role: Role,
    *,
    cpus: float = 0.0,
    memory_mb: int = 0,
    gpus: float = 0.0,
    resources: dict[str, float] | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Ray actor options for `role`: `ray.remote(Cls).options(**options(Role.AGENT, cpus=2))`.

    `cpus`, `gpus` are logical; `memory_mb` is MiB (Ray wants bytes). `others` go through as they are
    (name, lifetime, max_restarts, ...), but a label selector may not be given: the role is one.
    """
    if "label_selector" in others:
        raise TypeError("the role is the label selector; do not give another")
    result: dict[str, Any] = {
        "label_selector": {"role": role.value},
        "num_cpus": cpus,
        "num_gpus": gpus,
        **others,
    }
    if memory_mb:
        result["memory"] = memory_mb << 20
    if resources:
        result["resources"] = dict(resources)
    return result
