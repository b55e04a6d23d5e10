"""Where weights lie, and what is missing of them: real files in the hub's layout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from podium.settings import Site
from serve.checks.weights import Weights, hub_cache, is_offline, tensors_bytes
from serve.models import Entry

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def safetensors(**tensors: tuple[str, int]) -> bytes:
    """A file of tensors, each of one dimension, filled with zeros: name -> (type, elements)."""
    sizes = {"F32": 4, "BF16": 2, "F8_E4M3": 1}
    header, start = {}, 0
    for name, (kind, count) in tensors.items():
        end = start + sizes[kind] * count
        header[name] = {"dtype": kind, "shape": [count], "data_offsets": [start, end]}
        start = end
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(text).to_bytes(8, "little") + text + bytes(start)


def entry(source: str = "org/model", **engine: str) -> Entry:
    return Entry.model_validate({"kind": "vllm", "about": "x", "source": source, "engine": engine})


def weights(folder: Path, source: str = "org/model", **engine: str) -> Weights:
    return Weights(entry(source, **engine), Site(models=folder / "models", hf_home=folder), {})


def fill(folder: Path, *, shards: bool = True) -> None:
    """The files of a whole model, in two shards with an index or in one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    if not shards:
        (folder / "model.safetensors").write_bytes(safetensors(a=("BF16", 8)))
        return
    for name, tensor in zip(SHARDS, "ab", strict=True):
        (folder / name).write_bytes(safetensors(**{tensor: ("BF16", 8)}))
    index = {"metadata": {"total_size": 32}, "weight_map": dict(zip("ab", SHARDS, strict=True))}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def snapshot(folder: Path) -> Path:
    """A snapshot of `org/model` in the hub's cache: files are links into `blobs`."""
    repository = folder / "hub/models--org--model"
    place = repository / "snapshots" / COMMIT
    (repository / "refs").mkdir(parents=True)
    (repository / "refs/main").write_text(COMMIT)
    (repository / "blobs").mkdir()
    fill(place)
    for path in list(place.iterdir()):
        blob = path.rename(repository / "blobs" / f"of-{path.name}")
        path.symlink_to(Path("../../blobs") / blob.name)
    return place


def test_a_whole_snapshot_is_found_by_its_ref(tmp_path: Path) -> None:
    place = snapshot(tmp_path)
    assert (weights(tmp_path).folder, weights(tmp_path).faults) == (place, ())
    assert weights(tmp_path).config == place / "config.json"


def test_a_model_that_was_never_fetched_is_nowhere(tmp_path: Path) -> None:
    found = weights(tmp_path)
    assert (found.folder, found.config, found.loaded_bytes) == (None, None, 0)
    assert found.faults == (str(tmp_path / "hub/models--org--model"),)


def test_a_revision_is_found_by_its_commit_without_a_ref(tmp_path: Path) -> None:
    place = snapshot(tmp_path)
    (tmp_path / "hub/models--org--model/refs/main").unlink()
    assert weights(tmp_path, revision=COMMIT).folder == place


def test_a_snapshot_without_its_ref_is_said_to_lack_it(tmp_path: Path) -> None:
    snapshot(tmp_path)
    (tmp_path / "hub/models--org--model/refs/main").unlink()
    assert "refs/main" in weights(tmp_path).faults[0]


def test_a_shard_of_the_index_that_is_not_there_is_named(tmp_path: Path) -> None:
    (snapshot(tmp_path) / SHARDS[1]).unlink()
    assert weights(tmp_path).faults == (SHARDS[1],)


def test_a_link_without_its_blob_is_named(tmp_path: Path) -> None:
    (snapshot(tmp_path) / SHARDS[0]).resolve().unlink()
    assert weights(tmp_path).faults == (f"{SHARDS[0]} (a link to a blob that is not there)",)


def test_downloads_that_were_cut_short_are_counted(tmp_path: Path) -> None:
    snapshot(tmp_path)
    (tmp_path / "hub/models--org--model/blobs/abc.incomplete").write_bytes(b"x")
    assert weights(tmp_path).unfinished == 1


