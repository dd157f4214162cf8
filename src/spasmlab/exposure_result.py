"""The result of `spasmlab exposure`: concentrations at asked times, and the usual metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from spasmlab import quantity, result
from spasmlab import run as runs
from spasmlab.levels import Behind
from spasmlab.progress import Stages
from spasmlab.regimen import DAY_H
from spasmlab.request import Request
from spasmlab.shown import Shown, of_exposure

FLUIDS = {"plasma": "plasma_concentration", "isf": "isf_concentration", "csf": "csf_concentration"}


def compute(request: Request, times: list[float], stages: Stages) -> dict[str, Any]:
    """Solve the chain and gather exposure; `times` [h] keep their order in ``concentrations``."""
    solved_at = np.unique(np.append(runs.output_times(request), times))
    chain, metrics = runs.run_chain(request, stages, solved_at)
    described = {
        k: v for k, v in request.described().items() if k not in {"condition", "severity", "hypothesis"}
    }
    found = list(of_exposure(metrics))
    behind = Behind(request.drug, request.condition, request.hypothesis, request.formulation)
    return {
        **result.head("exposure"),
        **described,
        "intervals": result.INTERVALS,
        "metrics_over": window_of(request),
        "concentrations": [_at(chain, solved_at, time) for time in times],
        **_metrics(found),
        "tolerances": result.tolerances(chain.attrs),
        "evidence": result.evidence(found, behind),
        "seconds": result.seconds(stages),
    }


def window_of(request: Request) -> dict[str, Any]:
    """What the metrics describe: an interval at steady state, the whole course, or its last cycle of dialysis."""
    if request.dialysis:
        from spasmlab.exposure_course import window

        start, end = window(request.dialysis, request.days * DAY_H)
        return {"what": "last cycle of dialysis", "from_h": start, "to_h": end}
    what = "one interval at steady state" if request.regimen.repeats else "first dose to the end of the tail"
    return {"what": what, "from_h": None, "to_h": None}


def _metrics(found: list[Shown]) -> dict[str, Any]:
    """Every metric by name, with the value None for one that this kind of regimen does not have."""
    from spasmlab.exposure import UNITS

    known = {number.name: quantity.from_draws(number.values[0], number.unit) for number in found}
    return {name: known.get(name, quantity.Quantity(None, unit)).as_dict() for name, unit in UNITS.items()}


def _at(chain: Any, solved_at: np.ndarray, time: float) -> dict[str, Any]:
    """Concentrations in plasma (value, low, high of the entry itself), cord and spinal fluid at one time."""
    index = int(np.searchsorted(solved_at, time))
    fluids = {
        name: quantity.from_draws(chain[signal].isel(time=index).values, "mg/L").as_dict()
        if signal in chain
        else quantity.Quantity(None, "mg/L").as_dict()
        for name, signal in FLUIDS.items()
    }
    return {"time_h": time, **fluids.pop("plasma"), **fluids}
