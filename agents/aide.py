"""AIDE: a greedy tree search over programs. Draft a few, debug those that fail, improve the best."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from pydantic import Field, JsonValue

from agents.agent import Message, Reply, Tools
from agents.journal import Journal, Node, aide_node, better, run_time
from agents.memory import memory
from agents.overview import data_overview
from agents.prompt import Situation
from agents.reply import Answer, read_answer
from agents.review import SCHEMA, Review, judge, own_review, read_review
from agents.search import Move, Policy, choose
from agents.shorten import room_after, size, within
from containers.sandbox import Ended, Execution
from podium.brief import Brief, Submission, Validity
from podium.errors import AgentFailure, ContextOverflow, UnfitReply
from podium.settings import checked
from podium.spec import Spec

ASKED_AGAIN = Message(
    role="user",
    content="There is no Python program in your answer. Give the plan, then the whole program in one ```python block.",
)

SHORTENED = 2
"""How often a question that is too long for the model is shortened."""


class Knobs(Spec):
    """AIDE's knobs, by its names (a dot in a name is an underscore here)."""

    num_drafts: int = Field(5, ge=1)
    debug_prob: float = Field(0.5, ge=0, le=1)
    max_debug_depth: int = Field(3, ge=0)
    k_fold_validation: int = Field(5, ge=1)
    data_preview: bool = True
    code_temp: float | None = 0.5
    feedback_temp: float | None = 0.5
    """None: the endpoint's own."""
    exec_timeout: float = Field(3600.0, gt=0)
    """Seconds of one run; the sandbox's own limit stands above it."""
    memory_chars: int = Field(24_000, ge=0)
    """Characters of the prompt's memory."""
    answers: int = Field(3, ge=1)
    """How often a program is asked for before the step counts as failed."""


class Aide:
    """The agent. Its options are the fields of `Knobs`."""

    def __init__(self, options: Mapping[str, JsonValue]) -> None:
        self.knobs = checked(Knobs, options, "aide's options")

    async def run(self, brief: Brief, tools: Tools) -> Submission:
        return await Search(self.knobs, brief, tools).run()


