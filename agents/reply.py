"""Reading replies: the plan and the program in a model's text, however it was put."""

from __future__ import annotations

import ast
import re
import textwrap
import warnings

from podium.spec import Spec

PYTHON_TAGS = ("", "python", "py", "python3", "python2", "ipython", "py3")
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*([\w+-]*)[^`]*$")


class Answer(Spec):
    """A plan and a program."""

    plan: str
    code: str


class Block(Spec):
    """A fenced block: its text, and where its fence opens (index of the line)."""

    line: int
    text: str


def read_answer(text: str) -> Answer | None:
    """The plan and the program in a reply; None where there is no Python that parses."""
    spoken = without_thinking(text)
    blocks = [block for block in fenced_blocks(spoken) if is_python(block.text)]
    if blocks:
        chosen = _choose(blocks)
        plan = "\n".join(spoken.splitlines()[: chosen[0].line]).strip()
        return Answer(plan=plan, code="\n\n".join(block.text.strip("\n") for block in chosen) + "\n")
    if "import " in spoken and is_python(spoken):
        return Answer(plan="", code=spoken.strip() + "\n")
    return None


def _choose(blocks: list[Block]) -> list[Block]:
    """The last block that is a whole program; else all of them, as one program told in pieces."""
    whole = [block for block in blocks if "import " in block.text and "submission" in block.text]
    return whole[-1:] or blocks


def without_thinking(text: str) -> str:
    """The reply without the model's thinking, also where the opening mark is missing or the closing one."""
    text = re.sub(r"<think(?:ing)?>.*?</think(?:ing)?>", "", text, flags=re.DOTALL)
    text = re.sub(r"\A.*</think(?:ing)?>", "", text, flags=re.DOTALL)
    return re.sub(r"<think(?:ing)?>.*\Z", "", text, flags=re.DOTALL).strip()


def fenced_blocks(text: str) -> list[Block]:
    """The blocks that may be Python. A block ends at the first closing fence that leaves Python that parses."""
    lines = text.splitlines()
    blocks, at = [], 0
    while at < len(lines):
        mark = _FENCE.match(lines[at])
        if not mark:
            at += 1
            continue
        end = _end(lines, at, mark[1])
        if mark[2].lower() in PYTHON_TAGS:
            blocks.append(Block(line=at, text=textwrap.dedent("\n".join(lines[at + 1 : end]))))
        at = end + 1
    return blocks


def _end(lines: list[str], start: int, fence: str) -> int:
    """Index of the line that closes the block opened at `start`; the text's end where none does."""
    closing = re.compile(rf"^\s*{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    candidates = [i for i in range(start + 1, len(lines)) if closing.match(lines[i])]
    for end in candidates:
        if is_python(textwrap.dedent("\n".join(lines[start + 1 : end]))):
            return end
    return candidates[0] if candidates else len(lines)


def is_python(text: str) -> bool:
    """Whether `text` holds statements that parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return bool(ast.parse(text).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
