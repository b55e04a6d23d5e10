"""The journal: the tree of tries of one trial, written as AIDE's journal.json (schema version 2).

AIDE's keys stand first and mean what they mean there: `parent` is null and `children` is empty on disk, the tree is in
`node2parent`, `_term_out` is a list of texts. What AIDE does not know (stage, what ended the run, validity, tokens)
stands in keys of our own behind them, which its readers ignore.
"""

from __future__ import annotations

import json
import math
from typing import Literal

from pydantic import JsonValue

from containers.sandbox import Ended, Execution
from podium.records import Record

Stage = Literal["draft", "debug", "improve"]

KEPT_OUTPUT = 20_000
"""Characters of a run's output that the journal holds; the whole of it lies in `logs/output/`."""

EXCEPTION_OF = {
    Ended.EXIT: "SystemExit",
    Ended.TIMEOUT: "TimeoutError",
    Ended.MEMORY: "MemoryError",
    Ended.DISK: "OSError",
    Ended.PROCESSES: "BlockingIOError",
    Ended.OUTPUT: "OSError",
    Ended.SIGNAL: "ChildProcessError",
}
"""The exception that stands in `exc_type` for what ended a run from outside."""


class Node(Record):
    """One try: a program, its run and what was thought of it."""

    id: str
    """32 hex digits."""
    step: int
    ctime: float
    """When the program was written (seconds since 1970)."""
    stage: Stage
    parent: str | None = None
    plan: str
    code: str
    run: Execution | None = None
    """Without its files. None: there was no program to run."""
    seconds_allowed: float = 0.0
    analysis: str = ""
    metric: float | None = None
    """Finite, or None."""
    lower_is_better: bool
    is_buggy: bool
    valid: bool | None = None
    """Whether the submission has the right form; None: there is none."""
    validity: str = ""
    tokens: int = 0
    """Prompt and completion tokens of its questions."""


class Journal:
    """The tries in the order in which they were made."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self._by_id: dict[str, Node] = {}
        self._parents: set[str] = set()

    def append(self, node: Node) -> None:
        self.nodes.append(node)
        self._by_id[node.id] = node
        if node.parent:
            self._parents.add(node.parent)

    @property
    def drafts(self) -> int:
        """How many tries have no parent."""
        return sum(1 for node in self.nodes if node.parent is None)

    def parent(self, node: Node) -> Node | None:
        return self._by_id.get(node.parent or "")

    def failed_leaves(self) -> list[Node]:
        """Tries that failed and that nothing was built upon."""
        return [node for node in self.nodes if node.is_buggy and node.id not in self._parents]

    def debug_depth(self, node: Node) -> int:
        """How many steps of debugging in a row led to `node`; 0: it is none."""
        depth, at = 0, node
        while at.stage == "debug":
            before = self.parent(at)
            if before is None:
                break
            depth, at = depth + 1, before
        return depth

    def best(self) -> Node | None:
        """The good try with the best metric, the first of equals; None: there is no good one."""
        best: Node | None = None
        for node in self.nodes:
            if not node.is_buggy and (best is None or better(node, best)):
                best = node
        return best

    def to_json(self) -> str:
        """AIDE's journal.json, version 2: compact, keys in its order."""
        record = {
            "nodes": [aide_node(node) for node in self.nodes],
            "node2parent": {node.id: node.parent for node in self.nodes if node.parent},
            "__version": "2",
        }
        return json.dumps(record, separators=(",", ":"), allow_nan=False)


def better(one: Node, other: Node) -> bool:
    """Whether `one` has the strictly better metric. Both are of one task, so the direction is the same."""
    if one.metric is None or other.metric is None:
        return one.metric is not None
    return one.metric < other.metric if one.lower_is_better else one.metric > other.metric


def aide_node(node: Node) -> dict[str, JsonValue]:
    """One node as AIDE writes it, then our own keys."""
    run = node.run
    fault = run.exception if run else None
    return {
        "code": node.code,
        "plan": node.plan,
        "step": node.step,
        "id": node.id,
        "ctime": node.ctime,
        "parent": None,
        "children": [],
        "_term_out": [*term_out(node)],
        "exec_time": run.usage.seconds if run else 0.0,
        "exc_type": exception_type(run),
        "exc_info": {"args": [*fault.args]} if fault else ({} if exception_type(run) else None),
        "exc_stack": [[*frame] for frame in fault.stack] if fault else ([] if exception_type(run) else None),
        "analysis": node.analysis,
        "metric": {"value": node.metric, "maximize": None if node.metric is None else not node.lower_is_better},
        "is_buggy": node.is_buggy,
        "stage": node.stage,
        "ended": run.ended.value if run else None,
        "ended_detail": run.detail if run else "",
        "valid_submission": node.valid,
        "validity": node.validity,
        "cpu_seconds": run.usage.cpu_seconds if run else 0.0,
        "memory_mb": run.usage.memory_mb if run else 0.0,
        "tokens": node.tokens,
    }


def exception_type(run: Execution | None) -> str | None:
    """AIDE's `exc_type`: the exception's name, or what stands for a limit; None where the run went well."""
    if run is None or run.ended is Ended.OK:
        return None
    return run.exception.type if run.exception else EXCEPTION_OF.get(run.ended, "RuntimeError")


def term_out(node: Node) -> list[str]:
    """The output in pieces as AIDE keeps it; the last one tells the time that the run took."""
    if node.run is None:
        return []
    output = node.run.output
    if len(output) > KEPT_OUTPUT:
        half = KEPT_OUTPUT // 2
        output = f"{output[:half]}\n ... [{len(output) - 2 * half} characters left out] ...\n{output[-half:]}"
    return [output, run_time(node.run, node.seconds_allowed)]


def run_time(run: Execution, allowed: float) -> str:
    """How the run went, in one line."""
    text = f"Execution time: {run.usage.seconds:.1f} seconds (of {allowed:.0f} allowed)."
    if run.ended in (Ended.OK, Ended.EXCEPTION):
        return text
    ended = {Ended.EXIT: f"it exited with code {run.exit_code}", Ended.SIGNAL: f"it died by signal {run.signal}"}
    limit = "time" if run.ended is Ended.TIMEOUT else run.ended.value
    why = ended.get(run.ended, f"it was stopped by its {limit} limit")
    return f"{text} The run failed: {why}{': ' + run.detail if run.detail else ''}."


def finite(value: object) -> float | None:
    """A finite number as a float; None for all else. A truth value is no number, an integer is."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
