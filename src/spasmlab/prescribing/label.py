"""Labels: one file each in `data/labels`, rules as data. A rule names the row of evidence its numbers come from.

title = "…"
drug = "gabapentin"
jurisdiction = "us"            # chosen by --label
includes = ["gabapentin-shared"]

[[rules]]
id = "PHN-02"                  # the row of `label_rules` it comes from (`row` where the id is another)
check = "daily_maximum"        # one of `checks.KNOWN`, which says what it compares
products = ["ir"]              # where it applies: products, indications, age [year], clearance [mL/min]
indications = ["phn"]
use = { … }                    # what the check needs beside the row's numbers
[rules.outcomes.soft]          # what is said for each outcome of the check; one left out is not said
level = "warn"
text = "{given} mg a day is above {limit} mg a day, …"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from spasmlab import evidence
from spasmlab.errors import InputError, unknown
from spasmlab.parameter import PACKAGE, read_toml

FOLDER = PACKAGE / "data" / "labels"
DEFAULT = "us"
Span = tuple[float, float]


class Strict(BaseModel):
    """Data that holds the fields it may and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outcome(Strict):
    """What is said where a check comes out so."""

    level: Literal["block", "warn", "note"]
    text: str


class Rule(Strict):
    """One rule of a label: where it applies, which check judges it, and what is said."""

    id: str
    check: str
    outcomes: dict[str, Outcome]
    row: str = ""
    products: tuple[str, ...] = ()
    indications: tuple[str, ...] = ()
    age: Span | None = None
    clearance: Span | None = None
    dialysis: bool | None = None
    use: dict[str, Any] = {}
    own: str = ""  # the source of a rule that no row holds: this program's own
    note: str = ""

    @property
    def evidence(self) -> evidence.Row | None:
        """The row behind the rule; None where the rule is the program's own."""
        return None if self.own else evidence.row(self.row or self.id)

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers of the row, as its `kind` orders them."""
        row = self.evidence
        written = row.extra["values"] if row else ""
        return tuple(float(word) for word in written.split(";") if word)

    @property
    def source(self) -> str:
        """Where the rule was read."""
        row = self.evidence
        if row is None:
            return self.own
        return f"label, section {row.source}" if row.source[:1].isdigit() else row.source

    @property
    def checked(self) -> bool:
        """Whether the rule was read at its source, not recalled."""
        row = self.evidence
        return row is None or row.checked

    def applies(self, product: str, indication: str, age: float, clearance: float, dialysis: bool) -> bool:
        """Whether the rule concerns this product in this patient; spans hold their lower end, not the upper."""
        return (
            (not self.products or product in self.products)
            and (not self.indications or indication in self.indications)
            and _within(age, self.age)
            and _within(clearance, self.clearance)
            and self.dialysis in (None, dialysis)
        )


class Monitoring(Strict):
    """Something to look at while the drug is taken: on which days of treatment, at each step, or at the end."""

    id: str
    text: str
    row: str
    days: tuple[int, ...] = ()
    at: Literal["", "each step", "end"] = ""
    history: tuple[str, ...] = ()
    age: Span | None = None
    every_days: int = 0


class Ladder(Strict):
    """How a plan of one product for some indications goes up: start dose, doses a day then, steps, target."""

    id: str  # the row behind it
    products: tuple[str, ...]
    indications: tuple[str, ...]
    age: Span | None = None
    clearance: Span | None = None
    dialysis: bool | None = None
    start_mg: float = 0
    start_doses: int = 1
    add_doses: bool = False  # first a dose more each day, then larger doses
    step_mg: float = 0
    first_days: int = 1
    step_days: int = 0  # 0: as `plan.toml` says
    target_mg: float = 0
    start_interval_h: float = 0
    per_kg: bool = False
    as_label: bool = False  # each step as early as the label's titration allows
    clock: str = ""
    note: str = ""


class Strength(Strict):
    """What a product comes in: solid doses [mg], and the strength of a solution [mg/mL], 0 where there is none."""

    capsules: tuple[float, ...] = ()
    tablets: tuple[float, ...] = ()
    solution: float = 0
    step_ml: float = 0
    note: str = ""


@dataclass(frozen=True)
class Label:
    """A label: its rules with those of the files it includes, its strengths, ladders and monitoring."""

    name: str
    title: str
    drug: str
    jurisdiction: str
    rules: tuple[Rule, ...]
    strengths: Mapping[str, Strength]
    ladders: tuple[Ladder, ...]
    monitoring: tuple[Monitoring, ...]

    @property
    def products(self) -> tuple[str, ...]:
        """The formulations this label knows."""
        return tuple(self.strengths)


_FIELDS = {"title", "drug", "jurisdiction", "includes", "rules", "strengths", "ladders", "monitoring"}


def names() -> tuple[str, ...]:
    """The names of all label files, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def drugs() -> tuple[str, ...]:
    """The drugs that have a label here."""
    return tuple(sorted({label.drug for label in _all() if label.jurisdiction}))


