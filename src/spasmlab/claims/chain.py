"""Experiments on the slow chain: a slice in a bath, a patient on a regimen."""

from __future__ import annotations

import numpy as np

from spasmlab import condition, drug, hypothesis, quantity
from spasmlab.claims.claim import Experiment, Found
from spasmlab.parameter import beside


def bath(experiment: Experiment) -> Found:
    """A signal after hours in a bath, `change` % of no drug where asked: arguments `drug bath hours signal condition
    hypothesis overrides amino_acids change`."""
    from spasmlab.chain.bath import clamped

    asked = experiment.arguments
    found = clamped(
        drug.load(asked.get("drug", "gabapentin")),
        float(asked["bath"]),
        float(asked["hours"]),
        condition.load(asked.get("condition", "healthy")),
        hypothesis.load(asked.get("hypothesis", hypothesis.DEFAULT)),
        amino_acids=asked.get("amino_acids", "physiological"),
        draws=_draws(),
        overrides=asked.get("overrides"),
    )[asked["signal"]]
    return _told(np.asarray(found.values), found.attrs.get("unit", "1"), bool(asked.get("change")))


def regimen(experiment: Experiment) -> Found:
    """A signal two hours after the last dose: arguments `drug regimen condition signal hypothesis overrides change`."""
    from spasmlab import request
    from spasmlab.chain.solve import solve

    asked = experiment.arguments
    asking = request.build(
        asked.get("drug", "gabapentin"), asked["regimen"], condition=asked.get("condition", "healthy"), draws=_draws()
    )  # fmt: skip
    found = solve(
        asking.drug, asking.regimen, asking.patient, condition.load(asked.get("condition", "healthy")),
        hypothesis.load(asked.get("hypothesis", hypothesis.DEFAULT)), days=asking.days, draws=_draws(), checked=0,
        times_h=[0.0, asking.visit_h], overrides=asked.get("overrides"),
    )[asked["signal"]]  # fmt: skip
    return _told(np.asarray(found.values)[:, 1], found.attrs.get("unit", "1"), bool(asked.get("change")))


def _draws() -> int:
    return int(beside("claims.chain")["draws"].number)


def _told(values: np.ndarray, unit: str, change: bool) -> Found:
    """A signal by draw as effect; as a change in per cent of 1, which it is without drug."""
    told = quantity.from_draws(100 * (values - 1) if change else values, "%" if change else unit)
    return Found(
        told.value, told.unit, told.low, told.high, "interval over draws of the doubt about the chain"
    )
