"""Agents of one program: run it, check the form of what it wrote, hand it in."""

from __future__ import annotations

from agents.agent import Tools
from containers.sandbox import Ended
from podium.brief import Brief, Submission
from podium.errors import AgentFailure


async def run_program(brief: Brief, tools: Tools, program: str) -> Submission:
    """Run `program` in the sandbox and keep its submission. Raises AgentFailure where it leaves no valid one."""
    tools.step()
    run = await tools.execute(program)
    tools.log("program.log", run.output)
    if run.ended is not Ended.OK:
        last = (run.output.strip().splitlines() or ["it printed nothing"])[-1]
        raise AgentFailure(f"The program ended by {run.ended.value} {run.detail}: {last}", "Read logs/program.log.")
    files = {output.name: run.files.get(f"submission/{output.name}") for output in brief.outputs}
    missing = [name for name, content in files.items() if content is None]
    if missing:
        raise AgentFailure(f"The program wrote no submission/{missing[0]}.", "Read logs/program.log.")
    submission = Submission({name: content for name, content in files.items() if content is not None})
    validity = await tools.validate(submission)
    if not validity.valid:
        raise AgentFailure(f"The submission is not valid: {validity.message}", "Read logs/program.log.")
    await tools.keep(submission, program, note="program")
    return submission
