"""Which numbers a result rests on, and how many of them are assumed; the digest of all data behind a run."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from spasmlab import parameter
from spasmlab.parameter import PACKAGE, Parameter
from spasmlab.shift import Shift

STATUSES = ("measured", "derived", "fitted", "assumed")


@dataclass(frozen=True)
class Share:
    """How many parameters there are of each status; `assumed` is their share."""

    counts: Mapping[str, int]

    @property
    def total(self) -> int:
        """All parameters counted."""
        return sum(self.counts.values())

    @property
    def assumed(self) -> float:
        """Share of assumed parameters, 0 where there are none at all."""
        return self.counts["assumed"] / self.total if self.total else 0.0


def share(parameters: Iterable[Parameter]) -> Share:
    """Count parameters by status; one that occurs twice counts once."""
    found = {p.path: p.status for p in parameters}
    return Share({status: sum(s == status for s in found.values()) for status in STATUSES})


@cache
def data_digest() -> str:
    """SHA-256 over every data file of the program (TOML and CSV), by relative path and content."""
    digest = hashlib.sha256()
    files = [file for kind in ("*.toml", "*.csv") for file in PACKAGE.rglob(kind)]
    for file in sorted(files, key=lambda f: f.relative_to(PACKAGE).as_posix()):
        digest.update(file.relative_to(PACKAGE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def chain_parameters(drug: Mapping[str, Parameter], *shifts: Shift) -> dict[str, dict[str, Parameter]]:
    """Parameters of each stage of the slow chain by stage module and name, with `shifts` applied in order."""
    from spasmlab.chain import body
    from spasmlab.chain.stage import module_of

    known: dict[str, Parameter] = {}
    for stage in body.whole().stages:
        known |= shifted(module_of(stage), *shifts)
    known |= drug
    by_module: dict[str, dict[str, Parameter]] = {}
    for stage in body.whole().stages:
        records = {name: known[name] for name in stage.params if name in known}
        by_module.setdefault(module_of(stage), {}).update(records)
    return by_module


def parameters_of(folder: str, *shifts: Shift) -> list[Parameter]:
    """Every parameter of the modules in a folder (``circuit``, ``endpoints``), with `shifts` applied."""
    modules = [m for m in parameter.modules() if m == folder or m.startswith(folder + ".")]
    return [record for module in modules for record in shifted(module, *shifts).values()]


def shifted(module: str, *shifts: Shift) -> dict[str, Parameter]:
    """The parameters beside `module`, shifted; none where the module has no file of parameters."""
    if module not in parameter.modules():
        return {}
    records = parameter.beside(module)
    for shift in shifts:
        records = shift.over(records, module)
    return records
