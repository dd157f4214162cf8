"""The result of `spasmlab exposure --population N`: the spread between virtual patients."""

from __future__ import annotations

from typing import Any

import numpy as np

from spasmlab import quantity, result
from spasmlab.exposure_result import FLUIDS, window_of
from spasmlab.progress import Stages
from spasmlab.request import Request

OF_DOUBT = "doubt is the 90 % interval of each over draws of the parameters"


def compute(
    request: Request,
    count: int,
    name: str,
    adherence: float,
    times: list[float],
    stages: Stages,
    draws: int = 1,
) -> dict[str, Any]:
    """Percentiles over `count` patients of the population `name`; `times` [h] keep their order.

    Each quantity is the median, its low and high the 5th and 95th percentile of patients. With `draws` (8 and more) of the
    doubt about the parameters the same patients are met again in each, and every percentile has a 90 % interval of its own
    under `doubt`: each draw is another population that fits the evidence as well.
    """
    from spasmlab import cohort as cohorts
    from spasmlab import exposure, population

    population.refuse_count(count)
    cohort = cohorts.Cohort(
        population.load(name),
        request.drug,
        request.regimen,
        request.days,
        fed=request.fed,
        formulation=request.formulation,
        seed=request.seed,
        adherence=adherence,
        overrides=request.overrides,
        dialysis=request.dialysis,
    )
    signals = tuple(n for n in cohorts.LEVELS if n in cohort.pathway().signals)
    asked = sorted(set(times)) or [0.0]
    with stages("Population: solving") as progress:
        found = cohorts.summarise(
            cohort, count, np.array(asked), signals=signals, draws=draws, progress=progress
        )
    metrics = {
        n: _of(found.metrics[n], u) if n in found.metrics else quantity.Quantity(None, u).as_dict()
        for n, u in exposure.UNITS.items()
    }
    described = {
        k: v
        for k, v in request.described().items()
        if k not in {"condition", "severity", "hypothesis", "patient", "draws"}
    }
    return {
        **result.head("exposure"),
        **described,
        "population": name,
        "patients": count,
        "implausible": found.implausible,
        "adherence": adherence,
        "draws": draws,
        "metrics_over": window_of(request),
        "intervals": population.INTERVALS + (f"; {OF_DOUBT}" if draws >= quantity.FEWEST_DRAWS else ""),
        "concentrations": [_at(found, asked.index(time), time) for time in times],
        **metrics,
        "tolerances": {"achieved_error": found.achieved_error, "percentiles_within": found.within},
        "seconds": result.seconds(stages),
    }


def _of(percentiles: np.ndarray, unit: str) -> dict[str, Any]:
    """A quantity from its percentiles (draws, low middle high), the first draw being the central one."""
    low, middle, high = (quantity.finite(value) for value in percentiles[0])
    found = quantity.Quantity(middle, unit, low, high).as_dict()
    if len(percentiles) >= quantity.FEWEST_DRAWS:
        each = zip(("low", "value", "high"), percentiles.T, strict=True)
        found["doubt"] = {name: _interval(values, unit) for name, values in each}
    return found


def _interval(values: np.ndarray, unit: str) -> dict[str, Any]:
    known = quantity.from_draws(values, unit)
    return {"low": known.low, "high": known.high}


def _at(found: Any, place: int, time: float) -> dict[str, Any]:
    fluids = {
        name: _of(found.quantiles[signal][:, place], "mg/L")
        if signal in found.quantiles
        else quantity.Quantity(None, "mg/L").as_dict()
        for name, signal in FLUIDS.items()
    }
    return {"time_h": time, **fluids.pop("plasma"), **fluids}
