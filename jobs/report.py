"""The report: reads only what lies in a run directory, and works a year later without Ray.

podium report RUN_GROUP_OR_SWEEP
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from jobs import entries
from jobs.aggregate import mean_of, pass_at, rate_over_seeds
from jobs.benchmark_report import CompetitionReport, aggregate_reports, report_text
from jobs.disclosure import disclosure
from jobs.metadata import read_metadata
from jobs.render import markdown, trials_csv
from jobs.rows import AgentRow, Report, Summary, TaskRow, TrialRow
from jobs.sweepdir import SweepDir
from podium.files import write_atomic
from podium.records import Cause, TrialRecord
from podium.rundir import RunGroupDir


def write_grading_report(group: RunGroupDir) -> None:
    """Write MLE-bench's `grading_report.json` of the finished trials, by task, then model, then seed."""
    reports = [CompetitionReport.of(record.grade) for _, record in _in_order(group) if record.grade is not None]
    write_atomic(group.grading_report_file, report_text(aggregate_reports(reports)))


def write_entries(group: RunGroupDir) -> None:
    """Write MLE-bench's `submission.jsonl` of the finished trials, in the same order: to grade them again."""
    found = [entries.entry_of(group.path / folder) for folder, _ in _in_order(group)]
    write_atomic(group.path / entries.FILE, entries.text_of(found))


def build(sweep: SweepDir, groups: Sequence[RunGroupDir]) -> Report:
    """The report of some of a sweep's run groups: of one group, or of all."""
    metadata = [read_metadata(group) for group in groups if group.metadata_file.exists()]
    trials = sorted(
        (_trial_row(record, f"{group.name}/{folder}") for group in groups for folder, record in _named_records(group)),
        key=lambda row: (row.task, row.agent, row.model, row.seed),
    )
    scales = {
        record.spec.task: record.grade.is_lower_better for group in groups for record in _records(group) if record.grade
    }
    planned = sum(item.planned for item in metadata)
    return Report(
        title=groups[0].name if len(groups) == 1 else sweep.main.name,
        sweep_id=sweep.record.sweep_id,
        created_at=sweep.record.created_at,
        groups=tuple(group.name for group in groups),
        planned=planned,
        agents=tuple(_agent_row(rows) for rows in _grouped(trials, by_task=False)),
        tasks=tuple(_task_row(rows, scales.get(rows[0].task, False)) for rows in _grouped(trials, by_task=True)),
        trials=tuple(trials),
        unfinished=max(planned - len(trials), 0),
        misfits=tuple(f"{item.agent} on {task}: {why}" for item in metadata for task, why in item.misfits.items()),
        notes=(*disclosure(sweep.record.spec), *_notes(trials)),
    )


def _in_order(group: RunGroupDir) -> list[tuple[str, TrialRecord]]:
    def place(named: tuple[str, TrialRecord]) -> tuple[str, str, int]:
        spec = named[1].spec
        return spec.task, spec.model, spec.seed

    return sorted(_named_records(group), key=place)


def _named_records(group: RunGroupDir) -> list[tuple[str, TrialRecord]]:
    return [(trial.path.name, record) for trial in group.trials() if (record := trial.record()) is not None]


def _records(group: RunGroupDir) -> list[TrialRecord]:
    return [record for _, record in _named_records(group)]


def _trial_row(record: TrialRecord, folder: str) -> TrialRow:
    grade, spec, attempts = record.grade, record.spec, record.attempts
    chosen = next((item for item in attempts if record.accepted and item.attempt == record.accepted.attempt), None)
    shown = chosen or attempts[-1]
    usage = record.usage
    return TrialRow(
        agent=spec.agent,
        task=spec.task,
        model=spec.model,
        seed=spec.seed,
        trial_id=spec.trial_id,
        folder=folder,
        score=grade.score if grade else None,
        medal=grade.medal if grade else "",
        submitted=bool(grade and grade.submission_exists),
        valid=bool(grade and grade.valid_submission),
        above_median=bool(grade and grade.above_median),
        outcome=record.outcome,
        message=record.message or (grade.message if grade else ""),
        seconds=round(sum((item.ended_at - item.started_at).total_seconds() for item in attempts), 3),
        tokens=usage.tokens if usage else sum(item.tokens.total for item in attempts),
        requests=usage.requests if usage else sum(item.tokens.requests for item in attempts),
        prompt_tokens=usage.prompt if usage else sum(item.tokens.prompt for item in attempts),
        cache_hit_rate=usage.cache_hit_rate if usage else None,
        cost=usage.cost if usage else 0.0,
        replayed=usage.replayed if usage else 0,
        fallbacks=usage.fallbacks if usage else {},
        steps=shown.steps,
        executions=sum(item.executions for item in attempts),
        attempts=len(attempts),
        causes=tuple(item.cause.value for item in attempts),
        sandbox=shown.sandbox,
        unbounded=shown.unbounded,
        model_says=shown.model_says,
    )


