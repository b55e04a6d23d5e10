"""An executor: a Ray actor on an agent host that owns one sandbox, and its client half that an attempt's pool takes.

The actor holds CPUs, memory and GPUs equal to the sandbox's limits, so Ray's own queue is the back-pressure.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayActorError, RayError, RayTaskError

from agents.order import AttemptOrder
from agents.pool import Facts
from agents.trial import MARKERS
from containers import backends
from containers.sandbox import Execution, Sandbox, SandboxSpec
from podium import placement
from podium.errors import InfrastructureFailure, PodiumError, Preempted
from podium.placement import Role

MARGIN_SECONDS = 90.0
"""How long an executor may be silent beyond the program's own time before it counts as dead."""

CLOSE_SECONDS = 10.0


class ExecutorActor:
    """Owns one sandbox; one call at a time. Wrapped by `ray.remote` where it is started."""

    def __init__(self, backend: str, spec: SandboxSpec) -> None:
        self._backend, self._spec = backend, spec
        self._sandbox: Sandbox | None = None

    def open(self) -> Facts:
        """Start the sandbox. Raises Unavailable where this host cannot."""
        sandbox = self._open()
        return Facts(sandbox=sandbox.backend, unbounded=sandbox.unbounded, host=socket.gethostname())

    def execute(self, program: str, seconds: float, collect: Sequence[str]) -> Execution:
        """Run a program; a sandbox that is gone is opened anew once."""
        try:
            return self._execute(program, seconds, collect)
        except InfrastructureFailure:
            self.close()
            return self._execute(program, seconds, collect)

    def close(self) -> None:
        """End the sandbox; may be called twice."""
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            sandbox.close()

    def _execute(self, program: str, seconds: float, collect: Sequence[str]) -> Execution:
        return self._open().execute(program, seconds=seconds, files=MARKERS, collect=collect)

    def _open(self) -> Sandbox:
        if self._sandbox is None:
            self._sandbox = backends.backend(self._backend).open(self._spec)
        return self._sandbox


class RemoteExecutor:
    """The client half: satisfies `agents.pool.Executor` for one ExecutorActor."""

    def __init__(self, handle: Any, facts: Facts) -> None:
        self._handle = handle
        self.facts = facts

    async def execute(self, program: str, seconds: float, collect: Sequence[str]) -> Execution:
        """See `agents.pool.Executor`."""
        call = self._handle.execute.remote(program, seconds, tuple(collect))
        result: Execution = await _answer(call, timeout=seconds + MARGIN_SECONDS)
        return result

    async def close(self) -> None:
        """See `agents.pool.Executor`: first asked to close its sandbox, then ended by Ray."""
        try:
            with suppress(InfrastructureFailure):
                await _answer(self._handle.close.remote(), timeout=CLOSE_SECONDS)
        finally:
            ray.kill(self._handle)


async def open_executor(order: AttemptOrder) -> RemoteExecutor:
    """Start an executor for the order's trial; waits as long as no agent host has room for it."""
    trial, limits = order.trial, order.trial.limits
    options = placement.options(
        Role.AGENT,
        cpus=limits.cpus,
        memory_mb=limits.memory_mb,
        gpus=limits.gpus,
        max_restarts=0,
        max_task_retries=0,
    )
    spec = SandboxSpec(limits=limits, data=Path(order.data), scratch=Path(order.scratch))
    handle = ray.remote(ExecutorActor).options(**options).remote(trial.sandbox, spec)
    try:
        return RemoteExecutor(handle, await _answer(handle.open.remote(), timeout=None))
    except BaseException:
        ray.kill(handle)
        raise


async def _answer(call: Any, timeout: float | None) -> Any:
    """What a remote call gives; an error of ours as it was raised, a death as InfrastructureFailure or Preempted."""
    try:
        return await asyncio.wait_for(asyncio.wrap_future(call.future()), timeout)
    except (TimeoutError, GetTimeoutError):
        raise InfrastructureFailure(f"An executor did not answer within {timeout:.0f} s.") from None
    except RayTaskError as error:
        cause = error.cause
        if isinstance(cause, PodiumError):
            raise cause from None
        raise InfrastructureFailure(f"An executor failed: {type(cause).__name__}: {cause}") from error
    except RayActorError as error:
        message = "An executor died, or its host."
        raise (Preempted(message) if getattr(error, "preempted", False) else InfrastructureFailure(message)) from error
    except RayError as error:
        raise InfrastructureFailure(f"An executor cannot be reached: {type(error).__name__}: {error}") from error
