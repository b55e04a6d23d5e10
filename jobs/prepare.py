"""Makes tasks' public and private data: python jobs/prepare.py --split lite --data-dir D

What `mlebench prepare` made is used as it is; docs/preparing.md says what is made here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

import click

if __name__ == "__main__":  # as a script: the checkout is the root of imports, and jobs/ shadows nothing
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from jobs import cli
from jobs.preparing import PrepareOrder, prepare_all, prepare_task
from podium.errors import UserError
from podium.settings import load_site
from podium.state import read_state
from tasks import registry
from tasks.preparing import Tell, Ways

FOLDER = click.Path(path_type=Path, file_okay=False, resolve_path=True)
SITE = "site.toml; else the one of this folder or checkout."


@click.command()
@click.option("-c", "-t", "--competition", "--competition-id", "--task", "chosen", multiple=True, help="This task.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="The tasks of experiments/splits/NAME.txt.")
@click.option("-l", "--list", "lists", multiple=True, metavar="FILE", help="The tasks of a file, one id a line.")
@click.option("-a", "--all", "everything", is_flag=True, help="All 82 competitions of MLE-bench.")
@click.option("--lite", is_flag=True, help="The lite split; of a list, those that are in it.")
@click.option("--site", "site_file", type=click.Path(path_type=Path), help=SITE)
@click.option("--data-dir", type=FOLDER, metavar="DIR", help="Data in MLE-bench's layout, in place of the site's.")
@click.option("--private-dir", type=FOLDER, metavar="DIR", help="Where answers belong, in place of the site's.")
@click.option("--split-private", is_flag=True, help="Move answers, raw data and archives to the private directory.")
@click.option("--no-download", is_flag=True, help="Ask Kaggle for nothing.")
@click.option("--keep-raw", is_flag=True, help="Keep what was extracted of the archive.")
@click.option("--skip-verification", is_flag=True, help="Take a download that is not the benchmark's archive.")
@click.option("--cluster", is_flag=True, help="Do it on the running cluster's grading host.")
@click.option("--record", is_flag=True, help="Record the files' digests anew: for whoever adds or changes a task.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def prepare(
    chosen: tuple[str, ...],
    splits: tuple[str, ...],
    lists: tuple[str, ...],
    everything: bool,
    lite: bool,
    site_file: Path | None,
    data_dir: Path | None,
    private_dir: Path | None,
    split_private: bool,
    no_download: bool,
    keep_raw: bool,
    skip_verification: bool,
    cluster: bool,
    record: bool,
    quiet: bool,
) -> None:
    """Make tasks' public and private data. What is there already, and right, stays as it is."""
    ids = selected(chosen, (*splits, *lists), everything, lite)
    state = read_state() if cluster else None
    order = PrepareOrder(
        site=state.site if state and site_file is None else load_site(site_file),
        data_dir=data_dir,
        private_dir=private_dir,
        split_private=split_private,
        record=record,
        ways=Ways(download=not no_download, keep_raw=keep_raw, verify=not skip_verification),
    )
    tell: Tell = _silent if quiet else partial(click.echo, err=True)
    doing: AbstractContextManager[Callable[[str], None]] = nullcontext(lambda task: prepare_task(task, order, tell))
    if state is not None:
        from jobs.guest import on_grading_host

        doing = on_grading_host(state, order, tell)
    with doing as prepare_one:
        prepare_all(ids, prepare_one, partial(click.echo, err=True))


def selected(chosen: tuple[str, ...], lists: tuple[str, ...], everything: bool, lite: bool) -> list[str]:
    """The tasks that were named. Raises UnknownName, and UserError where none was."""
    if not (chosen or lists or everything or lite):
        raise UserError("No task was named.", "Name some: -c ID, --split starter, --lite, --all or --list FILE.")
    return registry.selection(lists, (*chosen, *(registry.benchmark_names() if everything else ())), lite)


def _silent(line: str) -> None:
    """What `--quiet` does with progress."""


if __name__ == "__main__":
    cli.run(prepare, "prepare")