class Search:
    """One search: the journal so far, and the best submission."""

    def __init__(self, knobs: Knobs, brief: Brief, tools: Tools) -> None:
        self.knobs, self.brief, self.tools = knobs, brief, tools
        self.policy = Policy(**knobs.model_dump(include={"num_drafts", "debug_prob", "max_debug_depth"}))
        self.random = Random(brief.seed)
        self.journal = Journal()
        self.overview = ""
        self.room: int | None = None
        """Most characters of a prompt, once one was too long for the model."""
        self.kept: Submission | None = None
        self.best: Node | None = None

    async def run(self) -> Submission:
        """Search until the steps are used up. Raises AgentFailure where no submission came of it."""
        if self.knobs.data_preview:
            self.overview = await data_overview(self.brief, self.tools)
        while self.tools.left().steps > 0:
            self.tools.step()
            await self.step(choose(self.journal, self.policy, self.random))
        self.tools.log("journal.json", self.journal.to_json())
        if self.kept is None:
            raise AgentFailure(
                f"None of {len(self.journal.nodes)} programs wrote a valid submission.",
                "Read logs/journal.json; give it more steps, or another model.",
            )
        return self.kept

    async def step(self, move: Move) -> None:
        """One node: write a program, run it, judge it, write it down."""
        spent: list[Reply] = []
        answer = await self.write(move, spent)
        if answer is None:
            self.record(self.node(move, Answer(plan=spent[-1].content[:2000], code=""), spent))
            return
        allowed = self.run_seconds()
        run = await self.tools.execute(answer.code, seconds=allowed)
        submission = self.submission(run)
        validity = await self.tools.validate(submission) if submission else None
        review = await self.review(answer, run, allowed, spent)
        node = self.node(move, answer, spent, run, allowed, review, validity)
        if submission and validity and validity.valid:
            await self.consider(node, submission)
        self.record(node)

    async def write(self, move: Move, spent: list[Reply]) -> Answer | None:
        """Ask for a program until there is one, at most `answers` times."""
        situation = self.situation(move)
        said: list[Message] = []
        for _ in range(self.knobs.answers):
            reply = await self.ask(situation, said, temperature=self.knobs.code_temp)
            spent.append(reply)
            answer = read_answer(reply.content)
            if answer:
                return answer
            said = [Message(role="assistant", content=reply.content[:2000] or "(nothing)"), ASKED_AGAIN]
        return None

    async def ask(
        self,
        situation: Situation,
        said: Sequence[Message] = (),
        *,
        temperature: float | None,
        schema: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Ask with what was `said` since; a prompt that is too long for the model is shortened and asked again."""
        shortened = 0
        while True:
            asked = [*within(self.room, self.brief, self.overview, situation), *said]
            try:
                return await self.tools.chat(asked, temperature=temperature, schema=schema, purpose=situation.task)
            except ContextOverflow as error:
                if shortened == SHORTENED:
                    raise
                shortened += 1
                self.room = room_after(size(asked), error.limit)
                self.tools.event("prompt_too_long", characters=size(asked), limit=error.limit, room=self.room)

    async def review(self, answer: Answer, run: Execution, allowed: float, spent: list[Reply]) -> Review:
        """The model's review; where it gives none that can be read, our own."""
        situation = Situation(task="review", code=answer.code, output=shown_output(run, allowed))
        try:
            reply = await self.ask(situation, temperature=self.knobs.feedback_temp, schema=SCHEMA)
        except (UnfitReply, ContextOverflow) as error:
            self.tools.event("unfit_review", message=error.message)
            return own_review(run, self.brief.metric)
        spent.append(reply)
        return read_review(reply.data) or own_review(run, self.brief.metric)

    def situation(self, move: Move) -> Situation:
        left = self.tools.left()
        parent = move.parent
        output = shown_output(parent.run, parent.seconds_allowed) if parent and parent.run else ""
        return Situation(
            task=move.stage,
            memory=memory(self.journal, self.brief.metric, self.knobs.memory_chars),
            code=parent.code if parent else "",
            output=output,
            folds=self.knobs.k_fold_validation,
            run_seconds=self.run_seconds(),
            seconds_left=max(0.0, left.seconds),
            steps_left=left.steps,
        )

    def run_seconds(self) -> float:
        """Seconds that one run may take now."""
        return max(1.0, min(self.knobs.exec_timeout, self.brief.execution_seconds, self.tools.left().seconds))

    def submission(self, run: Execution) -> Submission | None:
        """The files that are asked for, if the run left all of them."""
        found = {output.name: run.files.get(f"submission/{output.name}") for output in self.brief.outputs}
        whole = {name: content for name, content in found.items() if content is not None}
        return Submission(whole) if len(whole) == len(found) else None

    def node(
        self,
        move: Move,
        answer: Answer,
        spent: list[Reply],
        run: Execution | None = None,
        allowed: float = 0.0,
        review: Review | None = None,
        validity: Validity | None = None,
    ) -> Node:
        """The record of one step. Without a run it failed, for there was no program."""
        verdict = judge(run, review, validity, self.brief.metric) if run and review else None
        reason = verdict.reason if verdict else f"there was no program in {self.knobs.answers} answers"
        said = review.summary if review else ""
        return Node(
            id=uuid.uuid4().hex,
            step=len(self.journal.nodes),
            ctime=time.time(),
            stage=move.stage,
            parent=move.parent.id if move.parent else None,
            plan=answer.plan,
            code=answer.code,
            run=run.model_copy(update={"files": {}}) if run else None,
            seconds_allowed=allowed,
            analysis=f"{said} (Not counted: {reason}.)".strip() if reason else said,
            metric=verdict.metric if verdict else None,
            lower_is_better=self.brief.lower_is_better,
            is_buggy=verdict.is_buggy if verdict else True,
            valid=validity.valid if validity else None,
            validity=validity.message if validity else "",
            tokens=sum(reply.prompt_tokens + reply.completion_tokens for reply in spent),
        )

    async def consider(self, node: Node, submission: Submission) -> None:
        """Keep a valid submission if it is the best so far, or the only one."""
        first = self.kept is None
        improved = not node.is_buggy and (self.best is None or better(node, self.best))
        if not (first or improved):
            return
        await self.tools.keep(submission, node.code, note=node.id)
        self.kept = submission
        if improved:
            self.best = node
            self.tools.event("best", step=node.step, metric=node.metric)

    def record(self, node: Node) -> None:
        """Write a node down: one line in the events, and the journal as a whole (each tenth time in a long one)."""
        self.journal.append(node)
        self.tools.event("node", parent_id=node.parent, **aide_node(node))
        if len(self.journal.nodes) <= 100 or len(self.journal.nodes) % 10 == 0:
            self.tools.log("journal.json", self.journal.to_json())


def shown_output(run: Execution, allowed: float) -> str:
    """What a model is shown of a run: its output, and how it ended."""
    output = run.output.rstrip()
    fault = run.exception
    if run.ended is Ended.EXCEPTION and fault and fault.type not in output[-2000:]:
        output = f"{output}\n{fault.type}: {', '.join(fault.args)}"
    return f"{output}\n{run_time(run, allowed)}".lstrip()
