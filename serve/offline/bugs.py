"""Slips that people make, planted now and then so that an agent has something to debug.

Each is an honest error: the program stops with what Python or scikit-learn says of it, and `mend` knows nothing of
this file; it reads the error text and the code like anybody's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from serve.offline.facts import Facts

Plant = Callable[[str, Facts], str]
"""Gives the program with the slip, or the same program where it cannot be made."""


def wrong_target(code: str, facts: Facts) -> str:
    """The target's column is called by a usual name instead of its own."""
    wrong = next(name for name in ("target", "label") if name not in facts.known)
    line = re.search(r"^TARGETS = \[(.+)\]$", code, re.MULTILINE)
    if line is None or not facts.known:
        return code
    return code.replace(line[0], f'TARGETS = ["{wrong}"]')


def forgotten_encoding(code: str, facts: Facts) -> str:
    """Categories go into the model as they are."""
    if not facts.texts:
        return code
    for right in (ONE_HOT, CODED):
        if _uses(code, right):
            return code.replace(right, '("categories", "passthrough", categories)')
    return code


def forgotten_gaps(code: str, facts: Facts) -> str:
    """Missing numbers go into a model that takes none."""
    return code.replace(IMPUTED, "make_pipeline(scaler)") if facts.gaps and _uses(code, ONE_HOT) else code


def wrong_argument(code: str, facts: Facts) -> str:
    """An argument by the name that a like class has."""
    if "max_iter=rounds" in code:
        return code.replace("max_iter=rounds", "n_estimators=rounds")
    return code.replace("n_neighbors=k", "k=k")


def forgotten_import(code: str, facts: Facts) -> str:
    """A class is used and not imported."""
    lines = re.findall(r"^from sklearn\..* import .*\n", code, re.MULTILINE)
    return code.replace(lines[len(code) % len(lines)], "") if lines else code


def array_as_frame(code: str, facts: Facts) -> str:
    """An array is indexed like a frame."""
    return re.sub(r"\b(y|known)\[fit\]\)", r"\1.iloc[fit])", code)


ONE_HOT = '("categories", OneHotEncoder(handle_unknown="ignore", min_frequency=3, sparse_output=False), categories)'
CODED = '("categories", coder, categories)'
IMPUTED = 'make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), scaler)'
BUGS: dict[str, Plant] = {
    "wrong_target": wrong_target,
    "forgotten_encoding": forgotten_encoding,
    "forgotten_gaps": forgotten_gaps,
    "wrong_argument": wrong_argument,
    "forgotten_import": forgotten_import,
    "array_as_frame": array_as_frame,
}


def slip(code: str, facts: Facts, random: Random) -> str:
    """The program with one slip that can be made in it, chosen at random."""
    for name in random.sample(sorted(BUGS), len(BUGS)):
        broken = BUGS[name](code, facts)
        if broken != code:
            return broken
    return code


def _uses(code: str, part: str) -> bool:
    """Whether the function that holds `part` is called by a model."""
    function = "scaled_columns()," if part == ONE_HOT else "tree_columns(),"
    return part in code and function in code
