"""The one guest on the grading host: a plain Ray task that prepares data there, as the user whom Ray runs as.

Credentials of Kaggle are those of that user on that host; none travel with the call, for Ray shows its arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ray

from jobs.connection import code_environment, connected, enter_environment, ours
from jobs.preparing import PrepareOrder, prepare_task
from podium.placement import Role, options
from podium.state import ClusterState
from tasks.preparing import Tell


@contextmanager
def on_grading_host(state: ClusterState, order: PrepareOrder, tell: Tell) -> Iterator[Callable[[str], None]]:
    """What prepares one task there, as `prepare_task` does here, its errors included."""
    enter_environment(state)
    with connected(state):
        chosen = options(Role.GRADING, max_retries=0, runtime_env=code_environment())
        remote = ray.remote(_prepare).options(**chosen)

        def prepare_one(task_id: str) -> None:
            try:
                lines: list[str] = ray.get(remote.remote(task_id, order))
            except ray.exceptions.RayError as error:
                raise ours(error) from None
            for line in lines:
                tell(line)

        yield prepare_one


def _prepare(task_id: str, order: PrepareOrder) -> list[str]:
    lines: list[str] = []
    prepare_task(task_id, order, lines.append)
    return lines
