"""How plans and reports look: the same tables for the terminal (rich), as Markdown, and trials as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from jobs.aggregate import Mean
from jobs.plan import Plan
from jobs.rows import AgentRow, Report, TaskRow, TrialRow
from podium.records import Cause

NOTHING = "-"
CSV_COLUMNS = tuple(name for name in TrialRow.model_fields if name != "schema_version")


@dataclass(frozen=True)
class Table:
    """A titled table of text; columns whose name ends in `>` are aligned to the right."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """GitHub's table form, under a heading."""
        heads = [column.rstrip(">") for column in self.columns]
        marks = ["---:" if column.endswith(">") else "---" for column in self.columns]
        lines = [heads, marks, *([_cell(text) for text in row] for row in self.rows)]
        return f"## {self.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"

    def rich(self) -> RichTable:
        """For a terminal."""
        table = RichTable(title=self.title, title_justify="left", title_style="bold")
        for column in self.columns:
            right = column.endswith(">")
            table.add_column(column.rstrip(">"), justify="right" if right else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*(Text(plain(text), style=_STYLES.get(text, "")) for text in row))
        return table


_HARMLESS = str.maketrans({"|": "&#124;", "<": "&lt;", ">": "&gt;", "[": "&#91;"})
_STYLES = {"gold": "bold yellow", "silver": "bold white", "bronze": "bold rgb(205,127,50)", "no": "red"}


def report_tables(report: Report) -> list[Table]:
    """Agents, tasks, trials: the medal table first."""
    return [
        Table(
            "Medals",
            ("agent", "model", "trials>", "failed>", "gold>", "silver>", "bronze>", "valid %>", "above median %>",
             "any medal %>", "pass@k %", "time>", "tokens>", "cached %>", "cost>"),
            [_agent(row) for row in report.agents],
        ),
        Table(
            "Tasks",
            ("task", "agent", "model", "score>", "best>", "better", "valid>", "gold>", "silver>", "bronze>"),
            [_task(row) for row in report.tasks],
        ),
        Table(
            "Trials",
            ("task", "agent", "model", "seed>", "score>", "medal", "valid", "time>", "tokens>", "cached %>", "steps>",
             "attempts>", "cause", "sandbox"),
            [_trial(row) for row in report.trials],
        ),
    ]  # fmt: skip


def remarks(report: Report) -> list[str]:
    """What stands below the tables."""
    lines = [f"Left out: {line}." for line in report.misfits]
    lines += list(report.notes)
    lines += [f"{row.task} by {row.agent}, seed {row.seed}: {row.message}" for row in report.trials if row.message]
    lines = [plain(line) for line in lines]
    if report.unfinished:
        lines.append(f"{report.unfinished} of {report.planned} trials are not finished; `--resume` goes on with them.")
    return lines


def markdown(report: Report) -> str:
    """The whole report as Markdown."""
    head = f"# {report.title}\n\nSweep `{report.sweep_id}`, started {report.created_at:%Y-%m-%d %H:%M:%S} UTC. "
    head += f"{len(report.trials)} of {report.planned} trials finished.\n"
    rule = (
        "Means are over seeds, ± is the standard error (sample standard deviation over the root of n; none for one "
        "seed). pass@k is the unbiased estimator of arXiv:2107.03374; a trial passes with any medal. Medals follow "
        "MLE-bench's rank rule on each task's leaderboard.\n"
    )
    notes = "".join(f"- {_cell(line)}\n" for line in remarks(report))
    tables = "\n".join(table.markdown() for table in report_tables(report))
    return f"{head}\n{tables}\n{rule}" + (f"\n## Remarks\n\n{notes}" if notes else "")


