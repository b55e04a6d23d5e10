#!/bin/sh
# The demo: prepares the starter tasks, starts a local cluster, runs three agents on them, stops the cluster again.
# What it starts lies in .cache/demo: a cluster of yours that runs beside it is not touched.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.venv/bin:$PATH"
PODIUM_STATE="$PWD/.cache/demo/cluster.json"
export PATH PODIUM_STATE

podium prepare --split starter
trap 'podium down' EXIT
trap 'exit 130' INT TERM
podium up
podium sweep --agent sample --agent baseline --agent aide --split starter --steps 6 --set num_drafts=3 "$@"
