"""What vLLM and `ray.serve.llm` make of an entry, as far as that is known without a GPU; in the vllm environment:

    .venv-vllm/bin/python -m bench.serve_gpu_engine ORDER.json RESOLVED.json

It writes the model's folder, asks `serve.engine` for the configuration that a replica gets, lets vLLM's own parser read
the command line of plain `vllm serve` with the same arguments, and compares the two. No Ray is started.
"""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from bench.serve_gpu_model import write
from podium.spec import Spec
from serve.arguments import engine_arguments
from serve.models import Entry

OWN = ("middleware",)
"""Arguments that only our path has: its guard and the like."""


class Order(Spec):
    """What is asked."""

    name: str
    entry: Entry
    config: Path
    """The model's own config.json."""
    models: Path
    """Where the model's folder is made."""
    port: int
    """Of plain `vllm serve`."""


class Resolved(Spec):
    """What is made of it."""

    vllm: str
    """Version."""
    device: str
    """What vLLM found to compute on: `cuda`, `cpu`."""
    command: tuple[str, ...]
    """Plain vLLM's words behind `vllm`."""
    engine: dict[str, JsonValue]
    """What a replica of ours gives to `AsyncEngineArgs`."""
    frontend: dict[str, JsonValue]
    """What it gives to vLLM's own HTTP server."""
    bundles: list[dict[str, float]]
    """A replica's placement group."""
    strategy: str
    differences: dict[str, tuple[str, str]]
    """Engine arguments that are not the same in plain vLLM and in ours."""
    plain: str
    """What vLLM makes of plain's arguments, or why it does not."""
    ours: str


def plain_words(name: str, entry: Entry, models: Path, port: int) -> tuple[str, ...]:
    """The command line of plain `vllm serve` with an entry's arguments, all but our middleware."""
    shared = {key: value for key, value in engine_arguments(entry).items() if key not in OWN}
    return serve_words(name, str(entry.folder(models) or entry.source), shared, port)


def serve_words(name: str, source: str, arguments: Mapping[str, Any], port: int) -> tuple[str, ...]:
    """The command line of `vllm serve` on loopback with `arguments`, by vLLM's names."""
    words = ["serve", source, "--served-model-name", name, "--host", "127.0.0.1", "--port", str(port)]
    for key, value in arguments.items():
        flag = key.replace("_", "-")
        if isinstance(value, bool):
            words.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, list):
            words += [f"--{flag}", *map(str, value)]
        elif value is not None:
            words += [f"--{flag}", json.dumps(value) if isinstance(value, dict) else str(value)]
    return tuple(words)


def resolve(order: Order) -> Resolved:
    """Raises what vLLM and Ray raise where an argument is wrong."""
    import vllm
    from vllm.engine.arg_utils import AsyncEngineArgs
    from vllm.platforms import current_platform

    from serve import engine

    write(order.config, order.models / order.name)
    config = engine.configuration(order.name, order.entry, order.models, {})
    given = config.get_engine_config()
    command = plain_words(order.name, order.entry, order.models, order.port)
    plain = AsyncEngineArgs.from_cli_args(_parsed(command[1:]))
    ours = AsyncEngineArgs(**given.get_initialization_kwargs())
    differing = differences(vars(plain), vars(ours))  # before vLLM fills in what was not said
    return Resolved(
        vllm=vllm.__version__,
        device=current_platform.device_type,
        command=command,
        engine=given.get_initialization_kwargs(),
        frontend=given.frontend_kwargs,
        bundles=given.placement_bundles,
        strategy=given.placement_strategy,
        differences=differing,
        plain=_checked(plain),
        ours=_checked(ours),
    )


def differences(plain: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Fields that differ; not set, empty and false are the same."""
    return {
        name: (repr(value), repr(ours[name]))
        for name, value in plain.items()
        if (value or None) != (ours[name] or None)
    }


def _parsed(words: Sequence[str]) -> Namespace:
    """As `vllm serve` reads them; it ends the process where it cannot."""
    from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    found: Namespace = make_arg_parser(FlexibleArgumentParser(prog="vllm serve")).parse_args(words)
    found.model = found.model_tag
    validate_parsed_serve_args(found)
    return found


def _checked(arguments: Any) -> str:
    """vLLM's whole configuration, made and told in a line; a refusal in vLLM's words."""
    from vllm.usage.usage_lib import UsageContext

    try:
        made = arguments.create_engine_config(usage_context=UsageContext.OPENAI_API_SERVER)
    except (ValueError, RuntimeError, NotImplementedError) as error:
        return f"refused: {str(error).strip().splitlines()[-1]}"
    model, scheduler = made.model_config, made.scheduler_config
    return (
        f"{model.architecture}, {model.dtype}, {made.load_config.load_format} weights, {model.max_model_len} tokens, "
        f"{scheduler.max_num_seqs} sequences, {scheduler.max_num_batched_tokens} tokens a step, "
        f"{made.parallel_config.world_size} workers ({made.parallel_config.distributed_executor_backend})"
    )


if __name__ == "__main__":
    asked = Order.model_validate_json(Path(sys.argv[1]).read_bytes())
    Path(sys.argv[2]).write_text(resolve(asked).model_dump_json(indent=1))
