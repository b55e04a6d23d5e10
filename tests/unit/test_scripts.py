"""The entry scripts, as `ray job submit` and people run them: exit codes as the `podium` command's."""

from __future__ import annotations

import subprocess
import sys

import pytest

from podium.settings import CHECKOUT


@pytest.mark.parametrize("script", ["jobs/sweep.py", "jobs/prepare.py"])
def test_an_unknown_option_is_the_users_error_not_a_failed_trial(script: str) -> None:
    done = subprocess.run([sys.executable, script, "--seed"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--seed" in done.stderr
