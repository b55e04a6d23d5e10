"""What the benches of serving make of what they see: ratios, stages of a start, prompts of a run like AIDE's."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import affinity, cold_start
from bench.cold_start import Watch
from bench.load import Measured
from bench.serving import ratio, table
from bench.serving_round import OURS, PLAIN, STREAM, WHOLE, Cell
from serve.arguments import engine_arguments
from serve.models import Catalogue

CONTROLLER_LOG = "head/session_latest/logs/serve/controller_1.log"


def measured(**changes: object) -> Measured:
    zeros = dict.fromkeys(Measured.model_fields, 0)
    return Measured.model_validate({**zeros, "clients": 32, "requests": 1, "errors": {}, **changes})


def cell(system: str, per_second: float, number: int = 0, kind: str = WHOLE) -> Cell:
    return Cell(system=system, round=number, kind=kind, seen=measured(per_second=per_second), cpu_ms=5.0)


def test_a_ratio_is_taken_within_a_round_for_the_machine_differs_between_rounds() -> None:
    rounds = [(10.0, 9.0), (100.0, 90.0), (1.0, 0.9)]
    cells = [cell(PLAIN, plain, at) for at, (plain, _) in enumerate(rounds)]
    cells += [cell(OURS, ours, at) for at, (_, ours) in enumerate(rounds)]
    assert ratio(cells, OURS) == pytest.approx(0.9)


def test_there_is_no_ratio_without_plain() -> None:
    assert ratio([cell(OURS, 9.0)], OURS) is None


def test_a_round_in_which_plain_answered_nothing_has_no_ratio() -> None:
    assert ratio([cell(PLAIN, 0.0), cell(OURS, 9.0)], OURS) is None


def test_the_table_has_a_row_for_each_server_and_names_the_aim_of_ours() -> None:
    lines = list(table([cell(PLAIN, 10.0), cell(OURS, 9.0)]))
    assert [line.split(" | ")[2] for line in lines[2:]] == [PLAIN, OURS]
    assert "**0.90** (aim 0.85)" in lines[3]


def test_a_whole_answer_has_no_first_token_in_the_table() -> None:
    rows = [list(table([cell(PLAIN, 10.0, kind=kind)]))[2].split(" | ") for kind in (WHOLE, STREAM)]
    assert [row[6] for row in rows] == ["", "0"]


def test_a_stage_lasts_from_the_end_of_the_one_before() -> None:
    found = cold_start.stages(100.0, {"first": 103.0, "second": 104.5})
    assert found == [("first", 3.0), ("second", 1.5)]


def test_a_stage_ends_when_its_line_is_written_for_the_first_time(tmp_path: Path) -> None:
    log = tmp_path / CONTROLLER_LOG
    log.parent.mkdir(parents=True)
    watch = Watch(tmp_path, "tiny")
    for now, text in enumerate(("INFO Starting Repl", "ica(id='a')\n", "INFO Starting Replica(id='b')\n")):
        with log.open("a") as file:
            file.write(text)
        watch.look(float(now))
    assert watch.seen == {"Serve's placement": 1.0}


def test_prompts_of_a_trial_go_on_from_its_last_one_and_share_nothing_with_another_trials() -> None:
    mine, other = affinity.prompts(3, 0), affinity.prompts(3, 1)
    kept = affinity.BEGINNING + affinity.GROWTH
    assert mine[2].startswith(mine[1][:kept])
    assert mine[2][: kept + affinity.LAST] != mine[1]
    assert mine[0][:20] != other[0][:20]


def test_at_best_all_is_cached_but_what_grew_and_what_is_never_said_again() -> None:
    said = affinity.prompts(2, 0)
    assert affinity.shared(said) == affinity.BEGINNING / (len(said[0]) + len(said[1]))


def test_the_longest_prompt_and_its_answer_fit_the_models_context() -> None:
    longest = affinity.BEGINNING + affinity.GROWTH * affinity.CALLS + affinity.LAST
    assert longest + affinity.TOKENS + 100 < Catalogue().find("tiny-qwen3").entry.context


def test_two_replicas_have_the_entrys_arguments_but_for_the_cache() -> None:
    entry = Catalogue().find("tiny-qwen3").entry
    changed = affinity.two_replicas(entry, cache_mib=2)
    assert (changed.replicas.least, changed.replicas.most) == (2, 2)
    assert engine_arguments(changed) == {**engine_arguments(entry), "kv_cache_memory_bytes": 2 << 20}
