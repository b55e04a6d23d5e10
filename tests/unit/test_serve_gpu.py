"""What `bench.serve_gpu` compares: the same arguments on both sides, a model without weights, memory as vLLM says."""

from __future__ import annotations

import socket
import sys
import tomllib
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from bench import serve_gpu, serve_gpu_memory
from bench.load import Measured
from bench.serve_gpu_engine import differences, serve_words
from bench.serve_gpu_memory import Said, read_log
from bench.serve_gpu_model import dummy, filled, toml
from bench.serve_gpu_round import OURS, PLAIN, Seen
from bench.serve_gpu_servers import plain, plain_environment
from bench.serving_cluster import site
from podium.errors import Unavailable, UserError
from serve.checks.config import read
from serve.checks.fit import Fit
from serve.checks.gpus import kind_of
from serve.checks.installation import Installation
from serve.checks.sizing import Sized
from serve.checks.weights import Weights
from serve.models import Catalogue, Entry, Replicas

LOG = """
(EngineCore pid=1) INFO 11-21 20:09:25 [gpu_model_runner.py:5471] Model loading took 56.9 GiB memory and 12.3 seconds
(EngineCore pid=1) INFO 11-21 20:09:25 [gpu_worker.py:625] Available KV cache memory: 67.25 GiB
(EngineCore pid=1) INFO 11-21 20:09:25 [kv_cache_utils.py:2032] GPU KV cache size: 734,544 tokens, \
Maximum concurrency for 32,768 tokens per request: 22.42x
(EngineCore pid=1) INFO 11-21 20:09:25 [gpu_model_runner.py:7001] Graph capturing finished in 9 secs, took 0.81 GiB
"""


def entry(name: str) -> Entry:
    return Catalogue().find(name).entry


def on(name: str, kind: str) -> Fit:
    """What is computed for an entry of the catalogue."""
    config = Catalogue().config(entry(name).source)
    assert config is not None
    return Sized(name=name, entry=entry(name), architecture=read(config), source=config).on(kind_of(kind))


def cell(tokens: float, clients: int = 8, **changes: Any) -> Measured:
    zeros = dict.fromkeys(Measured.model_fields, 0)
    values = {"clients": clients, "stream": True, "tokens_per_second": tokens, "errors": {}, **changes}
    return Measured.model_validate({**zeros, **values})


def seen(server: str, *cells: Measured) -> Seen:
    return Seen(server=server, ready_seconds=1, used_gib=1, said=Said(), cells=cells)


def program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("name", serve_gpu.ENTRIES)
def test_the_model_without_weights_has_the_entrys_engine_arguments(name: str) -> None:
    before, after = entry(name), dummy(name, entry(name))
    assert after.engine == {**before.engine, "load_format": "dummy"}
    same = ("gpus", "gpu", "tensor", "pipeline", "cpus", "context", "tool_parser", "reasoning_parser", "environment")
    assert [getattr(after, key) for key in same] == [getattr(before, key) for key in same]


@pytest.mark.parametrize("name", serve_gpu.ENTRIES)
def test_every_entry_has_a_copy_of_its_config(name: str) -> None:
    assert Catalogue().config(entry(name).source) is not None


def test_one_replica_of_it_runs_and_nobody_stands_in_for_it() -> None:
    several = entry("qwen3-30b").model_copy(update={"replicas": Replicas(least=0, most=4), "fallback": "offline"})
    assert (dummy("x", several).replicas, dummy("x", several).fallback) == (Replicas(), "")


def test_its_file_says_the_same_as_the_entry() -> None:
    changes = {"engine": {"a": {"b": [1, 2.5, "ü"]}, "c": True}, "environment": {"X": 'a "b"'}}
    wanted = dummy("qwen3-80b", entry("qwen3-80b")).model_copy(update=changes)
    assert Entry.model_validate(tomllib.loads(toml(wanted))) == wanted


