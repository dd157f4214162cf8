"""What fits achieve, worked out afresh: ``python benchmarks/fitting.py [SECTION …]``, all sections without a name.

Sections: laplace and nuts (the theophylline set), patients (coverage of single patients' intervals), populations
(coverage of a population's), sbc and gabapentin (simulation-based calibration of the sampler). nuts, sbc and
gabapentin need the extra [bayes].
Results go to `docs/fitting.json`, from which `python -m spasmlab.fitting_page` makes `docs/fitting.md`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from spasmlab import drug
from spasmlab.fit import calibration, data, identify, nuts, theophylline
from spasmlab.fit.individual import Prior, Residual, prior_of
from spasmlab.fit.model import ChainModel, names_that_vary
from spasmlab.fitting_page import RESULTS

NUTS = {"warm_up": 250, "draws": 250, "chains": 2}
PATIENTS, POPULATIONS, SUBJECTS, SBC, SBC_GABAPENTIN = 200, 12, 10, 60, 20


def laplace() -> dict[str, Any]:
    found = theophylline.fit()
    (low, high), (small, large) = found.interval(), found.spread_interval()
    seen = identify.look(found.subjects, found.model, theophylline.BEGUN)
    return {
        "names": list(found.names),
        "values": theophylline.per_kg(found.values).tolist(),
        "low": theophylline.per_kg(low).tolist(),
        "high": theophylline.per_kg(high).tolist(),
        "spread": found.estimates.spread.tolist(),
        "spread_low": small.tolist(),
        "spread_high": large.tolist(),
        "shrinkage": found.shrinkage.tolist(),
        "residual_shrinkage": found.residual_shrinkage,
        "residual": [found.estimates.residual.additive, found.estimates.residual.proportional],
        "minus_two_log_likelihood": found.minus_two_log_likelihood,
        "rank": seen.rank,
        "doubts": seen.doubts.tolist(),
    }


def sampled() -> dict[str, Any]:
    one = theophylline.model()
    found = nuts.fit(data.theophylline(), one, residual=theophylline.BEGUN, **NUTS)
    natural = theophylline.per_kg(found.typical(one))
    low, middle, high = np.percentile(natural, (5, 50, 95), axis=0)
    return {
        **NUTS,
        "names": list(found.names),
        "values": middle.tolist(),
        "low": low.tolist(),
        "high": high.tolist(),
        "spread": np.median(found.spread, axis=(0, 1)).tolist(),
        "r_hat": max(found.r_hat.values()),
        "effective": min(found.effective.values()),
        "divergences": found.divergences,
    }


def patients() -> dict[str, Any]:
    """Gabapentin, a dose of 600 mg and six levels, in patients of the population of its file."""
    known = drug.load("gabapentin")
    one = ChainModel(known, names_that_vary(known))
    prior = prior_of(one)
    hours = (1.0, 2.0, 4.0, 8.0, 12.0, 24.0)
    empty = [
        data.subject(str(i), [(0, 600)], [(t, 0.0) for t in hours], crcl=f"{30 + i % 90}")
        for i in range(PATIENTS)
    ]
    seen = identify.look(empty[:1], one, prior.residual)
    return _told(calibration.of_patients(one, prior, empty)) | {
        "rank": seen.rank, "of": len(one.names), "held": list(seen.held),
    }  # fmt: skip


def populations() -> dict[str, Any]:
    """Data sets of a dozen subjects, clearance and volume of the theophylline model."""
    one = ChainModel(theophylline.model().drug, ("clearance", "volume"))
    truth = Prior(np.log([2.8, 32.0]), np.diag([0.3**2, 0.2**2]), Residual(0.0, 0.15))
    hours = (1.0, 3.0, 6.0, 12.0, 24.0)

    def subjects(place: int) -> list[data.Subject]:
        random, made = np.random.default_rng(place), []
        for number in range(SUBJECTS):
            empty = data.subject(str(number), [(0, 320)], [(t, 0.0) for t in hours], weight=70)
            own = truth.mean + np.sqrt(np.diag(truth.covariance)) * random.standard_normal(2)
            levels = one.predict(empty, own[None])[0] * (1 + 0.15 * random.standard_normal(len(hours)))
            made.append(replace(empty, observed=np.maximum(levels, 1e-3)))
        return made

    return _told(calibration.of_populations(one, truth, subjects, POPULATIONS)) | {"subjects": SUBJECTS}


def _told(found: calibration.Coverage) -> dict[str, Any]:
    return {
        "names": list(found.names),
        "count": found.count,
        "inside": found.inside.tolist(),
        "bias": found.bias.tolist(),
        "spread": found.spread.tolist(),
        "error": found.error,
    }


def sbc() -> dict[str, Any]:
    return _ranks(calibration.sample_ranks(SBC), calibration.LONG)


def gabapentin() -> dict[str, Any]:
    """The same of gabapentin, in few data sets and short chains, since each step of the sampler solves its chain."""
    found = calibration.sample_ranks(
        SBC_GABAPENTIN, model=calibration.gabapentin_model(), dose=600.0, length=calibration.SHORT
    )
    return _ranks(found, calibration.SHORT)


def _ranks(found: calibration.Ranks, length: calibration.Length) -> dict[str, Any]:
    bins = calibration.BINS
    counts = [np.bincount(r * bins // (found.ranked + 1), minlength=bins).tolist() for r in found.ranks.T]
    return {
        "count": len(found.ranks),
        "ranked": found.ranked,
        "warm_up": length.warm_up,
        "draws": length.draws,
        "steps": 2**length.deepest - 1,
        "names": list(found.names),
        "counts": counts,
        "probability": found.probability(),
        "within": found.share_within(),
        "within_probability": found.within_probability(),
        "divergences": found.divergences,
    }


SECTIONS: dict[str, Callable[[], dict[str, Any]]] = {
    "laplace": laplace,
    "nuts": sampled,
    "patients": patients,
    "populations": populations,
    "sbc": sbc,
    "gabapentin": gabapentin,
}


def main(chosen: list[str]) -> None:
    """Work out the sections and keep the others' results."""
    for name in chosen or list(SECTIONS):
        begun = time.perf_counter()
        found = SECTIONS[name]()
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        kept[name] = found
        RESULTS.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        print(f"{name}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
