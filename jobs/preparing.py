"""What `prepare` is asked, and doing it for one task: here, or as a guest on the grading host."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from podium.errors import PodiumError, UserError
from podium.settings import Site
from podium.spec import Spec
from tasks import registry
from tasks.benchmark import BenchmarkCompetition
from tasks.preparing import NotPrepared, Tell, Ways, by_the_benchmark, separate
from tasks.preparing import prepare as prepare_benchmark
from tasks.preparing.layout import elsewhere, writing


class PrepareOrder(Spec):
    """How tasks are prepared; paths are those of the host that does it."""

    site: Site
    data_dir: Path | None = None
    """Data in the benchmark's own layout, in place of the site's; it must exist."""
    private_dir: Path | None = None
    """Where answers belong, in place of the site's."""
    split_private: bool = False
    """Move what agents may never see to the private directory."""
    record: bool = False
    """Record the digests of our own tasks anew."""
    ways: Ways = Ways()


def prepare_task(task_id: str, order: PrepareOrder, tell: Tell) -> None:
    """Prepare one task. Raises PodiumError, saying what to do."""
    site, start = placed(order, task_id), time.monotonic()
    if order.record:
        registry.competition(task_id).record()
    try:
        made = _made(task_id, site, order.ways, tell)
    except PodiumError:
        if order.split_private and (site.data / task_id / "prepared" / "private").is_dir():
            _separate(task_id, site, tell, sources=False)  # whatever else is amiss
        raise
    if order.split_private:
        _separate(task_id, site, tell, sources=True)
    done = f"{time.monotonic() - start:.1f} s" if made else "used as it is"
    tell(f"{task_id}: {site.public_dir(task_id)} ({done})")


def _made(task_id: str, site: Site, ways: Ways, tell: Tell) -> bool:
    """See that the task is prepared; whether something had to be made."""
    task = registry.find(task_id, site)
    if isinstance(task, BenchmarkCompetition):
        return prepare_benchmark(task.row, site, ways, tell)
    with writing():
        task.prepare(site)
    return True


def _separate(task_id: str, site: Site, tell: Tell, *, sources: bool) -> None:
    for path in separate(task_id, site, sources=sources):
        tell(f"{task_id}: moved to {path}")


def placed(order: PrepareOrder, task_id: str) -> Site:
    """The site with the folders that the order names for this task.

    A data directory that is named holds both halves, as the benchmark leaves them, unless answers are to be split off
    or were so before. Raises UserError where it does not exist.
    """
    site = order.site if order.data_dir is None else elsewhere(order.site, task_id, order.data_dir)
    if order.private_dir is not None:
        return site.model_copy(update={"private": order.private_dir})
    return site.model_copy(update={"private": order.site.private}) if order.split_private else site


def prepare_all(ids: Sequence[str], prepare_one: Callable[[str], None], tell: Tell) -> None:
    """Prepare task after task; one that fails is said and holds no other up. Raises UserError where any failed."""
    failed: dict[str, PodiumError] = {}
    for task_id in ids:
        try:
            prepare_one(task_id)
        except PodiumError as error:
            if len(ids) == 1:
                raise
            failed[task_id] = error
            if not isinstance(error, NotPrepared):
                tell(f"{task_id}: {error}")
    if failed:
        raise UserError(
            f"{len(failed)} of {len(ids)} tasks are not prepared: {registry.enumerated(list(failed))}.", _remedy(failed)
        )


def _remedy(failed: dict[str, PodiumError]) -> str:
    """One command for all that only the benchmark's own program can prepare."""
    foreign = [error for error in failed.values() if isinstance(error, NotPrepared)]
    said = "The reasons stand above." if len(foreign) < len(failed) else ""
    if foreign:
        said += f" The benchmark's own program prepares {len(foreign)} of them:\n"
        said += f"  {by_the_benchmark(foreign[0].data, *(error.task for error in foreign))}"
    return said.strip()
