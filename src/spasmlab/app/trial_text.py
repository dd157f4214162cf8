"""A trial's design as text: the TOML is the truth, the form edits it, and what is wrong stands at its line.

Edits keep comments and order (tomlkit). No name in a design may be a file: what the command line would read from a path is
refused here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spasmlab import studies
from spasmlab.app.fields import MOST_CHARACTERS
from spasmlab.errors import InputError, unknown

if TYPE_CHECKING:
    from spasmlab.trial.design import Design

FILE = "design.toml"
OWN = Path(__file__).parent / "designs"
FIRST = "ms_trial"
MOST_PATIENTS = 5_000  # of one trial, from the page
MOST_WEEKS = 400_000  # patients × trials × weeks, from the page
NUMBERS = {
    "weeks", "adherence", "dropout", "severity", "n", "seed", "periods", "washout_weeks", "run_in_weeks",
}  # fmt: skip
LISTS = {"visits", "inclusion"}


@dataclass(frozen=True)
class Problem:
    """What is wrong with a design, and in which line of its text (1, 2, …), where that is known."""

    text: str
    line: int | None = None

    @property
    def said(self) -> str:
        """The message, with its line in front."""
        return f"Line {self.line}: {self.text}" if self.line else self.text


@cache
def starts() -> dict[str, str]:
    """Designs to start from: name to title, the example first, then published studies."""
    own = {file.stem: "Example: gabapentin in MS spasticity" for file in sorted(OWN.glob("*.toml"))}
    return own | {name: studies.load(name).title for name in studies.names()}


def start(name: str) -> str:
    """The text of a design to start from; InputError with the nearest match for an unknown name."""
    if name not in starts():
        raise unknown("design", name, starts())
    folder = OWN if (OWN / f"{name}.toml").exists() else studies.FOLDER
    return (folder / f"{name}.toml").read_text(encoding="utf-8")


def read(text: str) -> tuple[Design | None, Problem | None]:
    """The design of a text, or what is wrong with it."""
    try:
        return checked(text), None
    except InputError as problem:
        said = str(problem).replace(f"'{FILE}', ", "").replace(f"'{FILE}': ", "").replace(f" in '{FILE}'", "")
        return None, Problem(said, line_of(str(problem), text))


def checked(text: str) -> Design:
    """The design of a text; InputError where it is too long, no TOML, or no design."""
    from spasmlab.trial import design

    if len(text) > MOST_CHARACTERS:
        raise InputError(f"the design has {len(text)} characters; possible: up to {MOST_CHARACTERS}")
    table = parsed(text)
    table.pop("cluster", None)  # where a command may find its workers: the page has its own
    _refuse_files(table)
    return design.of_table(table, FILE)


def parsed(text: str) -> dict[str, Any]:
    """The tables of a text; InputError with the line where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise InputError(f"not valid TOML: {problem}") from None
    except RecursionError:
        raise InputError("not a design: its tables are nested too deep") from None


def _refuse_files(table: Mapping[str, Any]) -> None:
    """Populations and drugs by their names alone: on the command line they may be files."""
    from spasmlab import drug, population

    asked = [("population", table.get("population"), population.names())]
    arms = table.get("arms")
    for arm in [*(arms if isinstance(arms, list) else []), table.get("run_in")]:
        asked.append(("drug", arm.get("drug") if isinstance(arm, dict) else None, drug.names()))
    for kind, name, names in asked:
        if isinstance(name, str) and name not in names:
            raise unknown(kind, name, names)


def line_of(message: str, text: str) -> int | None:
    """The line of a text that a message speaks of: one it names, that of a field's place, or that of a quoted value."""
    if found := re.search(r"at line (\d+)", message):
        return int(found[1])
    if "at end of document" in message:
        return len(text.splitlines())
    if found := re.search(rf"unknown field in '{FILE}'(?:, ([\w.\-]+))? '([^']+)'", message):
        return place_of([*(found[1] or "").split("."), found[2]], text)
    if found := re.search(rf"'{FILE}', ([\w.\-]+):", message):
        return place_of(found[1].split("."), text)
    for quoted in re.findall(r"'([^']+)'", message):
        for number, line in enumerate(text.splitlines(), 1):
            if quoted in line.split("#")[0]:
                return number
    words = re.findall(r"[a-z_]+", message.removeprefix(f"'{FILE}'"))
    return next((place for word in words if (place := place_of([word], text))), None)


def place_of(path: Sequence[str], text: str) -> int | None:
    """The line of a field by its path, such as arms.1.n: as deep as it is there."""
    parts = [part for part in path if part]
    headers = [part for part in parts if not part.isdigit()]
    wanted = next((int(part) for part in parts if part.isdigit()), 0)
    table, seen, best = [], -1, None
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.split("#")[0].strip()
        if header := re.fullmatch(r"\[\[?\s*(.+?)\s*\]\]?", bare):
            table = [part.strip("\"' ") for part in re.findall(r'"[^"]*"|[^.]+', header[1])]
            seen = seen + 1 if bare.startswith("[[") and table[:1] == headers[:1] else seen
        key = bare.split("=")[0].strip("\"' ") if "=" in bare else None
        here = [*table, key] if key else table
        inside = (not bare.startswith("[[") and seen in (-1, wanted)) or seen == wanted
        if here and inside and here == headers[: len(here)] and (best is None or len(here) > best[0]):
            best = (len(here), number)
    return best[1] if best else None


# ---- edits of the form ----------------------------------------------------------------------------------------------


