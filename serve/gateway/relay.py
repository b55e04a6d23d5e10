"""One request on its way: budget set aside, a model asked until one answers, what it used booked.

recording? -> answer     replica 1 -> replica 2 -> ... -> fallback?     (until the client has seen a byte)
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from random import Random

import aiohttp

from serve.gateway import attempt
from serve.gateway.account import Booking, Reservation
from serve.gateway.asked import Asked
from serve.gateway.delivery import Delivery, Header, Send, replay
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.patience import Fault, Patience, Tries
from serve.gateway.routes import Target, starting
from serve.gateway.upstream import Directory, Upstream
from serve.gateway.usage import Usage
from serve.gateway.waking import Waker
from serve.refusal import Refusal
from serve.tapes.tape import Answer, Tape, is_replay

LEFT = 499
"""The status in the ledger where the client left before the end."""
NOT_THERE = ("model_not_found", "secret_missing", "secret_exposed")
"""Codes of a model that cannot be asked at all."""

ITS_OWN_FAULT = (400, 422)
"""Statuses of a request that a model refuses whenever it is asked (its prompt is too long). They are recorded, for the
trial's course depends on them."""
JSON = "application/json"

TapeFor = Callable[[Grant, str], Tape | None]


@dataclass(frozen=True, slots=True)
class Desk:
    """What all requests share."""

    session: aiohttp.ClientSession
    waker: Waker
    keyring: Keyring
    directory: Directory
    tape_for: TapeFor
    patience: Patience
    random: Random


