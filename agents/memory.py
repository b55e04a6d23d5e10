"""What the model is told of earlier tries: a line each, within a number of characters."""

from __future__ import annotations

from agents.journal import Journal, Node, exception_type
from agents.prompt import one_line

PLAN = 400
SUMMARY = 300
"""Most characters of a plan and of a summary."""


def memory(journal: Journal, metric: str, characters: int) -> list[str]:
    """The tries, oldest first: the best one always, of the others as many of the newest as there is room for."""
    best = journal.best()
    left = characters - (len(line(best, metric)) if best else 0)
    kept: list[str] = []
    for node in reversed(journal.nodes):
        text = line(node, metric)
        if node is not best:
            left -= len(text)
            if left < 0:
                break
        kept.append(text)
    if best and line(best, metric) not in kept:
        kept.append(line(best, metric))
    return kept[::-1]


def line(node: Node, metric: str) -> str:
    """One try: step, stage, what came of it, the plan and the review's summary."""
    if node.is_buggy:
        outcome = f"failed, {exception_type(node.run) or 'no valid result'}"
    else:
        outcome = f"good, {metric} {node.metric:.6g}"
    text = f"step {node.step}, {node.stage}, {outcome}: {clipped(node.plan, PLAN)}"
    return f"{text} Result: {clipped(node.analysis, SUMMARY)}" if node.analysis else text


def clipped(text: str, most: int) -> str:
    """One line of at most `most` characters."""
    whole = one_line(text)
    return whole if len(whole) <= most else whole[: most - 3] + "..."
