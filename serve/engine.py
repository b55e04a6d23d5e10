"""A model of the catalogue as vLLM under Ray Serve: its deployment's configuration, and the server of one replica.

Only for processes of the vllm environment: importing it imports vLLM.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray import serve as rayserve
from ray.serve.llm import LLMConfig, LLMServer, build_llm_deployment
from ray.serve.llm.openai_api_models import CompletionRequest, EmbeddingRequest, ErrorResponse

from podium.placement import Role
from serve.arguments import engine_arguments
from serve.models import Entry
from serve.root_cause import HIDDEN, own_log, root_cause


class ModelServer(LLMServer):  # type: ignore[misc]
    """One replica: vLLM with its own OpenAI server, up when it has answered a token."""

    async def start(self) -> None:
        """Start the engine and ask it once. Raises RuntimeError with the engine's own words where it cannot answer."""
        try:
            await super().start()
        except RuntimeError as error:
            if HIDDEN in str(error) and (reason := root_cause(own_log())):
                raise RuntimeError(reason) from None
            raise
        name = self._llm_config.model_id
        if self._llm_config.engine_kwargs.get("runner") == "pooling":
            answers = self.engine.embeddings(EmbeddingRequest(model=name, input="one"), None)
        else:
            answers = self.engine.completions(CompletionRequest(model=name, prompt="one", max_tokens=1), None)
        async for answer in answers:
            if isinstance(answer, ErrorResponse):
                raise RuntimeError(f"{name} cannot answer: {answer.error.message}")


def configuration(name: str, entry: Entry, models: Path, marks: dict[str, str]) -> LLMConfig:
    """The configuration of `ray.serve.llm` for an entry. `models`: where `./NAME` lies; `marks`: variables of replicas.

    Raises ValueError where vLLM knows an argument not, or Ray the kind of GPU.
    """
    bundle: dict[str, float] = {"CPU": entry.cpus}
    if entry.gpus:
        bundle["GPU"] = 1
    if entry.memory_mb:
        bundle["memory"] = entry.memory_mb << 20
    chosen: dict[str, Any] = {"accelerator_config": {"kind": "cpu"}} if not entry.gpus else {}
    if entry.gpus and entry.gpu:
        chosen["accelerator_type"] = entry.gpu
    return LLMConfig(
        model_loading_config={"model_id": name, "model_source": str(entry.folder(models) or entry.source)},
        engine_kwargs=engine_arguments(entry),
        placement_group_config={
            "bundle_per_worker": bundle,
            "strategy": "PACK" if entry.pipeline > 1 else "STRICT_PACK",
        },
        deployment_config={**_replicas(entry), **_patience(), "ray_actor_options": {"num_cpus": 0}},
        runtime_env={"env_vars": {**entry.environment, **marks}},
        **chosen,
    )


def application(config: LLMConfig) -> Any:
    """The Serve application of one model, whose replicas stand on llm hosts only."""
    role = {"role": Role.LLM.value}
    workers = config.engine_kwargs["tensor_parallel_size"] * config.engine_kwargs["pipeline_parallel_size"]
    return build_llm_deployment(
        config,
        deployment_cls=rayserve.ingress()(ModelServer),
        override_serve_options={"placement_group_bundle_label_selector": [role] * workers},
    )


def _replicas(entry: Entry) -> dict[str, Any]:
    wanted = entry.replicas
    if wanted.fixed:
        return {"num_replicas": wanted.least}
    return {
        "autoscaling_config": {
            "min_replicas": wanted.least,
            "max_replicas": wanted.most,
            "initial_replicas": wanted.least,
            "target_ongoing_requests": wanted.target,
            "upscale_delay_s": 0 if wanted.least == 0 else 10,
            "downscale_delay_s": wanted.idle_seconds,
            "downscale_to_zero_delay_s": wanted.idle_seconds,
        }
    }


def _patience() -> dict[str, Any]:
    """Three failed health checks in a row end a replica: at one a second, a dead engine is seen in three seconds."""
    return {
        "health_check_period_s": 1,
        "health_check_timeout_s": 30,
        "graceful_shutdown_wait_loop_s": 1,
        "graceful_shutdown_timeout_s": 600,
        "logging_config": {"enable_access_log": False},
    }
