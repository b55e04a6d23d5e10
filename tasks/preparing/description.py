"""A description for agents, where the competition's own text is not at hand: made from the catalogue and the files."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tasks.benchmark_row import BenchmarkRow

TEMPLATE: Final = """\
# {name}

*This text was made by Podium from its catalogue and the files' headers. It is not the competition's own description.*

## Files
{files}
## Submission
Write `submission.csv` with exactly the columns {columns}, and a row for each row of `{sample}`, which shows the form.
{ids} the row; the prediction goes into {targets}.

## Metric
{metric}: {direction} is better.
"""
MOST_COLUMNS: Final = 60
"""Of a table with more the rest is left out."""


def describe(row: BenchmarkRow, public: Path) -> str:
    """Markdown: the tables with their columns, what a submission looks like, and the metric. Says no answer."""
    tables = sorted(path for path in public.iterdir() if path.suffix == ".csv" and path.is_file())
    header = _header(public / row.sample)
    targets = row.targets or tuple(name for name in header if name not in row.ids)
    return TEMPLATE.format(
        name=row.name,
        files="".join(f"- `{path.name}`: columns {_columns(_header(path))}\n" for path in tables),
        columns=_columns([*row.ids, *targets]),
        sample=row.sample,
        ids=f"{_code(row.ids)} name{'s' if len(row.ids) == 1 else ''}",
        targets=_columns(targets),
        metric=row.metric.replace("_", " ") if row.metric else "The score",
        direction="lower" if row.lower_is_better else "higher",
    )


def _header(table: Path) -> list[str]:
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8", errors="replace") as file:
        return next(csv.reader(file), [])


def _columns(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - MOST_COLUMNS} more" if len(listed) > MOST_COLUMNS else ""
    return _code(listed[:MOST_COLUMNS]) + more


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
