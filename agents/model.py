"""The trial's model as the tools ask it: `serve.client` with address, key, model and seed already chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from agents.agent import Reply
from serve.client.chat_client import ChatClient
from serve.client.retry import Caller


class ModelClient:
    """`await client(messages, temperature, schema, caller)`: an `agents.trial.Chat`. An async context manager."""

    def __init__(self, client: ChatClient, seed: int) -> None:
        self._client, self._seed = client, seed

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    async def __call__(
        self,
        messages: Sequence[tuple[str, str]],
        temperature: float | None,
        schema: Mapping[str, Any] | None,
        caller: Caller,
    ) -> Reply:
        """See `agents.trial.Chat`."""
        asked = [{"role": role, "content": content} for role, content in messages]
        answer = await self._client.chat(asked, temperature=temperature, schema=schema, seed=self._seed, caller=caller)
        return Reply.model_validate(answer.model_dump())
