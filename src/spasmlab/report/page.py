"""The HTML page of a run: figures inline, every number with what it rests on, nothing fetched from anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spasmlab import evidence, levels, shown
from spasmlab.levels import Behind
from spasmlab.parameter import Parameter
from spasmlab.quantity import pretty_unit, short

if TYPE_CHECKING:
    from spasmlab.run import Outcome
    from spasmlab.shown import Shown

THIN_EVIDENCE = (
    "The evidence that gabapentin relieves spasticity is thin: three small crossover trials (about 25, 15 and 22 "
    "patients, two to six days a period) and case reports. Downstream of the binding site most numbers of this model "
    "are assumed; what it shows there is a consequence of its assumptions, to be tested, not a finding."
)
CAPTIONS = {
    "overview": "The chain from plasma to scale, on the last day and at the visit.",
    "plasma": "Concentration in plasma (above), and in cord and spinal fluid (below).",
    "occupancy": "Share of the binding site α2δ-1, and of α2δ-2, that the drug occupies.",
    "calcium": "Calcium entry per impulse: the fast arm, channels at the surface, and their product.",
    "release": "Transmitter release per impulse, by class of terminal.",
    "h_reflex": "H-reflex recruitment curve: reflex (H) and direct (M) response of the soleus.",
    "stretch": "One fast stretch of the calf, without and on drug: ankle angle, motor units, EMG, torque.",
    "torque": "Torque against the velocity of the stretch. The drug changes the reflex part alone.",
    "spasm": "A spasm after a brief train to the skin of the foot, and the motor units that carry it.",
    "scale": "Probability of each modified Ashworth grade when a rater scores the limb.",
}


@dataclass(frozen=True)
class Line:
    """One line of the table of numbers."""

    meaning: str
    name: str
    no_drug: str
    drug: str
    change: str


@dataclass(frozen=True)
class Group:
    """The numbers of one level, and what they rest on."""

    title: str
    lines: list[Line]
    parameters: int
    assumed: int
    grades: str
    rows: list[str]


@dataclass(frozen=True)
class Input:
    """One parameter in the table of inputs."""

    path: str
    value: str
    unit: str
    status: str
    grade: str
    rows: list[str]
    note: str


def render(outcome: Outcome, found: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """The page as one text. `found` is the result as JSON holds it, `figures` SVG elements by name."""
    numbers = shown.of_run(outcome)
    behind = Behind(outcome.request.drug, outcome.request.condition, outcome.request.hypothesis)
    inputs = inputs_of(behind, {number.level: None for number in numbers})
    return filled(
        "page.html",
        found=found,
        request=outcome.request,
        figures={name: figures[name] for name in CAPTIONS if name in figures},
        captions=CAPTIONS,
        about=THIN_EVIDENCE,
        two_arms=True,
        headline=headline(numbers, found["scale"]["name"]),
        groups=groups(numbers, behind),
        inputs=inputs,
        sources=sources(inputs),
        short=short,
        command=command(outcome),
    )


def filled(name: str, **values: Any) -> str:
    """A page of this folder, such as `page.html`, with its values and the one style sheet."""
    import jinja2

    here = Path(__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(here), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    style = (here / "page.css").read_text(encoding="utf-8")
    return environment.get_template(name).render(style=style, **values)


def headline(numbers: Iterable[Shown], scale: str | None) -> list[tuple[str, str, str, str]]:
    """The few numbers a reader looks for first, the condition's `scale` last: what, without drug, on drug, change."""
    wanted = ("plasma_concentration", "occupancy", "release_poly", "h_m_ratio", "spasm_impulse", scale)
    by_name = {number.name: number for number in numbers}
    lines = (_line(by_name[name]) for name in wanted if name in by_name)
    return [(line.meaning, line.no_drug, line.drug, line.change) for line in lines]


def command(outcome: Outcome) -> str:
    """The command that repeats the run."""
    request = outcome.request
    words = [
        f"spasmlab run --drug {request.drug.name}",
        f'--regimen "{request.regimen.text}"',
        f"--days {request.days:g}",
        f"--condition {request.condition.name}",
        f'--patient "{request.patient.text}"',
        f"--formulation {request.formulation}",
        *([f"--fed {request.meal}"] if request.fed else []),
        *([f'--dialysis "{request.dialysis.text}"'] if request.dialysis else []),
        *([f"--with {','.join(request.taken)}"] if request.taken else []),
        f"--hypothesis {request.hypothesis.name}",
        f"--draws {request.draws}",
        f"--seed {request.seed}",
    ]
    return " ".join(words)


def groups(numbers: list[Shown], behind: Behind) -> list[Group]:
    """The numbers by level, in the order in which levels appear."""
    by_level: dict[str, list[Shown]] = {}
    for number in numbers:
        by_level.setdefault(number.level, []).append(number)
    return [_group(level, members, behind.level(level)) for level, members in by_level.items()]


def _group(level: str, members: list[Shown], records: Mapping[str, Parameter]) -> Group:
    grades = [sum(record.grade == grade for record in records.values()) for grade in "ABC"]
    return Group(
        title=levels.title(level),
        lines=[_line(member) for member in members],
        parameters=len(records),
        assumed=sum(record.status == "assumed" for record in records.values()),
        grades=", ".join(f"{count} {grade}" for count, grade in zip(grades, "ABC", strict=True) if count),
        rows=sorted({row for record in records.values() for row in record.rows}),
    )


def _line(number: Shown) -> Line:
    place = ""
    if number.coordinate:
        at = next(value for key, value in number.coordinate.items() if key != "unit")
        unit = pretty_unit(str(number.coordinate.get("unit", "1")))
        place = f", {at:g} {unit}" if isinstance(at, float) else f" {at}"
    undrugged, drugged, change = (
        number.arm("no_drug"),
        number.arm("drug"),
        number.percent or number.difference,
    )
    return Line(
        meaning=number.meaning[:1].upper() + number.meaning[1:] + place,
        name=number.name,
        no_drug=undrugged.text if undrugged else "",
        drug=drugged.text if drugged else "",
        change=_minus(change.text) if change and change.value is not None else "",
    )


def _minus(text: str) -> str:
    """Hyphens before digits as minus signs."""
    return text.replace("-", "−")


def inputs_of(behind: Behind, used: Iterable[str]) -> list[Input]:
    """Every parameter behind the levels `used`."""
    records: dict[str, Parameter] = {}
    for level in used:
        records |= behind.level(level)
    return [_input(path, record) for path, record in records.items()]


def _input(path: str, record: Parameter) -> Input:
    shift = f" ({'.'.join(record.path.split('.')[:2])})" if record.path != path else ""
    values = [short(value) for value in record.values]
    return Input(
        path=path + shift,
        value=", ".join(values),
        unit=pretty_unit(record.unit),
        status=record.status,
        grade=record.grade,
        rows=list(record.rows),
        note=record.note,
    )


def sources(inputs: Iterable[Input]) -> list[tuple[str, str]]:
    """Every row of evidence cited, with its source."""
    cited = sorted({row for entry in inputs for row in entry.rows})
    return [(row, "; ".join(dict.fromkeys(part.source for part in evidence.family(row)))) for row in cited]