def test_a_shard_that_was_cut_short_is_named_with_its_sizes(tmp_path: Path) -> None:
    path = snapshot(tmp_path) / SHARDS[0]
    whole = path.read_bytes()
    path.resolve().write_bytes(whole[:-4])
    assert weights(tmp_path).faults == (f"{SHARDS[0]} (cut short: {len(whole) - 4} of {len(whole)} bytes)",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of Git LFS"),
        (b"", "broken, 0 bytes"),
        (b"\xff" * 64, "broken, 64 bytes"),
        (b"\x02\0\0\0\0\0\0\0[]", "broken, 10 bytes"),
        (b'\x0e\0\0\0\0\0\0\0{"a": {"b":1}}', "broken, 22 bytes"),
    ],
)
def test_a_file_that_holds_no_weights_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (snapshot(tmp_path) / SHARDS[0]).resolve().write_bytes(content)
    assert len(weights(tmp_path).faults) == 1
    assert said in weights(tmp_path).faults[0]


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json"])
def test_a_file_beside_the_weights_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (snapshot(tmp_path) / name).unlink()
    assert weights(tmp_path).faults == (name,)


def test_a_local_folder_needs_no_index_for_one_file(tmp_path: Path) -> None:
    fill(tmp_path / "models/mine", shards=False)
    assert weights(tmp_path, "./mine").faults == ()


def test_shards_without_an_index_tell_of_those_that_are_missing(tmp_path: Path) -> None:
    fill(tmp_path / "models/mine")
    (tmp_path / "models/mine/model.safetensors.index.json").unlink()
    (tmp_path / "models/mine" / SHARDS[0]).unlink()
    assert weights(tmp_path, "./mine").faults == (SHARDS[0],)


def test_a_folder_without_any_weights_lacks_the_one_file(tmp_path: Path) -> None:
    fill(tmp_path / "models/mine", shards=False)
    (tmp_path / "models/mine/model.safetensors").unlink()
    assert weights(tmp_path, "./mine").faults == ("model.safetensors",)


def test_an_absolute_source_is_where_it_says(tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere")
    assert weights(tmp_path, str(tmp_path / "elsewhere")).faults == ()


def test_dummy_weights_need_no_weight_files(tmp_path: Path) -> None:
    fill(tmp_path / "models/mine", shards=False)
    (tmp_path / "models/mine/model.safetensors").unlink()
    assert weights(tmp_path, "./mine", load_format="dummy").faults == ()


def test_the_bytes_are_those_of_the_tensors(tmp_path: Path) -> None:
    snapshot(tmp_path)
    assert weights(tmp_path).loaded_bytes == 32


def test_without_the_files_the_index_tells_the_bytes(tmp_path: Path) -> None:
    (snapshot(tmp_path) / SHARDS[0]).unlink()
    assert weights(tmp_path).loaded_bytes == 32


def test_wide_floats_count_as_they_are_loaded_and_scales_as_they_are() -> None:
    def tensor(kind: str, count: int, size: int) -> dict[str, object]:
        return {"dtype": kind, "shape": [count], "data_offsets": [0, size]}

    tensors = {"w": tensor("F32", 10, 40), "w.weight_scale_inv": tensor("F32", 10, 40), "q": tensor("F8_E4M3", 10, 10)}
    assert tensors_bytes(tensors) == 20 + 40 + 10


def test_the_predictor_of_several_tokens_is_not_loaded() -> None:
    assert tensors_bytes({"mtp.a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}) == 0


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"HF_HOME": "/h"}, "/h/hub"),
        ({"HF_HOME": "/h", "HF_HUB_CACHE": "/c"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
    ],
)
def test_the_cache_is_where_the_hubs_own_library_has_it(environment: dict[str, str], place: str) -> None:
    assert hub_cache(Site(), environment) == Path(place)


def test_the_sites_own_cache_wins() -> None:
    assert hub_cache(Site(hf_home=Path("/site")), {"HF_HOME": "/h", "HF_HUB_CACHE": "/c"}) == Path("/site/hub")


@pytest.mark.parametrize(("value", "offline"), [("1", True), ("ON", True), ("0", False), ("", False)])
def test_offline_is_read_as_the_hubs_own_library_reads_it(value: str, offline: bool) -> None:
    assert is_offline({"HF_HUB_OFFLINE": value}) is offline
