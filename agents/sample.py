"""Hands in the sample submission: the floor that every other agent stands above."""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import JsonValue

from agents.agent import Tools
from agents.hand_in import run_program
from agents.overview import read_program
from podium.brief import Brief, Submission
from podium.settings import checked
from podium.spec import Spec


class NoKnobs(Spec):
    """This agent has no options."""


class Sample:
    """Copies the sample of each file that is asked for."""

    def __init__(self, options: Mapping[str, JsonValue]) -> None:
        checked(NoKnobs, options, "sample's options")

    async def run(self, brief: Brief, tools: Tools) -> Submission:
        pairs = [[output.sample, output.name] for output in brief.outputs]
        program = read_program("sample").replace('PAIRS = "[]"', f"PAIRS = {json.dumps(pairs)!r}")
        return await run_program(brief, tools, program)
