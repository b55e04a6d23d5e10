"""What an attempt writes into its folder: programs, outputs, messages, events, progress, and the best so far.

attempts/<n>/
├── submission/<name>             the best submission so far
├── code/step_003.py              each program that ran (`before_0.py`: before the first step); solution.py: the best
├── logs/events.jsonl             what happened, with the time
├── logs/messages.jsonl           every prompt and reply
├── logs/agent.log                the same story in lines for people
├── logs/progress.json            step, best metric and phase, for those who watch
├── logs/output/step_003.txt      what that program printed, whole
└── workspaces/best_solution/{solution.py,node_id.txt}, workspaces/best_submission/<name>
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from agents.agent import Message, Reply
from containers.sandbox import Execution
from podium.brief import Submission
from podium.errors import AgentFailure
from podium.files import append_line, write_atomic
from podium.records import now
from podium.rundir import AttemptDir


class Notes:
    """The writer of one attempt's folder. What is secret is given to it to be left out, wherever it turns up."""

    def __init__(self, attempt: AttemptDir, secrets: Sequence[str] = ()) -> None:
        self._attempt = attempt
        self._secrets = tuple(secret for secret in secrets if len(secret) >= 8)
        self._programs: dict[str, int] = {}
        self._progress: dict[str, JsonValue] = {"phase": "starting", "step": 0, "metric": None}

    def program(self, text: str, steps: int) -> str:
        """Save a program under a name made from the step; returns the name without its ending."""
        stem = f"step_{steps - 1:03d}" if steps else "before"
        count = self._programs.get(stem, 0)
        self._programs[stem] = count + 1
        name = f"{stem}_{count}" if count or not steps else stem
        self._write(self._attempt.code / f"{name}.py", text)
        return name

    def output(self, name: str, run: Execution) -> None:
        """Save what a program printed."""
        self._write(self._attempt.logs / "output" / f"{name}.txt", run.output)

    def exchange(self, messages: Sequence[Message], reply: Reply, purpose: str, seconds: float) -> None:
        """Append one question and its answer."""
        line = {
            "time": now().isoformat(),
            "purpose": purpose,
            "seconds": round(seconds, 3),
            "messages": [message.model_dump() for message in messages],
            "reply": reply.model_dump(exclude={"schema_version"}),
        }
        self._append("messages.jsonl", line)
        tokens = f"{reply.prompt_tokens} + {reply.completion_tokens} tokens"
        self._say(f"{purpose or 'chat'}: {reply.model or 'the model'} answered in {seconds:.1f} s, {tokens}")

    def event(self, kind: str, fields: Mapping[str, JsonValue]) -> None:
        """Append what happened."""
        self._append("events.jsonl", {"time": now().isoformat(), "event": kind, **fields})
        shown = [f"{name}={value}" for name, value in fields.items() if isinstance(value, str | int | float | bool)]
        self._say(f"{kind}: " + ", ".join(text if len(text) <= 120 else text[:117] + "..." for text in shown))

    def progress(self, **changes: JsonValue) -> None:
        """Show step, best metric or phase to those who watch."""
        self._progress = {**self._progress, **changes, "time": now().isoformat()}
        write_atomic(self._attempt.logs / "progress.json", json.dumps(self._progress))

    def log(self, name: str, content: str) -> None:
        """Write `logs/<name>` as a whole."""
        self._write(self._below(self._attempt.logs, name), content)

    def best(self, submission: Submission, code: str, note: str) -> None:
        """Save the best submission and its program; the submission to be graded comes last."""
        workspaces = self._attempt.workspaces
        self._write(workspaces / "best_solution" / "solution.py", code)
        self._write(workspaces / "best_solution" / "node_id.txt", note)
        self._write(self._attempt.code / "solution.py", code)
        self._files(workspaces / "best_submission", submission)
        self.hand_in(submission)

    def hand_in(self, submission: Submission) -> None:
        """Let `submission/` hold exactly these files."""
        self._files(self._attempt.submission, submission)

    def _files(self, folder: Path, submission: Submission) -> None:
        for name, content in submission.items():
            path = self._below(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, content)
        for path in folder.rglob("*"):
            if path.is_file() and path.relative_to(folder).as_posix() not in submission:
                with suppress(FileNotFoundError):
                    path.unlink()

    def _below(self, folder: Path, name: str) -> Path:
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()) or path == folder:
            raise AgentFailure(f"{name!r} is no name of a file below {folder.name}/.", "Use a relative name.")
        return path

    def _append(self, name: str, line: Mapping[str, Any]) -> None:
        append_line(self._attempt.logs / name, self._clean(json.dumps(line, separators=(",", ":"))))

    def _say(self, text: str) -> None:
        one_line = " ".join(text.encode("utf-8", "replace").decode().split())
        append_line(self._attempt.logs / "agent.log", self._clean(f"{now():%Y-%m-%dT%H:%M:%SZ} {one_line}"))

    def _write(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, self._clean(text).encode("utf-8", "replace"))

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
