"""`podium grade` and `podium grade-sample`: MLE-bench's two grading commands, for files that lie anywhere.

podium grade --submission submission.jsonl --output-dir graded [--data-dir DATA]
podium grade-sample submission.csv spaceship-titanic [--data-dir DATA]
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from containers.backends import NAMES, backend
from grading.jail import jailed_parser
from jobs.benchmark_report import CompetitionReport, aggregate_reports, report_text
from jobs.commands import known_site
from jobs.entries import Entry, read_entries
from jobs.judge import Judge, NoFile
from jobs.preparing import PrepareOrder, placed
from jobs.render import plain
from podium.errors import PodiumError, Unavailable, UserError
from podium.files import write_once
from podium.records import Grade

FAILURES = 2
"""Exit code where something could not be graded; invalid submissions are graded."""

Command = TypeVar("Command", bound=Callable[..., Any])
_PATH = click.Path(path_type=Path)
_OPTIONS = (
    click.option("--data-dir", type=_PATH, metavar="DIR", help="Prepared data in MLE-bench's layout; else the site's."),
    click.option(
        "--private-dir", type=_PATH, metavar="DIR", help="Where the answers are, if not in the data directory."
    ),
    click.option("--strict", is_flag=True, help="Judge rightly where the benchmark's own rules are wrong."),
    click.option("--sandbox", default=NAMES[0], show_default=True, metavar="NAME", help="Where files are parsed."),
)


def _grading_options(command: Command) -> Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command()
@click.option("--submission", required=True, type=_PATH, metavar="FILE", help="JSONL: competition_id, submission_path.")
@click.option("-o", "--output-dir", required=True, type=_PATH, metavar="DIR", help="Where the report goes.")
@_grading_options
@click.option("--json", "as_json", is_flag=True, help="The report on stdout too.")
@click.option("-q", "--quiet", is_flag=True, help="Say only what could not be graded.")
def grade(submission: Path, output_dir: Path, as_json: bool, quiet: bool, **where: Any) -> int:
    """Grade the submissions that a JSONL file lists; writes DIR/<time>_grading_report.json.

    Exit code 2 where some could not be graded (no such task, no answers): those are not in the report.
    """
    entries = read_entries(submission)
    check_writable(output_dir)
    with judging(**where) as judge:
        grades, left = grade_all(entries, judge, lambda line: click.echo(line, err=True), quiet=quiet)
    if not grades:
        raise UserError(f"None of {len(entries)} submissions could be graded.", "The reasons stand above.")
    text = report_text(aggregate_reports([CompetitionReport.of(found) for found in grades]))
    file = write_report(output_dir, text, time.gmtime())
    if as_json:
        click.echo(text)
    if not quiet:
        medals, valid = sum(found.any_medal for found in grades), sum(found.valid_submission for found in grades)
        click.echo(f"{len(grades)} graded, {valid} valid, {medals} medals; {left} not graded. Report: {file}", err=True)
    return FAILURES if left else 0


@click.command()
@click.argument("path", metavar="CSV")
@click.argument("competition_id", metavar="ID")
@_grading_options
def grade_sample(path: str, competition_id: str, **where: Any) -> None:
    """Grade one CSV file; the competition report as JSON on stdout, exit code 0 also where it is invalid."""
    with judging(**where) as judge:
        found = judge.grade(competition_id, path)
    if found.message:
        click.echo(plain(found.message), err=True)
    click.echo(report_text(CompetitionReport.of(found).to_dict(), indent=4))


@contextmanager
def judging(data_dir: Path | None, private_dir: Path | None, strict: bool, sandbox: str) -> Iterator[Judge]:
    """A judge for the data at these places, else at the site's. Raises UserError, UnknownName."""
    backend(sandbox)  # a name that is not there is refused before anything is read
    site = known_site()
    data = data_dir or site.data
    if not data.is_dir():
        raise UserError(f"There is no data directory {data}.", "Name one that exists with --data-dir.")
    order = PrepareOrder(site=site, data_dir=data_dir and data_dir.resolve(), private_dir=private_dir)
    with closing(jailed_parser(site.scratch_dir(), sandbox)) as parser:
        yield Judge(lambda task_id: placed(order, task_id), parser, strict=strict)


def grade_all(
    entries: Sequence[Entry], judge: Judge, say: Callable[[str], None], *, quiet: bool = False
) -> tuple[list[Grade], int]:
    """The grades of what can be graded, in order, and how many cannot; says what comes of each, and why.

    Raises Unavailable where there is no jail to parse them in.
    """
    grades: list[Grade] = []
    for number, entry in enumerate(entries, 1):
        place = f"[{number}/{len(entries)}] {plain(entry.competition_id)}"
        try:
            grades.append(_graded(judge, entry))
        except Unavailable:
            raise
        except PodiumError as error:
            say(f"{place}: not graded: {plain(str(error))}")
            continue
        if not quiet or grades[-1].message:
            say(f"{place}: {_outcome(grades[-1])}")
    return grades, len(entries) - len(grades)


def _graded(judge: Judge, entry: Entry) -> Grade:
    try:
        return judge.grade(entry.competition_id, entry.submission_path)
    except NoFile as fault:
        return judge.refused(entry.competition_id, str(entry.submission_path), fault)


def _outcome(found: Grade) -> str:
    score = "no score" if found.score is None else f"{found.score:g}"
    return ", ".join(part for part in (score, found.medal, plain(found.message)) if part)


def check_writable(folder: Path) -> None:
    """Raise UserError unless `folder` is there or can be made: before an hour of grading, not after."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise UserError(f"No report can be written into {folder}: see {there}.", "Name a folder of yours.")


def write_report(folder: Path, text: str, moment: time.struct_time) -> Path:
    """Write `<time>_grading_report.json`, the folder made where it is missing; two of one second get `-2`, `-3`."""
    try:
        return _write_report(folder, text, moment)
    except OSError as error:
        raise UserError(
            f"No report can be written into {folder}: {error.strerror}.", "Name a folder of yours."
        ) from None


def _write_report(folder: Path, text: str, moment: time.struct_time) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.strftime("%Y-%m-%dT%H-%M-%S-GMT", moment)
    names = [f"{stamp}_grading_report.json", *(f"{stamp}-{number}_grading_report.json" for number in range(2, 1000))]
    for name in names:
        if write_once(folder / name, text):
            return folder / name
    raise UserError(f"There is no free name for a report in {folder}.", "Name another folder.")
