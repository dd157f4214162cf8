"""One run, from a dose to a reflex: slow chain → synapse state at the visit → assays on the cord → scale.

Both arms meet the same cords (the same seeds) and the same rater. Subjects of the circuit are arms × draws,
the arm without drug first; draw 0 holds the central parameter values and draws 1… sample the doubt about the
chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from spasmlab import streams
from spasmlab.progress import Stages
from spasmlab.regimen import DAY_H
from spasmlab.request import Request

if TYPE_CHECKING:
    import xarray as xr

    from spasmlab.circuit.bench import Bench
    from spasmlab.drug import Drug
    from spasmlab.endpoints.spasticity import AshworthScore
    from spasmlab.endpoints.typical import Scored
    from spasmlab.shift import Shift
    from spasmlab.site import Sites

ARMS = ("no_drug", "drug")
RELEASES = ("release_ia", "release_poly", "release_monoamine", "release_inhibitory")
ASSAYS = ("h_reflex", "stretch", "spasm")
PLOT_POINTS = 1500  # output times of a run: about one a quarter of an hour over a fortnight


@dataclass
class Outcome:
    """Everything a run found. Arrays with a leading axis hold subjects: arm by arm, draw by draw.

    `chain` is the slow chain over time (draw, time), `state` each signal at the visit (arms, draws), `factors` what the
    drug multiplies numbers of the circuit with (arms, draws), `scored` what a trial of the condition would score.
    """

    request: Request
    chain: xr.Dataset
    state: Mapping[str, np.ndarray]
    units: Mapping[str, str]
    meanings: Mapping[str, str]
    exposure: Mapping[str, tuple[np.ndarray, str]]
    assays: Mapping[str, Any]
    score: AshworthScore
    scored: Scored
    stages: Stages
    dt_ms: float
    factors: Mapping[str, np.ndarray] = field(default_factory=dict)
    fidelity: str = "circuit"

    def by_arm(self, values: np.ndarray) -> np.ndarray:
        """Split the subject axis: (arms · draws, …) becomes (arms, draws, …)."""
        return np.reshape(values, (len(ARMS), self.request.draws, *np.shape(values)[1:]))


def run(
    request: Request,
    stages: Stages | None = None,
    fidelity: str = "circuit",
    times_h: np.ndarray | None = None,
    checked: int = 1,
) -> Outcome:
    """Carry out a request on the circuit, or by its surrogate; InputError or SolveError where a part of it refuses.

    The chain is kept at `times_h`, the visit among them (by default `output_times`); `checked` draws of it are solved again.
    """
    stages = stages or Stages()
    chain, exposure = run_chain(request, stages, times_h, checked)
    units, meanings = described(chain)
    sites = at_sites(
        synapse_state(chain, request.visit_h),
        units,
        request.drug,
        request.condition,
        request.hypothesis,
        request.seed,
    )
    bench = make_bench(request.condition, sites.state, request.seed, sites.factors, request.hypothesis)
    results = run_assays(ASSAYS, bench, stages, fidelity)
    with stages("Scale (modified Ashworth)"):
        score = score_stretch(results["stretch"], bench)
    with stages("Scale (as trials score)"):
        from spasmlab import scored as trials

        scored = trials.of_request(request, sites.factors, fidelity)
    return Outcome(
        request,
        chain,
        sites.state,
        units,
        meanings,
        exposure,
        results,
        score,
        scored,
        stages,
        bench.dt,
        sites.factors,
        fidelity,
    )


def described(chain: xr.Dataset) -> tuple[dict[str, str], dict[str, str]]:
    """Units and meanings by name: of the signals of the slow chain, and of the releases."""
    from spasmlab.chain.release import Release

    about = {str(name): chain.variables[name].attrs for name in chain.data_vars}
    units = {name: str(attrs.get("unit", "1")) for name, attrs in about.items()}
    words = {name: str(attrs.get("long_name", name)) for name, attrs in about.items()}
    return {**Release.writes, **units}, {**Release.meanings, **words}


def at_sites(
    state: Mapping[str, np.ndarray],
    units: Mapping[str, str],
    drug: Drug,
    condition: Shift,
    hypothesis: Shift,
    seed: int,
) -> Sites:
    """What the drug does where it acts: the releases, and factors on numbers of the circuit, each (arms, draws).

    The effects are those of the drug's file, and those of the hypothesis where the drug has the signals they name.
    """
    from spasmlab import site

    supposed = (effect for effect in hypothesis.effects.values() if set(effect.half) <= set(state))
    cord_seed = int(cord_seeds(seed, 1)[0])
    return site.act(
        (*drug.effects.values(), *supposed), state, units, site.Setting(condition, seed, cord_seed)
    )


def run_chain(
    request: Request, stages: Stages, times_h: np.ndarray | None = None, checked: int = 1
) -> tuple[xr.Dataset, dict[str, tuple[np.ndarray, str]]]:
    """The slow chain over the whole regimen, and its exposure metrics as (values by draw, unit)."""
    with stages("Slow chain: loading and compiling"):
        from spasmlab.chain.solve import warm_up as warm_up_chain

        warm_up_chain(request.drug, request.formulation)
    with stages("Slow chain: solving"):
        chain = solve_chain(request, output_times(request) if times_h is None else times_h, checked)
        return chain, exposure_of(request, chain)


def solve_chain(request: Request, times_h: np.ndarray, checked: int) -> xr.Dataset:
    """The slow chain at some hours; `checked` draws of it are solved again."""
    from spasmlab.chain.solve import solve

    return solve(
        request.drug,
        request.regimen,
        request.patient,
        request.condition,
        request.hypothesis,
        days=request.days,
        formulation=request.formulation,
        fed=request.fed,
        dialysis=request.dialysis,
        overrides=request.overrides,
        draws=request.draws,
        seed=request.seed,
        times_h=times_h,
        checked=checked,
    )


def exposure_of(request: Request, chain: xr.Dataset) -> dict[str, tuple[np.ndarray, str]]:
    """The exposure metrics of a solved chain as (values by draw, unit)."""
    from spasmlab import exposure, exposure_course

    if request.dialysis:
        metrics = exposure_course.metrics(
            lambda times: solve_chain(request, times, 0), request.dialysis, request.regimen, request.days
        )
    else:
        metrics = exposure.metrics(chain, request.regimen)
    return {
        name: (np.asarray(metrics[name]), unit) for name, unit in exposure.UNITS.items() if name in metrics
    }


def output_times(request: Request) -> np.ndarray:
    """Hours at which the chain is kept: an even grid over the days, and the visit."""
    grid = np.linspace(0, request.days * DAY_H, PLOT_POINTS)
    return np.unique(np.append(grid, request.visit_h))


def synapse_state(chain: xr.Dataset, visit_h: float) -> dict[str, np.ndarray]:
    """Every signal at the visit (arms, draws); the arm without drug is the chain before its first dose."""
    visit = int(np.argmin(np.abs(chain["time"].values - visit_h)))
    signals = {str(name): chain.variables[name].values for name in chain.data_vars}
    return {name: np.stack([values[..., 0], values[..., visit]]) for name, values in signals.items()}


def cord_seeds(seed: int, draws: int) -> np.ndarray:
    """Seeds of shape (draws,), the same for every arm; the bench makes another cord of each draw."""
    return np.full(draws, streams.key(seed, "cord") & (2**63 - 1), dtype=np.int64)


def make_bench(
    condition: Shift,
    state: Mapping[str, np.ndarray],
    seed: int,
    factors: Mapping[str, np.ndarray] | None = None,
    hypothesis: Shift | None = None,
) -> Bench:
    """The laboratory bench for subjects = arms × draws: releases and factors on parameters of each, (arms, draws).

    A hypothesis may set numbers of the cord too, over those of the condition.
    """
    from spasmlab.circuit.bench import Bench

    shifts = hypothesis.parameters.items() if hypothesis else ()

    arms, draws = state["release_ia"].shape
    return Bench(
        condition=condition,
        release_ia=state["release_ia"].reshape(-1),
        release_poly=state["release_poly"].reshape(-1),
        release_monoamine=state["release_monoamine"].reshape(-1),
        release_inhibitory=state["release_inhibitory"].reshape(-1),
        seeds=np.tile(cord_seeds(seed, draws), arms),
        draws=np.tile(np.arange(draws), arms),
        factors={name: values.reshape(-1) for name, values in (factors or {}).items()},
        changes={p.rsplit(".", 1)[1]: record.number for p, record in shifts if p.startswith("circuit.")},
    )


def run_assays(
    names: tuple[str, ...], bench: Bench, stages: Stages, fidelity: str = "circuit"
) -> dict[str, Any]:
    """Run assays on the bench, each a stage of its own, after a stage that compiles their kernels; or ask the surrogate."""
    if fidelity == "surrogate":
        from spasmlab.surrogate import assay

        with stages("Surrogate of the circuit"):
            return {name: assay.run(name, bench) for name in names}
    with stages("Circuit: loading and compiling"):
        from spasmlab import assays

        modules = {name: assays.load(name) for name in names}
        if any(getattr(module, "NEEDS_CORD", True) for module in modules.values()):
            warm_up(bench)
    results = {}
    for name in names:
        with stages(f"Assay: {name.replace('_', ' ')}") as bench.progress:
            results[name] = assays.measure(name, bench)
    return results


def warm_up(bench: Bench) -> None:
    """Wire the cords and run one for a millisecond: compiles the kernel where it is not in the cache."""
    from spasmlab.circuit.bench import Run

    bench.simulate([Run(0, "warm up", duration=1.0)])


def score_stretch(stretch: Any, bench: Bench) -> AshworthScore:
    """The modified Ashworth score of the torques of the stretch assay."""
    from spasmlab.endpoints import spasticity

    passive, damping, reflex = (stretch.readouts[f"{p}_torque"] for p in ("passive", "damping", "reflex"))
    return spasticity.score(
        stretch.coords["velocity"], passive, damping, reflex, seeds=bench.seeds, draws=bench.draws
    )
