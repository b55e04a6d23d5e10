"""The offline model's HTTP side: chat completions in OpenAI's form, whole or streamed, with exact usage."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, StreamingResponse

from serve.chat import message_text, parse_request
from serve.offline.answer import answer
from serve.offline.review import REVIEW_SCHEMA
from serve.refusal import Refusal

MODEL = "offline"
CALLS_ITSELF = "offline (no LLM: a program that writes scikit-learn programs)"
"""The `model` of its answers, so that records and reports are honest about who answered."""
PIECE = 400
"""Characters of one chunk of a stream."""


def build() -> FastAPI:
    """The app."""
    app = FastAPI(title="Offline model", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_exception_handler(Refusal, _refuse)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        about = {"id": MODEL, "object": "model", "owned_by": "podium", "description": "No LLM: answers by rule."}
        return {"object": "list", "data": [about]}

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        asked = parse_request(await request.body())
        if asked["model"] != MODEL:
            raise Refusal(404, f"Here is only the model {MODEL}.", "model_not_found", param="model")
        content = await run_in_threadpool(
            answer, asked["messages"], seed=_seed(asked), schema=_schema(asked.get("response_format"))
        )
        return _stream(asked, content) if asked.get("stream") else JSONResponse(_whole(asked, content))

    return app


def count_tokens(text: str) -> int:
    """Tokens as the offline model counts them: words and single signs."""
    return len(re.findall(r"\w+|[^\w\s]", text))


def _seed(asked: Mapping[str, Any]) -> int | None:
    seed = asked.get("seed")
    if seed is not None and not isinstance(seed, int):
        raise Refusal(400, "`seed` must be an integer.", "invalid_type", param="seed")
    return seed


def _schema(wanted: object) -> dict[str, Any] | None:
    """The JSON schema of a `response_format`; None for text. Raises Refusal for one that is not understood."""
    if wanted is None or (isinstance(wanted, dict) and wanted.get("type") == "text"):
        return None
    if isinstance(wanted, dict) and wanted.get("type") == "json_object":
        return REVIEW_SCHEMA
    schema = wanted.get("json_schema", {}).get("schema") if isinstance(wanted, dict) else None
    if not isinstance(schema, dict):
        raise Refusal(400, "`response_format` must be text, json_object or json_schema.", "invalid_type")
    return schema


def _usage(asked: Mapping[str, Any], content: str) -> dict[str, int]:
    prompt = sum(count_tokens(message_text(message)) + 3 for message in asked["messages"])
    completion = count_tokens(content)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def _head(asked: Mapping[str, Any], kind: str) -> dict[str, Any]:
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return {"id": f"chatcmpl-{digest[:24]}", "object": kind, "created": int(time.time()), "model": CALLS_ITSELF}


def _whole(asked: Mapping[str, Any], content: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": content}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    return {**_head(asked, "chat.completion"), "choices": [choice], "usage": _usage(asked, content)}


def _stream(asked: Mapping[str, Any], content: str) -> StreamingResponse:
    options = asked.get("stream_options") or {}
    head = _head(asked, "chat.completion.chunk")

    async def events() -> AsyncIterator[bytes]:
        said = ""
        for piece in re.findall(rf"(?s).{{1,{PIECE}}}", content):
            said += piece
            running = {"usage": _usage(asked, said)} if options.get("continuous_usage_stats") else {}
            choice = {"index": 0, "delta": {"role": "assistant", "content": piece}, "finish_reason": None}
            yield _event({**head, "choices": [choice], **running})
        yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if options.get("include_usage"):
            yield _event({**head, "choices": [], "usage": _usage(asked, content)})
        yield b"data: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def _event(chunk: Mapping[str, Any]) -> bytes:
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return Response(error.body(), error.status, error.headers(), media_type="application/json")
