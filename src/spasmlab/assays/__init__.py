"""Assays: experiments on the cord, each one file that reads like the published protocol.

A module here with `READOUTS` and `run(bench)` is an assay; its name is the file's. Adding an assay is adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from spasmlab.errors import SolveError, unknown

if TYPE_CHECKING:
    from spasmlab.assays.result import AssayResult
    from spasmlab.circuit.bench import Bench

_PARTS = {"result", "stiffness", "test_reflex"}  # modules of this folder that are not assays


@cache
def names() -> tuple[str, ...]:
    """The names of all assays."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name not in _PARTS))


def load(name: str) -> ModuleType:
    """The module of an assay; InputError with the nearest match for an unknown name (hyphens count as underscores)."""
    plain = name.replace("-", "_")
    if plain not in names():
        raise unknown("assay", name, names())
    return importlib.import_module(f"{__name__}.{plain}")


def measure(name: str, bench: Bench) -> AssayResult:
    """Run an assay; subjects of whom a run ended with a result code have NaN for every read-out.

    The result's `failures` says which and why. Raises SolveError where no subject is left.
    """
    before = len(bench.failures)
    with np.errstate(divide="ignore", invalid="ignore"):  # a failed subject has neither spikes nor force
        result = load(name).run(bench)
    failures = tuple(bench.failures[before:])
    failed = sorted({failure.subject for failure in failures})
    if not failed:
        return result
    if len(failed) == bench.subjects:
        raise SolveError(f"every subject failed; {failures[0]}")
    readouts = {readout: np.array(values, float) for readout, values in result.readouts.items()}
    for values in readouts.values():
        values[failed] = np.nan
    return replace(result, readouts=readouts, failures=failures)
