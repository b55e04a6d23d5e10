"""Makes the starter competitions' leaderboards again: python -m bench.leaderboards [-c ID] [--check]

Each entry is trained on the public half with one thread, writes a submission, and is scored by the task's grader on the
private half. The same bytes come out on any machine with the locked versions of the libraries.
"""

from __future__ import annotations

import csv
import importlib
import io
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from bench.entries.entry import Entry, Predictions
from grading.form import check_outputs
from grading.grader import Grader
from grading.medals import rounded
from grading.parse import OpenParser
from grading.shelf import Shelf
from podium.errors import UserError
from podium.files import write_atomic
from podium.plugins import load
from podium.settings import Site
from tasks import registry
from tasks.competition import GRADER, SUBMISSION, Competition

Row = tuple[float, str]
"""Score and name."""


def entries(task_id: str) -> list[Entry]:
    """The reference entries of a competition, in the order in which they were written down."""
    found: list[Entry] = importlib.import_module(f"bench.entries.{task_id.replace('-', '_')}").entries()
    return found


def scored(competition: Competition, site: Site, entry: Entry) -> float:
    """Train, predict, hand in, grade: the entry's score, rounded to 5 decimals. The data must be prepared."""
    public = site.public_dir(competition.id)
    train, test = pd.read_csv(public / "train.csv"), pd.read_csv(public / "test.csv")
    with threadpool_limits(1):
        predictions = entry.solve(train, test)
    table = OpenParser().parse(SUBMISSION, submission(competition, test, predictions))
    shelf = Shelf()
    check_outputs(competition.outputs(), {SUBMISSION: table}, public, shelf)
    grader: Grader = load(GRADER)(**competition.options())
    answer = grader.grade({SUBMISSION: table}, site.private_dir(competition.id), shelf)
    if answer.score is None:
        raise UserError(f"{competition.id}: the entry {entry.name!r} is refused: {answer.message}", "Mend the entry.")
    return rounded(answer.score)


def submission(competition: Competition, test: pd.DataFrame, predictions: Predictions) -> bytes:
    """Predictions in the order of `test` as a submission's bytes."""
    names = [column.name for column in competition.row.submission_columns]
    values = predictions if predictions.ndim == 2 else predictions[:, None]
    frame = pd.DataFrame(dict(zip(names[1:], values.T, strict=True)))
    frame.insert(0, names[0], test[names[0]])
    return frame.to_csv(index=False, lineterminator="\n").encode()


def ranked(rows: Sequence[Row], *, lower_is_better: bool) -> list[Row]:
    """Best first; equal scores by name."""
    return sorted(rows, key=lambda row: (row[0] if lower_is_better else -row[0], row[1]))


def rendered(rows: Sequence[Row]) -> str:
    """A leaderboard's file: `score,name`, in rank order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["score", "name"])
    writer.writerows((f"{score:.5f}", name) for score, name in rows)
    return text.getvalue()


def leaderboard(competition: Competition, site: Site) -> str:
    """A leaderboard's file, made anew; says how far it is on standard error."""
    rows = []
    for entry in entries(competition.id):
        start = time.monotonic()
        rows.append((scored(competition, site, entry), entry.name))
        click.echo(f"{competition.id}  {rows[-1][0]:.5f}  {time.monotonic() - start:5.1f} s  {entry.name}", err=True)
    return rendered(ranked(rows, lower_is_better=competition.row.lower_is_better))


@click.command()
@click.option("-c", "--competition", "chosen", multiple=True, help="Only this one; may be given again.")
@click.option("--check", "only_check", is_flag=True, help="Write nothing; fail where a file would change.")
def main(chosen: tuple[str, ...], only_check: bool) -> None:
    """Make the leaderboards of the starter competitions again, from data prepared in a temporary folder."""
    changed = []
    with tempfile.TemporaryDirectory() as folder:
        site = Site(data=Path(folder) / "data", private=Path(folder) / "private").resolved(Path(folder))
        for task_id in chosen or registry.split("starter"):
            competition = registry.competition(task_id)
            competition.prepare(site)
            text = leaderboard(competition, site)
            path = competition.folder / "leaderboard.csv"
            if not path.exists() or path.read_text() != text:
                changed.append(task_id)
            if not only_check:
                write_atomic(path, text)
    click.echo(f"changed: {', '.join(changed)}" if changed else "every leaderboard is as it was")
    if changed and only_check:
        raise SystemExit(2)


if __name__ == "__main__":
    main()
