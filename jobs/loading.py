"""What is said while a model comes up: how long, how much of its weights, and the engine's own last words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from serve.deployments import Deployed, engine_words

_SHARDS = re.compile(r"[Ss]hards:\s*\d+% Completed \| (\d+)/(\d+)")
_PREFIX = re.compile(r"^(\([\w ]+pid=\d+\)\s*)?((INFO|WARNING|ERROR) [\d-]+ [\d:,]+ (\[[^\]]*\] |\S+ \w+ -- )?)?")
_NOISE = re.compile(r"throughput|DEBUG|^\w+ \d{4}-\d\d-\d\d .* serve |https?://|^:\w+:|executor class")


class Loading:
    """The lines of one model. `total`: bytes of its weights, 0 where they are not known."""

    def __init__(self, name: str, total: int = 0) -> None:
        self._name, self._total = name, total
        self._said = ""
        self._trouble = ""

    def line(self, seconds: float, deployed: Deployed | None, log: Iterable[str]) -> str:
        """What is new; empty: nothing. `log`: the last lines of a replica that starts."""
        trouble = _trouble(deployed)
        if trouble and trouble != self._trouble:
            self._trouble = trouble
            return f"{self._name}: it failed: {trouble}; Serve tries again."
        words = self._words(deployed, list(log))
        if words == self._said:
            return ""
        self._said = words
        return f"{self._name}: {seconds:4.0f} s  {words}"

    def _words(self, deployed: Deployed | None, log: list[str]) -> str:
        if deployed is None:
            return "asked for"
        if deployed.up:
            count = sum(replica.state == "RUNNING" for replica in deployed.replicas)
            return f"up, {count} replicas have answered" if count else "up at no replica: it starts when it is asked"
        if not deployed.replicas:
            return "waits for a place on an llm host"
        return _shards(log, self._total) or last_words(log) or "its processes start"


def last_words(log: Iterable[str]) -> str:
    """The last line of an engine's log that says something, without its prefix, 100 characters at most."""
    said = [_PREFIX.sub("", line.split("\r")[-1]).strip() for line in log if not _NOISE.search(line)]
    return next((line[:100] for line in reversed(said) if line), "")


def _shards(log: Iterable[str], total: int) -> str:
    """How much of the weights is loaded, from vLLM's count of shards, while that is the last thing it said."""
    found = _SHARDS.search((list(log) or [""])[-1])
    if found is None:
        return ""
    done, of = int(found[1]), int(found[2])
    bytes_done = f", {total * done / of / 1e9:.1f} of {total / 1e9:.1f} GB" if total else ""
    return f"weights: {done} of {of} shards{bytes_done}"


def _trouble(deployed: Deployed | None) -> str:
    failing = deployed is not None and not deployed.up and "failed to start" in deployed.said
    return engine_words(deployed.said) if deployed is not None and failing else ""
