"""What endpoints say when they fail: limits in many wordings, waits in two."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from serve.client.failure import retry_after
from serve.refusal import context_limit

NOW = datetime(2030, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "limit"),
    [
        ("This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.", 8192),
        ("The decoder prompt (length 9000) is longer than the maximum model length of 4096. Make sure that", 4096),
        ("The prompt plus the number of requested output tokens is longer than the maximum model length of 64.", 64),
        ("'max_tokens' is too large: 5000. This model's maximum context length is 4096 tokens and your", 4096),
        ("Input length (5000) exceeds model's maximum context length (4096).", 4096),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1_048_576),
        ("The input token count exceeds the maximum number of tokens allowed 1,048,576.", 1_048_576),
        ("prompt is too long: 210000 tokens > 200000 maximum", 200_000),
        ("the request (9000 tokens) exceeds the available context size (4096 tokens), try increasing it", 4096),
        ("temperature must be at most 2", None),
        ("Unknown model; there are 3", None),
    ],
)
def test_the_limit_is_read_in_every_wording(said: str, limit: int | None) -> None:
    assert context_limit(said) == limit


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Tue, 01 Jan 2030 12:00:30 GMT"}, 30.0),
        ({"retry-after": "Tue, 01 Jan 2030 11:59:00 GMT"}, 0.0),
        ({"retry-after": "Tue, 01 Jan 2030 10:00:05 GMT", "date": "Tue, 01 Jan 2030 10:00:00 GMT"}, 5.0),
    ],
)
def test_retry_after_is_seconds_or_a_date_by_the_endpoints_clock(headers: dict[str, str], seconds: float) -> None:
    assert retry_after(headers, NOW) == seconds
