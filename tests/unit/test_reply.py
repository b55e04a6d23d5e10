"""Plans and programs are found in replies, however models put them."""

from __future__ import annotations

import pytest

from agents.reply import read_answer

PROGRAM = "import os\nopen('submission/submission.csv', 'w')"


def code(text: str) -> str | None:
    answer = read_answer(text)
    return answer.code.strip() if answer else None


@pytest.mark.parametrize("tag", ["python", "py", "Python", "", "python3", "ipython"])
def test_a_fence_may_have_any_of_pythons_names(tag: str) -> None:
    answer = read_answer(f"A plan.\nIn two lines.\n\n```{tag}\n{PROGRAM}\n```\nGood luck!")
    assert answer is not None
    assert (answer.plan, answer.code) == ("A plan.\nIn two lines.", PROGRAM + "\n")


def test_code_in_thoughts_is_not_the_program() -> None:
    assert (
        code(f"<think>\n```python\nimport wrong_submission\n```\n</think>\nPlan.\n```python\n{PROGRAM}\n```") == PROGRAM
    )


def test_thoughts_may_lack_their_opening_mark() -> None:
    assert code(f"hmm\n```python\nimport a_submission\n```\n</think>\n```python\n{PROGRAM}\n```") == PROGRAM


def test_thoughts_that_never_end_hold_no_program() -> None:
    assert code(f"<think>\n```python\n{PROGRAM}\n```") is None


def test_backticks_inside_a_string_do_not_end_the_program() -> None:
    program = f'{PROGRAM}\ntext = """\n```\nnot the end\n```\n"""\nprint(text)'
    assert code(f"Plan.\n```python\n{program}\n```") == program


def test_a_longer_fence_holds_shorter_ones() -> None:
    program = f'{PROGRAM}\ntext = """\n```\n"""'
    assert code(f"Plan.\n````python\n{program}\n````") == program


def test_a_program_told_in_pieces_is_put_together() -> None:
    pieces = "First\n```python\nimport os\n```\nthen\n```python\nprint('submission')\n```"
    assert code(f"{pieces}\nand run\n```bash\npython x.py\n```") == "import os\n\nprint('submission')"


def test_the_last_whole_program_wins_over_earlier_ones() -> None:
    assert code(f"```python\nimport os  # submission, a first try\n```\nBetter:\n```python\n{PROGRAM}\n```") == PROGRAM


def test_an_indented_block_is_dedented() -> None:
    indented = "\n".join("   " + line for line in PROGRAM.splitlines())
    assert code(f"1. Do this:\n   ```python\n{indented}\n   ```") == PROGRAM


def test_a_bare_program_is_taken_as_it_is() -> None:
    assert code(PROGRAM) == PROGRAM


def test_a_reply_that_was_cut_off_inside_the_program_is_taken_if_it_parses() -> None:
    assert code(f"Plan.\n```python\n{PROGRAM}") == PROGRAM
    assert code(f"Plan.\n```python\n{PROGRAM}\nprint((") is None


@pytest.mark.parametrize("text", ["", "I am sorry.", "```\nnot python at all\n```", "```python\n```"])
def test_no_program_is_none(text: str) -> None:
    assert read_answer(text) is None
