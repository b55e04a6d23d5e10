"""The journal in AIDE's schema, and the search's policy over it."""

from __future__ import annotations

import json
import uuid
from random import Random

import pytest

from agents.journal import Journal, Node, Stage
from agents.memory import memory
from agents.search import Policy, choose
from containers.sandbox import Ended, ExceptionInfo, Execution, Usage

AIDE_KEYS = [
    "code",
    "plan",
    "step",
    "id",
    "ctime",
    "parent",
    "children",
    "_term_out",
    "exec_time",
    "exc_type",
    "exc_info",
    "exc_stack",
    "analysis",
    "metric",
    "is_buggy",
]
"""Of schema version 2, in AIDE's order."""


def grow(
    journal: Journal, metric: float | None, parent: Node | None = None, stage: Stage = "draft", lower: bool = True
) -> Node:
    """Append a node; a metric of None makes it a failed one."""
    ended = Ended.OK if metric is not None else Ended.EXCEPTION
    fault = None if metric is not None else ExceptionInfo(type="KeyError", args=("y",), stack=(("f.py", 1, "m", "x"),))
    node = Node(
        id=uuid.uuid4().hex,
        step=len(journal.nodes),
        ctime=1.5,
        stage=stage,
        parent=parent.id if parent else None,
        plan=f"plan {len(journal.nodes)}",
        code="pass",
        run=Execution(ended=ended, output="out", exception=fault, usage=Usage(seconds=2.5)),
        seconds_allowed=600,
        analysis="said",
        metric=metric,
        lower_is_better=lower,
        is_buggy=metric is None,
    )
    journal.append(node)
    return node


@pytest.fixture
def journal() -> Journal:
    return Journal()


def test_the_file_has_aides_keys_first_and_in_its_order(journal: Journal) -> None:
    root = grow(journal, 0.25)
    child = grow(journal, None, root, "improve")
    text = journal.to_json()
    assert ": " not in text.replace("Execution time: ", ""), "separators are compact"
    file = json.loads(text)
    assert list(file) == ["nodes", "node2parent", "__version"]
    assert file["__version"] == "2"
    assert file["node2parent"] == {child.id: root.id}
    for node in file["nodes"]:
        assert list(node)[: len(AIDE_KEYS)] == AIDE_KEYS
        assert (node["parent"], node["children"]) == (None, [])
        assert all(isinstance(part, str) for part in node["_term_out"])


def test_a_good_node_is_written_as_aide_writes_it(journal: Journal) -> None:
    grow(journal, 0.25, lower=False)
    node = json.loads(journal.to_json())["nodes"][0]
    assert node["metric"] == {"value": 0.25, "maximize": True}
    assert (node["exc_type"], node["exc_info"], node["exc_stack"]) == (None, None, None)
    assert node["_term_out"] == ["out", "Execution time: 2.5 seconds (of 600 allowed)."]
    assert node["exec_time"] == 2.5


def test_a_failed_node_is_written_as_aide_writes_it(journal: Journal) -> None:
    grow(journal, None)
    node = json.loads(journal.to_json())["nodes"][0]
    assert node["metric"] == {"value": None, "maximize": None}
    assert (node["exc_type"], node["exc_info"]) == ("KeyError", {"args": ["y"]})
    assert node["exc_stack"] == [["f.py", 1, "m", "x"]]


@pytest.mark.parametrize(("lower", "best"), [(True, 1), (False, 0)])
def test_the_best_is_the_first_of_the_best_in_the_tasks_direction(journal: Journal, lower: bool, best: int) -> None:
    for metric in (0.9, 0.1, None, 0.1, 0.9):
        grow(journal, metric, lower=lower)
    assert journal.best() is journal.nodes[best]


def policy(debug_prob: float = 1.0) -> Policy:
    return Policy(num_drafts=2, debug_prob=debug_prob, max_debug_depth=1)


def test_there_are_num_drafts_roots_first(journal: Journal) -> None:
    for _ in range(2):
        assert choose(journal, policy(), Random(0)).stage == "draft"
        grow(journal, 0.5)
    assert choose(journal, policy(), Random(0)).stage == "improve"


def test_a_failed_leaf_is_debugged_until_its_chain_is_too_long(journal: Journal) -> None:
    grow(journal, 0.5)
    node = grow(journal, None)
    for depth in range(2):
        move = choose(journal, policy(), Random(0))
        assert (move.stage, move.parent) == ("debug", node)
        assert journal.debug_depth(node) == depth
        node = grow(journal, None, node, "debug")
    move = choose(journal, policy(), Random(0))
    assert (move.stage, move.parent) == ("improve", journal.nodes[0]), "a chain of two is longer than one allows"


def test_debugging_happens_with_its_probability(journal: Journal) -> None:
    grow(journal, 0.5)
    grow(journal, None)
    random = Random(0)
    stages = [choose(journal, policy(0.25), random).stage for _ in range(2000)]
    assert 0.2 < stages.count("debug") / 2000 < 0.3


def test_without_a_good_node_it_drafts_again(journal: Journal) -> None:
    grow(journal, None)
    grow(journal, None)
    assert choose(journal, policy(0.0), Random(0)).stage == "draft"


def test_the_best_is_improved(journal: Journal) -> None:
    grow(journal, 0.5)
    best = grow(journal, 0.4)
    move = choose(journal, policy(), Random(0))
    assert (move.stage, move.parent) == ("improve", best)


def test_the_same_seed_makes_the_same_choices(journal: Journal) -> None:
    for _ in range(5):
        grow(journal, None)
    choices = [[choose(journal, policy(0.5), Random(seed)) for _ in range(5)] for seed in (1, 1)]
    assert choices[0] == choices[1]


def test_the_memory_is_bounded_and_never_forgets_the_best(journal: Journal) -> None:
    best = grow(journal, 0.1)
    for _ in range(200):
        grow(journal, 0.5)
    lines = memory(journal, "rmse", 1000)
    assert sum(map(len, lines)) <= 1000
    assert lines[0] == f"step 0, draft, good, rmse 0.1: {best.plan} Result: said"
    assert [line.split(",")[0] for line in lines[-2:]] == ["step 199", "step 200"]


def test_the_memory_names_what_failed(journal: Journal) -> None:
    grow(journal, None)
    assert memory(journal, "rmse", 1000) == ["step 0, draft, failed, KeyError: plan 0 Result: said"]
