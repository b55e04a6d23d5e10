"""The data overview of a prompt: made once a trial by a program that runs in the sandbox."""

from __future__ import annotations

from importlib.resources import files

from agents.agent import Tools
from containers.sandbox import Ended
from podium.brief import Brief


def read_program(name: str) -> str:
    """The source of `agents/programs/<name>.py`."""
    return (files("agents") / "programs" / f"{name}.py").read_text(encoding="utf-8")


async def data_overview(brief: Brief, tools: Tools) -> str:
    """Markdown with a level-2 section for each public file; only names and sizes where the preview failed."""
    run = await tools.execute(read_program("preview"), seconds=120.0)
    if run.ended is Ended.OK and run.output.strip():
        return run.output.strip()
    tools.event("preview_failed", ended=run.ended.value, output=run.output[-2000:])
    return "\n\n".join(f"## {file.name}\n\n{file.bytes} bytes" for file in brief.files[:100])
