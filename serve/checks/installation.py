"""What of vLLM is installed for the llm hosts, read from the files of its environment and without importing it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from podium.settings import Site
from podium.spec import Spec

FOLDER = ".venv-vllm"
CPU_COMMAND, GPU_COMMAND = "make vllm-cpu", "make vllm"
ARGUMENTS = (
    "vllm/engine/arg_utils.py",
    "vllm/entrypoints/launchers/cli_args.py",
    "vllm/entrypoints/openai/cli_args.py",
)
"""Where vLLM declares its arguments, in one version or another."""
PARSERS = {"tool_parser": "vllm/tool_parsers/__init__.py", "reasoning_parser": "vllm/reasoning/__init__.py"}


class Installation(Spec):
    """One environment."""

    folder: Path
    libraries: Path | None
    """Its site-packages; None: it is not there."""
    vllm: str
    """Version; empty: vLLM is not in it."""
    cuda: str
    """CUDA version that its PyTorch is built for; empty: the CPU alone."""

    @property
    def program(self) -> Path | None:
        """Its `hf`, which fetches models."""
        path = self.folder / "bin" / "hf"
        return path if path.exists() else None

    def arguments(self) -> frozenset[str]:
        """The names of vLLM's arguments; empty where they cannot be read."""
        trees = [tree for name in ARGUMENTS if (tree := self._tree(name))]
        return frozenset(
            line.target.id
            for tree in trees
            for kind in tree.body
            if isinstance(kind, ast.ClassDef) and kind.name.endswith("Args")
            for line in kind.body
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        )

    def parsers(self, key: str) -> frozenset[str]:
        """The names that an entry's `tool_parser` or `reasoning_parser` may have; empty where they cannot be read."""
        tree = self._tree(PARSERS[key])
        tables = [line.value for line in tree.body if isinstance(line, ast.Assign | ast.AnnAssign)] if tree else []
        names = [name for table in tables if isinstance(table, ast.Dict) for name in table.keys]
        return frozenset(str(name.value) for name in names if isinstance(name, ast.Constant))

    def _tree(self, name: str) -> ast.Module | None:
        try:
            return ast.parse((self.libraries / name).read_text()) if self.libraries else None
        except (OSError, SyntaxError):
            return None


def installation_of(site: Site, checkout: Path) -> Installation:
    """The environment that a site's llm hosts run from."""
    folder = site.vllm or checkout / FOLDER
    libraries = next(folder.glob("lib/python3*/site-packages"), None)
    return Installation(
        folder=folder,
        libraries=libraries,
        vllm=_version(libraries) if libraries else "",
        cuda=_cuda(libraries / "torch" / "version.py") if libraries else "",
    )


def _version(libraries: Path) -> str:
    if not (libraries / "vllm").is_dir():
        return ""
    found = (re.fullmatch(r"vllm(?:_cpu)?-(.+)\.dist-info", path.name) for path in sorted(libraries.glob("vllm*")))
    return next((match[1] for match in found if match), "unknown")


def _cuda(path: Path) -> str:
    try:
        found = re.search(r"^cuda\b[^=]*=\s*['\"]([\d.]+)['\"]", path.read_text(), re.MULTILINE)
    except OSError:
        return ""
    return found[1] if found else ""
