"""How fast, how exact, how much memory: gabapentin 600 mg three times a day for 14 days, hourly, in one run.

    python benchmarks/exposure_speed.py [--patients 10000]

Each engine runs in a process of its own, on one core, after a warm-up that is not timed, on the same equations
(mouth to plasma, cord fluid and spinal fluid: nine states) and the same patients; slow engines take the first few.
Results go to benchmarks/results.md. Needs the extras `bench`.
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

import numpy as np

HERE = Path(__file__).parent
DOSES, INTERVAL_H, AMOUNT_MG = 42, 8.0, 600.0
HOURS = np.arange(DOSES * INTERVAL_H + 1)
SIGNALS = ("plasma_concentration", "isf_concentration", "csf_concentration")
PARTS = ("stomach", "gut-window", "renal-clearance", "two-compartments")
ONE_LAG_H = 0.25
IN_TURN = "in turn"
SAMPLE = 16  # patients whose error is measured
MRGSOLVE = 880.0  # patients a second, measured before on this kind of machine with six states; not run here
ENGINES = {
    "generated kernel": 10_000,
    "generated kernel, streaming": 10_000,
    "hand-written kernel": 10_000,
    "generated kernel, plasma alone": 10_000,
    "generated adaptive solver": 128,
    "heyoka, batches": 256,
    "libRoadRunner": 24,
    "SciPy LSODA": 2,
}


def problem(patients: int):
    """The patients: central values moved by the doubt about each parameter."""
    from spasmlab import drug
    from spasmlab.chain import body, resolve
    from spasmlab.chain.brain import InterstitialFluid, SpinalFluid
    from spasmlab.chain.pathway import Pathway
    from spasmlab.chain.problem import Problem
    from spasmlab.chain.solve import parameter_values

    gabapentin = drug.load("gabapentin")
    names, values = parameter_values(gabapentin, draws=patients, seed=1)
    pathway = Pathway((*body.pathway(PARTS).stages, InterstitialFluid, SpinalFluid))
    rows = [list(names).index(name) for name in pathway.params]
    longest = resolve.bounds(body.whole(), resolve.records(body.whole(), gabapentin, None, None), "lag")[1]
    doses = np.arange(DOSES) * INTERVAL_H
    return Problem(pathway, np.ascontiguousarray(values[rows]), doses, np.full(DOSES, AMOUNT_MG), longest)


def reference(made) -> np.ndarray:
    """The generated adaptive solver at 1e-13, (patients, signals, times)."""
    return adaptive(made, 1e-13)


def adaptive(made, tolerance: float = 1e-8) -> np.ndarray:
    """The generated adaptive solver, one patient after the other."""
    from spasmlab.equations import kernel_cache

    kernel = kernel_cache.load_adaptive(made.pathway)
    places = [kernel.SIGNALS.index(name) for name in SIGNALS]
    lag = kernel.PARAMETERS.index("lag")
    row, none = np.empty(len(kernel.SIGNALS)), np.zeros(len(kernel.STATES))
    out = np.empty((made.patients, len(SIGNALS), len(HOURS)))
    for patient in range(made.patients):
        values, state, now = made.parameters[:, patient].copy(), np.zeros(len(kernel.STATES)), 0.0
        arrivals = made.doses + values[lag]
        for cut, place in merged(arrivals):
            if cut > now:
                kernel.advance(values, state, none, cut - now, tolerance, tolerance)
                now = cut
            if place < 0:
                state[0] += AMOUNT_MG
            else:
                kernel.observe(values, state, row)
                out[patient, :, place] = row[places]
    return out


def merged(arrivals: np.ndarray) -> list[tuple[float, int]]:
    """Arrivals (-1) and output hours (their place) in order; at a tie the dose first."""
    events = [(float(t), -1) for t in arrivals if t <= HOURS[-1]]
    return sorted(events + [(float(t), i) for i, t in enumerate(HOURS)])


def generated(made) -> np.ndarray:
    """The kernel that runs by default."""
    from spasmlab.chain.problem import run

    solved = run(made, HOURS, SIGNALS)
    return np.stack([solved[name] for name in SIGNALS], 1)


def plasma_alone(made) -> np.ndarray:
    """The same where nothing else is asked for: stages behind plasma are left out."""
    from spasmlab.chain.problem import run

    return run(made, HOURS, SIGNALS[:1])[SIGNALS[0]][:, None]


def streaming(made) -> np.ndarray:
    """The same in constant memory: parts are solved, summed up and forgotten; the first patients are kept."""
    from spasmlab.chain.problem import stream

    kept, total = None, np.zeros((len(SIGNALS), len(HOURS)))
    for _, solved in stream(made, HOURS, SIGNALS):
        part = np.stack([solved[name] for name in SIGNALS], 1)
        total += part.sum(axis=0)
        kept = part[:SAMPLE].copy() if kept is None else kept
    return kept


def hand_written(made) -> np.ndarray:
    """The kernel typed by hand, on the same grid."""
    import hand_written as kernel

    from spasmlab.chain import grid

    row, size = made.row, made.row("weight") / made.row("reference_weight")
    filtered = np.minimum(row("creatinine_clearance"), row("creatinine_clearance_cap"))
    other = row("nonrenal_clearance") * size ** row("clearance_exponent")
    clearance = row("clearance_factor") * (other + row("renal_clearance_slope") * filtered)
    clearance = clearance + row("dialysis") * row("dialysis_clearance")
    gut = size ** row("uptake_exponent")
    values = np.array(
        [
            row("emptying_rate") * row("fed_emptying_ratio") ** row("fed"), gut * row("uptake_vmax"),
            gut * row("uptake_half"), row("non_saturable"), row("absorption_factor"), clearance,
            row("volume") * size, row("peripheral_rate"),
            row("peripheral_volume") * size, row("lag"), row("isf_partition"), row("isf_exchange_rate"),
            row("brain_influx_half") * row("molar_mass"), row("csf_partition"), row("csf_exchange_rate"),
        ]
    )  # fmt: skip
    missing = -made.patients % kernel.WIDTH
    values = np.ascontiguousarray(
        np.concatenate([values, np.repeat(values[:, -1:], missing, axis=1)], axis=1)
    )
    steps = grid.build(made.doses, HOURS, made.longest_lag)
    out = np.empty((len(SIGNALS), len(HOURS), values.shape[1]))
    kernel.solve(
        values,
        steps.edges,
        steps.counts,
        made.doses,
        made.amounts,
        steps.pending,
        steps.starting,
        steps.record,
        out,
    )
    return np.ascontiguousarray(out[:, :, : made.patients].transpose(2, 0, 1))


_heyoka_made: dict[str, object] = {}


def _heyoka_engine(made):
    """Engine and function from patients to its parameters: what holds parameters only is computed beforehand, as in
    the generated kernel. Uptake is never more than delivery here (no other drug is taken), so that minimum goes."""
    import heyoka as hy
    import sympy

    from spasmlab.equations.numba_kernel import Generator
    from spasmlab.equations.trace import symbol

    if "engine" in _heyoka_made:
        return _heyoka_made["engine"], _heyoka_made["values"]
    made_of = Generator(made.pathway)
    rates = {**made_of.rates, **{s: -rate * symbol(s) for s, rate in made_of.decay.items()}}
    rates = {s: e.replace(sympy.Min, lambda *a: max(a, key=sympy.count_ops)) for s, e in rates.items()}
    states = {name: hy.make_vars(name) for name in made.pathway.states}
    used = sorted(
        set().union(*(e.free_symbols for e in rates.values())) - {symbol(s) for s in states}, key=str
    )
    known = {**states, **{str(s): hy.par[i] for i, s in enumerate(used)}}
    tools = [{"sqrt": hy.sqrt}]

    def turned(expression):
        symbols = sorted(expression.free_symbols, key=str)
        return sympy.lambdify(symbols, expression, tools)(*[known[str(s)] for s in symbols])

    width = hy.recommended_simd_size()
    system = [(states[name], turned(rates[name])) for name in states]
    shape = (len(used), width)
    engine = hy.taylor_adaptive_batch(system, np.zeros((len(states), width)), tol=1e-7, pars=np.ones(shape))
    terms = {str(t): e for e, t in made_of.terms.items()}
    wanted = [terms.get(str(s), s) for s in used]
    params = [symbol(n) for n in made.pathway.params]
    _heyoka_made["engine"] = engine
    _heyoka_made["values"] = sympy.lambdify(params, wanted, "numpy")
    return engine, _heyoka_made["values"]


def heyoka(made) -> np.ndarray:
    """Taylor series in batches of the machine's width, stopped at every arrival of a dose."""
    engine, values = _heyoka_engine(made)
    width, names, everyone = engine.state.shape[1], list(made.pathway.states), np.arange(made.patients)
    places = [names.index(n) for n in ("plasma_amount", "isf_concentration", "csf_concentration")]
    parameters = np.array([np.broadcast_to(row, made.patients) for row in values(*made.parameters)])
    out = np.empty((made.patients, len(SIGNALS), len(HOURS)))
    for first in range(0, made.patients, width):
        lanes = np.minimum(np.arange(first, first + width), everyone[-1])
        engine.pars[:] = parameters[:, lanes]
        engine.state[:] = 0.0
        engine.set_time(np.zeros(width))
        arrivals = np.minimum(made.doses[:, None] + made.row("lag")[lanes], HOURS[-1])
        found, begun = np.zeros((len(HOURS), len(places), width)), np.zeros(width)
        for until in [*arrivals, np.full(width, HOURS[-1])]:
            _heyoka_part(engine, found, places, begun, until)
            engine.state[0] += AMOUNT_MG * (until < HOURS[-1])
            begun = until
        whole = min(width, made.patients - first)
        out[first : first + whole] = found[:, :, :whole].transpose(2, 1, 0)
    out[:, 0] /= (made.row("volume") * made.row("weight") / made.row("reference_weight"))[:, None]
    return out


