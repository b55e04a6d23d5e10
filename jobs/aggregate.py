"""From grades to numbers: means and standard errors over seeds, medal rates, pass@k."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

from podium.spec import Spec


class Mean(Spec):
    """A mean and its standard error."""

    mean: float | None
    """None: there is no value."""
    sem: float | None
    """Sample standard deviation (ddof=1) over the square root of n; None below two values."""
    n: int


def mean_of(values: Iterable[float]) -> Mean:
    """The mean of `values` and its standard error."""
    known = list(values)
    if not known:
        return Mean(mean=None, sem=None, n=0)
    sem = statistics.stdev(known) / math.sqrt(len(known)) if len(known) > 1 else None
    return Mean(mean=statistics.fmean(known), sem=sem, n=len(known))


def rate_over_seeds(hits: Mapping[int, Sequence[bool]]) -> Mean:
    """Per cent of hits among a seed's tasks, averaged over the seeds (seed -> one hit or miss a task).

    The rule of MLE-bench's experiments/aggregate_grading_reports.py: the standard error is over seeds, not tasks.
    """
    return mean_of(100.0 * sum(row) / len(row) for row in hits.values() if row)


def pass_at_k(n: int, c: int, k: int) -> float:
    """The chance that of k tries drawn without replacement from n, c of which succeeded, one succeeded at least.

    The unbiased estimator 1 - C(n-c, k) / C(n, k) of Chen et al., "Evaluating Large Language Models Trained on Code",
    2021, arXiv:2107.03374, equation 1. Needs 0 <= c <= n and 1 <= k <= n.
    """
    if not (0 <= c <= n and 1 <= k <= n):
        raise ValueError(f"pass@k needs 0 <= c <= n and 1 <= k <= n, not n={n}, c={c}, k={k}")
    return 1.0 - math.comb(n - c, k) / math.comb(n, k)


def pass_at(successes: Sequence[Sequence[bool]]) -> tuple[float, ...]:
    """pass@1..pass@n in per cent, averaged over tasks (one row of successes a task); n is the shortest row's length."""
    depth = min((len(row) for row in successes), default=0)
    return tuple(
        100.0 * statistics.fmean(pass_at_k(len(row), sum(row), k) for row in successes) for k in range(1, depth + 1)
    )
