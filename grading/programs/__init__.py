"""Programs that the grader runs inside its sandbox: their source text is sent there, as one program."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_LOADED = """
import sys, types
for name, source in {sources!r}.items():
    if name not in sys.modules:
        module = sys.modules[name] = types.ModuleType(name)
        module.__path__ = []
        exec(compile(source, name, "exec", dont_inherit=True), module.__dict__)
"""


def bundle(names: Sequence[str], main: str) -> str:
    """One program: these modules of the package, in an order in which they can import each other, then `main`."""
    folder = Path(__file__).parent
    sources = {f"{__name__}.{name}": (folder / f"{name}.py").read_text(encoding="utf-8") for name in names}
    return _LOADED.format(sources={"grading": "", __name__: "", **sources}) + main
