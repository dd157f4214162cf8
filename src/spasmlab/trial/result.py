"""The result of `spasmlab trial` and `spasmlab power`: arms, effects, who left, as plain dictionaries for JSON."""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from spasmlab import endpoints, quantity, result
from spasmlab.progress import Stages
from spasmlab.quantity import Quantity
from spasmlab.trial import engine, pieces, simulate
from spasmlab.trial.analysis import Effect
from spasmlab.trial.design import Design
from spasmlab.trial.simulate import Setting
from spasmlab.trial.store import Store

PERCENTILES = (5.0, 50.0, 95.0)


def compute(
    design: Design,
    setting: Setting,
    stages: Stages,
    *,
    out: Path | None = None,
    engine_name: str = "local",
    workers: int | None = None,
    cluster: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Simulate and analyse a trial; with `out` its parts are kept there, and what is there is not done again."""
    with tempfile.TemporaryDirectory() as scratch:
        store = Store(out or Path(scratch) / "trial", design, setting)
        with store.opened():
            with stages("Enrolment"):
                blocks = list(simulate.blocks(design, setting))
            with stages(f"Patients: {design.patients}") as progress:
                engine.carry_out(
                    store, blocks, engine=engine_name, workers=workers, cluster=cluster, progress=progress
                )
            with stages("Analysis"):
                effects = pieces.analyse(design, store, blocks)
                found = described(design, setting, store, effects)
        return found | {"seconds": result.seconds(stages)}


def described(design: Design, setting: Setting, store: Store, effects: list[Effect]) -> dict[str, Any]:
    """Everything of a trial that goes into JSON; the parts of the store are read one after another."""
    arms, failed = counted(design, store)
    return {
        **result.head("trial"),
        "title": design.title,
        "condition": design.condition,
        "design": design.kind,
        "patients": design.patients,
        "background": list(design.background),
        "dialysis": design.dialysis,
        "seed": setting.seed,
        "failed": failed,
        "failed_analyses": sum(bool(effect.failed) for effect in effects),
        "estimand": ESTIMAND,
        "arms": arms,
        "effects": [effect_dict(effect) for effect in effects],
        "assumed": f"{ASSUMED}; {OF_BACKGROUND}" if design.background else ASSUMED,
    }


ESTIMAND = (
    "the difference a prescription makes at the last visit, in those still seen there (mixed models use every visit); "
    "missed doses, stopped titrations and carry-over are part of it"
)
ASSUMED = (
    "placebo responses, sensitivities and their spreads are assumed or fitted: see spasmlab explain endpoints"
)
OF_BACKGROUND = (
    "background treatment is the same in every arm and part of the baselines as scored; beside it a drug is taken to do "
    "what it does alone, but for the interactions of exposure that have a size"
)


def counted(design: Design, store: Store) -> tuple[dict[str, Any], int]:
    """Each arm's patients, those seen at the last visit, and its outcomes; and how many patients could not be solved.

    A patient's visits are all in one part.
    """
    asked = list(simulate.asked(design))
    last = design.visits[-1]
    found = {arm.name: {"patients": 0, "completed": 0} for arm in design.arms}
    failed = 0
    for table in store.tables(["patient", "arm", "day", "code", *asked]):
        failed += _distinct(table.loc[table["code"] > 0, "patient"])
        for name, rows in table.groupby("arm"):
            found[str(name)]["patients"] += _distinct(rows["patient"])
            seen = (rows["day"] == last) & rows[asked].notna().any(axis=1)
            found[str(name)]["completed"] += _distinct(rows.loc[seen, "patient"])
    courses = {outcome: _courses(design, store, outcome) for outcome in asked}
    return {
        name: {**counts, "outcomes": {outcome: courses[outcome][name] for outcome in asked}}
        for name, counts in found.items()
    }, failed


def _distinct(column: Any) -> int:
    """How many different values a column has; pandas' types leave open whether a selection is a column."""
    return int(column.nunique())


def _courses(design: Design, store: Store, outcome: str) -> dict[str, list[dict[str, Any]]]:
    """Mean, SD, number and percentiles between patients at each visit, by arm: one outcome's scores in memory at a time."""
    scores: dict[tuple[str, float], list[np.ndarray]] = {
        (arm.name, day): [] for arm in design.arms for day in design.visits
    }
    for table in store.tables(["arm", "day", outcome]):
        for key, values in table.groupby(["arm", "day"])[outcome]:
            arm, day = cast(tuple[str, float], key)
            scores[arm, day].append(values.dropna().to_numpy())
    unit = endpoints.find(outcome).unit
    return {
        arm.name: [
            _visit(day, np.concatenate(scores[arm.name, day] or [np.empty(0)]), unit) for day in design.visits
        ]
        for arm in design.arms
    }


def _visit(day: float, values: np.ndarray, unit: str) -> dict[str, Any]:
    low, middle, high = np.percentile(values, PERCENTILES) if len(values) else (math.nan,) * 3
    return {
        "day": day,
        "n": len(values),
        "mean": quantity.finite(float(np.mean(values))) if len(values) else None,
        "sd": quantity.finite(float(np.std(values, ddof=1))) if len(values) > 1 else None,
        "median": quantity.finite(float(middle)),
        "low": quantity.finite(float(low)),
        "high": quantity.finite(float(high)),
        "unit": unit,
    }


def effect_dict(effect: Effect) -> dict[str, Any]:
    """An effect with its 95 % confidence interval as a quantity."""
    unit = endpoints.find(effect.outcome).unit if effect.scale in {"difference", "shift"} else "1"
    value, low, high = (quantity.finite(v) for v in (effect.estimate, effect.low, effect.high))
    kept = {k: v for k, v in asdict(effect).items() if k not in {"estimate", "low", "high", "p"}}
    return {**kept, **Quantity(value, unit, low, high).as_dict(), "p": quantity.finite(effect.p)}


def resized(design: Design, patients: int) -> Design:
    """The same trial with as many patients in all, shared between the arms as before (each arm one at least)."""
    if design.kind == "crossover":
        arms = tuple(arm.model_copy(update={"n": patients}) for arm in design.arms)
    else:
        shares = np.array([arm.n for arm in design.arms], float)
        ends = np.rint(np.cumsum(shares / shares.sum()) * patients).astype(int)
        sizes = np.maximum(np.diff(np.concatenate([[0], ends])), 1)
        arms = tuple(arm.model_copy(update={"n": int(n)}) for arm, n in zip(design.arms, sizes, strict=True))
    return design.model_copy(update={"arms": arms})


def repeated(setting: Setting, repeat: int) -> Setting:
    """The setting of one repeat: patients, placebo response and effect of a trial of its own."""
    return replace(setting, seed=setting.seed + 1_000_003 * repeat, study=f"repeat {repeat}")
