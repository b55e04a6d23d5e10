"""`/validate` over HTTP: has a submission the right form? With MLE-bench's statuses and JSON, and no score ever.

    curl -H "Authorization: Bearer $KEY" -F file=@submission.csv http://127.0.0.1:PORT/validate[/COMPETITION]
    {"result":"Submission is valid."}

    200 a verdict, for an invalid submission too (`Submission invalid! ...`)     400 no multipart field `file`
    401 no known key     404 an unknown competition or path     405 not POST     408 the upload stands still
    413 too large        500 the competition is not prepared                    503 the parser is being restarted

Every request is judged by its own bytes, in memory. Each call is written to the audit log.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from grading.audit import Audit, Seen
from grading.order import GradingTask
from grading.registration import Caller
from grading.responses import (
    ALLOW,
    CLIENT_LEFT,
    Refusal,
    broken,
    elsewhere,
    plain,
    restarting,
    stalled,
    stranger,
    too_large,
    unexpected,
    verdict,
)
from grading.room import Room, Shares
from grading.upload import OVERHEAD, NoUpload, files
from grading.validator import Validator
from podium.brief import Validity
from podium.errors import InfrastructureFailure, Unavailable, UnknownName, UserError
from podium.records import now

ROOM_BYTES = 512 << 20
"""Large uploads in memory at once (each is copied once while it is taken apart)."""
SMALL_ROOM_BYTES = 256 << 20
"""The same for small ones, which large ones do not hold up."""
SMALL = 16 << 20
SHARE = 4
"""Calls of one key at once: fewer than THREADS, and with small uploads a quarter of their room."""
THREADS = 8
GRACE_SECONDS = 30.0
BYTES_PER_SECOND = 1 << 20
"""An upload that comes more slowly, after some seconds of grace, is given up: it holds room that others wait for."""
LONGEST_NAME = 200

Result = TypeVar("Result")


class Endpoint:
    """The handlers, with the room and the threads that they share."""

    def __init__(
        self, validator: Validator, audit: Audit, share: int, grace: float, clock: Callable[[], datetime]
    ) -> None:
        self._validator, self._audit, self._grace, self._clock = validator, audit, grace, clock
        self._shares, self._small, self._large = Shares(share), Room(SMALL_ROOM_BYTES), Room(ROOM_BYTES)
        self._turns = asyncio.Semaphore(THREADS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="validate")

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        yield
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def health(self, request: Request) -> Response:
        return plain(200, {"status": "running"})

    async def validate(self, request: Request) -> Response:
        """One call, from its head to its line in the audit log."""
        seen = Seen()
        if request.method == "OPTIONS":
            return Response(headers=ALLOW)
        try:
            said = await self._verdict(request, seen)
        except Refusal as refusal:
            self._audit.write(seen.call(self._clock(), refusal.status, None, refusal.told))
            return refusal.response()
        self._audit.write(seen.call(self._clock(), 200, said.valid, said.message))
        return verdict(said)

    async def _verdict(self, request: Request, seen: Seen) -> Validity:
        if request.method != "POST":
            raise Refusal(405, "Method not allowed.", "Use POST.", ALLOW)
        caller = self._caller(request)
        seen.who = caller.who
        task = await self._task(caller, request.path_params.get("task_id", ""))
        seen.task = task.id
        limit = sum(output.max_mb << 20 for output in task.outputs) + OVERHEAD
        size = _declared(request, limit)
        room = self._small if size <= SMALL else self._large
        async with self._shares.turn(caller.who), room.hold(size):
            body = await self._body(request, seen, limit, self._grace + size / BYTES_PER_SECOND)
            return await self._in_turn(request, lambda kind: self._judge(task, kind, body, seen))

    def _caller(self, request: Request) -> Caller:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        caller = self._validator.admit(key.strip() if scheme.lower() == "bearer" else "")
        if caller is None:
            raise stranger()
        return caller

    async def _task(self, caller: Caller, task_id: str) -> GradingTask:
        own = caller.task
        if own is not None and task_id in ("", own.id):
            return own
        if not task_id:
            raise Refusal(404, "No competition was named.", "Ask /validate/COMPETITION.")
        known = self._validator.known(task_id)
        if known is not None:
            return known
        try:
            return await self._in_thread(lambda: self._validator.task(task_id[:LONGEST_NAME]))
        except UnknownName as unknown:
            raise Refusal(404, unknown.message, unknown.remedy) from None
        except UserError as error:
            raise unexpected(error) from None

    async def _body(self, request: Request, seen: Seen, limit: int, seconds: float) -> bytes:
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(seconds):
                async for chunk in request.stream():
                    seen.bytes += len(chunk)
                    if seen.bytes > limit:
                        raise too_large(limit)
                    parts.append(chunk)
        except TimeoutError:
            raise stalled(seconds) from None
        except ClientDisconnect:
            raise Refusal(CLIENT_LEFT, "The client left before its upload ended.") from None
        return b"".join(parts)

    def _judge(self, task: GradingTask, kind: str, body: bytes, seen: Seen) -> Validity:
        """The part that works: in a thread."""
        names = [output.name for output in task.outputs]
        try:
            uploaded = files(kind, body, names)
        except NoUpload as fault:
            raise Refusal(400, str(fault), "Send the submission as the multipart field `file`.") from None
        contents = [uploaded[name] for name in names if name in uploaded]
        seen.digest, seen.bytes = _digest(contents), sum(map(len, contents))
        try:
            return self._validator.validate(task, uploaded)
        except (InfrastructureFailure, Unavailable):
            raise restarting() from None
        except UserError as error:
            raise unexpected(error) from None

    async def _in_turn(self, request: Request, work: Callable[[str], Validity]) -> Validity:
        """`work` on the body's content type, when a thread is free; for a client that left meanwhile not at all."""
        waits = self._turns.locked()
        async with self._turns:
            if waits and await request.is_disconnected():
                raise Refusal(CLIENT_LEFT, "The client left before its turn.")
            return await self._in_thread(lambda: work(request.headers.get("content-type", "")))

    async def _in_thread(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def build(
    validator: Validator,
    audit: Audit,
    *,
    share: int = SHARE,
    grace: float = GRACE_SECONDS,
    clock: Callable[[], datetime] = now,
) -> Starlette:
    """The app. Uploads in memory are bounded, altogether and (`share`) for each key: who finds no room waits."""
    logging.getLogger("python_multipart").setLevel(logging.ERROR)  # it warns of every body that a client spoils
    endpoint = Endpoint(validator, audit, share, grace, clock)
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    app = Starlette(
        routes=[
            Route("/health", endpoint.health),
            Route("/validate", endpoint.validate, methods=methods),
            Route("/validate/{task_id}", endpoint.validate, methods=methods),
        ],
        exception_handlers={HTTPException: elsewhere, Exception: broken},
        lifespan=endpoint.lifespan,
    )
    app.router.redirect_slashes = False
    return app


def server(app: Starlette) -> uvicorn.Server:
    """A server for the app, to be run on a socket that listens."""
    return uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning", timeout_graceful_shutdown=5))


def _declared(request: Request, limit: int) -> int:
    """How many bytes to hold: what the head declares, else the limit."""
    length = request.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else limit
    if size > limit:
        raise too_large(limit)
    return size


def _digest(contents: list[bytes]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(content)
    return digest.hexdigest()
