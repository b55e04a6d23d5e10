"""The search policy of AIDE: draft until there are enough, then debug by chance, else improve the best. Pure."""

from __future__ import annotations

from random import Random

from agents.journal import Journal, Node, Stage
from podium.spec import Spec


class Policy(Spec):
    """AIDE's knobs of the search."""

    num_drafts: int
    debug_prob: float
    max_debug_depth: int


class Move(Spec):
    """What to do next, and from where."""

    stage: Stage
    parent: Node | None = None


def choose(journal: Journal, policy: Policy, random: Random) -> Move:
    """The next move.

    In this order: fewer roots than `num_drafts`: draft. With probability `debug_prob`: debug a leaf that failed, any
    of those whose chain of fixes is at most `max_debug_depth` long. No good node: draft. Else improve the best one.
    """
    if journal.drafts < policy.num_drafts:
        return Move(stage="draft")
    if random.random() < policy.debug_prob:
        leaves = [node for node in journal.failed_leaves() if journal.debug_depth(node) <= policy.max_debug_depth]
        if leaves:
            return Move(stage="debug", parent=random.choice(leaves))
    best = journal.best()
    if best is None:
        return Move(stage="draft")
    return Move(stage="improve", parent=best)
