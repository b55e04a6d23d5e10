"""The `/validate` endpoint: whether a submission has the right form. It knows no score.

    curl -H "Authorization: Bearer $KEY" -F file=@submission.csv http://127.0.0.1:PORT/validate
    {"valid": true, "message": "Submission is valid.", "result": "Submission is valid."}

`result` is what MLE-bench's own server answers. Each request is judged by its own bytes, in memory.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Final

from fastapi import FastAPI, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from grading.order import GradingTask
from grading.service import GradingService
from podium.errors import InfrastructureFailure, Unavailable
from podium.keys import key_hash

UPLOAD_FIELD: Final = "file"
"""The multipart field of a single file, as in MLE-bench."""
_OVERHEAD = 1 << 16
"""Bytes of multipart framing allowed on top of the files."""


def build(service: GradingService) -> FastAPI:
    """The app."""
    app = FastAPI(title="Podium validator", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "running"}

    @app.post("/validate")
    async def validate(request: Request) -> dict[str, bool | str]:
        task = _caller(service, request)
        files = await _files(request, task)
        try:
            said = await run_in_threadpool(service.validate, task, files)
        except (InfrastructureFailure, Unavailable):
            raise HTTPException(503, "The validator is restarting its parser. Try again in a moment.") from None
        result = said.message if said.valid else f"Submission invalid! {said.message}"
        return {"valid": said.valid, "message": said.message, "result": result}

    return app


def _caller(service: GradingService, request: Request) -> GradingTask:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    task = service.registered(key_hash(key.strip())) if scheme.lower() == "bearer" else None
    if task is None:
        raise HTTPException(401, "No key, or one that is not known here.", headers={"WWW-Authenticate": "Bearer"})
    return task


async def _files(request: Request, task: GradingTask) -> dict[str, bytes]:
    """The submission in the body: multipart files, or the bytes of the one output."""
    limit = sum(output.max_mb << 20 for output in task.outputs) + _OVERHEAD
    body = await _body(request, limit)
    first = task.outputs[0].name
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        return {first: body}
    return await _uploads(request, body, [output.name for output in task.outputs])


async def _body(request: Request, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise HTTPException(413, f"The submission is too large: at most {limit >> 20} MiB can be handed in.")
        parts.append(chunk)
    return b"".join(parts)


async def _uploads(request: Request, body: bytes, names: list[str]) -> dict[str, bytes]:
    """The uploaded files by output name: the field `file` (or a file of that name), or a field named as an output."""

    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(request.headers, stream(), max_files=len(names) + 1, max_fields=16)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        raise HTTPException(400, f"The multipart body cannot be read: {error}.") from None
    files: dict[str, bytes] = {}
    try:
        for field, upload in form.multi_items():
            if isinstance(upload, UploadFile):
                files[_output(field, upload.filename, names)] = await upload.read()
    finally:
        await form.close()
    if not files:
        raise HTTPException(400, f"Send the submission as the multipart field {UPLOAD_FIELD!r}, or as the raw body.")
    return files


def _output(field: str, filename: str | None, names: list[str]) -> str:
    return next((name for name in (field, filename) if name in names), names[0]) or names[0]
