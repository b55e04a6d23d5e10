"""Where a model's weights lie, whether they are whole, and the command that brings them.

<hf_home>/hub/models--ORG--NAME/refs/main              the revision's commit
                                snapshots/<commit>/    links into blobs/: config.json, *.safetensors, tokenizer.json
                                blobs/*.incomplete     downloads that were cut short
<models>/NAME/                                         a local folder with the same files
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from podium.settings import Site
from serve.models import Entry

INDEX, SINGLE = "model.safetensors.index.json", "model.safetensors"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json", "tekken.json", "tokenizer_config.json")
SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})\.safetensors")
TRUE = {"1", "true", "yes", "on"}
HEADER_LIMIT = 100 << 20
"""Bytes that a safetensors file's header may have, by its format."""
SPECULATIVE = "mtp."
"""Tensors of the multi-token predictor, which vLLM loads for speculative decoding alone."""


def hub_cache(site: Site, environment: Mapping[str, str]) -> Path:
    """The folder of the hub's cache: the site's, else as huggingface_hub finds it."""
    if site.hf_home is not None:
        return site.hf_home / "hub"
    if environment.get("HF_HUB_CACHE"):
        return Path(environment["HF_HUB_CACHE"]).expanduser()
    caches = Path(environment.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(environment.get("HF_HOME") or caches).expanduser() / "hub"


def is_offline(environment: Mapping[str, str]) -> bool:
    """Whether huggingface_hub may not go out."""
    asked = environment.get("HF_HUB_OFFLINE") or environment.get("TRANSFORMERS_OFFLINE") or ""
    return asked.lower() in TRUE


class Weights:
    """The files of one entry's model, looked at on the disk and never fetched."""

    def __init__(self, entry: Entry, site: Site, environment: Mapping[str, str]) -> None:
        self._entry = entry
        self._local = entry.folder(site.models)
        self._repository = hub_cache(site, environment) / f"models--{entry.source.replace('/', '--')}"
        self._revision = str(entry.engine.get("revision") or "main")
        self._dummy = entry.engine.get("load_format") == "dummy"

    @cached_property
    def folder(self) -> Path | None:
        """Where the files lie; None: nowhere yet."""
        if self._local is not None:
            return self._local if self._local.is_dir() else None
        for commit in (self._commit(), self._revision):
            snapshot = self._repository / "snapshots" / commit
            if commit and snapshot.is_dir():
                return snapshot
        return None

    @property
    def place(self) -> Path:
        """Where the files lie, or would."""
        return self.folder or self._local or self._repository

    @property
    def config(self) -> Path | None:
        """The model's own config.json, where it is there."""
        path = self.folder / "config.json" if self.folder else None
        return path if path and path.is_file() else None

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """What is missing or broken, a file each; empty: all is there."""
        if self.folder is None:
            return (self._nowhere(),)
        return tuple(self._faults(self.folder))

    @property
    def unfinished(self) -> int:
        """Downloads that were cut short."""
        if self._local is not None:
            return len(list(self._local.glob(".cache/huggingface/**/*.incomplete")))
        return len(list(self._repository.glob("blobs/*.incomplete")))

    @cached_property
    def loaded_bytes(self) -> int:
        """Bytes of the tensors that vLLM loads, from the files' own headers, or the index; 0: not known."""
        if self.folder is None or self._dummy:
            return 0
        names = weight_files(self.folder)
        headers = [header(self.folder / name) for name in names if (self.folder / name).is_file()]
        if names and len(headers) == len(names) and all(headers):
            return sum(tensors_bytes(each) for each in headers)
        values = _json(self.folder / INDEX)
        mapped, told = values.get("weight_map"), values.get("metadata")
        if not isinstance(told, Mapping) or any(str(name).startswith(SPECULATIVE) for name in mapped or ()):
            return 0
        size = told.get("total_size")
        return size if isinstance(size, int) and size > 0 else 0

    def _commit(self) -> str:
        try:
            return (self._repository / "refs" / self._revision).read_text().strip()
        except OSError:
            return ""

    def _nowhere(self) -> str:
        if self._local is None and (self._repository / "snapshots").is_dir():
            return f"{self._repository}/refs/{self._revision}, which says the commit, or the snapshot that it names"
        return str(self.place)

    def _faults(self, folder: Path) -> Iterator[str]:
        if not (folder / "config.json").is_file():
            yield "config.json"
        if not any((folder / name).is_file() for name in TOKENIZERS):
            yield "tokenizer.json"
        if self._dummy:
            return
        names = weight_files(folder)
        if not names and not any(folder.glob("*.bin")) and not any(folder.glob("*.gguf")):
            yield SINGLE
        for name in names:
            if fault := _fault(folder / name):
                yield fault


def weight_files(folder: Path) -> tuple[str, ...]:
    """The safetensors that belong to the model: those of its index; without one, those that are there and the shards
    that their names tell of (`-00001-of-00016`)."""
    mapped = _json(folder / INDEX).get("weight_map")
    if isinstance(mapped, Mapping):
        return tuple(sorted({str(name) for name in mapped.values()}))
    names = {path.name for path in folder.glob("*.safetensors")}
    for stem, _, count in (found.groups() for name in sorted(names) if (found := SHARD.fullmatch(name))):
        names |= {f"{stem}-{number:05d}-of-{count}.safetensors" for number in range(1, int(count) + 1)}
    return tuple(sorted(names))


def header(path: Path) -> dict[str, Any]:
    """The tensors in a safetensors file's header (8 bytes of its length, then JSON); empty where there is none."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            values = json.loads(file.read(length)) if length < HEADER_LIMIT else {}
        tensors = {name: tensor for name, tensor in values.items() if name != "__metadata__"}
        for tensor in tensors.values():
            _ = tensor["dtype"], prod(tensor["shape"]), tensor["data_offsets"][1] - tensor["data_offsets"][0]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError):
        return {}
    return tensors


def tensors_bytes(tensors: Mapping[str, Any]) -> int:
    """Bytes of a header's tensors in memory: float32 counts as half precision, which is what vLLM makes of it, but for
    the scales of quantised weights."""
    sizes = 0
    for name, tensor in tensors.items():
        if name.startswith(SPECULATIVE):
            continue
        start, end = tensor["data_offsets"]
        wide = tensor["dtype"] == "F32" and not name.endswith(("scale", "scale_inv"))
        sizes += 2 * prod(tensor["shape"]) if wide else end - start
    return sizes


def _fault(path: Path) -> str:
    """What is wrong with a safetensors file, by its name; empty: nothing."""
    if not path.exists():
        return f"{path.name} (a link to a blob that is not there)" if path.is_symlink() else path.name
    tensors, size = header(path), path.stat().st_size
    with path.open("rb") as file:
        start = file.read(24)
    if not tensors:
        is_pointer = start == b"version https://git-lfs."
        return f"{path.name} (" + ("a pointer of Git LFS, no weights)" if is_pointer else f"broken, {size} bytes)")
    whole = 8 + int.from_bytes(start[:8], "little") + max(tensor["data_offsets"][1] for tensor in tensors.values())
    return f"{path.name} (cut short: {size} of {whole} bytes)" if size < whole else ""


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}
