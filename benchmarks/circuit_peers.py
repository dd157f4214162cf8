"""The network of `circuit_network.py` in NEURON, Brian2 and Arbor, written as their users would write it.

Every engine gets the same cells, wires, trains, delays and time step, from `Network`; each counts the spikes of every
cell and the processor time of its run alone. Returns also the seconds of compiling.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from circuit_network import DT, FIBRES, Answer, Network, megabytes, peak_memory

from spasmlab.circuit.motoneuron import C as OPENED
from spasmlab.circuit.motoneuron import H, M, N, P, Q, S

MECHANISMS = {
    "smlsoma": {
        "states": {
            "m": ("{m_opening_rate}*{m_opening_slope}*over((v-origin-{m_opening_half})/{m_opening_slope})",
                  "{m_closing_rate}*{m_closing_slope}*over(({m_closing_half}-v+origin)/{m_closing_slope})"),
            "h": ("{h_opening_rate}*exp(({h_opening_half}-v+origin)/{h_opening_slope})",
                  "{h_closing_rate}/(1+exp(({h_closing_half}-v+origin)/{h_closing_slope}))"),
            "n": ("{n_opening_rate}*{n_opening_slope}*over((v-origin-{n_opening_half})/{n_opening_slope})",
                  "{n_closing_rate}*exp(({n_closing_half}-v+origin)/{n_closing_slope})"),
            "q": ("{slow_potassium_opening_rate}/(1+exp(({slow_potassium_half}-v)/{slow_potassium_slope}))", "closing"),
            "s": ("1/(1+exp((shalf-v)/{persistent_sodium_slope}))/{persistent_sodium_time_constant}",
                  "(1-1/(1+exp((shalf-v)/{persistent_sodium_slope})))/{persistent_sodium_time_constant}"),
        },
        "range": ("gna", "gnap", "gk", "gahp", "origin", "closing", "shalf"),
        "current": "(gna*m*m*m*h+gnap*s)*(v-({sodium_reversal}))+(gk*n*n*n*n+gahp*q*q)*(v-({potassium_reversal}))",
    },
    "smldend": {
        "states": {
            "p": ("1/(1+exp((phalf-v)/{pic_slope}))/{pic_time_constant}",
                  "(1-1/(1+exp((phalf-v)/{pic_slope})))/{pic_time_constant}"),
            "o": ("1/(1+exp((phalf-v)/{pic_slope}))/{calcium_time_constant}",
                  "(1-1/(1+exp((phalf-v)/{pic_slope})))/{calcium_time_constant}"),
        },
        "range": ("gca", "gsk", "phalf"),
        "current": "gca*p*(v-({calcium_reversal}))+gsk*o*(v-({potassium_reversal}))",
    },
}  # fmt: skip
RANGES = {  # parameter of a mechanism: constant of a cell, and whether it is a conductance
    "smlsoma": {
        "gna": ("sodium", True), "gnap": ("persistent_sodium", True), "gk": ("fast_potassium", True),
        "gahp": ("slow_potassium", True), "origin": ("spike_origin", False), "closing": ("slow_closing", False),
        "shalf": ("sodium_half", False),
    },
    "smldend": {"gca": ("calcium", True), "gsk": ("calcium_potassium", True), "phalf": ("pic_half", False)},
}  # fmt: skip
ROWS = {"m": M, "h": H, "n": N, "q": Q, "s": S, "p": P, "o": OPENED}


def filled(text: str, k) -> str:
    """A formula with the circuit's numbers in it."""
    names = {name: repr(float(k[name])) for name in k.dtype.names}
    return text.format(**names)


