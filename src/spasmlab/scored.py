"""What a trial of the condition would score in patients who take what the body of a request takes (`endpoints.typical`)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from spasmlab import run as runs
from spasmlab.endpoints import typical
from spasmlab.endpoints.course import RELEASES, changes_release
from spasmlab.endpoints.typical import Asked, Scored
from spasmlab.regimen import DAY_H
from spasmlab.request import Request

HEALTH = "in health there is no complaint, and so no scale"
CORD_ALONE = "the other scales of spasticity follow the surrogate of the cord, which does not answer here"


def of_request(request: Request, factors: Mapping[str, np.ndarray], fidelity: str) -> Scored:
    """The scores at the visit, without and with drug; none, and why, where nothing here can tell them.

    Endpoints read releases over the course, which the chain knows of drugs at α2δ alone. Scales of spasticity read the
    surrogate of the cord: they are not scored beside the circuit itself, nor where `factors` move it.
    """
    scale = typical.scale_of(request.condition.name)
    if scale is None:
        return Scored(problem=HEALTH)
    if not changes_release(request.drug, request.formulation):
        said = (
            f"{scale.title}: its model follows release through α2δ, and {request.drug.title} acts elsewhere"
        )
        return Scored(problem=said)
    moved = any(np.any(values != 1) for values in factors.values())
    if scale.endpoint == typical.SPASTICITY and (fidelity != "surrogate" or moved):
        return Scored(problem=CORD_ALONE)
    clock = typical.clock_of(request.regimen.clock_h)
    condition = request.condition
    asked = Asked(condition.name, condition.severity, request.visit_h / DAY_H, clock, request.seed)
    return typical.score(asked, lambda hours: releases(request, hours), request.draws)


def releases(request: Request, hours: np.ndarray) -> dict[str, np.ndarray]:
    """The release of each class of terminals over the course, (draws, T)."""
    chain = runs.solve_chain(request, hours, 0)
    return {name: chain.variables[name].values for name in RELEASES if name in chain}
