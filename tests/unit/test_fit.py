"""Whether models fit their GPUs: parameters from their configs, and the arithmetic of weights and cache."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from podium.errors import UnknownName, UserError
from serve.checks import precision
from serve.checks.architecture import Architecture
from serve.checks.config import Config, read
from serve.checks.fit import Plan, cache_of, fit, fit_cpu, plan_of, smallest
from serve.checks.gpus import GIB, KINDS, RAY_NAMES, Gpu, kind_of, listed
from serve.models import CATALOG, Catalogue

LLAMA_8B = {
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 128256,
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "max_position_embeddings": 8192,
}
QWEN2_7B = {
    **LLAMA_8B,
    "architectures": ["Qwen2ForCausalLM"],
    "vocab_size": 152064,
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
}
MIXTRAL = {**LLAMA_8B, "architectures": ["MixtralForCausalLM"], "vocab_size": 32000, "num_local_experts": 8}
TINY = {
    "architectures": ["Qwen3ForCausalLM"],
    "vocab_size": 4096,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "intermediate_size": 128,
    "max_position_embeddings": 32768,
    "tie_word_embeddings": True,
}
TINY_MOE = {**TINY, "architectures": ["Qwen3MoeForCausalLM"], "moe_intermediate_size": 32, "num_experts": 8}
TINY_NEXT = {
    **TINY_MOE,
    "architectures": ["Qwen3NextForCausalLM"],
    "num_hidden_layers": 4,
    "shared_expert_intermediate_size": 32,
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "layer_types": ["linear_attention", "linear_attention", "linear_attention", "full_attention"],
}


def architecture(values: Mapping[str, Any]) -> Architecture:
    return Config(values, "config.json").architecture()


def shipped(name: str) -> Architecture:
    """Of a model of the catalogue, by the catalogue's own copy of its config."""
    path = Catalogue().config(Catalogue().find(name).entry.source)
    assert path is not None
    return read(path)


def planned(name: str, gpus: int = 0) -> Plan:
    return plan_of(Catalogue().find(name).entry, shipped(name), name, gpus)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("qwen3-0.6b", 596_049_920),
        ("qwen3-4b", 4_022_468_096),
        ("qwen3-30b", 30_532_122_624),
        ("qwen3-30b-fp8", 30_532_122_624),
        ("qwen3-80b", 79_674_391_296),
        ("qwen3-80b-fp8", 79_674_391_296),
    ],
)
def test_the_parameters_are_those_that_transformers_counts(name: str, count: int) -> None:
    assert shipped(name).parameters == count


@pytest.mark.parametrize(
    ("values", "count"),
    [
        (LLAMA_8B, 8_030_261_248),
        (QWEN2_7B, 7_615_616_512),
        (MIXTRAL, 46_702_792_704),
        (TINY, 360_896),
        (TINY_MOE, 411_072),
        (TINY_NEXT, 926_488),
    ],
)
def test_other_architectures_are_counted_as_transformers_does(values: Mapping[str, Any], count: int) -> None:
    assert architecture(values).parameters == count


def test_an_unknown_architecture_is_a_guess() -> None:
    assert not architecture({**LLAMA_8B, "architectures": ["NewForCausalLM"]}).counted


def test_the_language_part_of_a_larger_model_is_read() -> None:
    assert architecture({"architectures": ["Both"], "text_config": LLAMA_8B}).layers == 32


def test_yarn_lengthens_the_positions() -> None:
    scaling = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    assert architecture({**LLAMA_8B, "rope_scaling": scaling}).context == 131072


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "it is no object"),
        ({}, "does not say hidden_size"),
        ({**LLAMA_8B, "hidden_size": "large"}, "hidden_size is 'large'"),
        ({**LLAMA_8B, "num_hidden_layers": -1}, "num_hidden_layers is -1"),
        ({**LLAMA_8B, "vocab_size": True}, "vocab_size is True"),
    ],
)
def test_a_config_of_no_model_is_refused_by_its_key(values: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Config(values, "config.json").architecture()


def test_a_config_that_is_no_json_is_refused_by_its_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match=str(tmp_path)):
        read(tmp_path / "config.json")


