"""The validator: whether a submission has the right form, by public knowledge only. It opens no private data."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from grading.form import check, read
from grading.order import GradingTask
from grading.parse import Parser
from grading.refusal import InvalidSubmission
from grading.registration import Caller, Door
from grading.shelf import Shelf
from podium.brief import Validity
from podium.errors import UnknownName, UserError
from podium.settings import Site

VALID = "Submission is valid."

Catalogue = Callable[[str, Site], GradingTask]
"""The task of an id, whoever keeps the tasks. Raises UnknownName."""


def no_catalogue(task_id: str, site: Site) -> GradingTask:
    """Knows no task."""
    raise UnknownName("task", task_id, ())


class Validator:
    """Its methods may be called from several threads at once."""

    def __init__(
        self, site: Site, door: Door, parser: Parser, *, catalogue: Catalogue = no_catalogue, shelf: Shelf | None = None
    ) -> None:
        """`door` says who may ask; `catalogue` finds the tasks that are asked for by name."""
        self._site, self._door, self._parser, self._catalogue = site, door, parser, catalogue
        self._shelf = shelf or Shelf()
        self._found: dict[str, GradingTask] = {}

    def admit(self, key: str) -> Caller | None:
        """Who shows this key; None: it is not known."""
        return self._door(key)

    def known(self, task_id: str) -> GradingTask | None:
        """The task of that id, where it was looked up before."""
        return self._found.get(task_id)

    def task(self, task_id: str) -> GradingTask:
        """The task of that id. Raises UnknownName, and UserError where it cannot be asked about."""
        found = self._catalogue(task_id, self._site)
        self._found[task_id] = found
        return found

    def check_prepared(self, task: GradingTask) -> None:
        """Raises UserError where the task's public half is not there."""
        public = self._site.public_dir(task.id)
        if not public.is_dir() or not os.listdir(public):
            raise UserError(f"The data of {task.id} are not prepared.", f"Type: podium prepare -c {task.id}")

    def validate(self, task: GradingTask, files: Mapping[str, bytes]) -> Validity:
        """Whether the files have the form that the task asks for. Never a score.

        Raises UserError for a task that is not prepared, InfrastructureFailure or Unavailable where the jail is broken.
        """
        self.check_prepared(task)
        try:
            check(task, read(task, files, self._parser), self._site.public_dir(task.id), self._shelf)
        except InvalidSubmission as fault:
            return Validity(valid=False, message=fault.message)
        return Validity(valid=True, message=VALID)
