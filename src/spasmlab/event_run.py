"""Predictions for an event table, row for row: what `spasmlab exposure --events FILE` computes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from spasmlab import units
from spasmlab.chain import body, event_course, events, resolve
from spasmlab.chain.events import Dosing
from spasmlab.chain.pathway import Pathway
from spasmlab.errors import InputError
from spasmlab.io.event_rows import Block, Subject

if TYPE_CHECKING:
    from spasmlab.drug import Drug
    from spasmlab.patient import Patient

LEVELS = {"plasma_concentration": "PRED", "isf_concentration": "PRED_ISF", "csf_concentration": "PRED_CSF"}


@dataclass(frozen=True)
class Question:
    """A drug in its formulation for the individuals of a table; `patient` gives what the table does not."""

    drug: Drug
    patient: Patient
    formulation: str = "ir"
    fed: bool | float = False
    draws: int = 1
    seed: int = 0
    overrides: Mapping[str, float] = field(default_factory=dict)
    solver: str = "adaptive"

    @property
    def pathway(self) -> Pathway:
        """The body of the drug in this formulation."""
        return body.of(self.drug, self.formulation)

    @property
    def signals(self) -> tuple[str, ...]:
        """Which levels are predicted: plasma, and cord and spinal fluid where the body has them."""
        return tuple(name for name in LEVELS if name in self.pathway.signals)


@dataclass(frozen=True)
class Predicted:
    """Individuals and their predictions, `levels` (draws, rows, signals) in mg/L; draw 0 is the central one."""

    rows: Subject | Block
    signals: tuple[str, ...]
    levels: np.ndarray

    def of(self, signal: str) -> np.ndarray:
        """One signal, (draws, rows)."""
        return self.levels[:, :, self.signals.index(signal)]


def predict(question: Question, some: Iterable[Subject | Block]) -> Iterator[Predicted]:
    """One after the other; InputError naming row and column for what has no answer."""
    pathway = question.pathway
    resolved = resolve.records(pathway, question.drug, None, None, question.formulation)
    values = resolve.values(
        pathway, resolved, question.patient, fed=question.fed, draws=question.draws, seed=question.seed,
        overrides=question.overrides,
    )  # fmt: skip
    for rows in some:
        events.refuse_unknown_compartment(pathway, rows)
        changing = events.covariates(pathway, rows)
        found = [
            follow(question.drug, pathway, rows, values[:, draw], changing, question.signals, question.solver)
            for draw in range(question.draws)
        ]
        yield Predicted(rows, question.signals, np.array(found))


def follow(
    drug: Drug,
    pathway: Pathway,
    rows: Subject | Block,
    values: np.ndarray,
    changing: Mapping[str, np.ndarray],
    signals: Sequence[str],
    solver: str = "adaptive",
) -> np.ndarray:
    """Signals at every row, (rows, signals), for one set of `values` (parameters,) of the pathway; `changing` gives
    those that a table gives, (rows,) each. Individuals that start anew are followed row by row, all others at once."""
    values, changing = values.copy(), dict(changing)
    dosing = _of_rows(dosing_of(drug, pathway, values), pathway, changing)
    block = rows.block if isinstance(rows, Subject) else rows
    anew = np.add.reduceat(events.starts_anew(block), block.starts[:-1]) > 0
    slowly = np.ones(len(block.names), dtype=bool) if solver != "adaptive" else anew
    out = np.empty((len(block), len(signals)))
    if not slowly.all():
        quick, at = _those(block, ~slowly)
        given = {name: over[at] for name, over in changing.items()}
        out[at] = event_course.follow(pathway, quick, values, given, dosing.of_rows(at), signals)
    for place in np.flatnonzero(slowly).tolist():
        span = slice(int(block.starts[place]), int(block.starts[place + 1]))
        table = np.repeat(values[:, None], span.stop - span.start, axis=1)
        for name, over in changing.items():
            table[list(pathway.params).index(name)] = over[span]
        one = Subject(block.names[place], block.lines[span], {c: v[span] for c, v in block.columns.items()})
        parameters, own = np.asfortranarray(table), dosing.of_rows(span)
        out[span] = events.follow(pathway, one, parameters, own, signals, solver)
    return out


def _those(block: Block, kept: np.ndarray) -> tuple[Block, np.ndarray | slice]:
    """Some individuals of a block, and where their rows are."""
    if kept.all():
        return block, slice(None)
    sizes = np.diff(block.starts)
    at = np.flatnonzero(np.repeat(kept, sizes))
    names = tuple(name for name, keep in zip(block.names, kept, strict=True) if keep)
    starts = np.concatenate([[0], np.cumsum(sizes[kept])])
    return Block(names, starts, block.lines[at], {c: v[at] for c, v in block.columns.items()}), at


def _of_rows(dosing: Dosing, pathway: Pathway, changing: dict[str, np.ndarray]) -> Dosing:
    """The dosing with the lag and the bioavailability that a table gives, which are those of the row of the dose;
    they are taken out of `changing`, for the equations know nothing more of them."""
    lag, share = dosing.lags[0], dosing.bioavailabilities[0]
    if pathway.dosed:
        lag = changing.pop(pathway.dosed[1], lag)
    stage = next((s for s in pathway.stages if s.doses_into), None)
    if (
        stage
        and "bioavailability" in stage.params
        and {"bioavailability", "absorption_factor"} & set(changing)
    ):
        own = dosing.parts
        share = np.minimum(1.0, math.prod(changing.pop(name, np.array(value)) for name, value in own.items()))
    return replace(
        dosing, lags=(lag, *dosing.lags[1:]), bioavailabilities=(share, *dosing.bioavailabilities[1:])
    )


def dosing_of(drug: Drug, pathway: Pathway, values: np.ndarray) -> Dosing:
    """Where doses go. A bioavailability that the first compartment applies on the way out is taken out of
    `values` and applied on the way in, which is the same for a bolus and NONMEM's rule for an infusion."""
    places, names = events.compartments(pathway), list(pathway.params)
    share, lag, parts = 1.0, 0.0, {}
    if pathway.dosed:
        lag = float(values[names.index(pathway.dosed[1])])
    stage = next((s for s in pathway.stages if s.doses_into), None)
    if stage and "bioavailability" in stage.params:
        at, more = names.index("bioavailability"), names.index("absorption_factor")
        parts = {"bioavailability": float(values[at]), "absorption_factor": float(values[more])}
        share = min(1.0, float(values[at] * values[more]))
        values[at] = values[more] = 1.0
    modelled = {
        name: drug.parameters[name].number * units.factor(drug.parameters[name].unit, unit)
        for name, unit in resolve.MODELLED_INPUT.items()
        if name in drug.parameters
    }
    for name, value in modelled.items():
        if value <= 0:
            raise InputError(f"'{name}' of drug '{drug.name}' must be more than 0, not {value:g}")
    more_places = len(places) - 1
    return Dosing(places, (lag, *[0.0] * more_places), (share, *[1.0] * more_places), parts=parts, **modelled)


def with_predictions(found: Predicted) -> Subject | Block:
    """The rows with PRED (and, with draws, PRED_LOW and PRED_HIGH: 90 %) for each level."""
    from spasmlab.quantity import FEWEST_DRAWS, INTERVAL

    columns: dict[str, np.ndarray] = {}
    for signal in found.signals:
        levels, name = found.of(signal), LEVELS[signal]
        columns[name] = levels[0]
        if len(levels) >= FEWEST_DRAWS:
            low, high = np.percentile(levels, INTERVAL, axis=0)
            columns[f"{name}_LOW"] = np.minimum(low, levels[0])
            columns[f"{name}_HIGH"] = np.maximum(high, levels[0])
    return found.rows.with_columns(**columns)


def achieved_error(question: Question, found: Sequence[Predicted]) -> float:
    """The largest difference from the independent solver, as a share of each individual's highest level."""
    worst = 0.0
    plain = replace(question, solver="plain", draws=1)
    for one, again in zip(found, predict(plain, (p.rows for p in found)), strict=True):
        largest = float(np.max(np.abs(again.levels[0])))
        if largest:
            worst = max(worst, float(np.max(np.abs(one.levels[0] - again.levels[0]))) / largest)
    return worst
