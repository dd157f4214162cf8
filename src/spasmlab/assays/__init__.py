"""Assays: experiments on the cord, each one file that reads like the published protocol.

A module here with `READOUTS` and `run(bench)` is an assay; its name is the file's. Adding an assay is adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from spasmlab.errors import unknown

_PARTS = {"result"}  # modules of this folder that are not assays


def names() -> tuple[str, ...]:
    """The names of all assays."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _PARTS))


def load(name: str) -> ModuleType:
    """The module of an assay; InputError with the nearest match for an unknown name (hyphens count as underscores)."""
    plain = name.replace("-", "_")
    if plain not in names():
        raise unknown("assay", name, names())
    return importlib.import_module(f"{__name__}.{plain}")
