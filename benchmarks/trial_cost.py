"""What a virtual trial costs: time and memory for each patient, from 1,000 patients to 100,000, in one run.

    python benchmarks/trial_cost.py [--patients 1000,10000,100000]

Each size is the trial of examples/ms_trial.toml (two arms, five visits, five outcomes, surrogate fidelity) in a process
of its own, on one core and, for the first size, on two as well; the last size against the one before says whether
memory grows. Results go to benchmarks/trial_results.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
TRIAL = HERE.parent / "examples" / "ms_trial.toml"
SIZES = "1000,10000,100000"
AIM_SECONDS, AIM_MB, MOST_GROWTH = 60.0, 2000.0, 1.2
AIMED_AT = 1000  # patients of the aim
KB_PER_MB = 1024


def cost(patients: int, workers: int) -> dict[str, float]:
    """One trial in this process: seconds by the clock and of the processor, and the highest memory of all processes."""
    from spasmlab import trial_tables
    from spasmlab.progress import Stages
    from spasmlab.trial import result
    from spasmlab.trial.simulate import Setting

    design, _ = trial_tables.read(str(TRIAL), patients)
    clock, stages = time.monotonic(), Stages(show=False)
    found = result.compute(design, Setting(design.seed), stages, workers=workers)
    seconds = time.monotonic() - clock
    own, others = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    processor = sum(one.ru_utime + one.ru_stime for one in (own, others))
    memory = own.ru_maxrss + (workers * others.ru_maxrss if workers > 1 else 0)
    assert sum(arm["patients"] for arm in found["arms"].values()) == patients
    return {
        "patients": patients, "workers": workers, "seconds": seconds, "processor": processor,
        "memory": memory / KB_PER_MB, "analysis": found["seconds"]["Analysis"],
    }  # fmt: skip


def page(found: list[dict[str, float]]) -> str:
    """The results as a page."""
    lines = [
        "# What a virtual trial costs",
        "",
        "The trial of `examples/ms_trial.toml`: two arms, five visits, five outcomes (a mixed model, proportional odds, a "
        "negative binomial, an analysis of covariance, a logistic one), surrogate fidelity. Written by `python "
        f"benchmarks/trial_cost.py`; {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}. "
        "Each size in a process of its own; imports and the loading of compiled kernels are part of the processor time, "
        "memory is the peak of all processes together.",
        "",
        "| patients | processes | seconds | processor s | processor ms a patient | patients/s/core | peak memory, MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        each = 1000 * one["processor"] / one["patients"]
        lines.append(
            f"| {one['patients']:,} | {one['workers']} | {one['seconds']:.1f} | {one['processor']:.1f} | {each:.2f} | "
            f"{one['patients'] / one['processor']:,.0f} | {one['memory']:.0f} |"
        )
    if any(one["seconds"] > 2 * one["processor"] / one["workers"] for one in found):
        lines += [
            "",
            "The machine did other work beside: seconds by the clock are too long, those of the processor are not.",
        ]
    aimed = [one for one in found if one["patients"] == AIMED_AT]
    for one in aimed:
        met = one["seconds"] < AIM_SECONDS and one["memory"] < AIM_MB
        lines += [
            "",
            f"{AIMED_AT:,} patients on {one['workers']} core{'s' * (one['workers'] > 1)}: {one['seconds']:.0f} s and "
            f"{one['memory']:.0f} MB (aim: under {AIM_SECONDS:.0f} s and {AIM_MB:.0f} MB: {'met' if met else 'missed'}).",
        ]
    alone = [one for one in found if one["workers"] == 1]
    if len(alone) > 1:
        before, last = alone[-2:]
        ratio = last["memory"] / before["memory"]
        lines += [
            "",
            f"Memory of {last['patients']:,} patients over that of {before['patients']:,}: {ratio:.2f} (aim: under "
            f"{MOST_GROWTH}: {'met' if ratio < MOST_GROWTH else 'missed'}). Parts are read one after another, and trials "
            "of more than `trial.pieces.piece` patients are analysed in pieces and pooled.",
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run every size in a process of its own, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", default=SIZES)
    parser.add_argument("--child", nargs=2, type=int)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(cost(*given.child)))
        return
    sizes = [int(size) for size in given.patients.split(",")]
    found = []
    for patients, workers in [(sizes[0], 2), *((size, 1) for size in sizes)]:
        command = [sys.executable, __file__, "--child", str(patients), str(workers)]
        told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        print(told.strip(), file=sys.stderr)
        found.append(json.loads(told))
    (HERE / "trial_results.md").write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