def _heyoka_part(engine, found: np.ndarray, places: list[int], begun: np.ndarray, until: np.ndarray) -> None:
    """From one arrival to the next, with the hours between them of each lane (padded to as many in each)."""
    last = until == HOURS[-1]
    low = np.ceil(begun - 1e-12).astype(int)
    high = np.where(last, len(HOURS), np.ceil(until - 1e-12)).astype(int)
    count, lanes = int((high - low).max()), np.arange(len(low))
    steps = low + np.arange(count)[:, None]
    inside = steps < high
    share = np.arange(1, count + 1)[:, None] / (count + 1)
    times = np.where(
        inside,
        np.maximum(steps, begun),
        np.maximum(high - 1, begun) + (until - np.maximum(high - 1, begun)) * share,
    )
    grid = np.vstack([begun, times, until])
    grid += np.cumsum(1e-12 * (np.diff(grid, axis=0, prepend=-1) <= 0), axis=0)
    states = engine.propagate_grid(grid)[-1][1:-1][:, places]
    for k in range(count):
        on = inside[k]
        found[steps[k][on], :, lanes[on]] = states[k][:, on].T
    engine.set_time(until)


def road_runner(made) -> np.ndarray:
    """The exported SBML, the model loaded once and its parameters set for each patient."""
    import roadrunner

    from spasmlab.io import sbml

    runner = _runner.get(0)
    if runner is None:
        still = made.with_parameter(
            "lag", 0.25
        )  # the model holds the arrivals: each patient's lag is set below
        runner = _runner[0] = roadrunner.RoadRunner(sbml.text(still, 0))
        runner.integrator.relative_tolerance = 1e-7
        runner.integrator.absolute_tolerance = 1e-9
        runner.timeCourseSelections = list(SIGNALS)
    out = np.empty((made.patients, len(SIGNALS), len(HOURS)))
    names = [n for n in made.pathway.params if n != "lag"]
    for patient in range(made.patients):
        runner.resetAll()
        for name in names:
            runner[name] = made.row(name)[patient]
        out[patient] = np.array(runner.simulate(HOURS[0], HOURS[-1], len(HOURS))).T
    return out


