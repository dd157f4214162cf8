"""Which numbers a result rests on, and the digest of all data behind it."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import TYPE_CHECKING

from spasmlab import parameter
from spasmlab.parameter import PACKAGE, Parameter
from spasmlab.shift import Shift

if TYPE_CHECKING:
    from spasmlab.drug import Drug


@cache
def data_digest() -> str:
    """SHA-256 over every data file of the program (TOML and CSV), by relative path and content."""
    digest = hashlib.sha256()
    files = [file for kind in ("*.toml", "*.csv") for file in PACKAGE.rglob(kind)]
    for file in sorted(files, key=lambda f: f.relative_to(PACKAGE).as_posix()):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def chain_parameters(
    drug: Drug, condition: Shift, hypothesis: Shift, formulation: str = "ir"
) -> dict[str, dict[str, Parameter]]:
    """Parameters of the slow chain after all shifts: by stage module in order, then by path."""
    from spasmlab.chain import body, resolve
    from spasmlab.chain.stage import module_of

    pathway = body.of(drug, formulation)
    known = resolve.records(pathway, drug, condition, hypothesis, formulation)
    by_module: dict[str, dict[str, Parameter]] = {}
    for stage in pathway.stages:
        records = dict(known[name] for name in stage.params if name in known)
        by_module.setdefault(module_of(stage), {}).update(records)
    return by_module


def parameters_of(folder: str, condition: Shift) -> dict[str, Parameter]:
    """Every parameter of a module or of the modules in a folder (``circuit``) after the shift, by path."""
    modules = [m for m in parameter.modules() if m == folder or m.startswith(folder + ".")]
    shifted = {module: condition.over(parameter.beside(module), module) for module in modules}
    return {
        f"{module}.{name}": record for module, records in shifted.items() for name, record in records.items()
    }
