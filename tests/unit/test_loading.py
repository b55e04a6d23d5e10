"""What is said while a model comes up."""

from __future__ import annotations

from jobs.loading import Loading, last_words
from serve.deployments import Deployed, Replica

LOG = """\
(EngineCore pid=27666) INFO 11-21 20:09:25 [utils.py:306] Using LBHNC KV cache layout.
(Worker pid=27690) INFO 11-21 20:09:25 [default_loader.py:430] Loading weights took 0.01 seconds
INFO 2026-11-21 20:10:06,758 serve 28241 -- Deleting app
""".splitlines()


def deployed(status: str = "DEPLOYING", said: str = "", states: tuple[str, ...] = ("STARTING",)) -> Deployed:
    replicas = tuple(Replica(id=str(number), actor="a", state=state) for number, state in enumerate(states))
    return Deployed(name="m", status=status, entry="", code="", said=said, replicas=replicas)


def test_the_engines_last_words_are_said_without_their_prefix() -> None:
    assert last_words(LOG) == "Loading weights took 0.01 seconds"


def test_the_same_is_not_said_twice() -> None:
    loading = Loading("m")
    assert loading.line(3.2, deployed(), LOG) == "m:    3 s  Loading weights took 0.01 seconds"
    assert loading.line(4.2, deployed(), LOG) == ""


def test_shards_are_counted_in_bytes_where_the_size_is_known() -> None:
    bar = ["\rLoading safetensors checkpoint shards:  25% Completed | 4/16 [00:10<00:30,  2.50s/it]"]
    assert (
        Loading("m", 61_000_000_000).line(12, deployed(), bar) == "m:   12 s  weights: 4 of 16 shards, 15.2 of 61.0 GB"
    )
    assert Loading("m").line(12, deployed(), bar) == "m:   12 s  weights: 4 of 16 shards"


def test_what_has_no_place_yet_says_so() -> None:
    assert "waits for a place" in Loading("m").line(1, deployed(states=()), [])
    assert "asked for" in Loading("m").line(0, None, [])


def test_a_failure_is_said_once_with_the_engines_reason_and_that_serve_goes_on() -> None:
    loading = Loading("m")
    trouble = deployed(said="A replica failed to start with exception. Error:\nValueError: no room for KV cache")
    assert loading.line(9, trouble, LOG) == "m: it failed: ValueError: no room for KV cache; Serve tries again."
    assert "failed" not in loading.line(10, trouble, LOG)


def test_up_says_how_many_have_answered() -> None:
    assert "2 replicas have answered" in Loading("m").line(60, deployed("RUNNING", states=("RUNNING", "RUNNING")), [])
    assert "starts when it is asked" in Loading("m").line(6, deployed("RUNNING", states=()), [])