def trials_csv(report: Report) -> str:
    """One line a trial; lists are joined by `;`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for row in report.trials:
        values = row.model_dump(mode="json")
        writer.writerow([_flat(values[name]) for name in CSV_COLUMNS])
    return text.getvalue()


def _flat(value: object) -> object:
    if isinstance(value, dict):
        value = [f"{key}={item}" for key, item in value.items()]
    return ";".join(map(str, value)) if isinstance(value, list) else value


def print_report(report: Report, console: Console, *, trials: bool = True) -> None:
    """The medal table, the tasks and, with `trials`, each trial."""
    for table in report_tables(report)[: 3 if trials else 2]:
        console.print(table.rich())
    for line in remarks(report):
        console.print(line, markup=False, highlight=False)


def plan_tables(plan: Plan) -> list[Table]:
    """What a sweep would run, and what it asks for."""
    asked = plan.resources
    trials = [
        (str(number), trial.task, trial.agent, trial.model, str(trial.seed), trial.trial_id)
        for number, trial in enumerate(plan.trials, 1)
    ]
    resources = [
        ("trials", str(asked.trials)),
        ("at once", str(asked.parallel)),
        ("agent actors", str(asked.agent_actors)),
        ("executors at once", str(asked.executors)),
        ("CPUs", f"{asked.cpus:g}"),
        ("memory", f"{asked.memory_mb} MiB"),
        ("GPUs", f"{asked.gpus:g}"),
        ("disk", f"{asked.disk_mb} MiB"),
        ("wall time at most", duration(asked.hours * 3600)),
    ]
    tables = [
        Table("Trials, in their order", ("#>", "task", "agent", "model", "seed>", "trial"), trials),
        Table("Asked of the cluster", ("what", "at most>"), resources),
    ]
    if plan.misfits:
        rows = [(pair.agent, pair.task, pair.reason) for pair in plan.misfits]
        tables.append(Table("Does not fit, left out", ("agent", "task", "why"), rows))
    return tables


def plain(text: str) -> str:
    """One line without control characters: what agents and models wrote must not steer a terminal."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s` or `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _number(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.5g}"


def _rate(share: float | None) -> str:
    return NOTHING if share is None else f"{100 * share:.0f}"


def _cost(usd: float) -> str:
    return f"{usd:.2f} USD" if usd else NOTHING


def _mean(mean: Mean, digits: str = ".5g") -> str:
    if mean.mean is None:
        return NOTHING
    return f"{mean.mean:{digits}}" + (f" ± {mean.sem:.2g}" if mean.sem is not None else "")


def _agent(row: AgentRow) -> tuple[str, ...]:
    rates = (_mean(mean, ".1f") for mean in (row.valid, row.above_median, row.any_medal))
    passes = " ".join(f"@{k}: {value:.1f}" for k, value in enumerate(row.pass_at, 1))
    medals = (str(count) for count in row.medals)
    tail = (passes, duration(row.seconds), str(row.tokens), _rate(row.cache_hit_rate), _cost(row.cost))
    return (row.agent, row.model, str(row.trials), str(row.failed), *medals, *rates, *tail)


def _task(row: TaskRow) -> tuple[str, ...]:
    better = "lower" if row.lower_is_better else "higher"
    medals = (str(count) for count in row.medals)
    valid = f"{row.valid}/{row.trials}"
    return (row.task, row.agent, row.model, _mean(row.score), _number(row.best), better, valid, *medals)


def _trial(row: TrialRow) -> tuple[str, ...]:
    cause = row.outcome.value if row.outcome is not Cause.OK else ""
    cached = _rate(row.cache_hit_rate)
    numbers = (duration(row.seconds), str(row.tokens), cached, str(row.steps), str(row.attempts))
    valid = "yes" if row.valid else "no"
    head = (row.task, row.agent, row.model, str(row.seed), _number(row.score), row.medal or NOTHING, valid)
    return (*head, *numbers, cause or NOTHING, row.sandbox or NOTHING)


def _cell(text: str) -> str:
    """Text that comes from agents or files, made harmless in Markdown: one line, no HTML, no bars, links or images."""
    return plain(text).translate(_HARMLESS)