def test_its_weights_are_not_looked_for(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "qwen3-30b"
    folder.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json"):
        (folder / name).write_text("{}")
    found = Weights(dummy("qwen3-30b", entry("qwen3-30b")), site(tmp_path, tmp_path / "vllm"), {})
    assert found.faults == ()


def test_every_id_of_the_vocabulary_has_a_word() -> None:
    before = {
        "model": {"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]},
        "added_tokens": [{"content": "<|im_end|>", "id": 4}],
    }
    after = filled(before, 9)
    assert sorted(after["model"]["vocab"].values()) == list(range(9))


def test_words_that_fill_the_vocabulary_change_none_that_was_there() -> None:
    before = {"model": {"vocab": {"a": 0}, "merges": [["a", "a"]]}, "added_tokens": [{"content": "<e>", "id": 1}]}
    after = filled(before, 5)
    assert {**after["model"]["vocab"], "a": 0, "<e>": 1} == after["model"]["vocab"]
    assert after["model"]["merges"] == before["model"]["merges"]  # type: ignore[index]
    assert after["added_tokens"] == before["added_tokens"]


def test_the_command_line_says_arguments_as_vllm_reads_them() -> None:
    arguments = {
        "max_model_len": 32768,
        "enforce_eager": True,
        "enable_prefix_caching": False,
        "compilation_config": {"mode": 3},
        "lora_modules": ["a", "b"],
        "quantization": None,
    }
    words = " ".join(serve_words("m", "/models/m", arguments, 8123))
    assert words == (
        "serve /models/m --served-model-name m --host 127.0.0.1 --port 8123 --max-model-len 32768 --enforce-eager "
        '--no-enable-prefix-caching --compilation-config {"mode": 3} --lora-modules a b'
    )


def test_arguments_differ_where_one_side_says_more_than_nothing() -> None:
    plain = {"seed": 0, "lora": None, "plugin": "", "executor": None, "same": 5}
    ours = {"seed": 1, "lora": False, "plugin": None, "executor": "ray", "same": 5}
    assert differences(plain, ours) == {"seed": ("0", "1"), "executor": ("None", "'ray'")}


def test_plain_vllm_gets_an_engines_variables_and_nothing_of_a_cluster() -> None:
    found = plain_environment({"RAY_ADDRESS": "x", "HOME": "/root", "PATH": "/bin"}, Path("/v"))
    assert (found["HF_HUB_OFFLINE"], found["HOME"], found["PATH"]) == ("1", "/root", "/v/bin:/bin")
    assert "RAY_ADDRESS" not in found


def test_memory_is_read_from_vllms_own_lines() -> None:
    assert read_log(LOG) == Said(weights_gib=56.9, cache_gib=67.25, graphs_gib=0.81, tokens=734544, sequences=22.42)


def test_of_several_workers_the_fullest_counts() -> None:
    other = LOG.replace("56.9", "58.1").replace("67.25", "66.5")
    found = read_log(LOG + other)
    assert (found.weights_gib, found.cache_gib) == (58.1, 66.5)


def test_a_log_without_such_lines_says_nothing() -> None:
    assert read_log("INFO nothing") == Said()


def test_the_computation_stands_beside_what_vllm_said() -> None:
    fit = on("qwen3-30b", "H200")
    lines = list(serve_gpu_memory.table(fit, {PLAIN: read_log(LOG), OURS: Said()}, {PLAIN: 130.0, OURS: 131.0}))
    assert lines[0] == "| of one H200, GiB | computed | vllm serve | podium |"
    assert lines[2] == f"| weights | {fit.weights_gib:.2f} | 56.90 | not said |"
    rest = fit.usable_gib - 56.9 - 67.25
    assert lines[4] == f"| all else within `gpu_memory_utilization` | {fit.overhead_gib:.2f} | {rest:.2f} | not said |"


def test_a_ratio_below_the_aim_is_said() -> None:
    rounds = [seen(PLAIN, cell(100, 1), cell(800, 8)), seen(OURS, cell(99, 1), cell(600, 8))]
    above, below = list(serve_gpu.table(rounds))[2:]
    assert above.endswith("| 0.99 |")
    assert below.endswith("| 0.75 (the aim is 0.95) |")


def test_of_several_rounds_the_medians_are_told() -> None:
    rounds = [seen(PLAIN, cell(speed)) for speed in (90, 100, 500)] + [seen(OURS, cell(speed)) for speed in (1, 98, 99)]
    assert list(serve_gpu.table(rounds))[2].endswith("| 0.98 |")


def test_a_server_that_answered_nothing_has_a_row_too() -> None:
    dead = cell(0, ttft_p50_ms=None, ttft_p99_ms=None, errors={"refused": 3})
    assert list(serve_gpu.table([seen(PLAIN, dead), seen(OURS, dead)]))[2].startswith("| 8 | 0 | 0.00 | 0 / 0 |")


@pytest.mark.parametrize(
    ("cuda", "gpus", "wanted", "words"),
    [
        ("13.0", 0, 1, "no GPU here"),
        ("13.0", 1, 2, "too few GPUs here, 1 of 2"),
        ("", 1, 1, "vLLM for CPUs; `make vllm`"),
        ("13.0", 2, 2, ""),
    ],
)
def test_why_nothing_can_be_measured_is_said(cuda: str, gpus: int, wanted: int, words: str) -> None:
    installed = Installation(folder=Path("/v"), libraries=None, vllm="0.29.0", cuda=cuda)
    found = serve_gpu.obstacle(installed, [kind_of("H200")] * gpus, wanted)
    assert words in found
    assert bool(words) == bool(found)


def test_without_vllm_the_command_that_makes_it_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site.toml").write_text('vllm = "nowhere"')
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unavailable, match="make vllm"):
        serve_gpu.main(["--dry-run"], standalone_mode=False)


def test_a_model_that_vllm_does_not_take_is_refused_in_its_words(tmp_path: Path) -> None:
    said = "ValueError: Unknown engine argument: max_sequences"
    program(tmp_path / "bin" / "python", f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    installed = Installation(folder=tmp_path, libraries=None, vllm="0.29.0", cuda="")
    with pytest.raises(UserError, match="Unknown engine argument: max_sequences"):
        serve_gpu.prepare("qwen3-30b", installed, (), tmp_path)


def test_the_memory_in_use_is_that_of_every_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "nvidia-smi", "#!/bin/sh\necho 512\necho 81000\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert serve_gpu_memory.used_mib() == (512, 81000)


def test_gpus_whose_memory_is_not_told_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "nvidia-smi", "#!/bin/sh\necho '[N/A]'\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(Unavailable, match="memory in use"):
        serve_gpu_memory.used_mib()


def test_plain_vllm_that_does_not_start_is_shown_with_its_last_words(tmp_path: Path) -> None:
    said = "ValueError: No available memory for the cache blocks."
    program(tmp_path / "bin" / "vllm", f"#!/bin/sh\necho '{said}'\nexit 1\n")
    starting = plain(tmp_path, ("serve", "m"), free_port(), tmp_path, lambda line: None)
    with pytest.raises(Unavailable, match=said), starting:
        pass


def test_plain_vllm_ends_with_its_context_and_so_does_its_engine(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "health").write_text("ok")
    server = f"{sys.executable} -m http.server {port} --bind 127.0.0.1"
    program(tmp_path / "bin" / "vllm", f"#!/bin/sh\n{server} &\necho loaded\nwait\n")
    with plain(tmp_path, ("serve", "m"), port, tmp_path, lambda line: None) as endpoint:
        assert (endpoint.url, "loaded" in endpoint.log()) == (f"http://127.0.0.1:{port}/v1", True)
    with pytest.raises(OSError, match=r"refused|reset|closed"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5)
