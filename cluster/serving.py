"""Brings up the models that the site names, by the same process that a sweep and `jobs/serve_models.py` use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

from podium.errors import Unavailable
from podium.state import ClusterState


def serve_site_models(state: ClusterState, environment: Mapping[str, str]) -> None:
    """Have the models of `state.site.serve` up; returns when each has answered, which may take many minutes.

    `environment`: of a driver of the cluster. Raises Unavailable; the cluster stays up without them.
    """
    if not state.site.serve:
        return
    command = [sys.executable, "-m", "jobs.deploy_models", *state.site.serve]
    done = subprocess.run(command, cwd=state.code, env=dict(environment), stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Unavailable(
            "The cluster runs, but not all models that site.toml names (the reason is above).",
            "Mend that, then type `podium up` again; without them: remove `serve` from site.toml.",
        )
