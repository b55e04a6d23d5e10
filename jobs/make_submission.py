"""From a run group's `metadata.json`, ours or MLE-bench's, to the `submission.jsonl` that `podium grade` reads."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jobs.entries import CODE, LOG, entry_of, text_of
from podium.errors import UserError
from podium.files import write_atomic

_FILE = click.Path(path_type=Path)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--metadata", required=True, type=_FILE, help="metadata.json of a run group.")
@click.option("--output", default="submission.jsonl", show_default=True, type=_FILE, help="The JSONL file to write.")
@click.option("--rel-log-path", "log", default=LOG, show_default=True, help="Of the log, below a run's folder.")
@click.option("--rel-code-path", "code", default=CODE, show_default=True, help="Of the code, below a run's folder.")
def make_submission(metadata: Path, output: Path, log: str, code: str) -> None:
    """Write one line a run, with the paths of its submission, log and code; what is not there is null."""
    runs = runs_of(metadata)
    entries = [entry_of(metadata.parent / run, log, code) for run in runs]
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(output, text_of(entries))
    except OSError as error:
        raise UserError(f"{output} cannot be written: {error.strerror}.", "Name a file in a folder of yours.") from None
    handed_in = sum(entry.submission_path is not None for entry in entries)
    click.echo(f"{output}: {len(entries)} runs, {handed_in} with a submission", err=True)


def runs_of(metadata: Path) -> list[str]:
    """The run folders that a `metadata.json` names, in its order. Raises UserError."""
    try:
        content = json.loads(metadata.read_bytes())
    except OSError as error:
        raise UserError(f"{metadata} cannot be read: {error.strerror}.", "Name a run group's metadata.json.") from None
    except ValueError as error:
        raise UserError(f"{metadata} is not JSON: {error}.", "Name a run group's metadata.json.") from None
    runs = content.get("runs") if isinstance(content, dict) else None
    if not isinstance(runs, dict):
        raise UserError(f"{metadata} has no object `runs`.", "Name the metadata.json of a run group.")
    outside = [run for run in runs if Path(run).name != run or run in ("", "..")]
    if outside:
        raise UserError(f"{metadata} names the run {outside[0]!r}, which is no folder beside it.", "Mend that name.")
    return list(runs)
