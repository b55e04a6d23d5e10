"""A submission's bytes to tables, and whether they have the right form: the same way for grading and `/validate`."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from grading.grader import RulesGrader
from grading.order import GradingTask
from grading.parse import Parser, Reading
from grading.refusal import InvalidSubmission
from grading.shelf import Shelf
from grading.table import Table
from grading.validate import check_table
from podium.brief import OutputFile
from podium.plugins import load

CHECK_FAILED = "The task's check failed on this submission; the validator's own log says why."


def read(task: GradingTask, files: Mapping[str, bytes], parser: Parser) -> dict[str, Table]:
    """The declared outputs as tables, by name; files that were not asked for are not looked at.

    Raises InvalidSubmission where one is missing or cannot be read.
    """
    for output in task.outputs:
        if output.name not in files:
            raise InvalidSubmission(f"There is no {output.name}. Write it to ./submission/{output.name}.")
    reading: Reading = "pandas" if task.form == "rules" else "plain"
    return {
        output.name: parser.parse(output.name, files[output.name], output.max_mb, reading) for output in task.outputs
    }


def check(task: GradingTask, tables: Mapping[str, Table], public: Path, shelf: Shelf) -> None:
    """Check the form by public knowledge only. Raises InvalidSubmission."""
    if task.form == "rules":
        grader: RulesGrader = load(task.grader)(**task.options)
        try:
            grader.check(tables, public, shelf)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            traceback.print_exc(file=sys.stderr)  # into our own log; such a submission would get no score either
            raise InvalidSubmission(CHECK_FAILED) from None
    else:
        check_outputs(task.outputs, tables, public, shelf)


def check_outputs(outputs: Sequence[OutputFile], tables: Mapping[str, Table], public: Path, shelf: Shelf) -> None:
    """Check every table against its description and its sample file in `public`. Raises InvalidSubmission."""
    for output in outputs:
        sample = public / output.sample
        check_table(output, tables[output.name], shelf.table(sample) if sample.is_file() else None)
