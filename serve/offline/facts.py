"""What a program must know of its task, put together from a prompt or read back from a program of ours."""

from __future__ import annotations

import ast

from podium.brief import Column
from podium.spec import Spec
from serve.offline.metrics import BY_NAME, FALLBACK, Form, Metric, find_metric
from serve.offline.prompt import Output, Prompt, Table


class Facts(Spec):
    """The task, as far as the prompt tells. Empty names are found out by the program itself."""

    metric: Metric
    train: str = "train.csv"
    test: str = "test.csv"
    sample: str = "sample_submission.csv"
    output: str = "submission.csv"
    id: str = ""
    targets: tuple[str, ...] = ()
    probabilities: bool = False
    """Whether probabilities are handed in rather than classes."""
    rows: int = 2000
    columns: int = 20
    classes: int = 2
    texts: tuple[str, ...] = ()
    """Columns of text in both tables."""
    gaps: tuple[str, ...] = ()
    """Columns of numbers with missing values."""
    known: tuple[str, ...] = ()
    """All columns of the training table."""

    @property
    def regression(self) -> bool:
        return self.metric.form == "number"


def gather(prompt: Prompt) -> Facts | None:
    """The facts of a prompt; None where it says too little: neither a metric that is known nor what is asked for."""
    output = prompt.outputs[0] if prompt.outputs else Output()
    forms = [column.kind for column in output.columns if column.kind not in ("id", "text")]
    metric = _metric(prompt, forms[0] if forms else "")
    before = constants(prompt.code)
    if metric is None:
        metric = BY_NAME.get(str(before.get("METRIC", "")))
    if metric is None:
        return None
    train, test = prompt.table("train"), prompt.table("test")
    named = [column.name for column in output.columns if column.kind == "id"]
    identity = named[0] if named else str(before.get("ID", ""))
    facts = Facts(
        metric=metric,
        train=train.name if train else str(before.get("TRAIN", "train.csv")),
        test=test.name if test else str(before.get("TEST", "test.csv")),
        sample=output.sample,
        output=output.name,
        id=identity,
        targets=targets(train, test, output, identity) or _strings(before.get("TARGETS")),
        probabilities="probability" in forms if forms else metric.form == "probability",
        rows=train.rows if train and train.rows else 2000,
    )
    return _with_columns(facts, train, test, output)


def targets(train: Table | None, test: Table | None, output: Output, identity: str) -> tuple[str, ...]:
    """The columns to predict: those of the training table alone; among several, those that are asked for by name."""
    if train is None or test is None or not train.columns or not test.columns:
        return ()
    shown = {column.name for column in test.columns}
    alone = [column.name for column in train.columns if column.name not in shown and column.name != identity]
    asked = [column.name for column in output.columns if column.name in alone]
    return tuple(asked or alone[-1:])


def constants(code: str) -> dict[str, object]:
    """The upper-case names that a program sets to plain values; empty where it does not parse."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return {}
    found: dict[str, object] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = ast.literal_eval(node.value)
            except (ValueError, TypeError, RecursionError):
                continue
    return {name: value for name, value in found.items() if name.isupper()}


def _metric(prompt: Prompt, form: str) -> Metric | None:
    """The metric named, else one that suits what is asked for."""
    asked: Form | None = form if form in FALLBACK else None
    if prompt.metric is not None:
        return prompt.metric
    return find_metric(FALLBACK[asked]) if asked else None


def _with_columns(facts: Facts, train: Table | None, test: Table | None, output: Output) -> Facts:
    if train is None or not train.columns:
        return facts
    shown = {column.name for column in test.columns} if test else set()
    inputs = [column for column in train.columns if column.name in shown and column.name != facts.id]
    unique = [column.unique for column in train.columns if column.name in facts.targets]
    return facts.model_copy(
        update={
            "columns": len(inputs),
            "classes": max([2, *unique, len(_labels(output.columns))]) if not facts.regression else 2,
            "texts": tuple(column.name for column in inputs if column.dtype in ("text", "object", "str", "category")),
            "gaps": tuple(c.name for c in inputs if c.missing and c.dtype in ("integer", "number", "int64", "float64")),
            "known": tuple(column.name for column in train.columns),
        }
    )


def _labels(columns: tuple[Column, ...]) -> tuple[str, ...]:
    return max((column.labels for column in columns), key=len, default=())


def _strings(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()
