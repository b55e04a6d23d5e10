"""What a model under vLLM needs: its files, GPUs that hold it, and an installation that knows its arguments."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress

from podium.errors import UnknownName, UserError
from podium.settings import Site
from serve.checks import sizing
from serve.checks.architecture import Architecture
from serve.checks.finding import Asked, Finding, Report, missing, note, ok
from serve.checks.fit import Fit
from serve.checks.gpus import RAY_NAMES, Gpu, is_ambiguous, kind_of
from serve.checks.host import Here
from serve.checks.installation import CPU_COMMAND, GPU_COMMAND, installation_of
from serve.checks.sizing import Sized, sized
from serve.checks.weights import Weights, hub_cache, is_offline
from serve.models import Catalogue, Model


class VllmCheck:
    """The check of one entry under vLLM."""

    def __init__(self, model: Model, catalogue: Catalogue, site: Site, here: Here, asked: Asked) -> None:
        self._model, self._entry, self._catalogue = model, model.entry, catalogue
        self._site, self._here, self._asked = site, here, asked
        self._files = Weights(model.entry, site, here.environment)
        self._installed = installation_of(site, here.checkout)
        self._gpus = asked.gpus or (max(1, model.entry.gpus) if asked.gpu else model.entry.gpus)

    def report(self) -> Report:
        known = sized(self._model.name, self._entry, self._catalogue, self._files)
        kind, fit = self._kind(), None
        if known is not None and not self._gpus:
            fit = known.on_cpu(self._here.memory_gib)
        elif known is not None and kind is not None:
            fit = known.on(kind, self._gpus)
        return Report(model=self._model.name, findings=tuple(self._findings(known, kind, fit)), fit=fit)

    def _findings(self, known: Sized | None, kind: Gpu | None, fit: Fit | None) -> Iterator[Finding]:
        yield self._weights()
        if known is None:
            yield note("size", "it is not known", "It is in the config.json that comes with the weights.")
        else:
            yield self._size(known)
            yield from self._architecture(known.architecture)
            yield from self._memory(known, kind, fit)
        yield from self._arguments()
        yield self._vllm()
        if self._gpus:
            yield self._cuda()

    def _weights(self) -> Finding:
        files = self._files
        if not files.faults:
            return ok("weights", str(files.place))
        cut = f"; {files.unfinished} downloads were cut short" if files.unfinished else ""
        named = ", ".join(files.faults[:4]) + (f" and {len(files.faults) - 4} more" if len(files.faults) > 4 else "")
        where = f" in {files.place}" if files.folder else ""
        return missing("weights", f"missing{where}: {named}{cut}", self._fetch())

    def _fetch(self) -> str:
        """The one command that brings the weights."""
        entry = self._entry
        if entry.folder(self._site.models) is not None:
            made = f"Type: {entry.made_by}" if entry.made_by else f"Copy the model's files to {self._files.place}"
            return made
        cache = hub_cache(self._site, self._here.environment)
        home = f"HF_HOME={cache.parent}" if cache.name == "hub" else f"HF_HUB_CACHE={cache}"
        revision = f" --revision {entry.engine['revision']}" if entry.engine.get("revision") else ""
        command = f"{home} {self._installed.program or 'hf'} download {entry.source}{revision}"
        if not is_offline(self._here.environment):
            return f"Type: {command}"
        return f"This host is offline (HF_HUB_OFFLINE). Where the hub can be reached, type: HF_HUB_OFFLINE=0 {command}"

    def _size(self, known: Sized) -> Finding:
        origin = "its own" if known.source == self._files.config else "the catalogue's copy of its"
        count = f"{_short(known.architecture.parameters)} parameters, by {origin} config.json ({known.source})"
        if known.architecture.counted or known.measured:
            return ok("size", count)
        name = known.architecture.name
        return note(
            "size", f"about {count}", f"{name} is counted as if it were Llama; its files will tell once they are here."
        )

    def _architecture(self, architecture: Architecture) -> Iterator[Finding]:
        entry = self._entry
        if architecture.context and entry.context > architecture.context and "hf_overrides" not in entry.engine:
            seen = f"{entry.context} tokens are asked, and the model's positions reach {architecture.context}"
            yield missing("context", seen, f"Set context = {architecture.context} or less.")
        tensor = max(1, self._gpus // entry.pipeline) if self._gpus else entry.tensor
        if obstacle := architecture.undivided(tensor):
            sizes = [count for count in range(1, tensor) if not architecture.undivided(count)]
            yield missing("tensor", f"tensor = {tensor}, and {obstacle}", f"Take {' or '.join(map(str, sizes[-3:]))}.")

    def _memory(self, known: Sized, kind: Gpu | None, fit: Fit | None) -> Iterator[Finding]:
        named = self._asked.gpu or self._entry.gpu
        if fit is not None and not self._gpus:
            yield self._main_memory(known, fit)
            return
        if fit is None or kind is None:
            would = sizing.wide_enough(known) or "none that is known here"
            seen = f"the memory of {named} is not known here" if named else "no kind of GPU is named, and none is here"
            yield note("memory", f"{seen}; these hold it: {would}", "Ask with --gpu KIND, or its memory: --gpu 64GB.")
            return
        if is_ambiguous(named):
            yield note("gpu", f"{named} is taken as {kind.name}", "Name the other if it is that.")
        yield sizing.memory(known, kind, fit, self._others())
        if unable := sizing.capability(known, kind):
            yield unable

    def _main_memory(self, known: Sized, fit: Fit) -> Finding:
        if not fit.fits:
            seen = f"{known.name} does not fit: {sizing.told(fit)}"
            return missing(
                "memory", seen, "Set engine.kv_cache_memory_bytes or context lower, or take a smaller model."
            )
        if not self._entry.engine.get("kv_cache_memory_bytes"):
            share = known.plan().gpu_memory_utilization
            seen = f"{sizing.told(fit)}; vLLM takes {share:.0%} of all main memory"
            return note("memory", seen, "Set engine.kv_cache_memory_bytes, to leave some to others.")
        return ok("memory", sizing.told(fit))

    def _kind(self) -> Gpu | None:
        """The GPU that is asked about, else the entry's, else the smallest of this host; None: not known."""
        if self._asked.gpu:
            return kind_of(self._asked.gpu)
        try:
            own = kind_of(self._entry.gpu) if self._entry.gpu else None
        except UnknownName:
            return None
        return own or min(self._here.gpus, key=lambda gpu: gpu.gib, default=None)

    def _others(self) -> Iterator[Sized]:
        """The catalogue's other models whose sizes are known; one that is unsound is left out."""
        for name, entry in self._catalogue.entries.items():
            if entry.kind != "vllm":
                continue
            with suppress(UserError):
                other = sized(name, entry, self._catalogue, Weights(entry, self._site, self._here.environment))
                if other is not None and other.plan():
                    yield other

    def _arguments(self) -> Iterator[Finding]:
        """Names that vLLM or Ray would refuse when the model starts."""
        known = self._installed.arguments()
        for name in self._entry.engine:
            if known and name not in known:
                yield _unknown(f"engine.{name}", "argument", name, known)
        for key in ("tool_parser", "reasoning_parser"):
            name, parsers = getattr(self._entry, key), self._installed.parsers(key)
            if name and parsers and name not in parsers and "tool_parser_plugin" not in self._entry.engine:
                yield _unknown(key, "parser", name, parsers)
        if self._entry.gpu and self._entry.gpu not in RAY_NAMES and not self._entry.gpu.startswith(("AMD-", "Intel-")):
            yield missing("gpu", f"Ray has no GPU called {self._entry.gpu}", f"Ray knows: {', '.join(RAY_NAMES)}.")

    def _vllm(self) -> Finding:
        installed, command = self._installed, GPU_COMMAND if self._gpus else CPU_COMMAND
        if not installed.vllm:
            return missing("vllm", f"there is no vLLM in {installed.folder}", f"Type: {command}")
        if installed.cuda and not self._gpus:
            return missing("vllm", f"{installed.folder} is for GPUs, and this model is for the CPU", f"Type: {command}")
        return ok(
            "vllm",
            f"{installed.vllm} in {installed.folder}, for {'CUDA ' + installed.cuda if installed.cuda else 'the CPU'}",
        )

    def _cuda(self) -> Finding:
        """Whether there is CUDA to run on; with a kind of GPU asked for, that is another host's affair."""
        if self._installed.vllm and not self._installed.cuda:
            return missing(
                "cuda",
                f"vLLM in {self._installed.folder} is for the CPU alone",
                f"On the GPU hosts, type: {GPU_COMMAND}",
            )
        here = ", ".join(gpu.name for gpu in self._here.gpus) or "no GPU"
        if len(self._here.gpus) >= self._gpus:
            return ok("cuda", f"{here} on this host")
        seen = f"{here} on this host, and {self._gpus} are wanted"
        if self._asked.gpu or self._entry.gpu:
            return note("cuda", seen, "The llm hosts must have them.")
        return missing("cuda", seen, "Ask where the GPUs are, or about them: --gpu KIND --gpus N.")


def _short(count: int) -> str:
    """30532122624 as `30.5 B`."""
    size, unit = next(((size, unit) for size, unit in ((1e9, "B"), (1e6, "M")) if count >= size), (1e3, "k"))
    return f"{count / size:.3g} {unit}"


def _unknown(what: str, kind: str, name: str, known: frozenset[str]) -> Finding:
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    remedy = f"Near: {', '.join(near)}." if near else "See vLLM's documentation."
    return missing(what, f"vLLM has no {kind} named {name}", remedy)
