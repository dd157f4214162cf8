"""The result of `spasmlab conformance`: the score on this machine."""

from __future__ import annotations

import platform
from typing import Any

from spasmlab import result
from spasmlab.conformance import score
from spasmlab.progress import Stages


def compute(stages: Stages) -> dict[str, Any]:
    """Every scenario, how many passed, and where it was run."""
    with stages("Conformance: solving"):
        found = score.run()
    errors = [s.error_adaptive for s in found if s.error_adaptive is not None]
    apart = [s.difference for s in found if s.difference is not None]
    return {
        **result.head("conformance"),
        "passed": sum(s.passed for s in found),
        "total": len(found),
        "closed_forms": len(errors),
        "largest_error": max(errors),
        "largest_difference": max(apart),
        "tolerance": score.tolerance(),
        "solvers": {
            "adaptive": "Dormand and Prince 5(4), generated from the equations and compiled",
            "plain": "SciPy's Dormand and Prince 8(5,3) on the equations as they are written",
        },
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "scenarios": [s.as_dict() for s in found],
        "seconds": result.seconds(stages),
    }