def mod_file(name: str, k, arbor: bool) -> str:
    """A mechanism in NMODL, in NEURON's or Arbor's dialect; gates are solved as cnexp."""
    made = MECHANISMS[name]
    states, ranges = " ".join(made["states"]), ", ".join(made["range"])
    slopes, begin = [], []
    for state, (opening, closing) in made["states"].items():
        a, b = (_linear(filled(text, k), arbor) for text in (opening, closing))
        slopes += [f"a = {a}", f"b = {b}", f"{state}' = a*(1-{state}) - b*{state}"]
        begin += [f"a = {a}", f"b = {b}", f"{state} = a/(a+b)"]
    v = "v (mV)\n" if arbor else ""
    assigned = "" if arbor else "ASSIGNED { v (mV) i (mA/cm2) }\n"
    help_ = (
        ""
        if arbor
        else "FUNCTION linear(x) {\n if (fabs(x) < 1e-6) { linear = 1 + x/2 } else { linear = x/(1-exp(-x)) }\n}\n"
    )
    parameters = "\n".join(f"{p} = 0" for p in made["range"])
    lines = "\n".join
    return (
        f"NEURON {{\n SUFFIX {name}\n NONSPECIFIC_CURRENT i\n RANGE {ranges}\n{'' if arbor else ' THREADSAFE'}\n}}\n"
        f"UNITS {{ (mV) = (millivolt) (mA) = (milliamp) }}\n"
        f"PARAMETER {{\n{v}{parameters}\n}}\n{assigned}STATE {{ {states} }}\n"
        f"BREAKPOINT {{\n SOLVE states METHOD cnexp\n i = {filled(made['current'], k)}\n}}\n"
        f"INITIAL {{\n LOCAL a, b\n{lines(begin)}\n}}\n"
        f"DERIVATIVE states {{\n LOCAL a, b\n{lines(slopes)}\n}}\n{help_}"
    )


def _linear(text: str, arbor: bool) -> str:
    """x/(1 - exp(-x)), without its hole at 0, in a dialect: exprelr(x) is x/(exp(x) - 1)."""
    while "over(" in text:
        start = text.index("over(")
        end, depth = start + 5, 1
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        inside = text[start + 5 : end - 1]
        text = text[:start] + (f"exprelr(-({inside}))" if arbor else f"linear({inside})") + text[end:]
    return text


def write_mods(folder: Path, network: Network, arbor: bool) -> None:
    """Both mechanisms as files."""
    for name in MECHANISMS:
        (folder / f"{name}.mod").write_text(mod_file(name, network.numbers[0], arbor), encoding="utf-8")


def geometry(network: Network) -> dict[str, np.ndarray]:
    """Cylinders whose area (at 1 uF/cm2) and axial resistance are those of the cells, as arrays over cells: cm, ohm cm."""
    c = network.constants
    soma, dendrite = c["soma_capacitance"] * 1e-3, c["dendrite_capacitance"] * 1e-3  # cm2
    wide = 50e-4
    length = dendrite / (np.pi * wide)
    resistivity = 1e6 / c["coupling"] / (length / 2 / (np.pi * wide**2 / 4))
    return {
        "soma_area": soma,
        "dendrite_area": dendrite,
        "soma_size": np.sqrt(soma / np.pi),
        "dendrite_length": length,
        "dendrite_diameter": np.full_like(length, wide),
        "dendrite_resistivity": resistivity,
    }


# ---- NEURON -------------------------------------------------------------------------------------------------------


def neuron(network: Network) -> tuple[Answer, float]:
    """NEURON with compiled mechanisms (nrnivmodl), fixed step, second order in time."""
    folder = Path(tempfile.mkdtemp())
    write_mods(folder, network, arbor=False)
    begun = _cpu()
    tool = Path(sys.executable).parent / "nrnivmodl"
    done = subprocess.run([str(tool)], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout[-1500:] + done.stderr[-1500:])
    compiled = _cpu() - begun
    from neuron import h, load_mechanisms

    load_mechanisms(str(folder), warn_if_already_loaded=False)
    h.load_file("stdrun.hoc")
    kept, spikes = _neuron_cells(h, network)
    h.celsius, h.secondorder, h.dt = 36, 2, DT
    h.steps_per_ms = 1 / DT
    parallel = h.ParallelContext()
    parallel.set_maxstep(10)
    h.finitialize(0.0)
    begun = time.process_time()
    parallel.psolve(network.duration)
    seconds = time.process_time() - begun
    counts = np.array([vector.size() for vector in spikes]).reshape(network.patients, -1)
    assert kept
    return Answer(counts, seconds, peak_memory()), compiled


