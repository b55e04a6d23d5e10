"""Copies each sample submission to where the submission is expected; it runs in the sandbox."""

import json
import shutil
from pathlib import Path

PAIRS = "[]"

for sample, name in json.loads(PAIRS):
    target = Path("submission") / name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path("input") / sample, target)
    print(f"{sample} -> submission/{name}")