class Relay:
    """One request. Cancelled when its client leaves: its request upstream is then closed, so that the model stops, and
    what it says it has used until then is booked. (Of an answer that is not streamed it says nothing before the end:
    the prompt's estimate is booked.)"""

    def __init__(self, desk: Desk, grant: Grant, asked: Asked, wait: float = inf) -> None:
        """`wait`: seconds that the client waits for a model that is not there; then it would rather hear that."""
        self._desk, self._grant, self._asked, self._wait = desk, grant, asked, wait
        self._began = time.perf_counter()
        self.id = os.urandom(8).hex()
        """For `x-request-id`, upstream and to the client."""
        self._tape: Tape | None = None
        self._booked = False
        self._delivery: Delivery | None = None
        self._replica = ""
        """Which was asked last; Serve's proxy has no name."""
        self._at_work = False
        """Whether an endpoint was asked and did not fail."""

    async def run(self, send: Send) -> None:
        """Answer. Raises Refusal where nothing was sent yet."""
        found = await self._find()
        if found is not None:
            if found.status == 200:
                self._desk.keyring.replayed(self._grant, self._booking(200, Usage(), replayed=True))
            await replay(found, self._asked, self._headers(found.by or self._asked.model), send)
            return
        try:
            await self._ask_some(send)
        except Refusal as refusal:
            if self._tape is not None and refusal.status in ITS_OWN_FAULT:
                await self._keep(Answer(status=refusal.status, content_type=JSON, body=refusal.body()))
            raise

    async def _ask_some(self, send: Send) -> None:
        """Ask the model, else its fallback. Raises Refusal."""
        try:
            await self._ask(self._asked.model, send)
        except Refusal as refusal:
            fallback = self._desk.directory.find(self._asked.model).entry.fallback
            if self._booked or not fallback or not (refusal.status >= 500 or refusal.code in NOT_THERE):
                raise
            await self._ask(fallback, send)

    async def _find(self) -> Answer | None:
        """What a recording answers; None: a model is to be asked. Files are read in a thread."""
        if self._grant.tape is None and not is_replay(self._asked.model):
            return None
        self._tape = await asyncio.to_thread(self._desk.tape_for, self._grant, self._asked.model)
        if self._tape is None:
            return None
        return await asyncio.to_thread(self._tape.find, self._asked.path, self._asked.fields)

    async def _ask(self, name: str, send: Send) -> None:
        """Ask one model until it answers. Raises Refusal."""
        upstream = self._desk.directory.resolve(name)
        estimate = Usage(prompt=self._asked.estimate, estimated=True)
        keyring = self._desk.keyring
        reserved = keyring.reserve(self._grant, estimate.prompt, estimate.cost(upstream.prices))
        try:
            await self._until_answered(upstream, reserved, send)
        except asyncio.CancelledError:
            if self._at_work:
                self._settle(upstream, reserved, LEFT, self._delivery.used() if self._delivery else estimate)
            raise
        finally:
            keyring.settle(reserved, None)

    async def _until_answered(self, upstream: Upstream, reserved: Reservation, send: Send) -> None:
        routes, body = self._desk.directory.routes, upstream.body(self._asked)
        tries: Tries | None = None
        avoid: set[str] = set()
        while True:
            self._replica, self._at_work, self._delivery = "", False, None
            try:
                target = self._pick(upstream, avoid)
                await self._attempt(upstream, target, body, reserved, send)
                return
            except Fault as fault:
                tries = tries or self._tries(upstream)
                wait = tries.after(fault, self._replica, time.perf_counter())
            avoid.add(self._replica)
            if all(target.replica in avoid for target in routes.targets(upstream.name)):
                avoid = {self._replica}  # all have failed: the others in turn again
            self._at_work = False
            await routes.changed(wait)

    def _tries(self, upstream: Upstream) -> Tries:
        fallback = bool(upstream.fallback) and upstream.name == self._asked.model
        patience, random = self._desk.patience, self._desk.random
        outside, wait = upstream.outside, self._wait
        return Tries(patience, self._began, outside=outside, fallback=fallback, wait=wait, random=random)

    def _pick(self, upstream: Upstream, avoid: set[str]) -> Target:
        """Raises Fault where the model is about to come, Refusal where it is not."""
        try:
            target = self._desk.directory.pick(upstream, self._grant.trial_id, avoid)
        except Refusal as refusal:
            if refusal.status == 503:
                raise Fault(refusal) from None
            raise
        if not target.replica and not upstream.outside:
            self._desk.waker.wake(upstream.name, target.url, upstream.headers(self._grant.trial_id, self.id))
            raise Fault(starting(upstream.name))
        return target

    async def _attempt(
        self, upstream: Upstream, target: Target, body: bytes, reserved: Reservation, send: Send
    ) -> None:
        """Ask one endpoint and copy its answer. Raises Fault, Refusal, both only while nothing was sent."""
        self._replica, self._at_work = target.replica, True
        url = target.url + self._asked.path.removeprefix("/v1")
        headers = upstream.headers(self._grant.trial_id, self.id)
        answer = await attempt.ask(self._desk.session, url, headers, body, upstream)
        self._delivery = Delivery(
            answer,
            upstream,
            self._asked,
            book=lambda status, usage: self._settle(upstream, reserved, status, usage),
            keep=self._keep if self._tape else None,
            headers=self._headers(upstream.name),
        )
        try:
            await self._delivery.run(send)
        finally:
            answer.close()  # changes nothing for one that was read to its end

    def _headers(self, model: str) -> list[Header]:
        headers = [(b"x-request-id", self.id.encode())]
        return headers if model == self._asked.model else [*headers, (b"x-podium-model", model.encode())]

    async def _keep(self, answer: Answer) -> None:
        if self._tape is not None:
            await asyncio.to_thread(self._tape.keep, self._asked.path, self._asked.fields, answer)

    def _settle(self, upstream: Upstream, reserved: Reservation, status: int, usage: Usage) -> None:
        booking = self._booking(status, usage, upstream)
        self._booked = True
        self._desk.keyring.settle(reserved, booking)

    def _booking(self, status: int, usage: Usage, upstream: Upstream | None = None, replayed: bool = False) -> Booking:
        model = upstream.name if upstream else self._asked.model
        first = self._delivery.first if self._delivery else 0.0
        return Booking(
            model=model,
            replica=self._replica,
            status=status,
            prompt=usage.prompt,
            cached=usage.cached,
            completion=usage.completion,
            reasoning=usage.reasoning,
            estimated=usage.estimated,
            replayed=replayed,
            fallback_for="" if model == self._asked.model else self._asked.model,
            cost=usage.cost(upstream.prices) if upstream else 0.0,
            seconds=round(time.perf_counter() - self._began, 6),
            first_token_seconds=round(first - self._began, 6) if first else 0.0,
        )
