"""Kinds of GPU: how much memory each has, what Ray calls it, and which ones this host has."""

from __future__ import annotations

import re
import subprocess

from podium.errors import UnknownName
from podium.spec import Spec

GIB = 1 << 30


class Gpu(Spec):
    """One kind of GPU."""

    name: str
    gib: float
    """Memory that CUDA reports (GiB): less than the card's number, for error correction and the driver keep some."""
    capability: float = 0.0
    """CUDA's compute capability; 0: not known."""
    ray: str = ""
    """What `ray.serve.llm` calls it (an entry's `gpu`); empty: it has no name for it."""


KINDS = (
    Gpu(name="T4", gib=14.6, capability=7.5, ray="T4"),
    Gpu(name="V100-16G", gib=15.8, capability=7.0, ray="V100"),
    Gpu(name="V100-32G", gib=31.7, capability=7.0, ray="V100"),
    Gpu(name="RTX-4080", gib=15.6, capability=8.9),
    Gpu(name="RTX-3090", gib=23.5, capability=8.6),
    Gpu(name="RTX-4090", gib=23.5, capability=8.9),
    Gpu(name="RTX-5090", gib=31.3, capability=12.0),
    Gpu(name="A10", gib=22.0, capability=8.6, ray="A10G"),
    Gpu(name="A10G", gib=22.0, capability=8.6, ray="A10G"),
    Gpu(name="L4", gib=22.0, capability=8.9, ray="L4"),
    Gpu(name="A30", gib=23.5, capability=8.0),
    Gpu(name="RTX-A5000", gib=23.5, capability=8.6),
    Gpu(name="A40", gib=44.3, capability=8.6),
    Gpu(name="L40", gib=44.3, capability=8.9),
    Gpu(name="L40S", gib=44.3, capability=8.9, ray="L40S"),
    Gpu(name="RTX-A6000", gib=47.4, capability=8.6),
    Gpu(name="RTX-6000-ADA", gib=47.4, capability=8.9),
    Gpu(name="A100-40G", gib=39.4, capability=8.0, ray="A100-40G"),
    Gpu(name="A100-80G", gib=79.1, capability=8.0, ray="A100-80G"),
    Gpu(name="H100", gib=79.1, capability=9.0, ray="H100"),
    Gpu(name="RTX-PRO-6000", gib=94.9, capability=12.0, ray="RTX-PRO-6000"),
    Gpu(name="H20", gib=95.0, capability=9.0, ray="H20"),
    Gpu(name="H200", gib=139.8, capability=9.0, ray="H200"),
    Gpu(name="B200", gib=178.0, capability=10.0, ray="B200"),
    Gpu(name="GB200", gib=184.0, capability=10.0, ray="GB200"),
    Gpu(name="B300", gib=267.0, capability=10.3, ray="B300"),
    Gpu(name="GB300", gib=277.0, capability=10.3, ray="GB300"),
)
"""Memory as PyTorch's `total_memory` says it, to about one per cent."""

RAY_NAMES = tuple(sorted({kind.ray for kind in KINDS if kind.ray} | {"A100"}))
NOISE = re.compile(r"(NVIDIA|TESLA|GEFORCE|QUADRO|RTX|SXM\d*|PCIE|HBM\d\w*|NVL\d*|BLACKWELL|GENERATION|SERVER|EDITION)")
"""Words of a card's name that say nothing of its kind."""
MEMORY = re.compile(r"(\d+)(G|GB|GIB)")


def kind_of(name: str) -> Gpu:
    """The kind that `name` means: Ray's name, the card's own (`NVIDIA H100 80GB HBM3`), or a size alone (`64GB`).

    Where one name is on cards of several sizes and no size is said, the smallest is meant. Raises UnknownName.
    """
    words = [word for word in re.split(r"[\s_/-]+", name.upper()) if word and not NOISE.fullmatch(word)]
    sizes = [int(found[1]) for word in words if (found := MEMORY.fullmatch(word))]
    model = "".join(word for word in words if not MEMORY.fullmatch(word))
    if not model and sizes:
        return Gpu(name=f"{sizes[0]}GB", gib=sizes[0] * 1e9 / GIB * 0.99)
    same = [kind for kind in KINDS if _model(kind) == model]
    if not same:
        raise UnknownName("kind of GPU", name, [*(kind.name for kind in KINDS), "64GB"])
    if not sizes:
        return min(same, key=lambda kind: kind.gib)
    near = min(same, key=lambda kind: abs(kind.gib - sizes[0]))
    return near if abs(near.gib - sizes[0]) < 8 else near.model_copy(update={"name": name, "gib": sizes[0] * 0.93})


def is_ambiguous(name: str) -> bool:
    """Whether cards of several sizes have this name."""
    return len([kind for kind in KINDS if _model(kind) == name.upper().replace("-", "")]) > 1


def of_this_host() -> tuple[Gpu, ...]:
    """The GPUs that `nvidia-smi` lists here; empty where there are none, or no driver."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,compute_cap", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return listed(done.stdout) if done.returncode == 0 else ()


def listed(table: str) -> tuple[Gpu, ...]:
    """GPUs from `nvidia-smi`'s lines `name, MiB, capability`; a line without a size (a part of a card) is left out."""
    found = []
    for line in table.splitlines():
        name, _, rest = line.partition(",")
        mib, _, capability = (part.strip() for part in rest.partition(","))
        if not mib.isdigit():
            continue
        try:
            known = kind_of(name)
        except UnknownName:
            known = Gpu(name=name.strip().removeprefix("NVIDIA ").replace(" ", "-"), gib=0)
        # The driver's total is a per cent above what CUDA hands out.
        update = {"gib": round(int(mib) / 1024 * 0.99, 1)}
        if re.fullmatch(r"\d+\.\d+", capability):
            update["capability"] = float(capability)
        found.append(known.model_copy(update=update))
    return tuple(found)


def _model(kind: Gpu) -> str:
    """The name without its product line and its size: `A100` of `A100-80G`, `4090` of `RTX-4090`."""
    words = kind.name.split("-")
    return "".join(word for word in words if not NOISE.fullmatch(word) and not MEMORY.fullmatch(word))
