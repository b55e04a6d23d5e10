"""A sandbox for tests of the parser: a program answers in this process. Isolates nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from containers.sandbox import Answer, Ended, Execution
from podium.errors import InfrastructureFailure


class InlineSandbox:
    """Speaks `containers.sandbox.Sandbox`. `deaths`: how many of the next questions find it dead."""

    backend = "inline"
    unbounded: tuple[str, ...] = ()

    def __init__(self, deaths: int = 0, ended: Ended = Ended.OK) -> None:
        self.deaths, self.ended, self.closed = deaths, ended, 0
        self.program = ""
        self.questions: list[tuple[bytes, ...]] = []

    def execute(
        self,
        program: str,
        *,
        seconds: float | None = None,
        files: Mapping[str, bytes] | None = None,
        collect: Sequence[str] = ("**",),
    ) -> Execution:
        raise NotImplementedError("nothing is executed here: converse with it")

    def converse(self, program: str) -> InlineConversation:
        self.program = program
        names: dict[str, Any] = {"__name__": "__main__"}
        exec(compile(program, "program", "exec", dont_inherit=True), names)  # noqa: S102
        return InlineConversation(self, names["answer"])

    def close(self) -> None:
        self.closed += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class InlineConversation:
    """Speaks `containers.sandbox.Conversation`."""

    open = True

    def __init__(self, sandbox: InlineSandbox, answer: Callable[..., list[Any]]) -> None:
        self._sandbox, self._answer = sandbox, answer

    def exchange(self, *parts: bytes, seconds: float, most: int) -> Answer:
        self._sandbox.questions.append(parts)
        if self._sandbox.deaths:
            self._sandbox.deaths -= 1
            self.open = False
            raise InfrastructureFailure("The sandbox is gone.")
        content = b"".join(self._answer(*parts)) if self._sandbox.ended is Ended.OK else b""
        ended = Ended.OUTPUT if len(content) > most else self._sandbox.ended
        return Answer(ended, memoryview(content if ended is Ended.OK else b""))

    def close(self) -> None:
        self.open = False
