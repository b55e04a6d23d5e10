"""Writes the tables of docs/mlebench.md from the catalogue: python -m bench.differences [--check]"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from podium.settings import CHECKOUT
from tasks import registry
from tasks.benchmark_row import BenchmarkRow

PAGE = CHECKOUT / "docs" / "mlebench.md"
MARK = "<!-- made by: python -m bench.differences -->"
END = "<!-- end of what is made -->"


def main(arguments: list[str]) -> int:
    """Write the page anew; with `--check` only say whether it is up to date (exit code 1 where it is not)."""
    old = PAGE.read_text(encoding="utf-8")
    new = page(old, [registry.benchmark(name).row for name in registry.benchmark_names()])
    if "--check" not in arguments:
        PAGE.write_text(new, encoding="utf-8")
    return int("--check" in arguments and new != old)


def page(old: str, rows: list[BenchmarkRow]) -> str:
    """The page with its part between the marks replaced."""
    before, _, rest = old.partition(MARK)
    after = rest.partition(END)[2]
    return f"{before}{MARK}\n\n" + "\n".join(tables(rows)) + f"\n\n{END}{after}"


def tables(rows: list[BenchmarkRow]) -> Iterator[str]:
    """Three tables as lines of Markdown: differences, faults that only the answers show, known trouble."""
    yield "### Competition by competition"
    yield ""
    yield "| competition | MLE-bench, and our default | `--strict` |\n|---|---|---|"
    yield from (f"| {row.id} | {one.benchmark} | {one.strict} |" for row in rows for one in row.differences)
    yield ""
    yield "### Faults that only the answers show"
    yield ""
    yield "`/validate` calls such a submission valid; grading gives it no score.\n"
    yield "| competition | fault |\n|---|---|"
    yield from (f"| {row.id} | {fault} |" for row in rows for fault in row.unseen)
    yield ""
    yield "### Known trouble with data and leaderboards"
    yield ""
    yield "| competition | kind | what | who says so |\n|---|---|---|---|"
    yield from (f"| {row.id} | {flag.kind} | {flag.text} | {flag.thread} |" for row in rows for flag in row.flags)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