def edited(text: str, path: str, value: Any) -> str:
    """The text with another value at a path such as ``arms.0.n``; an empty one takes the field away.

    InputError where the text is no TOML or has no such place.
    """
    document, parts = _document(text), path.split(".", 2)
    if parts[0] == "outcomes":
        return _with_outcome(document, path.removeprefix("outcomes."), value)
    if parts[0] == "inclusion":
        return _with_inclusion(document, path.removeprefix("inclusion."), value)
    holder: Any = document
    for part in parts[:-1]:
        holder = _step(holder, part, path)
    _put(holder, parts[-1], value)
    return _dumped(document)


def added(text: str, what: str) -> str:
    """The text with one more arm, outcome or inclusion criterion."""
    import tomlkit

    from spasmlab import endpoints

    document: Any = _document(text)
    if what == "arms":
        arm = tomlkit.table()
        count = len(document.get("arms", []))
        arm.update({"name": f"arm {count + 1}", "n": 30})
        document.setdefault("arms", tomlkit.aot()).append(arm)
    elif what == "outcomes":
        outcomes = document.setdefault("outcomes", tomlkit.table(is_super_table=True))
        name = next(name for name in endpoints.outcomes() if name not in outcomes)
        outcomes.add(name, _table({"analysis": "ancova"}))
    elif what == "inclusion":
        document.setdefault("inclusion", tomlkit.table()).setdefault("age", [18, 70])
    else:
        raise unknown("part of a design", what, ("arms", "outcomes", "inclusion"))
    return _dumped(document)


def removed(text: str, path: str) -> str:
    """The text without an arm, an outcome or a criterion; InputError where there is none."""
    document: Any = _document(text)
    what, name = path.split(".", 1)
    holder = document.get(what)
    key: Any = int(name) if what == "arms" and name.isdigit() else name
    try:
        del holder[key]
    except (KeyError, IndexError, TypeError):
        raise InputError(f"the design has no '{path}'") from None
    return _dumped(document)


def _document(text: str) -> Any:
    import tomlkit

    parsed(text)
    return tomlkit.parse(text)


def _dumped(document: Any) -> str:
    import tomlkit

    return tomlkit.dumps(document)


def _table(values: Mapping[str, Any]) -> Any:
    import tomlkit

    table = tomlkit.table()
    table.update(values)
    return table


def _step(holder: Any, part: str, path: str) -> Any:
    try:
        return holder[int(part)] if part.isdigit() else holder[part]
    except (KeyError, IndexError, TypeError):
        raise InputError(f"the design has no '{path}'") from None


def _put(holder: Any, name: str, value: Any) -> None:
    if value in ("", None):
        holder.pop(name, None)
        if name == "drug":  # placebo has neither
            for part in ("regimen", "formulation", "fed", "stops_on"):
                holder.pop(part, None)
        return
    if name == "drug" and "regimen" not in holder:
        holder[name] = value
        holder["regimen"] = "600 mg tid" if value == "gabapentin" else _usual(value)
        return
    holder[name] = _typed(name, value)


def _usual(drug: str) -> str:
    from spasmlab import contrast

    return str(contrast.table()["doses"].get(drug, "once daily"))


def _typed(name: str, value: Any) -> Any:
    """What a form wrote, as TOML has it; a text that is no number stays one, and the design's check says so."""
    text = str(value).strip()
    if name in LISTS:
        return [_number(part) for part in re.split(r"[,\s]+", text) if part]
    return _number(text) if name in NUMBERS else value


def _number(text: str) -> int | float | str:
    try:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        return text


def _with_outcome(document: Any, path: str, value: Any) -> str:
    """`path` is NAME.name, NAME.analysis or NAME.primary."""
    import tomlkit

    name, _, part = path.rpartition(".")
    outcomes = document["outcomes"]
    if name not in outcomes:
        raise InputError(f"the design has no outcome '{name}'")
    made = tomlkit.table(is_super_table=True)
    for key, asked in outcomes.items():
        told = {k: v for k, v in asked.unwrap().items() if part != "primary" or k != "primary"}
        if key == name and part == "analysis":
            told["analysis"] = value
        if key == name and part == "primary" and value:
            told["primary"] = True
        renamed = str(value) if key == name and part == "name" else key
        made.add(tomlkit.key(renamed), _table(told))
    document["outcomes"] = made
    return _dumped(document)


def _with_inclusion(document: Any, path: str, value: Any) -> str:
    """`path` is NAME.name, NAME.low or NAME.high."""
    name, _, part = path.rpartition(".")
    criteria = document["inclusion"]
    if name not in criteria:
        raise InputError(f"the design has no criterion '{name}'")
    if part == "name":
        criteria[str(value)] = criteria.pop(name)
    else:
        bounds = list(criteria[name].unwrap())
        bounds[0 if part == "low" else 1] = _number(str(value).strip())
        criteria[name] = bounds
    return _dumped(document)


# ---- how much may be asked ------------------------------------------------------------------------------------------


def refuse_too_much(design: Design, sizes: Sequence[int] = (), trials: int = 1) -> None:
    """InputError where a run would take too long for a page: the limit, what was asked, and what would do."""
    patients = (
        sum(sizes) + max(sizes) if sizes else design.patients
    )  # the largest size again, for the type I error
    largest = max(sizes) if sizes else patients
    if largest > MOST_PATIENTS:
        raise InputError(
            f"{largest} patients in a trial; possible here: up to {MOST_PATIENTS}. The command line has no such limit"
        )
    weeks = (design.weeks + design.washout_weeks) * max(design.periods, 1) + design.run_in_weeks
    work = patients * trials * weeks
    if work > MOST_WEEKS:
        raise InputError(
            f"{patients} patients × {trials} trials × {weeks:g} weeks are {work:.0f} patient-weeks; possible here: up to "
            f"{MOST_WEEKS}. Take fewer trials or sizes; the command line has no such limit"
        )
