"""A catalogue's model at full size without its weights: an entry that says `load_format = "dummy"`, and its folder.

The folder has the model's own config.json and the tiny models' tokenizer, whose vocabulary is filled up to the model's:
random weights choose every token, and each must be text, or streams would have no first piece of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from serve.models import Entry, Replicas


def dummy(name: str, entry: Entry) -> Entry:
    """The entry with the same engine arguments, for weights that are made up while it loads; one replica."""
    changes: dict[str, Any] = {
        "source": f"./{name}",
        "engine": {**entry.engine, "load_format": "dummy"},
        "fallback": "",
        "replicas": Replicas(),
    }
    return entry.model_copy(update=changes)


def toml(entry: Entry) -> str:
    """The entry as a file of the catalogue."""
    values = entry.model_dump(mode="json", exclude_defaults=True)
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def write(config: Path, folder: Path) -> None:
    """Make the folder from a config.json. Only in the vllm environment."""
    from serve.tiny import tokenizer
    from serve.tiny.shapes import SAMPLING

    words = tokenizer.make()
    values = json.loads(config.read_text())
    ends = {"eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id}
    folder.mkdir(parents=True)
    words.save_pretrained(folder)
    plain = folder / "tokenizer.json"
    plain.write_text(json.dumps(filled(json.loads(plain.read_text()), values["vocab_size"])))
    (folder / "config.json").write_text(json.dumps({**values, **ends}, indent=1))
    (folder / "generation_config.json").write_text(json.dumps({**ends, **SAMPLING}, indent=1))


def filled(tokenizer: Mapping[str, Any], size: int) -> dict[str, Any]:
    """A tokenizer.json that has a word for each of `size` ids. No text is ever encoded to the new ones, for no merge
    leads to them."""
    model = tokenizer["model"]
    words = {**model["vocab"], **{token["content"]: token["id"] for token in tokenizer["added_tokens"]}}
    free = set(range(size)) - set(words.values())
    words |= {f"Ġfiller{number}": number for number in sorted(free)}
    return {**tokenizer, "model": {**model, "vocab": words}}


def _value(value: Any) -> str:
    """A value of TOML, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
