#!/bin/sh
# Runs MLE-bench's own preparation, in an environment of its own, for competitions whose data Podium cannot make itself.
#
#   scripts/mlebench-prepare.sh DATA_DIR ID...
#
# It needs git, Python 3.11, about 3 GB for the environment, the network, and credentials of Kaggle (docs/preparing.md).
# MLEBENCH_HOME: where the environment lies, ~/.cache/podium/mlebench by default; removing that folder removes it.
set -eu

REPOSITORY=https://github.com/openai/mle-bench
COMMIT=783b15a
PYTHON=${PYTHON:-python3.11}
place=${MLEBENCH_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/podium/mlebench}

if [ $# -lt 2 ]; then
  echo "usage: scripts/mlebench-prepare.sh DATA_DIR ID..." >&2
  exit 1
fi
if [ ! -d "$1" ]; then
  echo "There is no data directory $1. Make it: mkdir -p $1" >&2
  exit 1
fi
data=$(cd "$1" && pwd)  # mlebench wants an absolute path
shift

if [ ! -e "$place/.done" ]; then
  mkdir -p "$place"
  rm -rf "$place/source" "$place/venv"
  # Its leaderboards lie in Git LFS; preparing needs none of them.
  GIT_LFS_SKIP_SMUDGE=1 git clone --quiet "$REPOSITORY" "$place/source"
  GIT_LFS_SKIP_SMUDGE=1 git -C "$place/source" checkout --quiet "$COMMIT"
  "$PYTHON" -m venv "$place/venv"
  # Editable: the benchmark looks for its descriptions beside its own source.
  "$place/venv/bin/python" -m pip install --quiet --editable "$place/source"
  touch "$place/.done"
fi

cd "$place"  # it writes a cache into the working folder
failed=""
for id in "$@"; do
  "$place/venv/bin/mlebench" prepare -c "$id" --data-dir "$data" || failed="$failed $id"
done
if [ -n "$failed" ]; then
  echo "Not prepared:$failed" >&2
  exit 1
fi
echo "Keep answers from agents: podium prepare --data-dir $data --split-private$(printf ' -c %s' "$@")" >&2
