"""A recipe: what a program does, apart from the task. Drafts choose one, improvements change one thing of it."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from random import Random
from typing import Literal

from pydantic import ValidationError

from podium.spec import Spec
from serve.offline.facts import Facts, constants

Member = tuple[str, tuple[tuple[str, float | int | str], ...]]
"""A family of models and its parameters."""


class Recipe(Spec):
    """What goes into a program."""

    members: tuple[Member, ...]
    """One: a single model. More: a blend."""
    categories: Literal["codes", "target", "counts"] = "codes"
    scaling: Literal["standard", "quantile"] = "standard"
    log_target: bool = False
    tuned: bool = False
    """Whether classes are decided by tuned factors rather than by the likeliest."""
    seeds: int = 1
    trees: int = 100

    @property
    def families(self) -> tuple[str, ...]:
        """The families in it, each once, in order."""
        return tuple(dict.fromkeys(name for name, _ in self.members))


class Change(Spec):
    """An improvement: the new recipe, and what was changed and why, in words."""

    recipe: Recipe
    name: str
    words: str


CLASSIFIERS = (
    "linear",
    "boosting",
    "support_vectors",
    "extra_trees",
    "discriminant",
    "forest",
    "network",
    "quadratic",
    "neighbours",
)
REGRESSORS = (
    "linear",
    "boosting",
    "support_vectors",
    "extra_trees",
    "gaussian_process",
    "forest",
    "sparse_linear",
    "network",
    "quadratic",
    "neighbours",
)

SETTINGS: dict[str, dict[str, tuple[float | int | str, ...]]] = {
    "linear": {"C": (0.1, 0.3, 3.0, 10.0), "alpha": (0.3, 10.0, 30.0)},
    "quadratic": {"C": (0.01, 0.2), "alpha": (30.0, 300.0, 1000.0)},
    "support_vectors": {"C": (1.0, 10.0, 30.0), "gamma": (0.3, 0.6, 2.0)},
    "neighbours": {"k": (5, 15, 25)},
    "network": {"alpha": (0.01, 1.0, 3.0), "width": (32, 100)},
    "extra_trees": {"leaf": (1, 2, 4), "share": (0.3, 0.7, 1.0)},
    "forest": {"leaf": (1, 4), "share": (0.3, 0.6)},
    "boosting": {"rate": (0.04, 0.12), "leaves": (6, 31), "l2": (5.0,)},
    "sparse_linear": {"ratio": (0.3, 0.95)},
    "gaussian_process": {"noise": (0.2,)},
    "discriminant": {"shrinkage": (0.1, 0.5)},
}
"""Other values worth trying, by family and parameter; a parameter that the family's function lacks is passed over."""


def cost(family: str, facts: Facts, recipe: Recipe) -> float:
    """About how many seconds the family takes over five folds on one slow core; fitted to 100 to 6000 rows."""
    rows, columns, classes = facts.rows / 1000, facts.columns, facts.classes if not facts.regression else 1
    wide = columns + 4 * len(facts.texts)
    trees = recipe.trees / 100 * (0.5 + rows * (0.1 + 0.006 * columns))
    seconds = {
        "linear": 0.25 + 0.01 * rows * wide,
        "sparse_linear": 0.3 + 0.01 * rows * wide,
        "discriminant": 0.3 + 0.005 * rows * wide,
        "quadratic": 0.3 + 0.0004 * rows * wide**2 * max(1, classes / 4),
        "support_vectors": 0.3 + 0.1 * rows**2 * max(1, wide / 20) * max(1, classes / 5),
        "neighbours": 0.3 + 0.02 * rows**2,
        "network": 0.4 + rows * (0.4 + 0.01 * wide),
        "extra_trees": trees,
        "forest": trees * 1.5,
        "boosting": (0.25 + rows * (0.05 + 0.01 * columns)) * (1 if classes <= 2 else classes / 2),
        "gaussian_process": 0.8 + 12 * rows**3 if rows <= 1.2 else 1e6,
    }[family]
    return seconds * recipe.seeds


def affordable(facts: Facts, recipe: Recipe, seconds: float) -> list[str]:
    """The families that fit into `seconds`, quick ones of broad use first."""
    pool = REGRESSORS if facts.regression else CLASSIFIERS
    quick = [family for family in pool if cost(family, facts, recipe) <= seconds]
    return quick or [min(pool, key=lambda family: cost(family, facts, recipe))]


def draft(facts: Facts, used: Iterable[str], seconds: float, random: Random) -> Recipe:
    """A single model of a family that is not among `used`, where one is left that fits into `seconds`."""
    plain = Recipe(members=(), log_target=facts.metric.name == "rmsle")
    families = affordable(facts, plain, seconds)
    fresh = [family for family in families if family not in set(used)] or families
    family = random.choice(fresh[:4])
    update: dict[str, object] = {"members": ((family, ()),)}
    if facts.texts:
        update["categories"] = random.choice(("codes", "counts", "target"))
    return plain.model_copy(update=update)


def read_recipe(code: str) -> Recipe | None:
    """The recipe of a program of ours; None where it is somebody else's."""
    values = constants(code)
    found = [node for node in _body(code) if isinstance(node, ast.Assign) and _name(node) == "MODELS"]
    if not found or not isinstance(found[0].value, ast.List):
        return None
    members = tuple(_member(item) for item in found[0].value.elts if isinstance(item, ast.Tuple))
    fields = {
        name.lower(): values[name]
        for name in ("CATEGORIES", "SCALING", "LOG_TARGET", "SEEDS", "TREES")
        if name in values
    }
    try:
        return Recipe.model_validate({"members": members, "tuned": "def find_factors" in code, **fields})
    except ValidationError:
        return None  # somebody else's, which happens to use our names


def _body(code: str) -> list[ast.stmt]:
    try:
        return ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError):
        return []


def _name(node: ast.Assign) -> str:
    return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""


def _member(item: ast.Tuple) -> Member:
    name = item.elts[0].id if isinstance(item.elts[0], ast.Name) else ""
    return name, tuple(ast.literal_eval(item.elts[1]).items())
