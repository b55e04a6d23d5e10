"""`submission.jsonl`, in and out: which file was handed in for which competition, one line each, as MLE-bench has it.

{"competition_id": "spaceship-titanic", "submission_path": "/.../submission.csv", "logs_path": null, "code_path": null}
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from podium.errors import UserError
from podium.rundir import TrialDir
from podium.settings import checked

FILE = "submission.jsonl"
"""In each run group."""
LOG = "logs/agent.log"
CODE = "code/train.py"
"""The benchmark's names, below a run's folder."""
SUBMISSION = "submission/submission.csv"
MOST_BYTES = 64 << 20
_COMMENTS = ("#", "//")


class Entry(BaseModel):
    """One line. Other keys are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    competition_id: str
    submission_path: str | None
    """None: nothing was handed in."""
    logs_path: str | None = None
    code_path: str | None = None


def read_entries(file: Path) -> list[Entry]:
    """The lines of a `submission.jsonl`; blank ones and those that begin with `#` or `//` are comments.

    Raises UserError that names a line which cannot be read.
    """
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{file} cannot be read: {error.strerror}.", "Name a JSONL file that exists.") from None
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8.", "Name a text file with one JSON object a line.") from None
    if len(content) > MOST_BYTES:
        raise UserError(
            f"{file} is larger than {MOST_BYTES >> 20} MiB.", "Name a JSONL file with one line a submission."
        )
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), 1))
    found = [_entry(line, f"Line {number} of {file}") for number, line in lines if line and not _comment(line)]
    if not found:
        raise UserError(f"{file} names no submission.", "Write a line for each: competition_id, submission_path.")
    return found


def _comment(line: str) -> bool:
    return line.startswith(_COMMENTS)


def _entry(line: str, place: str) -> Entry:
    form = 'Write {"competition_id": "...", "submission_path": "..."}, or null for the path.'
    try:
        content = json.loads(line)
    except ValueError as error:
        raise UserError(f"{place} is not JSON: {error}.", form) from None
    if not isinstance(content, dict):
        raise UserError(f"{place} is no JSON object.", form)
    return checked(Entry, content, place)


def entry_of(run: Path, log: str = LOG, code: str = CODE) -> Entry:
    """What lies in a run's folder: one of our trials, or a run of MLE-bench (`<competition id>_<uuid>`).

    Paths are absolute, for whoever grades it from elsewhere; a file that is not there is null.
    """
    record = TrialDir(run).record()
    competition = record.spec.task if record is not None else run.name.split("_")[0]
    below = Path(os.path.abspath(run))  # not resolved: the accepted attempt's folders are links
    return Entry(
        competition_id=competition,
        submission_path=_there(below / SUBMISSION),
        logs_path=_there(below / log),
        code_path=_there(below / code),
    )


def _there(path: Path) -> str | None:
    """The path of a file or folder that exists."""
    return str(path) if path.exists() else None


def text_of(entries: Iterable[Entry]) -> str:
    """The content of a `submission.jsonl`."""
    return "".join(json.dumps(entry.model_dump()) + "\n" for entry in entries)
