"""The grading service: one grade a trial, by its ledger. What the actor does when it grades, without Ray."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from grading.grade import check_order, grade
from grading.ledger import Ledger, Row
from grading.order import GradeOrder
from grading.parse import Parser
from grading.shelf import Shelf
from podium.records import Grade, now
from podium.settings import Site


class GradingService:
    """One grader. Its methods may be called from several threads at once."""

    def __init__(
        self,
        site: Site,
        ledger: Ledger,
        parser: Parser,
        *,
        shelf: Shelf | None = None,
        digest: str = "",
        clock: Callable[[], datetime] = now,
    ) -> None:
        """`parser`: one of its own, so that many validations do not hold up a grade. `digest`: of the code."""
        self._site, self._ledger, self._parser = site, ledger, parser
        self._shelf, self._digest, self._clock = shelf or Shelf(), digest, clock

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
            grade=grade(order, self._parser, self._site, self._shelf, moment),
        )
        return self._ledger.record(row).grade

    def rows(self, run_group: str) -> list[str]:
        """The ledger's lines of a run group, for its `ledger.jsonl`."""
        return self._ledger.rows(run_group)
