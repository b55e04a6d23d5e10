"""The three tapes of a trial: one records, one replays, one is a cache between trials; and who has which.

How often a trial has asked the same is counted in its tape, so that the nth asking gets the nth answer. The tape is
made anew for each key and each take (attempt), and with it these counts. A gateway that starts again knows from the
recording how far a trial had recorded; a replay or a cache begins again with the first answer.

A cache compares requests exactly, for it answers in a model's place. A replay knows a request again although times in
it differ (`serve.tapes.recording.shape_of`): within one trial, with each answer given once, that confuses nothing.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from podium.records import now
from serve.gateway.grant import Grant
from serve.refusal import Refusal
from serve.tapes.recording import Recording, Row, canonical, digest_of, shape_of
from serve.tapes.tape import Answer, Tape, TapeSpec, is_replay
from serve.tapes.unrecorded import unrecorded

Asked = tuple[str, str, str]
"""Model, path and the request's digest."""


class Tapes:
    """The tapes of a gateway's trials. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[str, tuple[tuple[str, TapeSpec], Tape]] = {}
        self._recordings: WeakValueDictionary[Path, Recording] = WeakValueDictionary()
        self._caches: WeakValueDictionary[Path, Cache] = WeakValueDictionary()

    def of(self, grant: Grant, model: str) -> Tape | None:
        """The tape of a trial's key for requests to `model`; None: it has none.

        A recording is read when the first of its trials asks: call this in a thread, where `grant.tape` is given.
        Raises Refusal where it cannot be read, and (404) where `model` is one and the key was registered without it.
        """
        spec = grant.tape
        if is_replay(model) and (spec is None or spec.replay is None):
            raise Refusal(404, f"This key has no recording for {model}.", "model_not_found", param="model")
        if spec is None or not (spec.record or spec.replay or spec.cache):
            return None
        with self._lock:
            made = self._of.get(grant.trial_id)
            if made is None or made[0] != (grant.key_hash, spec):
                made = self._of[grant.trial_id] = (grant.key_hash, spec), self._make(spec, grant.trial_id)
            return made[1]

    def forget(self, trial_id: str) -> None:
        """Let go of a trial's tape: its key was revoked. An unknown trial is no error."""
        with self._lock:
            self._of.pop(trial_id, None)

    def _make(self, spec: TapeSpec, trial_id: str) -> Tape:
        tapes: list[Tape] = []
        if spec.replay:
            tapes.append(Replay(self._recording(spec.replay), spec))
        elif spec.cache:
            cache = self._caches.get(spec.cache)
            if cache is None:
                cache = self._caches[spec.cache] = Cache(self._recording(spec.cache))
            tapes.append(CacheTape(cache, spec, trial_id))
        if spec.record:
            tapes.append(Recorder(self._recording(spec.record), spec, trial_id))
        return tapes[0] if len(tapes) == 1 else Chain(*tapes)

    def _recording(self, folder: Path) -> Recording:
        recording = self._recordings.get(folder)
        if recording is None:
            try:
                recording = self._recordings[folder] = Recording(folder)
            except OSError as error:
                raise Refusal(500, f"The recording {folder} cannot be read: {error}", "recording_failed") from None
        return recording


class Recorder:
    """Keeps what a trial asks and hears."""

    def __init__(self, recording: Recording, spec: TapeSpec, trial_id: str) -> None:
        self._recording, self._spec, self._trial_id = recording, spec, trial_id
        self._lock = threading.Lock()
        mine = (row for row in recording.rows if row.trial_id == trial_id and row.take == spec.take)
        self._kept = Counter((row.model, row.path, row.request) for row in mine)

    def find(self, path: str, request: Mapping[str, Any]) -> Answer | None:
        """Nothing: the model is to be asked."""
        return None

    def keep(self, path: str, request: Mapping[str, Any], answer: Answer) -> None:
        """See `Tape.keep`."""
        asked = _asked(path, request)
        try:
            bodies = _keep_bodies(self._recording, request, answer)
            with self._lock:
                row = _row(self._spec, self._trial_id, asked, self._kept[asked], bodies, answer)
                self._recording.add(row)
                self._kept[asked] += 1
        except OSError as error:
            raise _unwritten(self._recording, error) from None


