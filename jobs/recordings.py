"""Recordings of a sweep: `--model replay:RUN_GROUP` looked up, and what a trial has on tape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from jobs.sweepdir import SweepDir
from podium.errors import UnknownName, UserError
from podium.rundir import AttemptDir, RunGroupDir
from podium.spec import Spec, TrialSpec
from serve.tapes.recording import ROWS_FILE, Recording
from serve.tapes.tape import REPLAY, TapeSpec, is_replay

CACHE = Path(".cache") / "models"
"""The cache's folder below the site's runs. Remove it to empty the cache; no gateway may be running then."""


class Recorded(Spec):
    """What a model `replay:...` stands for."""

    folder: Path
    """The recording of a run group."""
    model: str
    """The model that was recorded there."""


def replays(models: Iterable[str], runs: Path) -> dict[str, Recorded]:
    """Those of `models` that are recordings, by name. Raises UserError, UnknownName."""
    return {model: find_recording(model, runs) for model in models if is_replay(model)}


def find_recording(model: str, runs: Path) -> Recorded:
    """The recording behind `replay:RUN_GROUP` or `replay:RUN_GROUP@MODEL`.

    RUN_GROUP: a name below `runs`, an absolute path, or the id (or its start) of a sweep of one agent. Raises
    UnknownName, and UserError where nothing was recorded, or several models and none is named.
    """
    name, _, chosen = model.removeprefix(REPLAY).partition("@")
    group = _group(name, runs)
    try:
        recorded = Recording(group.recording).models()
    except OSError as error:
        raise UserError(f"The recording of {group.name} cannot be read: {error}.", "Ask its owner.") from None
    if not recorded:
        raise UserError(
            f"The run group {group.name} has no recording.", "Run it with --record; then it can be replayed."
        )
    if chosen and chosen not in recorded:
        raise UnknownName(f"model in the recording of {group.name}", chosen, recorded)
    if not chosen and len(recorded) > 1:
        raise UserError(
            f"{group.name} recorded several models.",
            "Say which: " + " or ".join(f"{REPLAY}{name}@{one}" for one in recorded),
        )
    return Recorded(folder=group.recording.resolve(), model=chosen or recorded[0])


def tape_of(trial: TrialSpec, attempt: AttemptDir, sweep: SweepDir, known: Mapping[str, Recorded]) -> TapeSpec | None:
    """What a trial's attempt has on tape, to be registered with its key before the attempt begins; None: nothing.

    `known`: the `replays` of the sweep's models.
    """
    asked, replay = sweep.record.spec, known.get(trial.model)
    if not (asked.record or asked.cache or replay):
        return None
    return TapeSpec(
        coordinate=f"{trial.task}/{trial.seed}",
        take=attempt.number,
        record=sweep.group(trial.agent).recording.resolve() if asked.record else None,
        replay=replay.folder if replay else None,
        replay_model=replay.model if replay else "",
        cache=(sweep.record.site.runs / CACHE).resolve() if asked.cache else None,
    )


def _group(name: str, runs: Path) -> RunGroupDir:
    """The run group that a name, an absolute path or a sweep's id means."""
    found = RunGroupDir(runs / name)
    if name and found.recording.is_dir():
        return found
    recorded = [path.parent.parent.name for path in runs.glob(f"*/recording/{ROWS_FILE}")]
    try:
        groups = SweepDir.find(runs, name).groups()
    except UnknownName:
        raise UnknownName("run group with a recording", name, recorded) from None
    named = [group for group in groups if group.path == found.path.resolve()] or groups
    if len(named) > 1:
        raise UserError(
            f"{name} is a sweep of several agents.",
            "Name one of its run groups: " + " or ".join(f"{REPLAY}{group.name}" for group in named),
        )
    return named[0]
