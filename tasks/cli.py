"""The `podium tasks` commands: list, show, check."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from podium.errors import UserError
from podium.settings import Site, load_site
from tasks import registry
from tasks.card import Card, Line, card, line
from tasks.preparing.layout import elsewhere, existing, looking
from tasks.task import Kind

if TYPE_CHECKING:
    from tasks.bounds import Finding

FAILED = 2
"""Exit code where a bound does not hold."""
HEADS = ("id", "split", "metric", "better", "size", "data", "known trouble")
STYLES = {"data": "green", "known trouble": "red"}

_site = click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="site.toml; else the one of this folder or checkout."
)
_data = click.option(
    "--data-dir", type=click.Path(path_type=Path, resolve_path=True), metavar="DIR",
    help="Prepared data in MLE-bench's layout, in place of the site's.",
)  # fmt: skip
_json = click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
_splits = click.option(
    "--split", "splits", multiple=True, metavar="NAME", help="Those of experiments/splits/NAME.txt, or of a file."
)
_lite = click.option("--lite", is_flag=True, help="Only those of the lite split.")


@click.group()
def tasks() -> None:
    """List, show and check tasks."""


@tasks.command("list")
@_splits
@_lite
@click.option("--kind", type=click.Choice(get_args(Kind)), help="Only tasks of this kind.")
@_site
@_data
@_json
def list_(
    splits: tuple[str, ...], lite: bool, kind: Kind | None, site_file: Path | None, data_dir: Path | None, as_json: bool
) -> None:
    """List the tasks: how they are judged, whether their data are prepared here, and what is wrong with them."""
    site = _public(site_file, data_dir)
    chosen = registry.selection(splits, (), lite) if splits or lite else registry.names()
    lines = [line(registry.find(task_id, site), site) for task_id in chosen]
    lines = [one for one in lines if kind in (None, one.kind)]
    if as_json:
        click.echo(json.dumps([one.model_dump(mode="json") for one in lines], indent=2))
    elif not lines:
        raise UserError(f"None of the {len(chosen)} tasks is of the kind {kind}.", "Leave --kind out to see them.")
    else:
        _print_table([_cells(one) for one in lines])


@tasks.command()
@click.argument("task_id", metavar="ID")
@_site
@_data
@_json
def show(task_id: str, site_file: Path | None, data_dir: Path | None, as_json: bool) -> None:
    """Show a task: files, columns, metric, what the medals ask for, what is known of it, and its description."""
    site = _public(site_file, data_dir)
    shown = card(registry.find(task_id, site), site)
    if as_json:
        click.echo(json.dumps(shown.model_dump(mode="json"), indent=2))
        return
    width = min(shutil.get_terminal_size((120, 24)).columns, 120)
    click.echo(f"{shown.id}: {shown.name}\n")
    for head, text in _card_rows(shown):
        lines = textwrap.wrap(" ".join(text.split()), width - 12, break_long_words=False, break_on_hyphens=False)
        click.echo(f"{head:12}" + f"\n{' ' * 12}".join(lines))
    if shown.description:
        click.echo(f"\n{shown.description}")


@tasks.command()
@click.argument("task_ids", metavar="ID...", nargs=-1)
@_splits
@_lite
@_site
@_data
@_json
def check(
    task_ids: tuple[str, ...], splits: tuple[str, ...], lite: bool, site_file: Path | None, data_dir: Path | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Prove tasks' bounds by grading: needs the right to read their answers. Exit code 2 where one does not hold."""
    site, found = load_site(site_file), {}
    chosen = registry.selection(splits, task_ids, lite)
    for task_id in chosen:
        found[task_id] = _findings(task_id, site, data_dir, alone=len(chosen) == 1)
        if not as_json:
            click.echo(task_id)
            for finding in found[task_id]:
                click.echo(f"  {'ok  ' if finding.holds else 'FAIL'} {finding.what}: {finding.seen}".rstrip(": "))
    if as_json:
        click.echo(json.dumps({key: [one.model_dump() for one in value] for key, value in found.items()}, indent=2))
    if not all(finding.holds for value in found.values() for finding in value):
        click.get_current_context().exit(FAILED)


def _findings(task_id: str, site: Site, data_dir: Path | None, *, alone: bool) -> list[Finding]:
    """What is found of one task; among others, one that cannot be looked at is a finding and no error."""
    from tasks.bounds import Finding
    from tasks.bounds import check as check_bounds

    try:
        place = site if data_dir is None else elsewhere(site, task_id, data_dir)
        with looking(task_id):
            return list(check_bounds(registry.find(task_id, site), place))
    except UserError as error:
        if alone:
            raise
        return [Finding(what="it can be looked at", holds=False, seen=" ".join(str(error).split()))]


def _public(site_file: Path | None, data_dir: Path | None) -> Site:
    """The site with the data directory that was named, for who looks at public halves only."""
    site = load_site(site_file)
    return site if data_dir is None else site.model_copy(update={"data": existing(data_dir)})


def _cells(one: Line) -> tuple[str, ...]:
    better = "lower" if one.lower_is_better else "higher"
    kinds = ", ".join(dict.fromkeys(flag.kind for flag in one.flags))
    return one.id, one.split, one.metric, better, _size(one.size_gb), "prepared" if one.prepared else "-", kinds


def _size(gigabytes: float | None) -> str:
    if gigabytes is None:
        return ""
    return f"{gigabytes:.3g} GB" if gigabytes >= 1 else f"{gigabytes * 1000:.3g} MB"


def _print_table(rows: Sequence[Sequence[str]]) -> None:
    """A table of rich on a terminal; elsewhere the same as plain text in columns."""
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        table = Table()
        for head in HEADS:
            table.add_column(head, overflow="fold", style=STYLES.get(head, ""))
        for row in rows:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max(len(cell) for cell in column) for column in zip(HEADS, *rows, strict=True)]
    for row in (HEADS, *rows):
        click.echo("  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _card_rows(shown: Card) -> Iterator[tuple[str, str]]:
    """The card line by line: a word, and what it says."""
    needed = shown.thresholds
    yield "split", shown.split + (", systemcard" if shown.systemcard else "")
    yield "metric", f"{shown.metric}, {'lower' if needed.lower_is_better else 'higher'} is better. {shown.formula}"
    medals = ", ".join(f"{name} {getattr(needed, name):.5f}" for name in ("gold", "silver", "bronze", "median"))
    yield "thresholds", f"{medals} (from {shown.thresholds_from})"
    yield "ids", ", ".join(shown.ids)
    yield "targets", ", ".join(shown.targets) or "every other column of the sample submission"
    yield "public", ", ".join(shown.public) or "no table"
    yield "private", ", ".join(shown.private)
    packed = " (the public half has it packed only)" if shown.sample_private else ""
    scores = f"; it scores {shown.sample_score:.5f}" if shown.sample_score is not None else ""
    yield "sample", shown.sample + packed + scores
    if shown.size_gb is not None:
        yield "size", f"{_size(shown.size_gb)} of raw data"
    for flag in shown.flags:
        yield flag.kind, f"{flag.text} ({flag.thread})"
    for difference in shown.differences:
        yield "benchmark", f"{difference.benchmark} --strict: {difference.strict}"
    for fault in shown.unseen:
        yield "unseen", fault
    yield "prepared", "yes" if shown.prepared else f"no. {shown.obstacle}"


if __name__ == "__main__":
    tasks()
