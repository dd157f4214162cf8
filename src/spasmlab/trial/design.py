"""A trial's design, read from one TOML file and checked before anything runs.

title = "Rowbotham 1998"
condition = "postherpetic-neuralgia"
population = "older-phn"
kind = "parallel"                  # parallel | crossover | withdrawal
weeks = 8                          # of each period
visits = [0, 7, 14, 28, 56]        # days within a period; the first is the baseline
scored_at = "10:00"                # clock time of the visits
dropout = 0.02                     # a week, whatever the arm
[[arms]]
name = "gabapentin"
drug = "gabapentin"
regimen = "300 mg daily x1, …, then 1200 mg tid"
n = 113
[[arms]]
name = "placebo"
n = 116
[inclusion]
pain = [4, 10]                     # an outcome at baseline, or age, weight, creatinine_clearance
[outcomes.pain]
analysis = "ancova"                # mixed | ancova | wilcoxon | proportional-odds | negative-binomial | logistic
[[published]]                      # rows of evidence this design is to reproduce (`spasmlab replicate`)
row = "PHN-ROW98-a"
outcome = "pain"
arm = "gabapentin"
statistic = "mean change"
[not_predicted]                    # rows of the same trial that nothing here predicts, with the reason
"PHN-ROW98-z" = "quality of life is not among the outcomes"
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from spasmlab.errors import InputError, unknown
from spasmlab.parameter import read_toml
from spasmlab.regimen import Regimen

KINDS = ("parallel", "crossover", "withdrawal")
Analysis = Literal["mixed", "ancova", "wilcoxon", "proportional-odds", "negative-binomial", "logistic"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Arm(_Strict):
    """One arm: what is taken (no drug: placebo) and by how many. `stops_on` names side effects at which a titration
    goes no further."""

    name: str
    n: int = Field(ge=1, le=10_000_000)
    drug: str | None = None
    regimen: str | None = None
    formulation: str = "ir"
    fed: bool | str = False
    stops_on: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _whole(self) -> Arm:
        if (self.drug is None) != (self.regimen is None):
            raise ValueError(f"arm '{self.name}' needs both drug and regimen, or neither (placebo)")
        return self


class RunIn(_Strict):
    """What everybody takes, openly, in the run-in of a withdrawal trial; it lasts `run_in_weeks`."""

    drug: str
    regimen: str
    formulation: str = "ir"
    fed: bool | str = False


class Analysed(_Strict):
    """How one outcome is analysed: `analysis`, at the last visit or over all, with what covariates."""

    analysis: Analysis = "ancova"
    primary: bool = False


class Published(_Strict):
    """A row of evidence and the statistic of this trial that it reports: `arm` against `against` where it compares.

    `field` says which of the row's numbers: its value, its placebo-adjusted one, or the placebo arm's. Arms that a row
    puts together are written ``low + high``.
    """

    row: str
    field: Literal["value", "adjusted", "placebo"] = "value"
    outcome: str
    statistic: str
    arm: str
    against: str | None = None
    day: float | None = None
    note: str = ""


class Design(_Strict):
    """A trial as it is planned. Days and weeks; `dropout` is the share that leaves in a week.

    `background` names what every patient takes in every arm, from before the first visit on (a drug, or one that
    interacts): baselines are scored on it, and what it does to the exposure of a trial's drug is followed.

    `dialysis` is a calendar of sessions as `--dialysis` takes it, in every patient; hours count from a period's first dose.

    A withdrawal begins with `run_in_weeks` of open treatment with `run_in`; those who then are at least `responder` per cent
    better in an outcome than before it, and score within `responder_within`, are randomised to the arms, whose day 0 it is.

    `not_predicted` names rows of evidence of this trial that no statistic here can reproduce, each with its reason;
    `trials` is how many trials a pooled analysis puts together (`spasmlab replicate` simulates each).
    """

    title: str
    condition: str
    population: str
    kind: Literal["parallel", "crossover", "withdrawal"] = "parallel"
    summary: str = ""
    source: str = ""
    weeks: float = Field(gt=0, le=260)
    visits: tuple[float, ...]
    scored_at: str = "10:00"
    first_dose_at: str = "08:00"
    washout_weeks: float = Field(default=0, ge=0, le=52)
    periods: int = Field(default=1, ge=1, le=40)
    run_in_weeks: float = Field(default=0, ge=0, le=104)
    run_in: RunIn | None = None
    responder: dict[str, float] = Field(default_factory=dict)
    responder_within: dict[str, tuple[float, float]] = Field(default_factory=dict)
    adherence: float = Field(default=1.0, ge=0, le=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    leaves_on: dict[str, float] = Field(default_factory=dict)
    background: tuple[str, ...] = ()
    dialysis: str | None = None
    severity: float | None = Field(default=None, ge=0, le=1)
    hypothesis: str | None = None
    arms: tuple[Arm, ...] = Field(min_length=1)
    inclusion: dict[str, tuple[float, float]] = Field(default_factory=dict)
    outcomes: dict[str, Analysed] = Field(min_length=1)
    published: tuple[Published, ...] = ()
    not_predicted: dict[str, str] = Field(default_factory=dict)
    trials: int = Field(default=1, ge=1, le=100)
    seed: int = Field(default=0, ge=0)

    @field_validator("scored_at", "first_dose_at")
    @classmethod
    def _clock(cls, text: str) -> str:
        clock_hours(text)
        return text

    @model_validator(mode="after")
    def _consistent(self) -> Design:
        if list(self.visits) != sorted(set(self.visits)) or len(self.visits) < 2 or self.visits[0] != 0:
            raise ValueError("visits must rise from 0 (the baseline), at least two of them")
        if self.visits[-1] > 7 * self.weeks:
            raise ValueError(f"the last visit, day {self.visits[-1]:g}, lies beyond {self.weeks:g} weeks")
        if len({arm.name for arm in self.arms}) < len(self.arms):
            raise ValueError("two arms have the same name")
        if self.kind == "withdrawal":
            self._a_withdrawal()
        elif self.run_in or self.run_in_weeks or self.responder or self.responder_within:
            raise ValueError(f'a {self.kind} trial has no run-in; possible: kind = "withdrawal"')
        if self.kind == "crossover" and len({arm.n for arm in self.arms}) > 1:
            raise ValueError("every arm of a crossover trial has the same n: all its patients")
        return self

    def _a_withdrawal(self) -> None:
        if not self.run_in_weeks or self.run_in is None:
            raise ValueError("a withdrawal trial needs run_in_weeks and [run_in], what is taken in it")
        if self.periods > 1 or self.washout_weeks:
            raise ValueError("a withdrawal trial has one randomised period, without washout")
        if any(arm.stops_on for arm in self.arms):
            raise ValueError("in a withdrawal trial the dose is found in the run-in: no arm has stops_on")

    @property
    def patients(self) -> int:
        """How many are randomised."""
        return self.arms[0].n if self.kind == "crossover" else sum(arm.n for arm in self.arms)

    def arm(self, name: str) -> Arm:
        """An arm by name; InputError with the nearest match."""
        found = {arm.name: arm for arm in self.arms}
        if name not in found:
            raise unknown("arm", name, found)
        return found[name]


def together(arms: str) -> tuple[str, ...]:
    """The names in ``low + high``: arms that a row of evidence puts together."""
    return tuple(arms.split(" + "))


def clock_hours(text: str) -> float:
    """Hours after midnight of a clock time such as ``08:30``; ValueError for what is none."""
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text.strip())
    if not found:
        raise ValueError(f"'{text}' is not a clock time; possible: such as 08:30")
    return int(found[1]) + int(found[2]) / 60


def read(file: Path) -> Design:
    """The design in a TOML file; InputError names the file, the field and what is wrong with it."""
    return of_table(read_toml(file), file.name)


def of_table(table: dict[str, Any], origin: str) -> Design:
    """A design from a table; its names are checked against what there is (condition, population, drugs, outcomes)."""
    try:
        found = Design(**table)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise _unknown_field([str(part) for part in first["loc"]], origin) from None
        reason = first["msg"].removeprefix("Value error, ")
        if first["type"] == "literal_error":
            possible = re.findall(r"'([^']+)'", first["msg"])
            reason = str(unknown(str(first["loc"][-1]), str(first["input"]), possible))
        raise InputError(f"'{origin}'{', ' + where if where else ''}: {reason}") from None
    _refuse_unknown(found)
    return found


def _unknown_field(place: list[str], origin: str) -> InputError:
    """The error for a field that does not exist, with the fields of the table it stands in."""
    model = {"arms": Arm, "outcomes": Analysed, "published": Published, "run_in": RunIn}.get(place[0], Design)
    within = f", {'.'.join(place[:-1])}" if len(place) > 1 else ""
    return unknown(f"field in '{origin}'{within}", place[-1], sorted(model.model_fields))


def _refuse_background(names: tuple[str, ...]) -> None:
    from spasmlab import drug, interaction
    from spasmlab.endpoints.course import changes_release

    for name in names:
        if name not in (*drug.names(), *interaction.names()):
            raise unknown("background treatment", name, {*drug.names(), *interaction.names()})
        if name in drug.names() and changes_release(drug.load(name), "ir"):
            raise InputError(
                f"'{name}' changes release, so that it cannot be a background; possible: give it to the arms that take it"
            )


def _refuse_dialysis(design: Design) -> None:
    """InputError for a calendar that cannot be read, or a drug of the trial that dialysis does not clear."""
    from spasmlab import dialysis, drug
    from spasmlab.chain import body

    if design.dialysis is None:
        return
    dialysis.parse(design.dialysis)
    for taken in (*design.arms, *([design.run_in] if design.run_in else [])):
        if taken.drug and "dialysis" not in body.of(drug.load(taken.drug), taken.formulation).params:
            raise InputError(
                f"dialysis does not clear drug '{taken.drug}' in this model; possible: leave dialysis out"
            )


def _refuse_unscored(name: str) -> None:
    from spasmlab import endpoints

    if endpoints.endpoint_of(name) == "adverse":
        raise InputError(f"'{name}' is a side effect: who is randomised goes by an outcome that is scored")


def _refuse_short(regimen: Regimen, weeks: float) -> None:
    lasts = sum(part.length_h for part in regimen.parts) / (7 * 24)
    if lasts < weeks:
        raise InputError(
            f"the regimen of the run-in ends after {lasts:.3g} weeks of {weeks:g}: '{regimen.text}'; possible: leave the "
            "last part without an end"
        )


def _refuse_unknown(design: Design) -> None:
    from spasmlab import condition, drug, endpoints, evidence, hypothesis, population, regimen
    from spasmlab.endpoints import adverse

    condition.load(design.condition)
    population.load(design.population)
    if design.hypothesis is not None:
        hypothesis.load(design.hypothesis)
    for arm in design.arms:
        if arm.drug is not None and arm.regimen is not None:
            drug.load(arm.drug).formulation(arm.formulation)
            regimen.parse(arm.regimen)
        for effect in arm.stops_on:
            adverse.load(effect)
    for name in (*design.outcomes, *(p.outcome for p in design.published)):
        endpoints.find(name)
    for effect in design.leaves_on:
        adverse.load(effect)
    _refuse_background(design.background)
    _refuse_dialysis(design)
    for name in (*design.responder, *design.responder_within):
        _refuse_unscored(name)
    if design.run_in is not None:
        drug.load(design.run_in.drug).formulation(design.run_in.formulation)
        _refuse_short(regimen.parse(design.run_in.regimen), design.run_in_weeks)
    for p in design.published:
        for name in (*together(p.arm), *(together(p.against) if p.against else ())):
            design.arm(name)
    for row in design.not_predicted:
        evidence.row(row)
