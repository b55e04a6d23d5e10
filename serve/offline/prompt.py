"""Reading an agent's prompt: everything that the offline model knows stands in it, and is taken from it here.

Made for the sections of `agents/prompts` and tolerant of others (AIDE's own): headings of any level, other titles,
missing parts. Nothing outside the prompt is looked at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from podium.brief import Column
from podium.spec import Spec
from serve.chat import message_text
from serve.offline.metrics import Metric, find_metric

Task = Literal["draft", "improve", "debug", "review", "unclear"]

TITLES = {
    "task": r"task( description)?$",
    "goal": r"(goal|evaluation)",
    "overview": r"data overview",
    "memory": r"memory",
    "code": r"(previous|buggy|current|implementation|code|parent)",
    "output": r"(execution )?output|execution",
    "instructions": r"instruction",
}
ASKED = (
    ("review", r"review this run|evaluate the output|determine if there were any bugs"),
    ("debug", r"fix the bug|had a bug|should revise it|fix(ing)? (this|the) issue"),
    ("improve", r"improve the (solution|performance)|improve it in order|asked to improve"),
    ("draft", r"write a first solution|come up with an excellent|write (a|the) (program|solution)|in order to win"),
)


class TableColumn(Spec):
    """A column as the data overview shows it."""

    name: str
    dtype: str = ""
    missing: int = 0
    unique: int = 0


class Table(Spec):
    """A public table as the data overview shows it."""

    name: str
    rows: int = 0
    columns: tuple[TableColumn, ...] = ()


class Output(Spec):
    """The file that is asked for."""

    name: str = "submission.csv"
    sample: str = "sample_submission.csv"
    columns: tuple[Column, ...] = ()


class Prompt(Spec):
    """What a prompt says."""

    task: Task
    text: str
    metric: Metric | None = None
    metric_name: str = ""
    """As the prompt calls it; may be one that is not known here."""
    seed: int = 0
    outputs: tuple[Output, ...] = ()
    tables: tuple[Table, ...] = ()
    memory: tuple[str, ...] = ()
    code: str = ""
    output: str = ""
    run_seconds: float = 600.0
    folds: int = 5

    def table(self, word: str) -> Table | None:
        """The first CSV of the overview with `word` in its name, the shortest name first."""
        found = [
            t for t in self.tables if word in t.name.lower() and t.name.endswith(".csv") and "sample" not in t.name
        ]
        return min(found, key=lambda t: len(t.name), default=None)


def read_prompt(messages: Sequence[Mapping[str, Any]]) -> Prompt:
    """What the messages of a chat say. Unknown forms leave fields empty; nothing is raised."""
    text = "\n\n".join(message_text(message) for message in messages if message.get("role") != "assistant")
    asking = message_text(messages[-1]) if messages else ""
    if len(asking) < 200:
        asking = text
    parts = sections(asking)
    goal = parts.get("goal", "") or parts.get("task", "") or asking
    named = re.search(r"^[^\w\n]*metric\W+([\w@^.-]+)", goal, re.MULTILINE | re.IGNORECASE)
    metric = find_metric(named[1]) if named else find_metric(goal)
    instructions = parts.get("instructions", asking)
    code, output = _fenced(parts.get("code", "")), _fenced(parts.get("output", ""))
    return Prompt(
        task=_task(instructions, asking, bool(code), bool(output)),
        text=asking,
        metric=metric,
        metric_name=named[1] if named else metric.name if metric else "",
        seed=_number(r"random seed\W+(\d+)", goal, 0),
        outputs=_outputs(goal),
        tables=_tables(parts.get("overview", "")),
        memory=tuple(line for line in parts.get("memory", "").splitlines() if line.strip()),
        code=code,
        output=output,
        run_seconds=_number(r"(?:time limit of one run|within|at most|timeout)\D{0,20}(\d+) ?s", instructions, 600),
        folds=max(2, min(10, _number(r"(\d+)[ -]fold", instructions, 5))),
    )


def sections(text: str) -> dict[str, str]:
    """The text by kind of section; a heading of unknown title belongs to the section it stands in."""
    found: dict[str, list[str]] = {}
    current, depth, fence = "", 99, ""
    for line in text.splitlines():
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        if mark:
            fence = "" if fence and mark[1].startswith(fence) else fence or mark[1]
        heading = None if fence else re.match(r"(#{1,6})\s+(.*)", line)
        if heading and (len(heading[1]) <= depth or not current):
            kind = _kind(heading[2])
            if kind or len(heading[1]) < depth:
                current, depth = kind, len(heading[1])
                found.setdefault(current, [])
                continue
        found.setdefault(current, []).append(line)
    return {kind: "\n".join(lines).strip() for kind, lines in found.items() if kind}


def _kind(title: str) -> str:
    title = title.strip().lower().strip("*:# ")
    return next((kind for kind, pattern in TITLES.items() if re.match(pattern, title)), "")


def _task(instructions: str, text: str, has_code: bool, has_output: bool) -> Task:
    for where in (instructions, text):
        for task, pattern in ASKED:
            if re.search(pattern, where, re.IGNORECASE):
                return task  # type: ignore[return-value]
    if has_code:
        return "debug" if has_output else "improve"
    return "unclear"


def _fenced(text: str) -> str:
    """The longest fenced block of a section; the section itself where it holds none."""
    blocks = re.findall(r"^\s*(`{3,})[\w+-]*[ \t]*\n(.*?)^\s*\1`*\s*$", text + "\n", re.DOTALL | re.MULTILINE)
    return max((block for _, block in blocks), key=len, default=text)


def _number(pattern: str, text: str, default: int) -> int:
    found = re.search(pattern, text, re.IGNORECASE)
    return int(found[1]) if found else default


def _outputs(goal: str) -> tuple[Output, ...]:
    """The files asked for: `Submission file:` lines, each with its sample and its table of columns."""
    found = []
    for part in re.split(r"(?im)^(?=[^\w\n]*submission file\W)", goal)[1:]:
        name = re.search(r"(?i)submission file\W+([^\s`]+)", part)
        sample = re.search(r"(?im)^[^\w\n]*sample submission\W+([^\s`]+)", part)
        columns = tuple(_column(row) for row in _rows(part, "kind"))
        output = {"name": name[1].removeprefix("submission/") if name else None}
        output["sample"] = sample[1].removeprefix("input/") if sample else None
        found.append(Output(columns=columns, **{key: value for key, value in output.items() if value}))
    return tuple(found)


def _column(row: Mapping[str, str]) -> Column:
    kind = row["kind"] if row["kind"] in ("id", "number", "probability", "label", "text") else "text"
    labels = tuple(label.strip() for label in row.get("labels", "").split(",") if label.strip())
    return Column(name=row.get("column", ""), kind=kind, labels=labels)


def _tables(overview: str) -> tuple[Table, ...]:
    found = []
    for part in re.split(r"(?m)^#{1,6}\s+", overview)[1:]:
        name = part.splitlines()[0].strip().strip("`")
        columns = tuple(
            TableColumn(
                name=row["column"],
                dtype=row.get("dtype", ""),
                missing=_count(row.get("missing", "")),
                unique=_count(row.get("unique", "")),
            )
            for row in _rows(part, "dtype")
        )
        found.append(Table(name=name, rows=_number(r"rows\W+(\d+)", part.replace(",", ""), 0), columns=columns))
    return tuple(found)


def _rows(text: str, needed: str) -> list[dict[str, str]]:
    """The rows of the first Markdown table whose head has the columns `column` and `needed`."""
    head: list[str] = []
    rows = []
    for line in text.splitlines():
        cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]
        if not line.strip().startswith("|"):
            if head:
                break
        elif not head:
            if {"column", needed} <= set(cells):
                head = cells
        elif not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            rows.append(dict(zip(head, cells, strict=False)))
    return rows


def _count(text: str) -> int:
    digits = re.match(r"[\d,]+", text)
    return int(digits[0].replace(",", "")) if digits else 0
