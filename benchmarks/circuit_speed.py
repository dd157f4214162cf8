"""How fast, how much memory: a motor pool of 320 two-compartment cells under 200 Ia fibres, in one run with its peers.

    python benchmarks/circuit_speed.py [--quick] [--brian2 FOLDER]

Each engine runs the network of `circuit_network.py` in a process of its own, on one thread, at the same time step; the
time is that of the processor, compiling and building left out. Then the exponential of the kernel against a library
call, and what a whole cord costs. Results go to benchmarks/circuit_results.md. Needs the extra `bench`, `neuron` and a
C++ compiler; `--brian2` names a folder with Brian2 and the NumPy it needs (`pip install --target FOLDER brian2
"numpy<2.4"`), where the installed NumPy is too new for it. An engine that cannot run is left out, with its reason.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
OURS = "Spasmlab"
CELLS, SHARE, DENSE = 320, 0.1, 0.9
SIZES = ((1, 1000.0), (16, 200.0), (64, 100.0))  # patients, ms
ENGINES = (OURS, "Brian2, Euler", "Brian2, exponential Euler", "Brian2, Runge-Kutta", "Arbor", "NEURON")
# Patients at most: building NEURON's cells one by one takes many minutes; the other two are slower than Brian2 by Euler.
MOST = {"NEURON": 16, "Brian2, exponential Euler": 16, "Brian2, Runge-Kutta": 16}
AIM, EXPONENTIAL_AIM = 5, 3
CORD, EXPONENTIALS = "whole cord", "exponentials"
GROWTH = {
    "neurons": [(96, 1, 1), (192, 1, 1), (320, 1, 1)],
    "patients": [(320, 1, 1), (320, 16, 1), (320, 64, 1)],
    "seconds": [(320, 1, 1), (320, 1, 2), (320, 1, 4)],
}  # cells, patients, seconds
BLOCKS, STEPS = 10, 20_000  # of the kernel whose exponential is tried


def measure(engine: str, patients: int, duration: float, share: float) -> dict[str, float]:
    """One engine in this process."""
    import circuit_network
    import circuit_peers

    network = circuit_network.Network(patients, CELLS, share, duration)
    run = circuit_network.spasmlab if engine == OURS else circuit_peers.PEERS[engine]
    answer, compiled = run(network)
    return {
        "ms": duration,
        "rate": network.patients * network.cells * network.steps / answer.seconds / 1e6,
        "spikes": float(answer.spikes.mean()),
        "compile_s": compiled,
        "peak_mb": answer.peak,
        "realtime": duration / 1000 * patients / answer.seconds,
    }


def exponentials() -> dict[str, float]:
    """The kernel's step with its own exponential over the same with a library call, in turn, best of each."""
    from circuit_network import Network, state_of
    from numba import njit

    from spasmlab.circuit import fastmath, motoneuron

    @njit(inline="always")
    def library(x):
        return np.exp(x)

    def rebuilt(function, names, **options):
        changed = {**function.py_func.__globals__, **names}
        return njit(**options)(types.FunctionType(function.py_func.__code__, changed))

    with_library = {"growth": library}
    for name in ("rising", "falling"):
        with_library[name] = rebuilt(getattr(fastmath, name), {"growth": library}, inline="always")
    loops = {
        name: rebuilt(getattr(motoneuron, name), with_library, inline="always")
        for name in ("spike_gates", "slow_gates", "voltages")
    }
    slow = rebuilt(motoneuron.advance, loops, fastmath=True, error_model="numpy")

    def stepper(advance):
        @njit
        def steps(x, c, k, dt, number):
            s = motoneuron.prepare_step(k[0], dt)
            for _ in range(number):
                for b in range(x.shape[0]):
                    advance(x[b], c[b], s)

        return steps

    network = Network(1, BLOCKS * motoneuron.BLOCK, SHARE, 1.0)
    x, c = (rows[0] for rows in state_of(network))
    best = {}
    kernels = {"own": stepper(motoneuron.advance), "library": stepper(slow)}
    for turn in range(4):
        for name, kernel in kernels.items():
            begun = time.process_time()
            kernel(x.copy(), c, network.numbers, 0.025, STEPS if turn else 1)
            if turn:
                best[name] = min(best.get(name, np.inf), time.process_time() - begun)
    cells = BLOCKS * motoneuron.BLOCK * STEPS / 1e6
    return {
        "own": cells / best["own"],
        "library": cells / best["library"],
        "ratio": best["library"] / best["own"],
    }


