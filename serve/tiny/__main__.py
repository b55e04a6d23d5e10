"""Makes the tiny models: .venv-vllm/bin/python -m serve.tiny [FOLDER]   (make tiny-models; FOLDER: models)

Those that are there, made by the same recipe, are left as they are. Nothing is fetched.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from serve.tiny import recipe

CALLER = "tiny-caller"
ENVIRONMENT = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""Read when libraries are imported. Threads that wait sleep: beside other work their spinning costs double."""
NAMES = ("tiny-qwen3", "tiny-qwen3-moe", "tiny-qwen3-next", CALLER)


def write(name: str, folder: Path) -> None:
    """Makes one model in a folder. Imports what takes seconds to import."""
    import torch
    from transformers.utils import logging

    from serve.tiny import shapes, tokenizer, training

    logging.disable_progress_bar()
    words = tokenizer.make()
    if name == CALLER:
        shapes.save(training.train(words), words, folder, shapes.LIKELIEST)
    else:
        torch.manual_seed(0)
        shapes.save(shapes.RANDOM[name](words), words, folder, shapes.SAMPLING)


def make(folder: Path) -> None:
    """Makes those that are missing or of another recipe."""
    wanted = recipe.digest()
    for name in NAMES:
        if recipe.is_made(folder / name, wanted):
            continue
        print(f"Making {folder / name}", flush=True)
        began = time.monotonic()
        recipe.put(folder / name, wanted, partial(write, name))
        print(f"Made {folder / name} in {time.monotonic() - began:.0f} s", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m serve.tiny", description="Makes the tiny models.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("models"), help="where (default: models)")
    folder: Path = parser.parse_args().folder
    if not all(find_spec(library) for library in recipe.LIBRARIES):
        print("Models are made in the vllm environment. Type `make tiny-models`.", file=sys.stderr)
        return 1
    os.environ.update(ENVIRONMENT)
    with recipe.alone(folder):
        make(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
