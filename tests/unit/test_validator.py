"""The validator's client against a real server on a free port."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.validator import HttpValidator
from podium.brief import Submission, Validity
from podium.errors import InfrastructureFailure

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ask(handler: Handler) -> Validity:
    """Validate a submission of one file with a server that answers by `handler`."""

    async def story() -> Validity:
        app = web.Application()
        app.router.add_post("/validate", handler)
        async with TestServer(app) as server, HttpValidator(str(server.make_url("/")), "k" * 20, 0.0) as validator:
            return await validator(Submission({"submission.csv": b"id,y\n"}))

    return asyncio.run(story())


def test_the_files_and_the_key_are_sent_and_the_answer_is_read() -> None:
    async def handler(request: web.Request) -> web.Response:
        part = (await request.post())["file"]
        assert isinstance(part, web.FileField)
        said = f"{part.filename} {part.file.read()!r} {request.headers['Authorization']}"
        return web.json_response({"result": f"Submission invalid! {said}"})

    validity = ask(handler)
    assert not validity.valid
    assert validity.message == f"submission.csv b'id,y\\n' Bearer {'k' * 20}"


def test_a_server_that_is_away_for_a_moment_is_asked_again() -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(1)
        return web.json_response({"result": "Submission is valid."}, status=200 if len(asked) == 3 else 503)

    assert ask(handler).valid
    assert len(asked) == 3


def test_a_server_that_stays_away_is_an_infrastructure_failure() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=503)

    with pytest.raises(InfrastructureFailure, match="HTTP 503"):
        ask(handler)


@pytest.mark.parametrize("status", [400, 413])
def test_what_cannot_be_taken_is_not_valid(status: int) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.json_response({"error": "It is too large.", "details": "Send less."}, status=status)

    assert ask(handler) == Validity(valid=False, message="It is too large. Send less.")


@pytest.mark.parametrize("status", [401, 404, 500])
def test_what_no_submission_can_help_is_the_sites_failure(status: int) -> None:
    asked = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(1)
        return web.json_response({"error": "No.", "details": ""}, status=status)

    with pytest.raises(InfrastructureFailure, match=f"HTTP {status}"):
        ask(handler)
    assert len(asked) == 1