class Replay:
    """Answers from the last take of a recorded trial, and nothing else answers."""

    def __init__(self, recording: Recording, spec: TapeSpec) -> None:
        self._recording, self._coordinate = recording, spec.coordinate
        self._lock = threading.Lock()
        whole = [row for row in recording.rows if (row.coordinate, row.model) == (spec.coordinate, spec.replay_model)]
        last = max((row.take for row in whole), default=0)
        self._rows = [row for row in whole if row.take == last]
        self._waiting: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in self._rows:
            self._waiting[row.path, row.shape].append(row)

    def find(self, path: str, request: Mapping[str, Any]) -> Answer:
        """The next recorded answer to this request, to its exact words first. Raises Refusal (404, `not_recorded`)."""
        digest, shape = digest_of(canonical(request)), shape_of(request)
        with self._lock:
            waiting = self._waiting.get((path, shape), [])
            number = next((at for at, row in enumerate(waiting) if row.request == digest), 0)
            row = waiting.pop(number) if waiting else None
        if row is None:
            raise unrecorded(self._recording, self._rows, self._coordinate, path, request)
        return self._recording.answer(row)

    def keep(self, path: str, request: Mapping[str, Any], answer: Answer) -> None:
        """Nothing: no model was asked."""


class Cache:
    """The answers of one folder that all trials share, by model, path and request, in the order of asking."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self._lock = threading.Lock()
        self._rows: defaultdict[Asked, list[Row]] = defaultdict(list)
        for row in recording.rows:
            rows = self._rows[row.model, row.path, row.request]
            if row.n == len(rows):
                rows.append(row)

    def nth(self, asked: Asked, number: int) -> Row | None:
        """The answer to the request's asking `number` (0: the first)."""
        with self._lock:
            rows = self._rows.get(asked, [])
            return rows[number] if number < len(rows) else None

    def add(self, asked: Asked, row: Row) -> None:
        """Keep the answer to an asking, unless another trial was first. Raises OSError."""
        with self._lock:
            if row.n == len(self._rows[asked]):
                self.recording.add(row)
                self._rows[asked].append(row)


class CacheTape:
    """A trial's place in the cache: its nth asking gets the nth answer, or asks the model and keeps that."""

    def __init__(self, cache: Cache, spec: TapeSpec, trial_id: str) -> None:
        self._cache, self._spec, self._trial_id = cache, spec, trial_id
        self._lock = threading.Lock()
        self._answered: Counter[Asked] = Counter()

    def find(self, path: str, request: Mapping[str, Any]) -> Answer | None:
        """See `Tape.find`."""
        asked = _asked(path, request)
        with self._lock:
            row = self._cache.nth(asked, self._answered[asked])
            self._answered[asked] += row is not None
        return self._cache.recording.answer(row) if row else None

    def keep(self, path: str, request: Mapping[str, Any], answer: Answer) -> None:
        """See `Tape.keep`. What another model said in this one's place is not kept, nor what it refused: it may be
        deployed otherwise another day."""
        if answer.by or answer.status != 200:
            return
        asked = _asked(path, request)
        try:
            bodies = _keep_bodies(self._cache.recording, request, answer)
            with self._lock:
                row = _row(self._spec, self._trial_id, asked, self._answered[asked], bodies, answer)
                self._cache.add(asked, row)
                self._answered[asked] += 1
        except OSError as error:
            raise _unwritten(self._cache.recording, error) from None


class Chain:
    """Tapes of one trial, asked in order; what one of them answers, the others keep."""

    def __init__(self, *tapes: Tape) -> None:
        self._tapes = tapes

    def find(self, path: str, request: Mapping[str, Any]) -> Answer | None:
        """See `Tape.find`."""
        for tape in self._tapes:
            answer = tape.find(path, request)
            if answer is not None:
                for other in self._tapes:
                    if other is not tape:
                        other.keep(path, request, answer)
                return answer
        return None

    def keep(self, path: str, request: Mapping[str, Any], answer: Answer) -> None:
        """See `Tape.keep`."""
        for tape in self._tapes:
            tape.keep(path, request, answer)


def _asked(path: str, request: Mapping[str, Any]) -> Asked:
    return str(request.get("model", "")), path, digest_of(canonical(request))


def _keep_bodies(recording: Recording, request: Mapping[str, Any], answer: Answer) -> tuple[str, str]:
    """The request's shape and the answer's digest."""
    recording.put(canonical(request))
    return shape_of(request), recording.put(answer.body)


def _row(spec: TapeSpec, trial_id: str, asked: Asked, number: int, bodies: tuple[str, str], answer: Answer) -> Row:
    model, path, digest = asked
    return Row(
        coordinate=spec.coordinate,
        trial_id=trial_id,
        take=spec.take,
        model=model,
        path=path,
        n=number,
        request=digest,
        shape=bodies[0],
        answer=bodies[1],
        status=answer.status,
        content_type=answer.content_type,
        by=answer.by,
        at=now(),
    )


def _unwritten(recording: Recording, error: OSError) -> Refusal:
    return Refusal(500, f"The answer could not be kept in {recording.folder}: {error}", "recording_failed")
