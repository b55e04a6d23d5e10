"""Grading a file by its path, with the caller's own rights: an operator's commands. No ledger knows of it.

A submission is as hostile here as in a sweep: its bytes are parsed in a jail, and a link that an agent left, pointing
into the answers, is not followed.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from grading.grade import grade
from grading.order import GradeOrder, GradingTask
from grading.parse import Parser
from grading.shelf import Shelf
from podium.brief import Submission
from podium.errors import UserError
from podium.records import Grade, now
from podium.settings import Site
from tasks import registry

SUFFIX = ".csv"
"""Of a submission's name, in any case."""


class NoFile(UserError):
    """What lies at a submission's path cannot be taken as one."""

    def __init__(self, message: str, remedy: str, exists: bool = False) -> None:
        super().__init__(message, remedy)
        self.exists = exists
        """Whether it counts as handed in: a regular file that ends in .csv."""
        self.args = (message, remedy, exists)


class Judge:
    """Grades files for tasks."""

    def __init__(
        self, place: Callable[[str], Site], parser: Parser, *, strict: bool, clock: Callable[[], datetime] = now
    ) -> None:
        """`place` says where the data of a task are."""
        self._place, self._parser, self._strict, self._clock = place, parser, strict, clock
        self._shelf = Shelf()
        self._tasks: dict[str, GradingTask] = {}

    def grade(self, task_id: str, path: str | None) -> Grade:
        """The grade of the file at `path` (None: nothing was handed in); where it is missing the grade says so.

        Raises UnknownName, UserError for a task that is not prepared here, NoFile for what is no file.
        """
        task = self.task(task_id)
        output = task.outputs[0]
        content = read(Path(path), output.max_mb, self._place(task_id)) if path is not None else None
        found = self._graded(task, {} if content is None else {output.name: content}, path)
        if content is None and path is not None:
            return found.model_copy(update={"message": f"There is no file {path} that ends in {SUFFIX}."})
        return found

    def refused(self, task_id: str, path: str, fault: NoFile) -> Grade:
        """The grade of a file that cannot be taken."""
        found = self._graded(self.task(task_id), {}, path)
        message = f"{fault.message} {fault.remedy}"
        return found.model_copy(update={"submission_exists": fault.exists, "message": message})

    def task(self, task_id: str) -> GradingTask:
        """How the task is judged. Raises UnknownName, and UserError where its answers are not there."""
        if task_id not in self._tasks:
            task = registry.grading_of(task_id, self._place(task_id), strict=self._strict)
            check_answers(task, self._place(task_id))
            self._tasks[task_id] = task
        return self._tasks[task_id]

    def _graded(self, task: GradingTask, files: dict[str, bytes], path: str | None) -> Grade:
        digest = Submission(files).digest if files else None
        order = GradeOrder(
            trial_id="", sweep_id="", run_group="", task=task, digest=digest, files=files, submission_path=_told(path)
        )
        return grade(order, self._parser, self._place(task.id), self._shelf, self._clock())


def _told(path: str | None) -> str:
    """The path as the benchmark reports it: `./a//b.csv` is `a/b.csv`, none is `None`."""
    return str(Path(str(path)))


def check_answers(task: GradingTask, site: Site) -> None:
    """Raise UserError, saying what to do, where the caller cannot read a task's answers."""
    name = str(task.options["answers"])
    try:
        (site.answers_dir(task.id) / name).open("rb").close()
    except PermissionError:
        raise UserError(f"You may not read the answers of {task.id}.", "Grade as the user who prepared them.") from None
    except OSError as error:
        named = f" --data-dir {shlex.quote(str(site.data))}" if site.private == site.data else ""
        raise UserError(
            f"{task.id} is not prepared here: there is no {error.filename}.",
            f"Type: podium prepare -c {task.id}{named}; or name the folder that has its data with --data-dir, and the "
            "one that has its answers, if they are elsewhere, with --private-dir.",
        ) from None


def read(path: Path, most_mb: int, site: Site) -> bytes | None:
    """The file's bytes; None where there is none, or its name does not end in .csv. Raises NoFile."""
    if path.suffix.lower() != SUFFIX:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        denied = isinstance(error, PermissionError)
        reason = error.strerror if isinstance(error, OSError) else error
        raise NoFile(f"{path} cannot be read: {reason}.", "Make it readable for you.", exists=denied) from None
    try:
        size = _size(path, os.fstat(descriptor), most_mb)
        if _leads_to_answers(path, Path(os.readlink(f"/proc/self/fd/{descriptor}")), site):
            raise NoFile(f"{path} is a link into the private data.", "Hand in a file of its own.", exists=True)
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(size)
    finally:
        os.close(descriptor)


def _size(path: Path, facts: os.stat_result, most_mb: int) -> int:
    """Bytes of a regular file that is not too large. Raises NoFile."""
    if not stat.S_ISREG(facts.st_mode):
        kind = "a directory" if stat.S_ISDIR(facts.st_mode) else "no regular file"
        raise NoFile(f"{path} is {kind}, not a CSV file.", "Name the file itself.")
    if facts.st_size > most_mb << 20:
        large = f"{facts.st_size / (1 << 20):.1f} MiB"
        raise NoFile(f"{path} is {large} large.", f"At most {most_mb} MiB can be handed in.", exists=True)
    return facts.st_size


def _leads_to_answers(path: Path, opened: Path, site: Site) -> bool:
    """Whether links lead from `path`, which lies elsewhere, into some task's private half or raw data."""
    roots = [place for root in (site.data, site.private) for place in (root, root.resolve())]
    return _private(opened, roots) and not _private(Path(os.path.abspath(path)), roots)


def _private(path: Path, roots: list[Path]) -> bool:
    below = [path.relative_to(root).parts[1:] for root in roots if path.is_relative_to(root)]
    return any(parts[:2] == ("prepared", "private") or parts[:1] == ("raw",) for parts in below)