def _neuron_cells(h, network: Network):
    shape, k = geometry(network), network.numbers[0]
    c, kept, spikes = network.constants, [], []
    sources = []
    for patient in range(network.patients):
        fibres = []
        for first, interval, _ in network.trains[patient]:
            source = h.NetStim()
            source.start, source.interval, source.number, source.noise = first * DT, interval * DT, 1e9, 0
            fibres.append(source)
        sources.append(fibres)
    for cell in range(network.patients * network.cells):
        soma, dendrite = h.Section(name=f"s{cell}"), h.Section(name=f"d{cell}")
        soma.L = soma.diam = shape["soma_size"][cell] * 1e4
        soma.Ra = 1e-3
        dendrite.L, dendrite.diam = (
            shape["dendrite_length"][cell] * 1e4,
            shape["dendrite_diameter"][cell] * 1e4,
        )
        dendrite.Ra = shape["dendrite_resistivity"][cell]
        dendrite.connect(soma(1), 0)
        for section, name, leak, area in (
            (soma, "smlsoma", "soma_leak", shape["soma_area"][cell]),
            (dendrite, "smldend", "dendrite_leak", shape["dendrite_area"][cell]),
        ):
            section.cm = 1.0
            section.insert("pas")
            section.insert(name)
            part = section(0.5)
            part.pas.g, part.pas.e = 1e-6 * c[leak][cell] / area, 0.0
            for parameter, (constant, conductance) in RANGES[name].items():
                scale = 1e-6 / area if conductance else 1.0
                setattr(getattr(part, name), parameter, c[constant][cell] * scale)
        clamp = h.IClamp(soma(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.0, 1e9, network.current[cell]
        synapse = h.ExpSyn(dendrite(0.5))
        synapse.tau, synapse.e = k.fast_excitation_decay, k.excitatory_reversal
        patient, own = divmod(cell, network.cells)
        inputs = []
        for fibre in np.flatnonzero(network.wired[patient, :, own]):
            link = h.NetCon(sources[patient][fibre], synapse)
            link.delay, link.weight[0] = network.trains[patient, fibre, 2] * DT, network.weight
            inputs.append(link)
        counter, times = h.NetCon(soma(0.5)._ref_v, None, sec=soma), h.Vector()
        counter.threshold = k.spike_detection
        counter.record(times)
        kept.append((soma, dendrite, clamp, synapse, inputs, counter))
        spikes.append(times)
    return (kept, sources), spikes


def _cpu() -> float:
    """Processor seconds of the processes this one started and has waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# ---- Brian2 -------------------------------------------------------------------------------------------------------

BRIAN = """
dv/dt = (-gl*v - (gna*m**3*h + gnap*s)*(v - ({sodium_reversal})) - (gk*n**4 + gahp*q**2)*(v - ({potassium_reversal}))
         + gc*(w - v) + drive)/cs/ms : 1
dw/dt = (-gd*w - gca*p*(w - ({calcium_reversal})) - gsk*o*(w - ({potassium_reversal}))
         - g*(w - ({excitatory_reversal})) + gc*(v - w))/cd/ms : 1
dg/dt = -g/({fast_excitation_decay}*ms) : 1
{gates}
""" + "\n".join(
    f"{name} : 1 (constant)"
    for name in ("gl", "gna", "gnap", "gk", "gahp", "gc", "gd", "gca", "gsk", "cs", "cd", "drive", "origin", "closing",
                 "shalf", "phalf")
)  # fmt: skip
BRIAN_CONSTANTS = {
    "gl": "soma_leak", "gd": "dendrite_leak", "gc": "coupling", "cs": "soma_capacitance", "cd": "dendrite_capacitance",
    **{name: constant for ranges in RANGES.values() for name, (constant, _) in ranges.items()},
}  # fmt: skip


def brian(network: Network, method: str = "exponential_euler") -> tuple[Answer, float]:
    """Brian2 in standalone C++ on one thread, with the compiler's default flags (-O3 -ffast-math -march=native)."""
    import brian2

    k = network.numbers[0]
    folder = tempfile.mkdtemp()
    brian2.set_device("cpp_standalone", directory=folder, build_on_run=False)
    brian2.defaultclock.dt = DT * brian2.ms
    gates = [
        _brian_gate(name, *laws, k) for one in MECHANISMS.values() for name, laws in one["states"].items()
    ]
    names = {name: repr(float(k[name])) for name in k.dtype.names}
    equations = BRIAN.replace("{gates}", "\n".join(gates)).format(**names)
    size = network.patients * network.cells
    above = f"v > {float(k.spike_detection)!r}"
    group = brian2.NeuronGroup(size, equations, threshold=above, refractory=above, method=method)
    for name, constant in BRIAN_CONSTANTS.items():
        setattr(group, name, network.constants[constant])
    group.drive = network.current
    for name, row in ROWS.items():
        setattr(group, name, network.gates[row])
    fibres, times = _fibre_spikes(network)
    source = brian2.SpikeGeneratorGroup(network.patients * FIBRES, fibres, times * DT * brian2.ms)
    synapses = brian2.Synapses(source, group, on_pre=f"g_post += {network.weight!r}")
    patient, fibre, cell = np.nonzero(network.wired)
    synapses.connect(i=patient * FIBRES + fibre, j=patient * network.cells + cell)
    synapses.delay = network.trains[patient, fibre, 2] * DT * brian2.ms
    monitor = brian2.SpikeMonitor(group, record=False)
    made = brian2.Network(group, source, synapses, monitor)
    out = Path(folder) / "clock.txt"
    brian2.device.insert_code("before_network_run", "std::clock_t begun = std::clock();")
    brian2.device.insert_code(
        "after_network_run",
        f'{{ std::ofstream file("{out}"); file << double(std::clock() - begun) / CLOCKS_PER_SEC << std::endl; '
        'std::ifstream status("/proc/self/status"); std::string line; '
        'while (std::getline(status, line)) if (line.find("VmHWM") == 0) file << line << std::endl; }',
    )
    made.run(network.duration * brian2.ms)
    begun = _cpu()
    brian2.device.build(directory=folder, compile=True, run=False)
    compiled = _cpu() - begun
    brian2.device.run(directory=folder)
    counts = np.array(monitor.count).reshape(network.patients, -1)
    seconds, peak = out.read_text().splitlines()
    return Answer(counts, float(seconds), megabytes(peak)), compiled


def _brian_gate(name: str, opening: str, closing: str, k) -> str:
    def law(text: str) -> str:
        found = _linear(filled(text, k), arbor=True).replace("exprelr(", "1/exprel(")
        return found.replace("v-", "w-").replace("-v", "-w") if name in ("p", "o") else found

    return f"d{name}/dt = (({law(opening)})*(1 - {name}) - ({law(closing)})*{name})/ms : 1"


def _fibre_spikes(network: Network) -> tuple[np.ndarray, np.ndarray]:
    """Fibre and step of every spike within the run."""
    trains = network.trains.reshape(-1, 3)
    steps = [np.arange(first, network.steps, interval) for first, interval, _ in trains]
    return np.repeat(np.arange(len(trains)), [len(s) for s in steps]), np.concatenate(steps)


def brian_euler(network: Network) -> tuple[Answer, float]:
    """The same by Brian2's cheapest method, explicit Euler."""
    return brian(network, "euler")


# ---- Arbor --------------------------------------------------------------------------------------------------------


def arbor(network: Network) -> tuple[Answer, float]:
    """Arbor on one thread, cells of a patient in one group, its mechanisms compiled with vector instructions."""
    import arbor as arb

    folder = Path(tempfile.mkdtemp())
    (folder / "mods").mkdir()
    write_mods(folder / "mods", network, arbor=True)
    begun = _cpu()
    tool = Path(sys.executable).parent / "arbor-build-catalogue"
    done = subprocess.run(
        [str(tool), "sml", "mods"],
        cwd=folder, capture_output=True, text=True, check=False, env={**os.environ, "CXXFLAGS": "-march=native"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stdout[-2500:] + done.stderr[-2500:])
    compiled = _cpu() - begun
    recipe = _recipe(arb, network, folder / "sml-catalogue.so")
    context = arb.context(threads=1)
    hints = {arb.cell_kind.cable: arb.partition_hint(cpu_group_size=network.cells)}
    simulation = arb.simulation(recipe, context, arb.partition_load_balance(recipe, context, hints))
    simulation.record(arb.spike_recording.local)
    begun = time.process_time()
    simulation.run(network.duration * arb.units.ms, DT * arb.units.ms)
    seconds = time.process_time() - begun
    size = network.patients * network.cells
    who = np.array([spike[0][0] for spike in simulation.spikes()], dtype=int)
    counts = np.bincount(who[who < size], minlength=size)
    return Answer(counts.reshape(network.patients, -1), seconds, peak_memory()), compiled


def _recipe(arb, network: Network, catalogue: Path):
    shape, k, c, U = geometry(network), network.numbers[0], network.constants, arb.units
    cells = network.patients * network.cells

    class Recipe(arb.recipe):
        def __init__(self):
            arb.recipe.__init__(self)
            self.properties = arb.neuron_cable_properties()
            self.properties.catalogue.extend(arb.load_catalogue(str(catalogue)), "")

        def num_cells(self):
            return cells + network.patients * FIBRES

        def cell_kind(self, gid):
            return arb.cell_kind.cable if gid < cells else arb.cell_kind.spike_source

        def global_properties(self, kind):
            return self.properties

        def connections_on(self, gid):
            if gid >= cells:
                return []
            patient, own = divmod(gid, network.cells)
            return [
                arb.connection(
                    (cells + patient * FIBRES + int(f), "out"), "in", network.weight,
                    network.trains[patient, f, 2] * DT * U.ms,
                )
                for f in np.flatnonzero(network.wired[patient, :, own])
            ]  # fmt: skip

        def cell_description(self, gid):
            if gid >= cells:
                first, interval, _ = network.trains[divmod(gid - cells, FIBRES)]
                return arb.spike_source_cell(
                    "out", arb.regular_schedule(first * DT * U.ms, interval * DT * U.ms)
                )
            return self.cable(gid)

        def cable(self, gid):
            tree = arb.segment_tree()
            size = shape["soma_size"][gid] * 1e4
            length, wide = shape["dendrite_length"][gid] * 1e4, shape["dendrite_diameter"][gid] * 1e4
            point = arb.mpoint
            soma = tree.append(arb.mnpos, point(0, 0, 0, size / 2), point(size, 0, 0, size / 2), tag=1)
            tree.append(soma, point(size, 0, 0, wide / 2), point(size + length, 0, 0, wide / 2), tag=3)
            labels = arb.label_dict({"soma": "(tag 1)", "dend": "(tag 3)"})
            decor = arb.decor().set_property(Vm=0 * U.mV, cm=0.01 * U.F / U.m2)
            for region, name, leak, area in (
                ("soma", "smlsoma", "soma_leak", shape["soma_area"][gid]),
                ("dend", "smldend", "dendrite_leak", shape["dendrite_area"][gid]),
            ):
                values = {
                    parameter: c[constant][gid] * (1e-6 / area if conductance else 1.0)
                    for parameter, (constant, conductance) in RANGES[name].items()
                }
                decor.paint(f'"{region}"', arb.density(name, values))
                decor.paint(f'"{region}"', arb.density("pas/e=0", {"g": 1e-6 * c[leak][gid] / area}))
            decor.paint('"soma"', rL=1e-3 * U.Ohm * U.cm)
            decor.paint('"dend"', rL=shape["dendrite_resistivity"][gid] * U.Ohm * U.cm)
            decor.place("(root)", arb.i_clamp(network.current[gid] * U.nA))
            decor.place(
                '(on-components 0.5 (region "dend"))',
                arb.synapse("expsyn", {"tau": k.fast_excitation_decay, "e": k.excitatory_reversal}), "in",
            )  # fmt: skip
            decor.place("(root)", arb.threshold_detector(float(k.spike_detection) * U.mV), "spike")
            return arb.cable_cell(tree, decor, labels, arb.cv_policy_every_segment())

    return Recipe()


def brian_second(network: Network) -> tuple[Answer, float]:
    """The same by Brian2's second-order method, Runge and Kutta's."""
    return brian(network, "rk2")


PEERS = {
    "NEURON": neuron,
    "Brian2, Euler": brian_euler,
    "Brian2, exponential Euler": brian,
    "Brian2, Runge-Kutta": brian_second,
    "Arbor": arbor,
}
