"""Through the gateway: what was recorded is heard again, streamed or whole, from a gateway that knows no model."""

from __future__ import annotations

import asyncio
import io
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from podium.keys import key_hash
from podium.records import ModelUsage
from serve.gateway.app import build
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.routes import RouteTable, Target
from serve.gateway.upstream import Directory
from serve.models import Catalogue
from serve.offline.endpoint import build as build_offline
from serve.tapes.recording import Recording
from serve.tapes.tape import TapeSpec
from serve.tapes.tapes import Tapes
from tests.unit.serving import serving
from tests.unit.taping import CHAT, request


def converse(folder: Path, model: str, *asked: dict[str, Any], **tape: Any) -> tuple[list[str], ModelUsage]:
    """What a client of a fresh gateway hears, and what the gateway counted. Only `offline` has an endpoint."""

    async def run() -> tuple[list[str], ModelUsage]:
        keyring = Keyring(folder / "gateway.jsonl")
        spec = TapeSpec(coordinate="wine/0", **tape)
        keyring.register(Grant(trial_id="t", key_hash=key_hash("key"), models=(model,), tape=spec))
        async with serving(build_offline()) as endpoint:
            known = {"offline": [Target(url=f"{endpoint}/v1", replica="r")]} if model == "offline" else {}
            directory = Directory(RouteTable(known), Catalogue(), folder)
            async with (
                serving(build(keyring, directory, tape_for=Tapes().of)) as address,
                aiohttp.ClientSession(headers={"authorization": "Bearer key"}) as session,
            ):
                heard = []
                for one in asked:
                    body = io.BytesIO(json.dumps({**one, "model": model}).encode())
                    async with session.post(address + CHAT, data=body) as answer:
                        heard.append(await answer.text())
        usage = keyring.usage("t")
        keyring.close()
        return heard, usage

    folder.mkdir()
    return asyncio.run(run())


ASKED = [request("one"), request("two", stream=True), request("one")]


def test_a_replay_gives_the_client_the_same_bytes_and_uses_no_tokens(tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    heard, used = converse(tmp_path / "a", "offline", *ASKED, record=recording)
    again, replayed = converse(tmp_path / "b", "replay:g", *ASKED, replay=recording, replay_model="offline")
    assert again == heard
    assert (used.replayed, used.requests, used.tokens > 0) == (0, 3, True)
    assert (replayed.replayed, replayed.tokens) == (3, 0)


def test_a_client_that_wants_a_streams_usage_hears_it_though_the_recorded_one_did_not(tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    heard, _ = converse(tmp_path / "a", "offline", request(stream=True), record=recording)
    wants = request(stream=True, stream_options={"include_usage": True})
    again, _ = converse(tmp_path / "b", "replay:g", wants, replay=recording, replay_model="offline")
    assert '"prompt_tokens"' not in heard[0]
    assert '"prompt_tokens"' in again[0]


def test_what_the_model_refused_is_refused_again_and_counts_nothing(tmp_path: Path) -> None:
    recording, refused = tmp_path / "recording", request(response_format={"type": "verse"})
    heard, used = converse(tmp_path / "a", "offline", refused, ASKED[0], record=recording)
    again, replayed = converse(tmp_path / "b", "replay:g", refused, ASKED[0], replay=recording, replay_model="offline")
    assert "`response_format` must be" in heard[0]
    assert again == heard
    assert (used.requests, replayed.replayed) == (1, 1)


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_not_recorded_is_a_404_that_says_so(tmp_path: Path, stream: bool) -> None:
    recording = tmp_path / "recording"
    converse(tmp_path / "a", "offline", request("one"), record=recording)
    other = request("other", stream=stream)
    heard, _ = converse(tmp_path / "b", "replay:g", other, replay=recording, replay_model="offline")
    error = json.loads(heard[0])["error"]
    assert error["code"] == "not_recorded"
    assert "differs first at messages[1].content from character 1 on" in error["message"]


def test_a_cache_spares_the_model_the_second_trial(tmp_path: Path) -> None:
    heard, used = converse(tmp_path / "a", "offline", *ASKED, cache=tmp_path / "cache")
    again, spared = converse(tmp_path / "b", "offline", *ASKED, cache=tmp_path / "cache")
    assert again == heard
    assert (used.replayed, spared.replayed, spared.tokens) == (0, 3, 0)


def test_a_cache_keeps_no_refusals(tmp_path: Path) -> None:
    converse(tmp_path / "a", "offline", request(response_format={"type": "verse"}), cache=tmp_path / "cache")
    assert Recording(tmp_path / "cache").rows == []


def test_no_key_lies_in_a_recording(tmp_path: Path) -> None:
    converse(tmp_path / "a", "offline", *ASKED, record=tmp_path / "recording")
    recording = Recording(tmp_path / "recording")
    kept = [recording.get(digest) for row in recording.rows for digest in (row.request, row.answer)]
    kept += [path.read_bytes() for path in (tmp_path / "recording").glob("*.jsonl")]
    assert len(kept) == 7
    assert not any(b"Bearer" in body or key_hash("key").encode() in body for body in kept)
