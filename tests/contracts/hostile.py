"""Hostile programs: how one of `attacks/` becomes a program, and how its verdict is read from what it printed.

An attack is a file with one function, `attack(bait, first)`: what it returns is what it got hold of, an OSError or
nothing means that it was held. Another exception is a fault of the attack, and fails the test. `first` calls ways in
turn, passes over those that the system refuses, and returns the first catch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ATTACKS = Path(__file__).parent / "attacks"
MARK = "VERDICT "

HARNESS = """
import json as _json

def _first(ways):
    refused = None
    for way in ways:
        try:
            caught = way()
        except OSError as error:
            refused = error
            continue
        if caught:
            return caught
    if refused is not None:
        raise refused
    return ""

def _judged(bait):
    try:
        return {"caught": str(attack(bait, _first)), "refused": ""}
    except OSError as error:
        return {"caught": "", "refused": f"{type(error).__name__}: {error}"}

print("\\n" + "VERDICT " + _json.dumps(_judged(_json.loads(BAIT))), flush=True)
"""


@dataclass(frozen=True)
class Verdict:
    """What an attack got hold of (empty: nothing), and the last refusal that it met."""

    caught: str
    refused: str


def names() -> list[str]:
    """All attacks, by file name."""
    return sorted(path.stem for path in ATTACKS.glob("*.py"))


def program(name: str, bait: Mapping[str, object]) -> str:
    """The attack as Python source that needs nothing but the standard library."""
    source = (ATTACKS / f"{name}.py").read_text()
    return f"{source}\n\nBAIT = {json.dumps(dict(bait))!r}\n{HARNESS}"


def verdict(output: str) -> Verdict:
    """The verdict that a program printed; an AssertionError with the whole output where it printed none."""
    lines = [line for line in output.splitlines() if line.startswith(MARK)]
    assert lines, f"The attack did not come to a verdict; it printed:\n{output}"
    return Verdict(**json.loads(lines[-1].removeprefix(MARK)))
