"""Plug-ins: one file each, found by the file's name, imported on use."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from podium.errors import UnknownName


def names(package: str, exclude: tuple[str, ...] = ()) -> list[str]:
    """The modules of a package, by name, without importing them."""
    path = importlib.import_module(package).__path__
    return sorted(info.name for info in pkgutil.iter_modules(path) if info.name not in exclude)


def load(reference: str) -> Any:
    """The object that `module:attribute` names."""
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            parent = module.rpartition(".")[0]
            raise UnknownName("plug-in", module, names(parent) if parent else ()) from None
        raise
