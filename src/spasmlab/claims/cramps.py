"""Experiments on cramps: the lowest rate of a two-second train to the nerve after which the muscle goes on by itself."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from spasmlab import condition, quantity
from spasmlab import relief as reliefs
from spasmlab.claims.claim import Experiment, Found
from spasmlab.parameter import beside


def threshold(experiment: Experiment) -> Found:
    """The threshold frequency [Hz] in a condition minus that in health or, with a relief, minus that without it.

    Arguments `condition relief against`. Cord by cord; one that does not cramp at any rate counts with the rate beyond the
    last, so that a difference from it is a least one.
    """
    asked = experiment.arguments
    name, relief = asked["condition"], asked.get("relief")
    here = thresholds(name, relief)
    there = thresholds(name, None) if relief else thresholds(asked.get("against", "healthy"), None)
    low, high = np.quantile(here - there, [q / 100 for q in quantity.INTERVAL])
    against = "no relief" if relief else asked.get("against", "healthy")
    detail = f"{name}{f', {relief}' if relief else ''} against {against}, {here.size} cords"
    return Found(float(np.median(here - there)), "Hz", float(low), float(high), detail)


@cache
def thresholds(name: str, relief: str | None) -> np.ndarray:
    """The threshold frequency of two-second trains in each cord [Hz], nerve intact."""
    from spasmlab import run as runs
    from spasmlab.assays import cramp

    cords = int(beside("claims.cramps")["cords"].number)
    state = {release: np.ones((1, cords)) for release in runs.RELEASES}
    bench = runs.make_bench(condition.load(name), state, 0, {})
    if relief:
        bench.relief = reliefs.load(relief)
    known = {key: record.number for key, record in cramp.known(bench).items()}
    active = replace(bench, changes={**bench.changes, "terminal_ectopic": 1.0})
    rates = np.arange(known["first_rate"], known["last_rate"] + known["rate_step"] / 2, known["rate_step"])
    found = cramp.thresholds(cramp.intact(active, known), active, rates, known, short=True)
    return np.where(np.isfinite(found), found, rates[-1] + known["rate_step"])
