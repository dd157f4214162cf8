"""Virtual trials against placebo, repeated."""

from __future__ import annotations

import numpy as np

from spasmlab import quantity, studies
from spasmlab.claims.claim import Experiment, Found
from spasmlab.parameter import beside
from spasmlab.trial import result, simulate, statistic
from spasmlab.trial.simulate import Setting


def difference(experiment: Experiment) -> Found:
    """A statistic of an arm against placebo in repeats of a study: arguments `study arm against outcome statistic n`.

    With `n` the study is simulated with so many patients in all. The interval is over repeats, each a trial of its own.
    """
    asked = experiment.arguments
    design = studies.load(asked["study"])
    if "n" in asked:
        design = result.resized(design, int(asked["n"]))
    found = []
    for repeat in range(int(beside("claims.trials")["repeats"].number)):
        setting = Setting(repeat + 1, f"claim {repeat}", repeat + 1)
        table = simulate.simulate(design, setting)
        found.append(
            statistic.compute(table, asked["statistic"], asked["outcome"], asked["arm"], asked["against"])
        )
    values = np.array(found)
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [q / 100 for q in quantity.INTERVAL], method="weibull")
    unit = statistic.unit(asked["statistic"], asked["outcome"])
    detail = f"{asked['study']}, {design.patients} patients, {len(found)} simulated trials"
    return Found(float(np.median(values)), unit, float(low), float(high), detail)
