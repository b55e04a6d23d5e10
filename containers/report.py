"""What the interpreter reports of an uncaught exception: bounded JSON, which the program may have written itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from containers.sandbox import ExceptionInfo


@dataclass(frozen=True)
class Report:
    """The line as it was understood."""

    fields: dict[str, Any]
    hints: tuple[str, ...] = ()

    @property
    def raised(self) -> bool:
        return bool(self.fields)


def parse(data: bytes) -> Report:
    """The first line, if it is a JSON object of the right form; else an empty report."""
    try:
        fields = json.loads(data.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return Report({})
    if not isinstance(fields, dict) or not isinstance(fields.get("hints", []), list):
        return Report({})
    return Report(fields, tuple(hint for hint in fields.get("hints", []) if isinstance(hint, str)))


def exception(report: Report) -> ExceptionInfo | None:
    """The exception, typed; None where the report holds none."""
    try:
        return ExceptionInfo.model_validate({key: report.fields[key] for key in ("type", "args", "stack")})
    except (ValidationError, KeyError):
        return None