def _grouped(trials: Iterable[TrialRow], *, by_task: bool) -> list[list[TrialRow]]:
    groups: dict[tuple[str, ...], list[TrialRow]] = defaultdict(list)
    for row in trials:
        groups[(row.task if by_task else "", row.agent, row.model)].append(row)
    return [groups[key] for key in sorted(groups)]


def _medals(rows: Sequence[TrialRow]) -> tuple[int, int, int]:
    gold, silver, bronze = (sum(row.medal == medal for row in rows) for medal in ("gold", "silver", "bronze"))
    return gold, silver, bronze


def _task_row(rows: Sequence[TrialRow], lower_is_better: bool) -> TaskRow:
    scores = [row.score for row in rows if row.score is not None]
    return TaskRow(
        agent=rows[0].agent,
        task=rows[0].task,
        model=rows[0].model,
        lower_is_better=lower_is_better,
        score=mean_of(scores),
        best=(min(scores) if lower_is_better else max(scores)) if scores else None,
        valid=sum(row.valid for row in rows),
        medals=_medals(rows),
        trials=len(rows),
    )


def _agent_row(rows: Sequence[TrialRow]) -> AgentRow:
    seeds: dict[int, list[TrialRow]] = defaultdict(list)
    tasks: dict[str, list[bool]] = defaultdict(list)
    for row in rows:
        seeds[row.seed].append(row)
        tasks[row.task].append(bool(row.medal))
    return AgentRow(
        agent=rows[0].agent,
        model=rows[0].model,
        trials=len(rows),
        failed=sum(row.outcome is not Cause.OK for row in rows),
        medals=_medals(rows),
        valid=rate_over_seeds({seed: [row.valid for row in of] for seed, of in seeds.items()}),
        above_median=rate_over_seeds({seed: [row.above_median for row in of] for seed, of in seeds.items()}),
        any_medal=rate_over_seeds({seed: [bool(row.medal) for row in of] for seed, of in seeds.items()}),
        pass_at=pass_at(list(tasks.values())),
        seconds=round(sum(row.seconds for row in rows), 3),
        tokens=sum(row.tokens for row in rows),
        cache_hit_rate=_cache_hit_rate(rows),
        cost=round(sum(row.cost for row in rows), 6),
    )


def _cache_hit_rate(rows: Sequence[TrialRow]) -> float | None:
    """Of all prompts' tokens together; None where no gateway counted."""
    known = [row for row in rows if row.cache_hit_rate is not None]
    prompt = sum(row.prompt_tokens for row in known)
    return sum((row.cache_hit_rate or 0.0) * row.prompt_tokens for row in known) / prompt if prompt else None


def _notes(trials: Sequence[TrialRow]) -> tuple[str, ...]:
    notes = [f"The model {row.model} says of itself: {row.model_says}" for row in trials if row.model_says]
    notes += [
        "The sandbox `local` is no jail: code written by a model ran unconfined."
        for row in trials
        if row.sandbox == "local"
    ]
    notes += [
        f"On its host the sandbox {row.sandbox} could not bound: {', '.join(row.unbounded)}."
        for row in trials
        if row.unbounded
    ]
    notes += [
        f"The model {row.model} could not be asked {count} times by {row.task} of {row.agent}, seed {row.seed}: "
        f"{other} answered in its place."
        for row in trials
        for other, count in row.fallbacks.items()
    ]
    replayed = sum(row.replayed for row in trials)
    notes += [f"{replayed} requests were answered from a recording or a cache, not by a model."] if replayed else []
    return tuple(dict.fromkeys(notes))


def write(sweep: SweepDir) -> Report:
    """Write every run group's `report.{md,json,csv}`, `grading_report.json` and `submission.jsonl`, and the report of
    the whole, which is given."""
    for group in sweep.groups():
        write_grading_report(group)
        write_entries(group)
        if sweep.record.folder:
            write_report(build(sweep, [group]), group.path)
    whole = build(sweep, sweep.groups())
    write_report(whole, sweep.main)
    return whole


def write_report(report: Report, folder: Path) -> None:
    """Write one report's three files into `folder`."""
    write_atomic(folder / "report.md", markdown(report))
    write_atomic(folder / "report.json", report.model_dump_json(indent=2))
    write_atomic(folder / "report.csv", trials_csv(report))


def summary(group: RunGroupDir) -> Summary:
    """One line on a run group."""
    metadata, records = read_metadata(group), _records(group)
    return Summary(
        run_group=group.name,
        agent=metadata.agent,
        sweep_id=metadata.sweep_id,
        created_at=metadata.created_at,
        planned=metadata.planned,
        finished=len(records),
        medals=sum(bool(record.grade and record.grade.any_medal) for record in records),
    )
