"""Record, replay, cache: the nth asking gets the nth answer, and a replay says which request it does not know."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from agents.agent import Reply
from agents.attempt import run_attempt
from podium.records import Cause
from podium.spec import Budget
from serve.refusal import Refusal
from serve.tapes.recording import ROWS_FILE, Recording
from serve.tapes.tape import Answer, Tape
from serve.tapes.tapes import Tapes
from tests.unit.offstage import BareExecutor, ScriptedModel, order_for, solution, validate
from tests.unit.taping import CHAT, answer, grant, request, user


def tape(model: str = "m", **kinds: Any) -> Tape:
    """The tape of a gateway that has just started."""
    made = Tapes().of(grant(**kinds), model)
    assert made is not None
    return made


def record(folder: Path, *exchanges: tuple[dict[str, Any], str], **kinds: Any) -> None:
    recorder = tape(record=folder, **kinds)
    for asked, said in exchanges:
        assert recorder.find(CHAT, asked) is None
        recorder.keep(CHAT, asked, answer(said))


def replay(folder: Path, **kinds: Any) -> Tape:
    return tape("replay:g", **{"replay": folder, "replay_model": "m", "trial_id": "other", **kinds})


def said(played: Tape, asked: dict[str, Any], path: str = CHAT) -> str:
    found = played.find(path, asked)
    assert found is not None
    return found.body.decode()


def refusal(played: Tape, asked: dict[str, Any], path: str = CHAT) -> Refusal:
    with pytest.raises(Refusal) as refused:
        played.find(path, asked)
    assert (refused.value.status, refused.value.code) == (404, "not_recorded")
    return refused.value


def test_a_key_without_a_tape_has_none() -> None:
    assert Tapes().of(grant().model_copy(update={"tape": None}), "m") is None
    assert Tapes().of(grant(), "m") is None


def test_a_replay_without_its_recording_is_refused_and_asks_no_model() -> None:
    with pytest.raises(Refusal, match="no recording for replay:g"):
        Tapes().of(grant(), "replay:g")


def test_a_replay_answers_what_was_recorded_though_the_model_is_called_otherwise(tmp_path: Path) -> None:
    record(tmp_path, (request("one"), "1"), (request("two"), "2"))
    played = replay(tmp_path)
    assert said(played, request("two", model="replay:g")) == "2"
    assert said(played, request("one", model="replay:g")) == "1"


def test_an_answer_comes_back_as_it_was(tmp_path: Path) -> None:
    stream = Answer(status=200, content_type="text/event-stream", body=b'data: {"a":1}\n\ndata: [DONE]\n\n', by="z")
    tape(record=tmp_path).keep(CHAT, request(stream=True), stream)
    assert replay(tmp_path).find(CHAT, request(stream=True)) == stream


def test_the_nth_asking_gets_the_nth_answer_and_then_none(tmp_path: Path) -> None:
    record(tmp_path, (request(), "first"), (request(), "second"))
    played = replay(tmp_path)
    assert [said(played, request()), said(played, request())] == ["first", "second"]
    message = refusal(played, request()).message
    assert "asked 3 times" in message
    assert "It was recorded 2 times." in message


def test_times_in_a_prompt_do_not_keep_it_from_its_answer(tmp_path: Path) -> None:
    record(tmp_path, (request("Time left: 99.5 seconds"), "early"), (request("Time left: 12.1 seconds"), "late"))
    assert said(replay(tmp_path), request("Time left: 98.7 seconds")) == "early"


def test_the_exact_words_come_before_others_of_the_same_shape(tmp_path: Path) -> None:
    record(tmp_path, (request("Time left: 99.5 seconds"), "early"), (request("Time left: 12.1 seconds"), "late"))
    played = replay(tmp_path)
    assert said(played, request("Time left: 12.1 seconds")) == "late"
    assert said(played, request("Time left: 12.1 seconds")) == "early"


@pytest.mark.parametrize("other", [{"coordinate": "wine/1"}, {"replay_model": "n"}])
def test_another_trials_or_models_recording_answers_nothing(tmp_path: Path, other: dict[str, str]) -> None:
    record(tmp_path, (request(), "1"))
    message = refusal(replay(tmp_path, **other), request()).message
    assert "Of that trial and model it has nothing; it has: wine/0." in message


def test_a_recording_that_is_gone_says_that_it_is_empty(tmp_path: Path) -> None:
    assert "it has: nothing at all." in refusal(replay(tmp_path / "gone"), request()).message


def test_a_recording_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / ROWS_FILE).mkdir()
    with pytest.raises(Refusal, match="cannot be read"):
        replay(tmp_path)


def test_a_replay_follows_the_last_take(tmp_path: Path) -> None:
    record(tmp_path, (request("begin"), "old"), (request("old way"), "x"), take=0)
    record(tmp_path, (request("begin"), "new"), take=2, key="another")
    played = replay(tmp_path)
    assert said(played, request("begin")) == "new"
    refusal(played, request("old way"))


def test_a_new_key_and_a_new_take_begin_anew(tmp_path: Path) -> None:
    record(tmp_path, (request(), "1"))
    tapes, seen = Tapes(), []
    for kinds in ({"key": "a"}, {"key": "a", "take": 1}, {"key": "b", "take": 1}):
        played = tapes.of(grant(replay=tmp_path, replay_model="m", **kinds), "replay:g")
        assert played is tapes.of(grant(replay=tmp_path, replay_model="m", **kinds), "replay:g")
        assert played is not None
        seen.append(said(played, request()))
    assert seen == ["1", "1", "1"]


def test_a_forgotten_trial_begins_anew(tmp_path: Path) -> None:
    tapes, asks = Tapes(), grant(record=tmp_path)
    first = tapes.of(asks, "m")
    tapes.forget(asks.trial_id)
    tapes.forget("nobody")
    assert tapes.of(asks, "m") is not first


def test_a_recorder_of_a_restarted_gateway_goes_on_counting(tmp_path: Path) -> None:
    record(tmp_path, (request(), "1"))
    record(tmp_path, (request(), "2"))
    assert [row.n for row in Recording(tmp_path).rows] == [0, 1]


def test_a_second_take_counts_from_the_beginning(tmp_path: Path) -> None:
    for take in (0, 1):
        record(tmp_path, (request(), "1"), (request(), "2"), take=take)
    assert [(row.take, row.n) for row in Recording(tmp_path).rows] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_equal_questions_and_answers_of_many_trials_lie_there_once(tmp_path: Path) -> None:
    for seed in range(5):
        record(tmp_path, (request(), "the same"), coordinate=f"wine/{seed}", trial_id=f"t{seed}")
    assert len(list(tmp_path.rglob("*.gz"))) == 2
    assert len(Recording(tmp_path).rows) == 5


def test_a_person_can_read_what_was_asked_and_answered(tmp_path: Path) -> None:
    record(tmp_path, (request("Grüße"), "ok"))
    recording = Recording(tmp_path)
    row = recording.rows[0]
    assert "Grüße".encode() in recording.get(row.request)
    assert recording.answer(row).body == b"ok"
    assert (row.coordinate, row.trial_id, row.model, row.path) == ("wine/0", "trial-a", "m", CHAT)


def test_a_request_that_was_not_recorded_is_told_with_the_place_where_the_nearest_differs(tmp_path: Path) -> None:
    talk = [user("first"), user("second " + "x" * 100), user("third")]
    record(tmp_path, ({"model": "m", "messages": [user("unlike")]}, "1"), ({"model": "m", "messages": talk}, "2"))
    changed = [talk[0], user("second " + "x" * 99 + "Y"), user("z" * 300)]
    message = refusal(replay(tmp_path), {"model": "replay:g", "messages": changed}).message
    assert f"{tmp_path} has no answer to this request of wine/0: {CHAT}, digest " in message
    assert "asked once" in message
    assert f'Its last message begins: "{"z" * 200}".' in message
    assert 'differs first at messages[1].content from character 106 on: recorded "x", asked "Y".' in message


def test_a_longer_talk_than_the_recorded_is_told(tmp_path: Path) -> None:
    record(tmp_path, (request("one"), "1"))
    longer = request("one")
    longer["messages"].append(user("more"))
    assert "differs first at messages[2]: recorded nothing, asked" in refusal(replay(tmp_path), longer).message


def test_another_temperature_is_told(tmp_path: Path) -> None:
    record(tmp_path, (request(temperature=0.5), "1"))
    message = refusal(replay(tmp_path), request(temperature=0.7)).message
    assert "differs first at temperature: recorded 0.5, asked 0.7" in message


def test_a_path_that_was_not_recorded_is_told(tmp_path: Path) -> None:
    record(tmp_path, (request(), "1"))
    said_of = refusal(replay(tmp_path), {"model": "replay:g", "input": ["some text"]}, "/v1/embeddings").message
    assert 'begins: "some text". Nothing was recorded for /v1/embeddings.' in said_of


def test_a_damaged_answer_is_refused(tmp_path: Path) -> None:
    record(tmp_path, (request(), "1"))
    digest = Recording(tmp_path).rows[0].answer
    (tmp_path / digest[:2] / f"{digest}.gz").write_bytes(b"")
    with pytest.raises(Refusal, match=digest):
        replay(tmp_path).find(CHAT, request())


def test_a_recording_that_cannot_be_written_says_where(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Refusal, match=str(tmp_path / "file")) as refused:
        record(tmp_path / "file" / "recording", (request(), "1"))
    assert refused.value.code == "recording_failed"


def test_a_cache_answers_any_trial_that_asks_the_same(tmp_path: Path) -> None:
    tapes = Tapes()
    one, other = (tapes.of(grant(name, cache=tmp_path, coordinate=f"wine/{name}"), "m") for name in "12")
    assert one is not None
    assert other is not None
    assert one.find(CHAT, request()) is None
    one.keep(CHAT, request(), answer("kept"))
    assert said(other, request()) == "kept"


def test_the_nth_asking_of_a_trial_gets_the_nth_cached_answer_else_the_model(tmp_path: Path) -> None:
    first = tape(cache=tmp_path)
    for text in ("1", "2"):
        assert first.find(CHAT, request()) is None
        first.keep(CHAT, request(), answer(text))
    again = tape(cache=tmp_path, trial_id="later")
    assert [said(again, request()), said(again, request())] == ["1", "2"]
    assert again.find(CHAT, request()) is None
    again.keep(CHAT, request(), answer("3"))
    assert [row.n for row in Recording(tmp_path).rows] == [0, 1, 2]


@pytest.mark.parametrize(
    "other",
    [request(model="n"), request(temperature=0.1), request("Time left: 5 seconds"), request(seed=3)],
    ids=["model", "temperature", "time", "seed"],
)
def test_a_cache_answers_nothing_but_the_same_question_to_the_same_model(tmp_path: Path, other: dict[str, Any]) -> None:
    first = tape(cache=tmp_path)
    for asked in (request(), request("Time left: 6 seconds")):
        first.keep(CHAT, asked, answer("kept"))
    assert tape(cache=tmp_path).find(CHAT, other) is None


def test_of_two_trials_that_ask_the_model_at_once_the_first_is_cached(tmp_path: Path) -> None:
    tapes = Tapes()
    pair = [tapes.of(grant(name, cache=tmp_path), "m") for name in "12"]
    for number, each in enumerate(pair):
        assert each is not None
        assert each.find(CHAT, request(str(number))) is None
    for number, each in enumerate(pair):
        assert each is not None
        each.keep(CHAT, request(), answer(str(number)))
    assert said(tape(cache=tmp_path, trial_id="later"), request()) == "0"
    assert len(Recording(tmp_path).rows) == 1


def test_a_fallbacks_answer_is_not_cached_but_recorded(tmp_path: Path) -> None:
    both = tape(cache=tmp_path / "cache", record=tmp_path / "recording")
    both.keep(CHAT, request(), answer("from elsewhere", by="z"))
    assert Recording(tmp_path / "cache").rows == []
    assert [row.by for row in Recording(tmp_path / "recording").rows] == ["z"]


def test_what_a_cache_answers_is_recorded_too(tmp_path: Path) -> None:
    tape(cache=tmp_path / "cache").keep(CHAT, request(), answer("kept"))
    both = tape(cache=tmp_path / "cache", record=tmp_path / "recording", trial_id="later")
    assert said(both, request()) == "kept"
    assert said(replay(tmp_path / "recording"), request()) == "kept"


def test_a_replay_leaves_the_cache_alone(tmp_path: Path) -> None:
    record(tmp_path / "recording", (request(), "recorded"))
    tape(cache=tmp_path / "cache").keep(CHAT, request(model="replay:g"), answer("cached"))
    assert said(replay(tmp_path / "recording", cache=tmp_path / "cache"), request(model="replay:g")) == "recorded"


def test_trials_that_record_at_once_are_each_replayed_as_they_were(tmp_path: Path) -> None:
    tapes = Tapes()

    def run(name: str) -> None:
        recorder = tapes.of(grant(name, record=tmp_path, coordinate=f"wine/{name}"), "m")
        assert recorder is not None
        for number in range(5):
            recorder.keep(CHAT, request(f"step {number // 2}"), answer(f"{name}: {number}"))

    threads = [threading.Thread(target=run, args=(str(name),)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in range(8):
        played = replay(tmp_path, coordinate=f"wine/{name}")
        assert [said(played, request(f"step {n // 2}")) for n in range(5)] == [f"{name}: {n}" for n in range(5)]


def test_askings_at_once_get_an_answer_each(tmp_path: Path) -> None:
    record(tmp_path, *((request(), str(number)) for number in range(16)))
    played, heard = replay(tmp_path), list[str]()
    threads = [threading.Thread(target=lambda: heard.append(said(played, request()))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(heard, key=int) == [str(number) for number in range(16)]


def aide(folder: Path, model: ScriptedModel, spool: Tape, seconds: float) -> list[dict[str, Any]]:
    """The nodes of an attempt of AIDE whose questions all pass `spool`; what it does not answer, `model` does."""

    async def chat(messages: Any, temperature: float | None, schema: Any, *caller: Any) -> Reply:
        asked = {"model": "m", "messages": messages, "temperature": temperature, "response_format": schema}
        found = spool.find(CHAT, asked)
        if found is not None:
            return Reply.model_validate_json(found.body)
        reply = await model(messages, temperature, schema, *caller)
        spool.keep(CHAT, asked, answer(reply.model_dump_json()))
        return reply

    async def open_executor() -> BareExecutor:
        return BareExecutor()

    order = order_for(folder / "0", budget=Budget(steps=6, seconds=seconds), num_drafts=2, data_preview=False)
    done = asyncio.run(run_attempt(order, open_executor=open_executor, chat=chat, validate=validate))
    assert done.cause is Cause.OK, done.message
    nodes: list[dict[str, Any]] = json.loads((folder / "0" / "logs" / "journal.json").read_text())["nodes"]
    return [{key: node[key] for key in ("plan", "code", "stage", "metric", "is_buggy", "analysis")} for node in nodes]


def test_a_whole_trial_of_aide_is_replayed_to_the_same_tree_without_any_model(tmp_path: Path) -> None:
    def code(task: str, number: int) -> str:
        return solution(0.5 - number / 10, 'raise SystemExit("no")' if number == 1 else "")

    nowhere = ScriptedModel(lambda task, number: pytest.fail("a model was asked"))
    recorded = aide(tmp_path / "one", ScriptedModel(code), tape(record=tmp_path / "recording"), seconds=60)
    assert len(recorded) == 6
    assert aide(tmp_path / "two", nowhere, replay(tmp_path / "recording"), seconds=50) == recorded


def test_the_recording_of_a_trial_holds_its_questions_in_order(tmp_path: Path) -> None:
    record(tmp_path, *((request(str(number)), str(number)) for number in range(3)))
    lines = (tmp_path / ROWS_FILE).read_text().splitlines()
    recording = Recording(tmp_path)
    assert [recording.request(row)["messages"][1]["content"] for row in recording.rows] == ["0", "1", "2"]
    assert len(lines) == 3
