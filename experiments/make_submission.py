"""python experiments/make_submission.py --metadata runs/GROUP/metadata.json --output submission.jsonl"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jobs import cli
from jobs.make_submission import make_submission

if __name__ == "__main__":
    cli.run(make_submission, "make_submission")