@pytest.mark.parametrize(
    ("name", "gigabytes"), [("qwen3-30b", 61.1), ("qwen3-30b-fp8", 31.2), ("qwen3-80b", 159.3), ("qwen3-80b-fp8", 80.4)]
)
def test_the_weights_take_what_their_precision_says(name: str, gigabytes: float) -> None:
    assert shipped(name).weight_bytes() / 1e9 == pytest.approx(gigabytes, abs=0.06)


def test_weights_that_vllm_quantises_while_it_loads_take_half() -> None:
    model = shipped("qwen3-30b")
    assert model.weight_bytes(quantization="fp8") == pytest.approx(31.2e9, rel=0.01)


@pytest.mark.parametrize(
    ("quantization", "size"),
    [
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 1 + 4 / 128**2),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 0.5 + 2.5 / 128),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 1.0),
        ({"quant_method": "mxfp4"}, 0.5 + 1 / 32),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4"}, 0.5 + 1 / 16),
        ({"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 8}}}}, 1.0),
        ({"quant_method": "of-tomorrow"}, None),
    ],
)
def test_a_quantised_weight_takes_its_bits_and_its_part_of_a_scale(quantization: dict[str, Any], size: float) -> None:
    assert precision.of_weight(quantization) == size


@pytest.mark.parametrize(("tensor", "size"), [(1, 98304), (2, 49152), (4, 24576), (8, 24576)])
def test_a_token_of_30b_takes_a_head_a_gpu_at_least(tensor: int, size: int) -> None:
    cache = cache_of(shipped("qwen3-30b"), Plan(context=32768, tensor=tensor))
    assert cache.sequence_bytes(32768) / 32768 == size


def test_a_cache_in_fp8_takes_half() -> None:
    model = shipped("qwen3-30b")
    wide, narrow = (cache_of(model, Plan(context=1, kv_cache_dtype=kind)) for kind in ("auto", "fp8"))
    assert wide.block_bytes == 2 * narrow.block_bytes


def test_a_quarter_of_next_has_a_cache_in_blocks_as_large_as_the_others_state() -> None:
    cache = cache_of(shipped("qwen3-80b"), Plan(context=32768, tensor=2))
    assert (cache.block, cache.block_bytes) == (544, 544 * 1024 * 12)
    assert cache.constant_bytes == 2 * 36 * 544 * 1024


@pytest.mark.parametrize(
    ("values", "caching", "sequences"), [(TINY_NEXT, True, 7), (TINY_NEXT, False, 11), (TINY, True, 16)]
)
def test_the_cache_holds_as_many_sequences_as_vllm_says_itself(
    values: Mapping[str, Any], caching: bool, sequences: int
) -> None:
    """vLLM 0.29 on the CPU, 16 MiB of cache: "Maximum concurrency for 2,048 tokens per request" 7.0, 11.2 and 16.0."""
    plan = Plan(context=2048, kv_cache_memory_bytes=16 << 20, enable_prefix_caching=caching)
    assert fit_cpu(architecture(values), plan, 16).sequences == sequences