_runner: dict[int, object] = {}


def scipy_lsoda(made) -> np.ndarray:
    """solve_ivp (LSODA) on the traced equations as one Python function, restarted at every arrival."""
    import sympy
    from scipy.integrate import solve_ivp

    from spasmlab.equations import trace

    flat, states = trace.flat(made.pathway), list(made.pathway.states)
    symbols = [trace.symbol(n) for n in (*states, *made.pathway.params)]
    slopes = sympy.lambdify(symbols, [flat[f"d_{n}"] for n in states], "math", cse=True)
    seen = sympy.lambdify(symbols, [flat.get(n, trace.symbol(n)) for n in SIGNALS], "math", cse=True)
    out = np.empty((made.patients, len(SIGNALS), len(HOURS)))
    for patient in range(made.patients):
        values = made.parameters[:, patient].tolist()
        arrivals = made.doses + made.row("lag")[patient]
        state, now = np.zeros(len(states)), 0.0
        for until in [*arrivals[arrivals <= HOURS[-1]].tolist(), float(HOURS[-1])]:
            inside = HOURS[(now <= HOURS) & ((until > HOURS) | (until == HOURS[-1]))]
            if until > now:
                grid = np.unique(np.append(inside, until))
                found = solve_ivp(
                    lambda _, y, known=values: slopes(*y, *known),
                    (now, until),
                    state,
                    "LSODA",
                    grid,
                    rtol=1e-7,
                    atol=1e-8,
                )
                for k, hour in enumerate(grid):
                    if hour in inside:
                        out[patient, :, int(hour)] = seen(*found.y[:, k], *values)
                state = found.y[:, -1].copy()
            if until < HOURS[-1] or until in arrivals:
                state[0] += AMOUNT_MG
            now = until
    return out


