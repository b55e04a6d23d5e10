"""The grader as `bench.grading` runs it: python -m bench.grading_ours DATA SANDBOX, with orders on standard input."""

from __future__ import annotations

import json
import sys
from contextlib import closing
from functools import cache
from pathlib import Path

from grading.grade import grade
from grading.jail import jailed_parser
from grading.order import GradeOrder
from grading.shelf import Shelf
from podium.brief import Submission
from podium.records import now
from podium.settings import Site, load_site
from tasks import registry


def main() -> None:
    """Grade as often as each line of standard input says, and answer with the score."""
    data, sandbox = Path(sys.argv[1]), sys.argv[2]
    site, shelf = Site(data=data, private=data), Shelf()

    @cache
    def order(task: str) -> GradeOrder:
        public = site.public_dir(task)
        files = {"submission.csv": (public / "submission.csv").read_bytes()}
        return GradeOrder(
            trial_id="trial",
            sweep_id="sweep",
            run_group="group",
            task=registry.grading_of(task, site),
            digest=Submission(files).digest,
            files=files,
        )

    with closing(jailed_parser(load_site().scratch_dir(), sandbox)) as parser:
        for line in sys.stdin:
            asked = json.loads(line)
            for _ in range(asked["times"]):
                score = grade(order(asked["task"]), parser, site, shelf, now()).score
            print(json.dumps({"score": score}), flush=True)


if __name__ == "__main__":
    main()
