"""The grading service: grades by its ledger, validates by public knowledge. Everything the actor does, without Ray."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from grading.form import check, read
from grading.grade import check_order, grade
from grading.ledger import Ledger, Row
from grading.order import GradeOrder, GradingTask
from grading.parse import Parser
from grading.refusal import InvalidSubmission
from grading.registration import Registrations
from grading.shelf import Shelf
from podium.brief import Validity
from podium.records import Grade, now
from podium.settings import Site

VALID = "Submission is valid."


class GradingService:
    """One grader. Its methods may be called from several threads at once."""

    def __init__(
        self,
        site: Site,
        ledger: Ledger,
        registrations: Registrations,
        *,
        graded: Parser,
        validated: Parser,
        digest: str = "",
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`graded` and `validated`: parsers of their own, so that many validations do not hold up a grade."""
        self._site, self._ledger, self._registrations = site, ledger, registrations
        self._graded, self._validated = graded, validated
        self._digest, self._clock, self._shelf = digest, clock, Shelf()

    def grade(self, order: GradeOrder) -> Grade:
        """The one grade of a trial; the row is on the disk before it is given.

        The same digest gets the same answer for ever. With a `reason` it is graded once more for that reason, beside
        the first. Raises UserError for another digest, InfrastructureFailure where the jail or the disk is broken.
        """
        check_order(order)
        standing = self._ledger.find(order.trial_id, order.digest, order.reason)
        if standing is not None:
            return standing.grade
        moment = self._clock()
        row = Row(
            trial_id=order.trial_id,
            sweep_id=order.sweep_id,
            run_group=order.run_group,
            task=order.task.id,
            digest=order.digest,
            reason=order.reason,
            graded_at=moment,
            grader=self._digest,
            grade=grade(order, self._graded, self._site, self._shelf, moment),
        )
        return self._ledger.record(row).grade

    def register(self, key_hash: str, task: GradingTask) -> None:
        """Let the trial with that key ask `/validate` about that task."""
        self._registrations.register(key_hash, task)

    def forget(self, key_hash: str) -> None:
        """Shut a trial's key out."""
        self._registrations.forget(key_hash)

    def registered(self, key_hash: str) -> GradingTask | None:
        """The task that the key may ask about; None: it is not known."""
        found = self._registrations.find(key_hash)
        return found.task if found else None

    def validate(self, task: GradingTask, files: Mapping[str, bytes]) -> Validity:
        """Whether the files have the form that the task asks for. Never a score; opens no private data.

        Raises InfrastructureFailure where the jail is broken.
        """
        try:
            tables = read(task, files, self._validated)
            check(task, tables, self._site.public_dir(task.id), self._shelf)
        except InvalidSubmission as fault:
            return Validity(valid=False, message=fault.message)
        return Validity(valid=True, message=VALID)

    def rows(self, run_group: str) -> list[str]:
        """The ledger's lines of a run group, for its `ledger.jsonl`."""
        return self._ledger.rows(run_group)
