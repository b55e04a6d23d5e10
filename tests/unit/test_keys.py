"""Keys, budgets and the ledger: what a trial may still use, and that a restart forgets nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from podium.keys import key_hash
from podium.records import ModelUsage
from serve.gateway.account import Booking
from serve.gateway.grant import Grant
from serve.gateway.keys import Keyring
from serve.gateway.rate import Bucket
from serve.refusal import Refusal
from serve.tapes.tape import TapeSpec


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "gateway.jsonl"


@pytest.fixture
def keys(file: Path) -> Iterator[Keyring]:
    keyring = Keyring(file, clock=lambda: 0.0)
    yield keyring
    keyring.close()


def grant(key: str = "key", trial: str = "t", **fields: Any) -> Grant:
    return Grant(trial_id=trial, key_hash=key_hash(key), models=("m",), **fields)


def use(keys: Keyring, given: Grant, **booking: Any) -> None:
    """Ask and be answered."""
    keys.settle(keys.reserve(given, 0, 0.0), Booking(model="m", **booking))


def refused(keys: Keyring, given: Grant, tokens: int = 1, cost: float = 0.0) -> str:
    """The code of the refusal; empty: the request may go on (and stays under way)."""
    try:
        keys.reserve(given, tokens, cost)
    except Refusal as refusal:
        return refusal.code
    return ""


@pytest.mark.parametrize(
    ("budget", "booking"),
    [
        ({"tokens": 10}, {"prompt": 4, "completion": 6}),
        ({"cost": 1.0}, {"prompt": 1, "cost": 1.0}),
        ({"requests": 1}, {"prompt": 1}),
    ],
)
def test_a_spent_budget_lets_nothing_more_in(keys: Keyring, budget: Any, booking: Any) -> None:
    use(keys, grant(**budget), **booking)
    assert refused(keys, grant(**budget)) == "insufficient_quota"


@pytest.mark.parametrize("budget", [{"tokens": 0}, {"cost": 0.0}, {"requests": 0}])
def test_a_budget_of_nothing_allows_nothing(keys: Keyring, budget: Any) -> None:
    assert refused(keys, grant(**budget), 0) == "insufficient_quota"


def test_a_spent_budget_is_429_that_does_not_say_when_to_try_again(keys: Keyring) -> None:
    with pytest.raises(Refusal) as caught:
        keys.reserve(grant(tokens=1), 2, 0.0)
    assert (caught.value.status, caught.value.headers()) == (429, {})
    assert b'"type": "insufficient_quota"' in caught.value.body()


def test_what_is_under_way_counts_against_the_budgets(keys: Keyring) -> None:
    given = grant(tokens=10, requests=2, cost=1.0)
    assert refused(keys, given, 6, 0.1) == ""
    assert refused(keys, given, 6, 0.1) == "insufficient_quota"
    assert refused(keys, given, 1, 0.95) == "insufficient_quota"
    assert refused(keys, given, 1, 0.1) == ""
    assert refused(keys, given, 1, 0.0) == "insufficient_quota"


def test_what_never_reached_a_model_is_given_back(keys: Keyring) -> None:
    given = grant(tokens=10, requests=1)
    keys.settle(keys.reserve(given, 10, 0.0), None)
    assert refused(keys, given, 10) == ""
    assert keys.usage("t") == ModelUsage()


def test_a_request_is_booked_once(keys: Keyring) -> None:
    reserved = keys.reserve(grant(), 1, 0.0)
    keys.settle(reserved, Booking(prompt=3))
    keys.settle(reserved, Booking(prompt=3))
    keys.settle(reserved, None)
    assert keys.usage("t").prompt == 3


def test_a_recordings_answer_costs_nothing_and_is_counted(keys: Keyring) -> None:
    keys.replayed(grant(requests=1), Booking(model="m", prompt=5, replayed=True, seconds=0.5))
    used = keys.usage("t")
    assert (used.replayed, used.requests, used.prompt, used.seconds) == (1, 0, 0, 0.5)
    assert refused(keys, grant(requests=1)) == ""


def test_over_the_rate_is_429_and_says_how_long_to_wait(keys: Keyring) -> None:
    given = grant(rate=6.0)
    keys.pace(given)
    with pytest.raises(Refusal) as caught:
        keys.pace(given)
    assert (caught.value.status, caught.value.code, caught.value.retry_after) == (429, "rate_limit_exceeded", 10)


def test_a_bucket_fills_with_time_and_no_further_than_its_burst() -> None:
    bucket = Bucket(60.0, 0.0)
    assert [bucket.take(0.0) for _ in range(11)] == [0.0] * 10 + [1.0]
    assert bucket.take(0.5) == 0.5
    assert bucket.take(1.0) == 0.0
    assert [bucket.take(1000.0) for _ in range(11)] == [0.0] * 10 + [1.0]


def test_grants_and_usage_survive_a_restart_and_a_line_cut_by_a_death(keys: Keyring, file: Path) -> None:
    tape = TapeSpec(coordinate="task/0", record=Path("/x"))
    given = grant(tokens=100, cost=2.0, rate=3.0, tape=tape)
    keys.register(given)
    use(keys, given, prompt=10, cached=4, completion=5, reasoning=2, replica="r1", cost=0.5, seconds=1.5)
    use(keys, given, prompt=1, estimated=True, fallback_for="n", first_token_seconds=0.25)
    with file.open("a") as cut:
        cut.write('{"trial_id":"t","pro')
    first = Keyring(file)
    first.register(grant("other", "u"))
    again = Keyring(file)
    assert again.usage("t") == keys.usage("t")
    assert again.usage("t").fallbacks == {"m": 1}
    assert (again.admit("key"), again.admit("other").trial_id) == (given, "u")
    first.close()
    again.close()


def test_a_revoked_key_stays_revoked_after_a_restart_and_its_usage_stays(keys: Keyring, file: Path) -> None:
    keys.register(grant())
    use(keys, grant(), prompt=3)
    keys.revoke("t")
    keys.revoke("nobody")
    again = Keyring(file)
    with pytest.raises(Refusal):
        again.admit("key")
    assert again.usage("t").prompt == 3
    again.close()


def test_the_ledger_is_private_and_holds_no_key(keys: Keyring, file: Path) -> None:
    keys.register(grant("a-secret-key"))
    use(keys, grant(), prompt=3)
    assert file.stat().st_mode & 0o777 == 0o600
    assert "a-secret-key" not in file.read_text()


def test_a_request_is_one_line_that_says_who_answered(keys: Keyring, file: Path) -> None:
    use(keys, grant(), prompt=3, status=499, replica="r1")
    (line,) = file.read_text().splitlines()
    entry = json.loads(line)
    assert entry.pop("at") > 0
    assert entry == {"trial_id": "t", "model": "m", "replica": "r1", "status": 499, "prompt": 3}


@pytest.mark.parametrize("line", ["[]", "7", '{"grant": {"trial_id": 1}}', '{"trial_id": "t", "prompt": "x"}', "{}"])
def test_a_line_of_other_code_does_not_stop_the_gateway(keys: Keyring, file: Path, line: str) -> None:
    use(keys, grant(), prompt=3)
    with file.open("a") as more:
        more.write(line + "\n")
    again = Keyring(file)
    assert again.usage("t").prompt == 3
    again.close()
