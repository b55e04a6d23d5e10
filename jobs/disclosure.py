"""What a reader must know of how a sweep was run and judged: by which rules, by which signals, with which network."""

from __future__ import annotations

from typing import Literal

from podium.spec import SweepSpec

NO_JAIL = "local"
"""The sandbox that isolates nothing."""

Rules = Literal["benchmark", "strict"]
Network = Literal["none", "host"]


def rules(spec: SweepSpec) -> Rules:
    """Whose rules judged MLE-bench's competitions; our own tasks are always judged strictly."""
    return "strict" if spec.strict else "benchmark"


def network(spec: SweepSpec) -> Network:
    """What network an agent's code had."""
    return "host" if spec.sandbox == NO_JAIL else "none"


def disclosure(spec: SweepSpec) -> list[str]:
    """Sentences for the report."""
    judged = {
        "benchmark": "MLE-bench's competitions were judged by the benchmark's own rules.",
        "strict": "MLE-bench's competitions were judged strictly (--strict): wrongly accepted submissions are refused.",
    }
    signal = "No agent saw a held-out signal: while it runs it is told only whether a file has the right form."
    if network(spec) == "host":
        unconfined = "Agents' code had the host's network, and the host's files: what it saw cannot be told."
        return [judged[rules(spec)], unconfined]
    return [judged[rules(spec)], signal, f"Agents' code ran without network (sandbox {spec.sandbox})."]
