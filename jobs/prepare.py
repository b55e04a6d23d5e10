"""Makes tasks' public and private data: python jobs/prepare.py [--split starter | -c ID ...] [--site site.toml]"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

if __name__ == "__main__":  # as a script: the checkout is the root of imports, and jobs/ shadows nothing
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from jobs import cli
from podium.errors import UserError
from podium.settings import load_site
from tasks import registry


@click.command()
@click.option("-c", "-t", "--competition", "--task", "chosen", multiple=True, help="This task; may be given again.")
@click.option("--split", "split_name", help="The tasks of experiments/splits/NAME.txt, or of a file.")
@click.option(
    "--site", "site_file", type=click.Path(path_type=Path), help="site.toml; else the one of this folder or checkout."
)
@click.option("--record", is_flag=True, help="Record the files' digests anew: for whoever adds or changes a task.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def prepare(chosen: tuple[str, ...], split_name: str | None, site_file: Path | None, record: bool, quiet: bool) -> None:
    """Make tasks' public and private data. What is there already, and right, stays as it is."""
    ids = list(dict.fromkeys([*chosen, *(registry.split(split_name) if split_name else [])]))
    if not ids:
        raise UserError("No task was named.", "Type: podium prepare --split starter, or -c ID.")
    site = load_site(site_file)
    for task_id in ids:
        start = time.monotonic()
        if record:
            registry.competition(task_id).record()
        registry.find(task_id, site).prepare(site)
        if not quiet:
            click.echo(f"{task_id}: {site.public_dir(task_id)} ({time.monotonic() - start:.1f} s)", err=True)


if __name__ == "__main__":
    cli.run(prepare, "prepare")
