"""From a recipe and the facts to a program: pieces of `programs/` put together under a head of constants."""

from __future__ import annotations

import ast
import re
from importlib.resources import files

from serve.offline.facts import Facts
from serve.offline.imports import import_lines
from serve.offline.recipe import Recipe

ITERATIVE = {"linear", "quadratic", "network", "gaussian_process", "sparse_linear"}
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def write_program(facts: Facts, recipe: Recipe, *, seed: int, folds: int, seconds: float, says: str) -> str:
    """The whole program as Python source. `seconds`: after so many a blend takes no further member."""
    kind = "regress" if facts.regression else "classify"
    blend = len(recipe.members) > 1
    body = [
        _constants(facts, recipe, seed, folds, seconds if blend else None),
        *(["infer"] if not (facts.id and facts.targets) else []),
        "read",
        "features",
        "columns",
        *(["kernel_width"] if "support_vectors" in recipe.families else []),
        *_families(recipe, kind),
        _models(recipe),
        f"folds_{kind}",
        f"members_{kind}",
        _score(facts, recipe),
        *([_merit(facts), "blend", "predictions_blend"] if blend else ["predictions_one"]),
        *_solve(facts, recipe, kind),
        "submit",
    ]
    pieces = [piece if "\n" in piece else read_piece(piece) for piece in body]
    text = "\n\n".join(piece.strip("\n") for piece in pieces)
    text = re.sub(r"\n\n+(?=(?:def|class) )", "\n\n\n", text)
    text = re.sub(r"(\n    [^\n]*)\n\n+(?=[^\s#d])", r"\1\n\n\n", text)
    threads = "\n".join(f'os.environ.setdefault("{name}", "1")' for name in THREADS)
    return f'"""{says}"""\n\nimport os\n\n{threads}\n\n{import_lines(text)}\n\n{text}\n'


def read_piece(name: str) -> str:
    """The text of `programs/<name>.py.in`."""
    return (files("serve.offline") / "programs" / f"{name}.py.in").read_text(encoding="utf-8")


def _constants(facts: Facts, recipe: Recipe, seed: int, folds: int, seconds: float | None) -> str:
    values: dict[str, object] = {
        "METRIC": facts.metric.name,
        "TRAIN": facts.train,
        "TEST": facts.test,
        "SAMPLE": facts.sample,
        "OUTPUT": facts.output,
    }
    if facts.id and facts.targets:
        values |= {"ID": facts.id, "TARGETS": list(facts.targets)}
    values |= {"SEED": seed, "FOLDS": folds, "SEEDS": recipe.seeds}
    values |= {"CATEGORIES": recipe.categories, "SCALING": recipe.scaling}
    if {"extra_trees", "forest"} & set(recipe.families):
        values["TREES"] = recipe.trees
    if facts.regression:
        values["LOG_TARGET"] = recipe.log_target
    if seconds is not None:
        values["SECONDS"] = round(seconds)
    lines = [f"{name} = {_literal(value)}" for name, value in values.items()]
    if seconds is not None:
        lines.append("STARTED = time.time()")
    if recipe.categories == "target":
        lines.append("np.random.seed(SEED)")
    if ITERATIVE & set(recipe.families):
        lines.append('warnings.simplefilter("ignore", ConvergenceWarning)  # rounds are bounded on purpose')
    return "\n".join(lines) + "\n"


def _literal(value: object) -> str:
    """As Python source, strings in double quotes."""
    if isinstance(value, list):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    if isinstance(value, str):
        text = repr('"' + value)  # a double quote inside lets repr choose single quotes outside
        return '"' + text[2:-1].replace("\\'", "'").replace('"', '\\"') + '"'
    return repr(value)


def _families(recipe: Recipe, kind: str) -> list[str]:
    source = read_piece(f"families_{kind}")
    functions = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    return [(ast.get_source_segment(source, functions[name]) or "") + "\n" for name in recipe.families]


def _models(recipe: Recipe) -> str:
    rows = [f"({name}, {_parameters(dict(parameters))})" for name, parameters in recipe.members]
    if len(rows) == 1:
        return f"MODELS = [{rows[0]}]\n"
    return "MODELS = [\n" + "".join(f"    {row},\n" for row in rows) + "]\n"


def _parameters(values: dict[str, float | int | str]) -> str:
    return "{" + ", ".join(f'"{name}": {_literal(value)}' for name, value in values.items()) + "}"


def _score(facts: Facts, recipe: Recipe) -> str:
    """The metric as functions `score(y, p)` and, for classes, `label_score(y, p)` over `decide`."""
    name, expression = facts.metric.name, facts.metric.expression
    if facts.metric.form != "label":
        return f'def score(y, p):\n    """{name} of predictions."""\n    return {expression}\n' + _labels_of(
            facts, recipe
        )
    return (
        f'def label_score(y, p):\n    """{name} of classes."""\n    return {expression}\n\n\n'
        + read_piece("decide_tuned" if recipe.tuned else "decide_plain").strip("\n")
        + f'\n\n\ndef score(y, p):\n    """{name} of the likeliest classes."""\n    return label_score(y, decide(p))\n'
    )


def _merit(facts: Facts) -> str:
    """What a blend is made to raise: the metric, and for classes a little of the likelihood."""
    if facts.metric.form == "label":
        head = 'def merit(y, p):\n    """The score, and a little of the likelihood, which has no steps."""\n'
        return head + "    return score(y, p) + 0.1 * np.mean(np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1)))\n"
    sign = "-" if facts.metric.lower_is_better else ""
    return f'def merit(y, p):\n    """The score, higher is better."""\n    return {sign}score(y, p)\n'


def _labels_of(facts: Facts, recipe: Recipe) -> str:
    """Where classes are handed in but probabilities are scored, the likeliest is taken."""
    if facts.regression or facts.probabilities:
        return ""
    return "\n\n" + read_piece("decide_plain")


def _solve(facts: Facts, recipe: Recipe, kind: str) -> list[str]:
    if facts.regression:
        return ["solve_regress"]
    return [
        read_piece(
            "solve_" + ("probabilities" if facts.probabilities else "labels_tuned" if recipe.tuned else "labels")
        )
    ]
