"""Prompts: one system and one user message, static text first so that a model's prefix cache is used.

The user message is Markdown with these level-1 sections, in this order, each only where it has something to say:

    # Task               the description; its own headings are one level deeper than in the original
    # Goal               `Metric: rmse (lower is better)`, `Random seed: 0`, and for each file that is asked for
                         `Submission file: submission/NAME`, `Sample submission: input/NAME`, `Rows: N` and a table
                         `| column | kind | labels |` (labels separated by `, `)
    # Data overview      for each public file `## NAME`, for a table `rows: N` and a table
                         `| column | dtype | missing | unique | examples |`, where dtype is one of `integer`, `number`,
                         `boolean`, `date`, `text`, and missing and unique count a sample of at most 20,000 rows
    # Hardware           `CPUs: 1`, `Memory: 2048 MiB`, `GPUs: 0`, `Packages: name==version, ...`
    # Memory             earlier runs, a line each: `- step 3, improve, good, rmse 0.1234: plan Result: summary`
    # Previous solution  a fenced block of Python
    # Execution output   a fenced block: what the run printed, at most 5,100 characters of it, then a line
                         `Execution time: 1.2 seconds (of 600 allowed).`, which goes on with ` The run failed: ...`
                         where a limit, an exit code or a signal ended it (a traceback tells for itself)
    # Instructions       a line that says what to do (`Write a first solution.`, `Fix the bug.`, `Improve the
                         solution.`, `Review this run.`), the rest of it, then `Time limit of one run: N seconds`,
                         `Time left: N seconds`, `Steps left: N` (a review does without the three)

A fence is one backtick longer than the longest run of backticks in what it holds, and three at least; no line outside a
fence begins with `# ` but these headings.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Literal

from agents.agent import Message
from podium.brief import Brief, OutputFile
from podium.spec import Spec

Task = Literal["draft", "debug", "improve", "review"]

OUTPUT_HALF = 2500
"""Characters of an execution's output that are shown from its beginning, and from its end."""


class Situation(Spec):
    """All that changes from one question to the next."""

    task: Task
    memory: Sequence[str] = ()
    """One line a run, oldest first."""
    code: str = ""
    output: str = ""
    folds: int = 5
    run_seconds: float = 0.0
    seconds_left: float = 0.0
    steps_left: int = 0


def messages(brief: Brief, overview: str, situation: Situation) -> list[Message]:
    """The two messages that ask for a program or for a review."""
    return [
        Message(role="system", content=read_prompt("system")),
        Message(role="user", content=user_message(brief, overview, situation)),
    ]


def user_message(brief: Brief, overview: str, situation: Situation) -> str:
    """The user message, in the form that this module's docstring gives."""
    sections = {
        "Task": demoted(brief.text),
        "Goal": goal(brief),
        "Data overview": overview.strip(),
        "Hardware": hardware(brief),
        "Memory": "\n".join(f"- {one_line(line)}" for line in situation.memory),
        "Previous solution": fenced(situation.code, "python") if situation.code else "",
        "Execution output": fenced(trimmed(situation.output)) if situation.output else "",
        "Instructions": instructions(situation),
    }
    return "\n\n".join(f"# {title}\n\n{text}" for title, text in sections.items() if text) + "\n"


def read_prompt(name: str) -> str:
    """The text of `agents/prompts/<name>.md`."""
    return (files("agents") / "prompts" / f"{name}.md").read_text(encoding="utf-8").strip()


def goal(brief: Brief) -> str:
    """Metric, direction, seed and the files that are asked for."""
    direction = "lower" if brief.lower_is_better else "higher"
    lines = [f"Metric: {brief.metric} ({direction} is better)", f"Random seed: {brief.seed}"]
    return "\n\n".join(["\n".join(lines), *(_output(output) for output in brief.outputs)])


def _output(output: OutputFile) -> str:
    lines = [f"Submission file: submission/{output.name}"]
    if output.sample:
        lines.append(f"Sample submission: input/{output.sample}")
    if output.rows is not None:
        lines.append(f"Rows: {output.rows}")
    table = ["", "| column | kind | labels |", "| --- | --- | --- |"]
    table += [f"| {cell(c.name)} | {c.kind} | {cell(', '.join(c.labels))} |" for c in output.columns]
    return "\n".join(lines + (table if output.columns else []))


def hardware(brief: Brief) -> str:
    """What the program runs on."""
    machine = brief.hardware
    lines = [f"CPUs: {machine.cpus:g}", f"Memory: {machine.memory_mb} MiB", f"GPUs: {machine.gpus:g}"]
    if machine.packages:
        lines.append(f"Packages: {', '.join(machine.packages)}")
    return "\n".join(lines)


def instructions(situation: Situation) -> str:
    """What to do now, and with how much time."""
    text = Template(read_prompt(situation.task)).safe_substitute(folds=situation.folds)
    if situation.task == "review":
        return text
    limits = [
        f"Time limit of one run: {situation.run_seconds:.0f} seconds",
        f"Time left: {situation.seconds_left:.0f} seconds",
        f"Steps left: {situation.steps_left}",
    ]
    return text + "\n\n" + "\n".join(limits)


def fenced(text: str, language: str = "") -> str:
    """`text` as a fenced block that no backticks of its own can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def trimmed(output: str, half: int = OUTPUT_HALF) -> str:
    """The beginning and the end of a long output, each of `half` characters."""
    left_out = len(output) - 2 * half
    if left_out <= 100:
        return output
    return f"{output[:half]}\n ... [{left_out} characters left out] ...\n{output[-half:]}"


def demoted(text: str) -> str:
    """Markdown with each heading one level deeper, so that the message's own sections stay apart."""
    lines, fence = [], ""
    for line in text.strip().splitlines():
        mark = re.match(r"\s{0,3}(`{3,}|~{3,})", line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line.strip(" `~"):
            fence = ""
        lines.append("#" + line if not fence and re.match(r"#{1,5}\s", line) else line)
    return "\n".join(lines + ([fence] if fence else []))


def one_line(text: str) -> str:
    """Text without line breaks."""
    return " ".join(text.split())


def cell(text: str) -> str:
    """Text that fits into one cell of a Markdown table."""
    return one_line(text).replace("|", "\\|")
