"""libRoadRunner in a process of its own: a problem as JSON on standard input, the table as JSON on standard output.

Its library brings a compiler that does not bear others (Numba's, NEURON's) beside it in one process: that crashed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

MISSING = 3  # exit code where libroadrunner is not installed


def simulate(sbml: str, names: list[str], times: list[float], step: float) -> list[list[float]]:
    """Rows of time and signals at `times` [h]; `step` is the relative tolerance, a thousandth of it the absolute."""
    import roadrunner  # pyright: ignore[reportMissingImports]

    runner: Any = roadrunner.RoadRunner(sbml)
    runner.integrator.relative_tolerance = step
    runner.integrator.absolute_tolerance = step * 1e-3
    runner.timeCourseSelections = ["time", *names]
    rows, now = [], 0.0
    for time in times:
        found = runner.simulate(now, time, 2)[-1] if time > now else runner.getSelectedValues()
        rows.append([float(value) for value in found])
        now = max(now, time)
    return rows


def main() -> int:
    """Read, simulate, write; the table is the last line written."""
    asked = json.load(sys.stdin)
    try:
        rows = simulate(**asked)
    except ImportError:
        return MISSING
    print("\n" + json.dumps(rows), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