@pytest.mark.parametrize(
    ("name", "kind", "gpus", "fits"),
    [
        ("qwen3-30b", "A40", 1, False),
        ("qwen3-30b", "L40S", 1, False),
        ("qwen3-30b", "A100-40G", 1, False),
        ("qwen3-30b", "A40", 2, True),
        ("qwen3-30b", "A100-80G", 1, True),
        ("qwen3-30b", "H100", 1, True),
        ("qwen3-30b", "H200", 1, True),
        ("qwen3-30b-fp8", "A40", 1, True),
        ("qwen3-30b-fp8", "L40S", 1, True),
        ("qwen3-30b-fp8", "RTX-4090", 1, False),
        ("qwen3-30b-fp8", "RTX-4090", 2, True),
        ("qwen3-80b", "A100-80G", 2, False),
        ("qwen3-80b", "H100", 2, False),
        ("qwen3-80b", "H200", 1, False),
        ("qwen3-80b", "H100", 4, True),
        ("qwen3-80b", "H200", 2, True),
        ("qwen3-80b", "B200", 1, True),
        ("qwen3-80b-fp8", "A40", 2, False),
        ("qwen3-80b-fp8", "H100", 1, False),
        ("qwen3-80b-fp8", "H100", 2, True),
        ("qwen3-80b-fp8", "H200", 1, True),
        ("qwen3-4b", "RTX-3090", 1, True),
        ("qwen3-4b", "L4", 1, True),
        ("qwen3-4b", "T4", 1, False),
    ],
)
def test_a_model_fits_its_gpus_or_not(name: str, kind: str, gpus: int, fits: bool) -> None:
    assert fit(shipped(name), planned(name, gpus), kind_of(kind)).fits is fits


def test_the_weights_are_what_is_too_much_or_the_context() -> None:
    assert fit(shipped("qwen3-30b"), planned("qwen3-30b"), kind_of("A40")).obstacle == "weights"
    assert fit(shipped("qwen3-4b"), planned("qwen3-4b"), kind_of("T4")).obstacle == "context"


def test_the_longest_context_fits_and_a_longer_one_does_not() -> None:
    model, plan, kind = shipped("qwen3-4b"), planned("qwen3-4b"), kind_of("T4")
    longest = fit(model, plan, kind).longest
    assert fit(model, plan.model_copy(update={"context": longest}), kind).fits
    assert not fit(model, plan.model_copy(update={"context": longest + 1}), kind).fits


def test_no_context_is_longer_than_the_models_positions() -> None:
    assert fit(shipped("qwen3-0.6b"), planned("qwen3-0.6b"), kind_of("H200")).longest <= 40960


def test_weights_that_were_measured_stand_above_those_that_were_counted() -> None:
    assert fit(shipped("qwen3-30b"), planned("qwen3-30b"), kind_of("H100"), 70 * GIB).weights_gib == 70


def test_less_of_the_memory_leaves_less_for_the_cache() -> None:
    model, plan, kind = shipped("qwen3-30b"), planned("qwen3-30b"), kind_of("H100")
    less = plan.model_copy(update={"gpu_memory_utilization": 0.82})
    assert fit(model, plan, kind).cache_gib - fit(model, less, kind).cache_gib == pytest.approx(7.91, abs=0.02)


def test_a_cache_of_a_given_size_must_fit_beside_the_weights() -> None:
    plan = planned("qwen3-30b").model_copy(update={"kv_cache_memory_bytes": 40 * GIB})
    assert fit(shipped("qwen3-30b"), plan, kind_of("H100")).obstacle == "weights"


def test_two_stages_hold_half_of_the_layers_each() -> None:
    plan = planned("qwen3-30b")
    two = plan.model_copy(update={"pipeline": 2})
    one, half = (fit(shipped("qwen3-30b"), each, kind_of("H200")) for each in (plan, two))
    assert half.gpus == 2
    assert half.weights_gib == pytest.approx(one.weights_gib / 2, rel=0.001)
    assert half.sequence_gib == one.sequence_gib / 2


def test_more_sequences_than_the_engine_takes_are_not_counted() -> None:
    plan = planned("qwen3-0.6b").model_copy(update={"kv_cache_memory_bytes": None, "max_num_seqs": 3})
    assert fit(shipped("qwen3-0.6b"), plan, kind_of("H200")).sequences == 3


def test_the_fewest_gpus_of_each_kind_hold_the_model_with_room() -> None:
    found = {each.gpu: each for each in smallest(shipped("qwen3-80b"), planned("qwen3-80b"), KINDS)}
    assert {name: found[name].gpus for name in ("H100", "H200", "B200")} == {"H100": 4, "H200": 2, "B200": 1}
    assert all(each.fits and not each.close for each in found.values())


def test_a_gpu_too_old_for_the_precision_is_not_among_them() -> None:
    kinds = [kind_of("V100-32G")]
    assert list(smallest(shipped("qwen3-30b-fp8"), planned("qwen3-30b-fp8"), kinds)) == []


