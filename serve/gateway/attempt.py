"""One attempt to have a request answered: the endpoint's answer, or what kind of failure it was."""

from __future__ import annotations

import io
import json
import logging

import aiohttp

from serve.gateway.patience import Death, Fault
from serve.gateway.upstream import Upstream
from serve.refusal import Refusal, error_message, upstream_refusal

LOG = logging.getLogger(__name__)
MAX_ANSWER = 64 << 20
"""Most bytes of a whole answer."""
RETRY_AFTER = 2
"""Seconds after which a client is told to try again."""
SMALL = 1 << 20
"""Up to so many bytes aiohttp writes a body at once; a larger one is handed over as a file."""
DEAD = ("EngineDeadError", "EngineCore encountered an issue")
"""How vLLM's server says that its engine has died."""
LATER = frozenset({408, 502, 503, 504})
"""What Serve's proxy and a replica that goes answer in place of the model."""


async def ask(
    session: aiohttp.ClientSession, url: str, headers: dict[str, str], body: bytes, upstream: Upstream
) -> aiohttp.ClientResponse:
    """The endpoint's answer, of status 200, its body unread. Raises Fault, or Refusal where it is final."""
    try:
        answer = await session.post(url, data=body if len(body) <= SMALL else io.BytesIO(body), headers=headers)
    except (aiohttp.ClientError, OSError) as error:
        raise broken(upstream, error) from None
    if answer.status == 200:
        return answer
    try:
        said = await answer.content.read(1 << 16)
    except (aiohttp.ClientError, OSError) as error:
        raise broken(upstream, error) from None
    finally:
        answer.close()
    raise judged(upstream, answer.status, said, answer.headers.get("retry-after", ""))


async def whole(answer: aiohttp.ClientResponse, upstream: Upstream) -> bytes:
    """All of an answer. Raises Fault, Refusal."""
    parts, size = [], 0
    try:
        while part := await answer.content.readany():
            parts.append(part)
            size += len(part)
            if size > MAX_ANSWER:
                raise Refusal(502, f"The answer is larger than {MAX_ANSWER} bytes.", "answer_too_large")
    except (aiohttp.ClientError, OSError) as error:
        raise broken(upstream, error) from None
    return b"".join(parts)


def judged(upstream: Upstream, status: int, said: bytes, retry_after: str = "") -> Exception:
    """What an answer other than 200 means: a Fault, or a Refusal where asking again changes nothing."""
    seconds = int(retry_after) if retry_after.isdecimal() else 0
    if upstream.outside:
        later = (seconds or RETRY_AFTER) if status == 429 or status >= 500 else 0
        return upstream_refusal(upstream.name, status if status >= 400 else 502, said, later)
    message = f"{upstream.name}: {error_message(said)}"
    text = said.decode("utf-8", "replace")
    if status == 500 and any(word in text for word in DEAD):
        return Fault(down(message), Death.ENGINE)
    if status in LATER:
        return Fault(down(message))
    if status in (401, 403) or status < 400:
        return Refusal(502, message, "upstream_refused", retry_after=RETRY_AFTER)
    return upstream_refusal(upstream.name, status, said, RETRY_AFTER if status == 429 or status >= 500 else 0)


def judged_event(upstream: Upstream, said: bytes) -> Exception:
    """The same for an error event that stands in place of a stream."""
    error = json.loads(said).get("error")
    code = error.get("code") if isinstance(error, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 500
    fault = judged(upstream, status, said)
    if isinstance(fault, Refusal) and not upstream.outside and fault.status >= 500:
        return Fault(fault, Death.BREAK)
    return fault


def broken(upstream: Upstream, error: BaseException) -> Exception:
    """What a connection's failure means. Inner addresses stand in the log alone."""
    LOG.info("%s: %r", upstream.name, error)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | ConnectionRefusedError):
        return Fault(down(f"{upstream.name} cannot be reached ({type(error).__name__})."))
    if isinstance(error, TimeoutError):
        return Refusal(504, f"{upstream.name} was silent for too long.", "upstream_timeout", retry_after=RETRY_AFTER)
    said = f"{upstream.name} broke off: {type(error).__name__}."
    refusal = Refusal(502, said, "upstream_broke_off", retry_after=RETRY_AFTER)
    return refusal if upstream.outside else Fault(refusal, Death.BREAK)


def down(message: str) -> Refusal:
    return Refusal(503, message, "upstream_down", retry_after=RETRY_AFTER)
