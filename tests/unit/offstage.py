"""Stand-ins that speak the agents' protocols: a scripted model, executors that run a bare subprocess, a validator."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from agents.agent import Reply
from agents.order import AttemptOrder
from agents.pool import Facts
from containers.sandbox import Ended, ExceptionInfo, Execution, Usage
from podium.brief import Brief, Column, OutputFile, Submission, Validity
from podium.errors import InfrastructureFailure, UnfitReply
from podium.records import Tokens
from podium.spec import Budget, TrialSpec, trial_id
from serve.client.retry import Caller

SWEEP = "6f0cfe5e-3d6c-4e9a-9c3a-5f5a0d0f7a11"
KEY = "sk-a-very-secret-key"

BRIEF = Brief(
    id="made",
    text="# Made\n\nPredict `y`.",
    metric="rmse",
    lower_is_better=True,
    outputs=(OutputFile(columns=(Column(name="id", kind="id"), Column(name="y", kind="number")), rows=2),),
    execution_seconds=20.0,
)


class BareExecutor:
    """Runs programs as plain processes in a fresh folder: no jail, for programs that the tests wrote."""

    def __init__(self, data: Path | None = None, deaths: int = 0) -> None:
        self.facts = Facts(sandbox="bare", unbounded=("memory_mb",), host="here")
        self.data, self.deaths = data, deaths
        self.closing = asyncio.Event()
        self.programs: list[str] = []

    async def execute(self, program: str, seconds: float, collect: Sequence[str]) -> Execution:
        self.programs.append(program)
        if self.deaths:
            self.deaths -= 1
            raise InfrastructureFailure("The executor died.")
        return await asyncio.to_thread(run_bare, program, seconds, collect, self.data)

    async def close(self) -> None:
        self.closing.set()

    @property
    def closed(self) -> bool:
        return self.closing.is_set()


def run_bare(program: str, seconds: float, collect: Sequence[str], data: Path | None) -> Execution:
    """One program in a fresh folder."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "submission").mkdir()
        (folder / "working").mkdir()
        if data:
            (folder / "input").symlink_to(data)
        (folder / "program.py").write_text(program)
        started = time.monotonic()
        try:
            done = subprocess.run(
                [sys.executable, "program.py"],
                cwd=folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Execution(ended=Ended.TIMEOUT, usage=Usage(seconds=seconds))
        usage = Usage(seconds=time.monotonic() - started)
        paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        files = {path: (folder / path).read_bytes() for path in paths if any(fnmatch(path, p) for p in collect)}
        output = done.stdout.decode("utf-8", "replace")
        ended, fault = Ended.OK, None
        if done.returncode < 0:
            return Execution(ended=Ended.SIGNAL, signal=-done.returncode, output=output, usage=usage)
        if done.returncode and "Traceback" in output:
            kind, _, argument = output.strip().splitlines()[-1].partition(": ")
            ended, fault = Ended.EXCEPTION, ExceptionInfo(type=kind, args=(argument,))
        elif done.returncode:
            ended = Ended.EXIT
        return Execution(
            ended=ended, exit_code=done.returncode, output=output, exception=fault, usage=usage, files=files
        )


class ScriptedModel:
    """Answers questions by a function of the question: `code(task, number)` for programs, `review(prompt)` for runs."""

    def __init__(
        self,
        code: Callable[[str, int], str],
        review: Callable[[str], dict[str, Any] | str] | None = None,
    ) -> None:
        self.code, self.review = code, review or honest_review
        self.prompts: list[str] = []
        self.programs = 0

    async def __call__(
        self,
        messages: Sequence[tuple[str, str]],
        temperature: float | None,
        schema: Mapping[str, Any] | None,
        caller: Caller,
    ) -> Reply:
        prompt = messages[1][1]
        self.prompts.append(prompt)
        if schema:
            data = self.review(prompt)
            if isinstance(data, str):
                raise UnfitReply(f"Not an object: {data}")
            caller.used(Tokens(prompt=10, completion=5, requests=1))
            return Reply(content=str(data), data=data, prompt_tokens=10, completion_tokens=5, model="scripted")
        task = prompt.rsplit("# Instructions\n\n", 1)[1].split("\n")[0]
        self.programs += 1
        content = self.code(task, self.programs - 1)
        caller.used(Tokens(prompt=100, completion=50, requests=1))
        return Reply(content=content, prompt_tokens=100, completion_tokens=50, model="scripted")


def honest_review(prompt: str) -> dict[str, Any]:
    """A review that finds nothing wrong and leaves the score to what the program printed."""
    return {"is_bug": False, "summary": "It ran.", "metric": None, "lower_is_better": True}


def solution(score: object, extra: str = "") -> str:
    """An answer with a program that claims `score`."""
    return (
        f"A plan for {score}.\n\n```python\nfrom pathlib import Path\n{extra}\n"
        f'Path("submission/submission.csv").write_text("id,y\\n1,{score}\\n2,0\\n")\n'
        f'print("Validation rmse: {score}")\n```\n'
    )


async def validate(submission: Submission) -> Validity:
    """The form alone: a table with a header and two rows."""
    lines = submission["submission.csv"].decode().strip().splitlines()
    valid = len(lines) == 3 and lines[0] == "id,y"
    return Validity(valid=valid, message="" if valid else f"it has {len(lines)} lines")


def order_for(
    attempt: Path,
    agent_class: str = "agents.aide:Aide",
    brief: Brief = BRIEF,
    budget: Budget | None = None,
    **options: Any,
) -> AttemptOrder:
    """An order for one attempt in `attempt`."""
    trial = TrialSpec(
        sweep_id=SWEEP,
        trial_id=trial_id(SWEEP, "aide", brief.id, "scripted", 0),
        agent="aide",
        task=brief.id,
        model="scripted",
        seed=0,
        budget=budget or Budget(steps=4, seconds=60),
        options=options,
    )
    return AttemptOrder(
        trial=trial,
        brief=brief,
        agent_class=agent_class,
        attempt_dir=attempt,
        data=attempt,
        scratch=attempt,
        base_url="http://127.0.0.1:1/v1",
        api_key=KEY,
        model="scripted",
        validator="http://127.0.0.1:1",
    )
