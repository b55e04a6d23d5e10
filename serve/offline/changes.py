"""What an improvement may change of a recipe: families, settings, columns, decisions, seeds."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from serve.offline.facts import Facts
from serve.offline.recipe import SETTINGS, Change, Member, Recipe, affordable, cost

RANDOMISED = ("extra_trees", "forest", "network")
OTHER_SETTINGS = "other settings"
REGRESSION_ONLY = {"alpha"}
"""Parameters of `linear` and `quadratic` for regression; `C` is theirs for classification."""

Move = Callable[[Recipe, Facts, float, Random], Change | None]


def improve(recipe: Recipe, facts: Facts, seconds: float, random: Random, failed: str) -> Change:
    """One change of the recipe that fits into `seconds` of run time. `failed`: changes that memory shows as tried.

    A single model becomes a blend first; then come moves that seldom harm, then bold ones, each kind in random order,
    and those that were tried last.
    """
    likely: list[Move] = [more_settings, decide_by_factors, more_seeds]
    bold: list[Move] = [other_categories, log_target, other_scaling]
    random.shuffle(likely)
    random.shuffle(bold)
    moves = [more_families, *likely, *bold] if len(recipe.families) < 3 else [*likely, more_families, *bold]
    changes = [change for move in moves if (change := move(recipe, facts, seconds, random)) is not None]
    fresh = [change for change in changes if change.name not in failed]
    again = [change for change in changes if change.name == OTHER_SETTINGS]  # others each time
    return (fresh or again or changes or [other_trees(recipe)])[0]


def more_families(recipe: Recipe, facts: Facts, seconds: float, random: Random) -> Change | None:
    """Blend with every other family that fits."""
    members = list(recipe.members)
    for family in affordable(facts, recipe, seconds):
        if family not in recipe.families and spent(members, facts, recipe) + cost(family, facts, recipe) <= seconds:
            members.append((family, ()))
    if len(members) == len(recipe.members):
        return None
    added = ", ".join(name.replace("_", " ") for name, _ in members[len(recipe.members) :])
    words = f"I blend the model with others that err in other ways ({added}), by greedy weights on held-out predictions"
    return Change(recipe=recipe.model_copy(update={"members": tuple(members)}), name="more families", words=words)


def more_settings(recipe: Recipe, facts: Facts, seconds: float, random: Random) -> Change | None:
    """Add up to four members of families that are there, with other parameters."""
    members = list(recipe.members)
    wanted = [member for family in recipe.families for member in settings(family, facts) if member not in members]
    random.shuffle(wanted)
    for member in wanted:
        if len(members) - len(recipe.members) < 4 and spent([*members, member], facts, recipe) <= seconds:
            members.append(member)
    if len(members) == len(recipe.members):
        return None
    words = (
        f"I add {len(members) - len(recipe.members)} members with other settings and let the blend choose among them"
    )
    return Change(recipe=recipe.model_copy(update={"members": tuple(members)}), name=OTHER_SETTINGS, words=words)


def decide_by_factors(recipe: Recipe, facts: Facts, seconds: float, random: Random) -> Change | None:
    """Decide classes by tuned factors, where classes are scored by more than how many are right."""
    if facts.metric.form != "label" or facts.probabilities or recipe.tuned:
        return None
    words = f"I decide the classes by factors that are tuned for {facts.metric.name} on the other folds' rows"
    return Change(recipe=recipe.model_copy(update={"tuned": True}), name="tuned decision", words=words)


def other_categories(recipe: Recipe, facts: Facts, seconds: float, random: Random) -> Change | None:
    """Encode categories in another way."""
    if not facts.texts:
        return None
    chosen = random.choice([kind for kind in ("codes", "target", "counts") if kind != recipe.categories])
    words = (
        f"I encode categories by {chosen} instead of {recipe.categories}, which suits trees better or worse by table"
    )
    return Change(recipe=recipe.model_copy(update={"categories": chosen}), name=f"categories by {chosen}", words=words)


def other_scaling(recipe: Recipe, facts: Facts, seconds: float, random: Random) -> Change | None:
    """Scale numbers by ranks, or no longer."""
    chosen = "quantile" if recipe.scaling == "standard" else "standard"
    words = f"I use {chosen} scaling of the numbers, which changes what outliers weigh in the models that need a scale"
    return Change(recipe=recipe.model_copy(update={"scaling": chosen}), name=f"{chosen} scaling", words=words)


def log_target(recipe: Recipe, facts: Facts, seconds: float, random: Random) -> Change | None:
    """Fit the logarithm of the target, or no longer."""
    if not facts.regression or facts.metric.name == "rmsle":
        return None
    name = "target itself" if recipe.log_target else "logarithm of the target"
    words = f"I fit the {name}, for the errors' spread may depend on the target's size"
    return Change(recipe=recipe.model_copy(update={"log_target": not recipe.log_target}), name=name, words=words)


def more_seeds(recipe: Recipe, facts: Facts, seconds: float, random: Random) -> Change | None:
    """Average randomised models over one seed more."""
    if not set(RANDOMISED) & set(recipe.families):
        return None
    more = recipe.model_copy(update={"seeds": recipe.seeds + 1})
    if more.seeds > 3 or spent(list(more.members), facts, more) > seconds:
        return None
    return Change(recipe=more, name=f"{more.seeds} seeds", words=f"I average each model over {more.seeds} seeds")


def other_trees(recipe: Recipe) -> Change:
    """More trees: what is left when nothing else is."""
    trees = recipe.trees + 50
    return Change(
        recipe=recipe.model_copy(update={"trees": trees}), name=f"{trees} trees", words=f"I grow {trees} trees"
    )


def settings(family: str, facts: Facts) -> list[Member]:
    """The family with one parameter changed, in all ways that are worth trying."""
    found: list[Member] = []
    for name, values in SETTINGS[family].items():
        if family in ("linear", "quadratic") and (name in REGRESSION_ONLY) != facts.regression:
            continue
        found += [(family, ((name, value),)) for value in values]
    return found


def spent(members: list[Member], facts: Facts, recipe: Recipe) -> float:
    """Seconds that all members take together."""
    return sum(cost(family, facts, recipe) for family, _ in members)
