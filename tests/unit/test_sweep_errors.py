"""Ray's errors become ours at the border."""

from __future__ import annotations

import ray.exceptions

from jobs.connection import ours
from podium.errors import AgentFailure, InfrastructureFailure, Preempted


def task_error(cause: Exception) -> ray.exceptions.RayTaskError:
    return ray.exceptions.RayTaskError(function_name="grade", traceback_str="...", cause=cause)


def test_what_an_actor_raised_on_purpose_comes_out_as_it_was() -> None:
    found = ours(task_error(AgentFailure("It gave up.", "Try another.")))
    assert type(found) is AgentFailure
    assert found.args == ("It gave up.", "Try another.")


def test_what_an_actor_raised_by_mistake_is_the_infrastructures_failure() -> None:
    assert type(ours(task_error(ZeroDivisionError("oh")))) is InfrastructureFailure


def test_a_dead_actor_is_the_infrastructures_failure() -> None:
    assert type(ours(ray.exceptions.ActorDiedError())) is InfrastructureFailure


def test_an_actor_on_a_drained_host_was_preempted() -> None:
    class Drained(ray.exceptions.ActorDiedError):  # type: ignore[misc]
        preempted = True

    assert type(ours(Drained())) is Preempted
