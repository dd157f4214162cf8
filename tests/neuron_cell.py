"""The same motoneuron built in NEURON, an independent simulator, from its built-in parts (no compiler needed)."""

from __future__ import annotations

import numpy as np

from spasmlab.circuit.motoneuron import Pool

CONSTANT, EXPONENTIAL, LINOID, SIGMOID = 1, 2, 3, 4  # NEURON's rate laws of a channel built at run time
_made = 0


def _channel(h, reversal, gates):
    """A density mechanism of Hodgkin–Huxley gates; `gates` is a list of (power, kind, first law, second law)."""
    global _made
    _made += 1
    channel = h.KSChan(0)
    name = f"channel{_made}"
    channel.name(name)
    channel.ion("NonSpecific")
    channel.iv_type(0)
    channel.gmax(0)
    channel.erev(reversal)
    for number, (power, kind, first, second) in enumerate(gates):
        state = channel.add_hhstate(f"s{number}")
        channel.gate(number).power(power)
        transition = channel.trans(number)
        transition.type(kind)
        transition.set_f(0, first[0], h.Vector(list(first[1:])))
        transition.set_f(1, second[0], h.Vector(list(second[1:])))
        assert state is not None
    return name


def simulate(pool: Pool, k, cell: int, current: float, duration: float, dt: float):
    """Soma voltage (time, mV) and spike times of one cell under a current step (nA) from 0 ms on."""
    from neuron import h

    h.load_file("stdrun.hoc")
    soma, _dendrite = build(h, pool, k, cell)
    return _run(h, soma, current, duration, dt, k.spike_detection)


def build(h, pool: Pool, k, cell: int):
    """The sections (soma, dendrite) of one cell of a pool, with all its channels."""
    c = {name: float(values[cell]) for name, values in pool.constants.items()}
    origin = c["spike_origin"]
    alpha_beta, inf_tau = 0, 1
    sodium = _channel(
        h,
        k.sodium_reversal,
        [
            (3, alpha_beta,
             (LINOID, k.m_opening_rate * k.m_opening_slope, 1 / k.m_opening_slope, origin + k.m_opening_half),
             (LINOID, k.m_closing_rate * k.m_closing_slope, -1 / k.m_closing_slope, origin + k.m_closing_half)),
            (1, alpha_beta,
             (EXPONENTIAL, k.h_opening_rate, -1 / k.h_opening_slope, origin + k.h_opening_half),
             (SIGMOID, k.h_closing_rate, -1 / k.h_closing_slope, origin + k.h_closing_half)),
        ],
    )  # fmt: skip
    fast = _channel(
        h,
        k.potassium_reversal,
        [
            (4, alpha_beta,
             (LINOID, k.n_opening_rate * k.n_opening_slope, 1 / k.n_opening_slope, origin + k.n_opening_half),
             (EXPONENTIAL, k.n_closing_rate, -1 / k.n_closing_slope, origin + k.n_closing_half)),
        ],
    )  # fmt: skip
    slow = _channel(
        h,
        k.potassium_reversal,
        [
            (2, alpha_beta,
             (SIGMOID, k.slow_potassium_opening_rate, -1 / k.slow_potassium_slope, k.slow_potassium_half),
             (CONSTANT, c["slow_closing"])),
        ],
    )  # fmt: skip
    calcium = _channel(
        h,
        k.calcium_reversal,
        [
            (1, inf_tau, (SIGMOID, 1.0, -1 / k.pic_slope, c["pic_half"]), (CONSTANT, k.pic_time_constant)),
        ],
    )  # fmt: skip
    opened = _channel(
        h,
        k.potassium_reversal,
        [
            (1, inf_tau, (SIGMOID, 1.0, -1 / k.pic_slope, c["pic_half"]), (CONSTANT, k.calcium_time_constant)),
        ],
    )  # fmt: skip
    persistent = _channel(
        h,
        k.sodium_reversal,
        [
            (1, inf_tau, (SIGMOID, 1.0, -1 / k.persistent_sodium_slope, c["sodium_half"]),
             (CONSTANT, k.persistent_sodium_time_constant)),
        ],
    )  # fmt: skip
    soma, dendrite, area = _sections(h, pool, cell, k)
    for section, leak in ((soma, c["soma_leak"]), (dendrite, c["dendrite_leak"])):
        section.insert("pas")
        section(0.5).pas.g, section(0.5).pas.e = 1e-6 * leak / area[section.name()], 0.0
    for name, conductance in (
        (sodium, c["sodium"]),
        (fast, c["fast_potassium"]),
        (slow, c["slow_potassium"]),
        (persistent, c["persistent_sodium"]),
    ):
        soma.insert(name)
        getattr(soma(0.5), name).gmax = 1e-6 * conductance / area[soma.name()]
    for name, conductance in ((calcium, c["calcium"]), (opened, c["calcium_potassium"])):
        dendrite.insert(name)
        getattr(dendrite(0.5), name).gmax = 1e-6 * conductance / area[dendrite.name()]
    return soma, dendrite


def inject(h, soma, current: float, duration: float):
    """An electrode with a steady current (nA) in a soma."""
    clamp = h.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.0, duration, current
    return clamp


def count(h, soma, detection: float):
    """A counter of a soma's spikes, and the vector of their times."""
    spikes, counter = h.Vector(), h.NetCon(soma(0.5)._ref_v, None, sec=soma)
    counter.threshold = detection
    counter.record(spikes)
    return counter, spikes


def _sections(h, pool, cell, k):
    """Soma and dendrite whose areas and axial resistance are those of the constants, found from capacitance."""
    c = {name: float(values[cell]) for name, values in pool.constants.items()}
    soma, dendrite = h.Section(name="soma"), h.Section(name="dendrite")
    area = {}
    for section, capacitance in ((soma, c["soma_capacitance"]), (dendrite, c["dendrite_capacitance"])):
        section.nseg, section.cm = 1, 1.0
        area[section.name()] = capacitance * 1e-3  # nF at 1 µF/cm² is cm² / 1000
    soma.L = soma.diam = np.sqrt(area["soma"] / np.pi) * 1e4
    # Any cylinder of the right area will do; its axial resistivity then gives the coupling.
    dendrite.diam = 50.0
    dendrite.L = area["dendrite"] / (np.pi * 50e-4) * 1e4
    soma.Ra = 1e-3
    half_length, section_area = dendrite.L * 1e-4 / 2, np.pi * (dendrite.diam * 1e-4) ** 2 / 4
    dendrite.Ra = 1e6 / c["coupling"] / (half_length / section_area)
    dendrite.connect(soma(1), 0)
    return soma, dendrite, area


def _run(h, soma, current, duration, dt, detection):
    _clamp = inject(h, soma, current, duration)
    clock, voltage = h.Vector().record(h._ref_t), h.Vector().record(soma(0.5)._ref_v)
    _counter, spikes = count(h, soma, detection)
    h.celsius, h.dt, h.steps_per_ms, h.secondorder = 36, dt, 1 / dt, 2
    h.finitialize(0.0)
    h.continuerun(duration)
    return np.array(clock), np.array(voltage), np.array(spikes)