RUNS = {
    "generated kernel": generated,
    "generated kernel, streaming": streaming,
    "hand-written kernel": hand_written,
    "generated kernel, plasma alone": plasma_alone,
    "generated adaptive solver": adaptive,
    "heyoka, batches": heyoka,
    "libRoadRunner": road_runner,
    "SciPy LSODA": scipy_lsoda,
}


def measure(engine: str, patients: int) -> dict[str, float]:
    """One engine in this process: seconds, patients a second of processor time, error, memory."""
    made, run = problem(patients), RUNS[engine]
    if engine == "libRoadRunner":
        made = made.with_parameter("lag", ONE_LAG_H)
    begun = time.perf_counter()
    run(made.take(range(min(patients, SAMPLE if patients > SAMPLE else 1))))
    warm = time.perf_counter() - begun
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    best = np.inf
    for _ in range(5 if patients >= 100 else 1):
        begun = time.process_time()
        found = run(made)
        best = min(best, time.process_time() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    few = min(SAMPLE, patients)
    truth = reference(made.take(range(few)))[:, : found.shape[1]]
    apart = np.abs(found[:few] - truth)
    high = np.max(truth, axis=2, keepdims=True)
    seen = truth > 0.01 * high
    return {
        "patients": patients,
        "warm_up_s": warm,
        "rate": patients / best,
        "error": float(np.max(apart / high)),
        "pointwise": float(np.max((apart / np.where(seen, truth, 1))[seen])),
        "peak_mb": peak / 1024,
        "more_mb": (peak - before) / 1024,
    }


def in_turn(patients: int, rounds: int = 5) -> dict[str, float]:
    """The generated and the hand-written kernel in one process, in turn: the best processor time of each."""
    made = problem(patients)
    best = dict.fromkeys(("generated kernel", "hand-written kernel"), np.inf)
    for number in range(rounds + 1):
        for engine in best:
            begun = time.process_time()
            found = RUNS[engine](made)
            if not np.isfinite(found).all():
                raise SystemExit(f"{engine}: not finite")
            if number:  # the first round warms up
                best[engine] = min(best[engine], time.process_time() - begun)
    return {"patients": patients, "ratio": best["hand-written kernel"] / best["generated kernel"]}


def main() -> None:
    """Run every engine, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--engine")
    given = parser.parse_args()
    if given.engine:
        print(
            json.dumps(
                in_turn(given.patients) if given.engine == IN_TURN else measure(given.engine, given.patients)
            )
        )
        return
    results, load = {}, [os.getloadavg()[0]]
    rows = [(engine, min(most, given.patients)) for engine, most in ENGINES.items()]
    rows.append(("generated kernel, streaming", 4 * given.patients))
    for engine, patients in rows:
        answer = _child(engine, patients)
        name = engine if patients <= given.patients else f"{engine}, four times as many"
        results[name] = answer
        print(f"{name:50s}", json.dumps(answer), file=sys.stderr)
    turn = _child(IN_TURN, min(given.patients, 2000))["ratio"]
    print("against the hand-written kernel, in turn:", turn, file=sys.stderr)
    load.append(os.getloadavg()[0])
    (HERE / "results.md").write_text(page(results, turn, load), encoding="utf-8")


def _child(engine: str, patients: int) -> dict[str, float]:
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    words = [sys.executable, str(Path(__file__)), "--engine", engine, "--patients", str(patients)]
    done = subprocess.run(words, env={**os.environ, **alone}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{engine}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def page(results: dict[str, dict[str, float]], turn: float, load: list[float]) -> str:
    """The results as a page."""
    ours = results["generated kernel"]
    lines = [
        "# Speed of the exposure chain",
        "",
        f"Gabapentin {AMOUNT_MG:g} mg three times a day, {DOSES} doses, 14 days, hourly output of plasma, cord fluid and "
        f"spinal fluid; nine states. Written by `python benchmarks/exposure_speed.py`; {platform.machine()}, "
        f"{os.cpu_count()} cores, one used at a time, Python {platform.python_version()}. The rate is patients per "
        "second of processor time, best of five (of one for the slow engines), compiling left out. The error is the "
        f"largest over {SAMPLE} patients, against the adaptive solver at 1e-13: as a share of each patient's highest "
        "level, and of the level itself where that is above 1 % of the highest. Load of the machine (processes that want "
        f"to run, one minute's mean): {load[0]:.1f} at the start, {load[1]:.1f} at the end; rates of a loaded machine are "
        "low, and ratios in one run are what counts.",
        "",
        "| engine | patients | patients/s/core | error of highest | error of level | peak memory, MB "
        "| of it the run | warm-up, s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, r in results.items():
        lines.append(
            f"| {name} | {r['patients']:.0f} | {r['rate']:,.1f} | {r['error']:.1e} | {r['pointwise']:.1e} "
            f"| {r['peak_mb']:.0f} | {r['more_mb']:.0f} | {r['warm_up_s']:.1f} |"
        )
    targets = [
        (
            "mrgsolve (880 patients/s, measured before with six states, not in this run)",
            ours["rate"] / MRGSOLVE,
            20,
        ),
        ("heyoka", ours["rate"] / results["heyoka, batches"]["rate"], 4),
        ("libRoadRunner", ours["rate"] / results["libRoadRunner"]["rate"], 80),
        ("SciPy LSODA", ours["rate"] / results["SciPy LSODA"]["rate"], None),
        ("the kernel written by hand, both in turn in one process", turn, 0.95),
    ]
    lines += ["", "| generated kernel against | times as fast | aim | met |", "|---|---|---|---|"]
    for name, ratio, aim in targets:
        met = "" if aim is None else ("yes" if ratio >= aim else "no")
        lines.append(f"| {name} | {ratio:,.2f} | {aim or ''} | {met} |")
    few, many = (
        results["generated kernel, streaming"],
        results["generated kernel, streaming, four times as many"],
    )
    lines += [
        "",
        f"Streaming: {few['more_mb']:.0f} MB more than before the run for {few['patients']:,.0f} patients, "
        f"{many['more_mb']:.0f} MB for {many['patients']:,.0f}. libRoadRunner ran every patient with a lag of "
        f"{ONE_LAG_H:g} h, since its model holds the times of arrival.",
        "",
        "What the comparison is and is not: mrgsolve was measured before, on a chain of six states, and is not run here; "
        "libRoadRunner runs the exported model, which works out every signal of the chain at every step and has an event "
        "for each dose, one patient at a time; heyoka has its parameter-only terms worked out beforehand, as ours has.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
