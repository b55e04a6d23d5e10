"""The agent actor: one for each agent and competition, light and asynchronous; its trials are coroutines.

It is thin: what an attempt does is in `attempt.py`; this gives it executors, the model's client and the validator.
Started with `max_restarts=0`: an actor that died is replaced by the driver, whose attempt is then tried again.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import ray

from agents.attempt import run_attempt
from agents.executor import open_executor
from agents.model import ModelClient
from agents.order import AttemptOrder
from agents.pool import Executor
from agents.validator import HttpValidator
from podium import placement
from podium.placement import Role
from podium.records import AttemptRecord
from serve.client.chat_client import ChatClient

TRIALS_AT_ONCE = 1000
"""Coroutines of one actor; a waiting trial costs little."""


class AgentActor:
    """Runs attempts. Wrapped by `ray.remote` in `start_agent`."""

    def __init__(self) -> None:
        self._stops: dict[Path, asyncio.Event] = {}

    async def run(self, order: AttemptOrder) -> AttemptRecord:
        """One attempt from order to record; see `run_attempt`."""
        stop = self._stops[order.attempt_dir] = asyncio.Event()

        async def opened() -> Executor:
            return await open_executor(order)

        try:
            async with (
                ModelClient(ChatClient(order.base_url, order.api_key, order.model), order.trial.seed) as chat,
                HttpValidator(order.validator, order.api_key) as validate,
            ):
                return await run_attempt(order, open_executor=opened, chat=chat, validate=validate, stop=stop)
        finally:
            del self._stops[order.attempt_dir]

    async def stop(self) -> None:
        """End every running attempt as STOPPED; their `run` calls return soon after."""
        for event in self._stops.values():
            event.set()

    async def progress(self) -> dict[str, dict[str, Any]]:
        """For each running attempt, by its folder: phase, step and best metric."""
        found: dict[str, dict[str, Any]] = {}
        for attempt in self._stops:
            file = attempt / "logs" / "progress.json"
            if file.exists():
                found[str(attempt)] = json.loads(file.read_text())
        return found


def start_agent(**others: Any) -> Any:
    """The handle of a new agent actor on an agent host. It needs no CPU: what computes are its executors.

    `others`: more of Ray's actor options (`runtime_env`, `name`).
    """
    options = placement.options(
        Role.AGENT, max_restarts=0, max_task_retries=0, max_concurrency=TRIALS_AT_ONCE, **others
    )
    return ray.remote(AgentActor).options(**options).remote()
