"""From plasma to the fluid around the synapse, and to the lumbar spinal fluid that can be sampled."""

from __future__ import annotations

from spasmlab.chain.stage import Stage


class InterstitialFluid(Stage):
    """dC/dt = k·(Kp·S·Cp − C), S = 1/(1 + Cp/Km): carrier-mediated entry that tires at high plasma levels."""

    params = {
        "isf_partition": "1",
        "isf_exchange_rate": "1/h",
        "brain_influx_half": "µmol/L",
        "molar_mass": "mg/µmol",
    }
    reads = {"plasma_concentration": "mg/L"}
    writes = {"brain_influx": "1"}
    states = {"isf_concentration": "mg/L"}
    meanings = {
        "brain_influx": "entry into the brain relative to low plasma levels",
        "isf_concentration": "concentration in the interstitial fluid of brain and cord",
    }

    @staticmethod
    def now(plasma_concentration, brain_influx_half, molar_mass):
        half = brain_influx_half * molar_mass
        return dict(brain_influx=half / (half + plasma_concentration))

    @staticmethod
    def rates(plasma_concentration, brain_influx, isf_concentration, isf_partition, isf_exchange_rate):
        entering = isf_partition * brain_influx * plasma_concentration
        return dict(isf_concentration=isf_exchange_rate * (entering - isf_concentration))


class SpinalFluid(Stage):
    """Lumbar CSF lags behind plasma by hours: dC/dt = k·(Kp·Cp − C)."""

    params = {"csf_partition": "1", "csf_exchange_rate": "1/h"}
    reads = {"plasma_concentration": "mg/L"}
    states = {"csf_concentration": "mg/L"}
    meanings = {"csf_concentration": "concentration in lumbar spinal fluid"}

    @staticmethod
    def rates(plasma_concentration, csf_concentration, csf_partition, csf_exchange_rate):
        return dict(
            csf_concentration=csf_exchange_rate * (csf_partition * plasma_concentration - csf_concentration)
        )