@pytest.mark.parametrize(("tensor", "divided"), [(1, True), (2, True), (4, True), (8, True), (16, True), (3, False)])
def test_tensor_parallelism_must_divide_the_heads(tensor: int, divided: bool) -> None:
    assert (shipped("qwen3-30b").undivided(tensor) == "") is divided


def test_tensor_parallelism_must_divide_linear_attention_too() -> None:
    assert "cannot be split" in architecture({**TINY_NEXT, "linear_num_key_heads": 1}).undivided(2)


def test_an_engine_argument_that_is_no_number_is_refused_by_the_entry(tmp_path: Path) -> None:
    text = (CATALOG / "qwen3-30b.toml").read_text() + 'gpu_memory_utilization = "most"\n'
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(UserError, match=r"m\.toml.*gpu_memory_utilization"):
        plan_of(Catalogue([tmp_path]).find("m").entry, shipped("qwen3-30b"), "m.toml")


def test_an_entry_without_a_context_has_the_models_own() -> None:
    entry = Catalogue().find("qwen3-0.6b").entry.model_copy(update={"context": 0})
    assert plan_of(entry, shipped("qwen3-0.6b"), "m").context == 40960


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("A40", "A40"),
        ("NVIDIA A40", "A40"),
        ("h100", "H100"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100"),
        ("NVIDIA H200", "H200"),
        ("NVIDIA A100-SXM4-80GB", "A100-80G"),
        ("NVIDIA A100-PCIE-40GB", "A100-40G"),
        ("A100-80GB", "A100-80G"),
        ("A100", "A100-40G"),
        ("Tesla V100-SXM2-32GB", "V100-32G"),
        ("Tesla T4", "T4"),
        ("NVIDIA GeForce RTX 4090", "RTX-4090"),
        ("4090", "RTX-4090"),
        ("RTX_3090", "RTX-3090"),
        ("NVIDIA RTX A6000", "RTX-A6000"),
        ("NVIDIA RTX 6000 Ada Generation", "RTX-6000-ADA"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "RTX-PRO-6000"),
        ("NVIDIA L40S", "L40S"),
        ("NVIDIA B200", "B200"),
    ],
)
def test_a_gpu_is_known_by_rays_name_and_by_the_cards(name: str, kind: str) -> None:
    assert kind_of(name).name == kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_every_kind_is_known_by_its_own_name(kind: Gpu) -> None:
    assert kind_of(kind.name) == kind


def test_a_gpu_may_be_named_by_its_memory_alone() -> None:
    assert kind_of("48GB").gib == pytest.approx(44.3, abs=0.1)


@pytest.mark.parametrize("name", ["A4O", "H10", "", "GPU"])
def test_an_unknown_gpu_is_answered_with_the_near_ones(name: str) -> None:
    with pytest.raises(UnknownName):
        kind_of(name)


def test_an_a40_has_no_name_that_ray_takes() -> None:
    assert "A40" not in RAY_NAMES
    assert {"H100", "A100-80G", "L40S"} <= set(RAY_NAMES)


def test_the_gpus_of_a_host_are_read_from_the_drivers_table() -> None:
    table = "NVIDIA H200, 143771, 9.0\nNVIDIA Odd 9, 1024, 5.0\nNVIDIA A100 MIG, [N/A], 8.0\n"
    first, second = listed(table)
    assert (first.name, first.gib, first.capability, first.ray) == ("H200", 139.0, 9.0, "H200")
    assert (second.name, second.gib) == ("Odd-9", 1.0)


@pytest.mark.parametrize("path", sorted((CATALOG / "configs").glob("*.json")), ids=lambda path: str(path.stem))
def test_a_copy_of_a_config_belongs_to_an_entry(path: Path) -> None:
    sources = {entry.source.replace("/", "--") for entry in Catalogue().entries.values()}
    assert path.stem in sources
    assert json.loads(path.read_text())["architectures"]