def jurisdictions(drug: str) -> tuple[str, ...]:
    """The jurisdictions with a label of this drug."""
    return tuple(sorted(n.jurisdiction for n in _all() if n.drug == drug and n.jurisdiction))


def of(drug: str, jurisdiction: str = DEFAULT) -> Label:
    """The label of a drug in a jurisdiction; InputError with what there is otherwise."""
    if drug not in drugs():
        raise unknown("drug with a label", drug, drugs())
    if jurisdiction not in jurisdictions(drug):
        raise unknown(f"jurisdiction of {drug}", jurisdiction, jurisdictions(drug))
    return next(n for n in _all() if n.drug == drug and n.jurisdiction == jurisdiction)


@cache
def _all() -> tuple[Label, ...]:
    return tuple(read(FOLDER / f"{name}.toml") for name in names())


def read(file: Path) -> Label:
    """One label with what it includes; InputError naming file and field of what is wrong."""
    table = _table(file)
    merged = _merged(file, table)
    try:
        found = Label(
            name=file.stem,
            title=str(table.get("title", file.stem)),
            drug=str(table.get("drug", "")),
            jurisdiction=str(table.get("jurisdiction", "")),
            rules=tuple(Rule(**rule) for rule in merged["rules"]),
            strengths={n: Strength(**s) for n, s in merged["strengths"].items()},
            ladders=tuple(Ladder(**ladder) for ladder in merged["ladders"]),
            monitoring=tuple(Monitoring(**entry) for entry in merged["monitoring"]),
        )
    except (ValidationError, TypeError) as problem:
        raise InputError(f"label '{file.name}': {problem}") from problem
    _require_known(found, file)
    return found


def _table(file: Path) -> dict[str, Any]:
    table = read_toml(file)
    if stray := sorted(set(table) - _FIELDS):
        raise unknown(f"field in '{file.name}'", stray[0], _FIELDS)
    return table


def _merged(file: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """Rules, ladders and monitoring after those of the included files; strengths by product."""
    found: dict[str, Any] = {"rules": [], "ladders": [], "monitoring": [], "strengths": {}}
    for one in [*(_table(file.parent / f"{name}.toml") for name in table.get("includes", [])), table]:
        for field in ("rules", "ladders", "monitoring"):
            found[field] = [*found[field], *one.get(field, [])]
        found["strengths"] |= one.get("strengths", {})
    return found


def _require_known(label: Label, file: Path) -> None:
    from spasmlab.prescribing import checks

    ids = [rule.id for rule in label.rules]
    for rule in label.rules:
        if ids.count(rule.id) > 1:
            raise InputError(f"label '{file.name}': the rule '{rule.id}' is there twice; possible: once")
        if rule.check not in checks.KNOWN:
            raise unknown(f"check of rule {rule.id} in '{file.name}'", rule.check, checks.KNOWN)
        known = checks.KNOWN[rule.check].outcomes
        if stray := sorted(set(rule.outcomes) - set(known)):
            raise unknown(f"outcome of rule {rule.id} in '{file.name}'", stray[0], known)
        _ = rule.evidence


def _within(value: float, span: Span | None) -> bool:
    return span is None or span[0] <= value < span[1]