def whole_cord(quick: bool) -> dict[str, list[list[float]]]:
    """Processor seconds of whole cords (afferents, interneurons, muscles, joint, noise) shocked 3 times a second."""
    found = {}
    _cord(32, 1, 0.1)  # compiles
    for what, rows in GROWTH.items():
        found[what] = [[*row, _cord(*row)] for row in (rows[:2] if quick else rows)]
    return found


def _cord(cells: int, patients: int, seconds: float) -> float:
    from spasmlab import condition
    from spasmlab.circuit import afferent
    from spasmlab.circuit.bench import Bench, Run, Stimulus

    ones = np.ones(patients)
    bench = Bench(
        condition.load("healthy"), ones, ones, np.arange(patients) + 1,
        changes={"motoneurons": float(cells), "extensor_ia_fibres": 200.0},
    )  # fmt: skip
    end = 1000.0 * seconds
    shocks = tuple(Stimulus(t, afferent.TIBIAL_NERVE, 1.4) for t in np.arange(50.0, end, 333.0))
    runs = [Run(s, "speed", end, stimuli=shocks) for s in range(patients)]
    bench.simulate(runs[:1])  # wires the cords
    begun = time.process_time()
    bench.simulate(runs)
    return time.process_time() - begun


def main() -> None:
    """Run every engine in a process of its own, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one patient, a short run: whether everything works"
    )
    parser.add_argument("--brian2", metavar="FOLDER")
    parser.add_argument("--child", nargs="+")
    given = parser.parse_args()
    if given.child:
        print(json.dumps(_answer(given.child, given.quick)))
        return
    sizes = ((1, 100.0),) if given.quick else SIZES
    results, reasons = {}, {}
    for patients, duration, share in [(*size, SHARE) for size in sizes] + [(*sizes[0], DENSE)]:
        for engine in ENGINES:
            if patients > MOST.get(engine, patients):
                continue
            answer = _child([engine, str(patients), str(duration), str(share)], given)
            print(f"{engine:28s} {patients:3d} {share:g}", json.dumps(answer), file=sys.stderr)
            if "failed" in answer:
                reasons[engine] = answer["failed"]
            else:
                results[engine, patients, share] = answer
    guard, cord = _child([EXPONENTIALS], given), _child([CORD], given)
    print(json.dumps([guard, cord]), file=sys.stderr)
    if not given.quick:
        (HERE / "circuit_results.md").write_text(page(results, reasons, guard, cord), encoding="utf-8")
    if guard["ratio"] < EXPONENTIAL_AIM:
        raise SystemExit(
            f"the kernel's exponential is {guard['ratio']:.2f} times a library call, below {EXPONENTIAL_AIM}"
        )


def _answer(words: list[str], quick: bool):
    if words[0] == CORD:
        return whole_cord(quick)
    if words[0] == EXPONENTIALS:
        return exponentials()
    return measure(words[0], int(words[1]), float(words[2]), float(words[3]))


def _child(words: list[str], given: argparse.Namespace) -> dict:
    one = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    folders = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    if given.brian2 and words[0].startswith("Brian2"):
        folders.insert(0, given.brian2)
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, **one, "PYTHONPATH": os.pathsep.join(folders), "PATH": tools}
    command = [sys.executable, str(Path(__file__)), *(["--quick"] if given.quick else []), "--child", *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["ended without a word"])[-1][:300]}
    return json.loads(done.stdout.strip().splitlines()[-1])


def page(results: dict, reasons: dict[str, str], guard: dict[str, float], cord: dict) -> str:
    """The results as a page."""
    lines = [
        "# Speed of the circuit",
        "",
        f"A motor pool of {CELLS} two-compartment motoneurons a patient (sodium, fast, slow and calcium-dependent "
        "potassium, persistent sodium, leak, dendritic calcium), 200 Ia fibres with a delay each, time step 0.025 ms, "
        "double precision. Written by `python benchmarks/circuit_speed.py`; "
        f"{platform.machine()}, {os.cpu_count()} cores shared with other work, one thread each, Python "
        f"{platform.python_version()}. The rate is million neuron-steps per second of processor time, compiling and "
        "building left out (ours: best of three). Engines run in turn, each in a process of its own; spikes are the "
        "mean number of a cell, which shows that it is the same network. Memory is the peak of the process (Brian2: of "
        "its compiled program alone).",
        "",
        "| engine | patients | connected | ms | million neuron-steps/s | ours over it | spikes a cell | compile, s "
        "| peak memory, MB |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (engine, patients, share), r in results.items():
        ours = results[OURS, patients, share]["rate"]
        lines.append(
            f"| {engine} | {patients} | {share:.0%} | {r['ms']:g} | {r['rate']:.1f} | {ours / r['rate']:.1f} "
            f"| {r['spikes']:.2f} | {r['compile_s']:.1f} | {r['peak_mb']:.0f} |"
        )
    lines += [f"\n{engine} did not run: {reason}" for engine, reason in reasons.items()]
    return "\n".join([*lines, "", *_aims(results, guard, cord), "", *_growth(cord), "", *_words()])


def _aims(results: dict, guard: dict[str, float], cord: dict) -> list[str]:
    most = max(patients for _, patients, _ in results)
    there = {
        e: r["rate"] for (e, patients, share), r in results.items() if patients == most and share == SHARE
    }
    fastest = max((e for e in there if e != OURS), key=there.__getitem__)
    seconds = next(row[3] for row in cord["neurons"] if row[0] == CELLS)
    rows = [
        (f"times the fastest peer ({fastest}) at {most} patients", there[OURS] / there[fastest], AIM),
        (f"whole cord of {CELLS} motoneurons: seconds simulated per second of one core", 1 / seconds, 1),
        (
            "the same network alone: seconds simulated per second of one core",
            results[OURS, 1, SHARE]["realtime"],
            1,
        ),
        (
            f"the kernel's own exponential over a library call ({guard['own']:.0f} against {guard['library']:.0f} "
            "million neuron-steps/s)",
            guard["ratio"],
            EXPONENTIAL_AIM,
        ),
    ]
    lines = ["| measure | found | aim | met |", "|---|---|---|---|"]
    return lines + [
        f"| {name} | {found:.2f} | {aim} | {'yes' if found >= aim else 'no'} |" for name, found, aim in rows
    ]


def _growth(cord: dict) -> list[str]:
    lines = [
        "A whole cord (200 Ia fibres, other afferents, interneurons, muscle, joint and noise besides the pool), shocked "
        "three times a second, on one core:",
        "",
        "| grows with | motoneurons | patients | seconds | processor seconds | per patient and second |",
        "|---|---|---|---|---|---|",
    ]
    for what, rows in cord.items():
        lines += [
            f"| {what} | {cells} | {patients} | {length} | {used:.2f} | {used / patients / length:.2f} |"
            for cells, patients, length, used in rows
        ]
    return lines


def _words() -> list[str]:
    return [
        "What the comparison is and is not: pools are whole blocks of 32 cells, so 320 stands for 300. Our step and "
        "NEURON's are of second order in time, as is Brian2's Runge-Kutta; exponential Euler, Euler and Arbor's are of "
        "first order and differ a little in spikes. Engines left out at 64 patients take many minutes to build (NEURON) or "
        "are slower than the same engine by Euler. NEURON and Arbor run mechanisms compiled for this cell, Brian2 its "
        "generated C++ with its default flags; all could be tuned by those who know them better. Fibres fire regularly "
        "and do not tire; the background noise is off. The machine was not quiet: processor time is affected by other "
        "work through shared caches.",
        "",
    ]


if __name__ == "__main__":
    main()
