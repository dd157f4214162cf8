"""From the blood: what clears a drug, the compartments it spreads over, and an active metabolite."""

from __future__ import annotations

from spasmlab.chain.stage import Stage
from spasmlab.equations.functions import minimum, sqrt, where

_PLASMA = {
    "distribution_volume": "central volume of distribution",
    "plasma_concentration": "plasma concentration",
    "elimination_rate": "drug eliminated from plasma",
    "plasma_rise": "rate of change of the plasma concentration",
    "steady_volume": "volume of distribution at steady state",
    "terminal_rate": "rate constant of the last phase of decline",
    "plasma_amount": "drug in the central compartment",
    "eliminated_amount": "drug eliminated since the start",
    "plasma_auc": "area under the plasma concentration since the start",
}


class RenalClearance(Stage):
    """CL = CLnr·(w/w₀)^a·i + b·min(CrCL, cap)·i + CLhd while on haemodialysis; i is the effect of other drugs.

    The renal part follows measured filtration, which carries size and age in itself; the non-renal part
    scales with size. Clearance stays positive in anuria (CrCL = 0), through the non-renal part.
    """

    params = {
        "nonrenal_clearance": "L/h",
        "renal_clearance_slope": "1",
        "creatinine_clearance": "L/h",
        "creatinine_clearance_cap": "L/h",
        "clearance_factor": "1",
        "dialysis_clearance": "L/h",
        "dialysis": "1",
        "weight": "kg",
        "reference_weight": "kg",
        "clearance_exponent": "1",
    }
    writes = {"total_clearance": "L/h"}
    meanings = {"total_clearance": "total clearance from plasma"}

    @staticmethod
    def now(
        nonrenal_clearance,
        renal_clearance_slope,
        creatinine_clearance,
        creatinine_clearance_cap,
        clearance_factor,
        dialysis_clearance,
        dialysis,
        weight,
        reference_weight,
        clearance_exponent,
    ):
        other = nonrenal_clearance * (weight / reference_weight) ** clearance_exponent
        renal = renal_clearance_slope * minimum(creatinine_clearance, creatinine_clearance_cap)
        return dict(total_clearance=clearance_factor * (other + renal) + dialysis * dialysis_clearance)


class PlainClearance(Stage):
    """CL = CL₀·(w/w₀)^a·i, whatever the kidney does; i is the effect of other drugs."""

    params = {
        "clearance": "L/h",
        "clearance_factor": "1",
        "weight": "kg",
        "reference_weight": "kg",
        "clearance_exponent": "1",
    }
    writes = {"total_clearance": "L/h"}
    meanings = RenalClearance.meanings

    @staticmethod
    def now(clearance, clearance_factor, weight, reference_weight, clearance_exponent):
        return dict(
            total_clearance=clearance_factor * clearance * (weight / reference_weight) ** clearance_exponent
        )


class OneCompartment(Stage):
    """dA/dt = U − CL·C, C = A/V; V is proportional to body weight."""

    params = {"volume": "L", "weight": "kg", "reference_weight": "kg"}
    reads = {"absorption_rate": "mg/h", "total_clearance": "L/h"}
    writes = {
        "distribution_volume": "L",
        "plasma_concentration": "mg/L",
        "elimination_rate": "mg/h",
        "plasma_rise": "mg/L/h",
        "steady_volume": "L",
        "terminal_rate": "1/h",
    }
    states = {"plasma_amount": "mg", "eliminated_amount": "mg", "plasma_auc": "mg*h/L"}
    meanings = _PLASMA

    @staticmethod
    def now(plasma_amount, absorption_rate, total_clearance, volume, weight, reference_weight):
        distribution_volume = volume * weight / reference_weight
        concentration = plasma_amount / distribution_volume
        return dict(
            distribution_volume=distribution_volume,
            plasma_concentration=concentration,
            elimination_rate=total_clearance * concentration,
            plasma_rise=(absorption_rate - total_clearance * concentration) / distribution_volume,
            steady_volume=distribution_volume,
            terminal_rate=total_clearance / distribution_volume,
        )

    @staticmethod
    def rates(absorption_rate, elimination_rate, plasma_concentration):
        return dict(
            plasma_amount=absorption_rate - elimination_rate,
            eliminated_amount=elimination_rate,
            plasma_auc=plasma_concentration,
        )


class TwoCompartments(Stage):
    """dA/dt = U − CL·C − k·(v·C − P), dP/dt = k·(v·C − P), C = A/V; V and v are proportional to body weight.

    P is the drug in the peripheral compartment of volume v, which gives it back at the rate constant k; with v
    at 0 it is one compartment. The last phase declines with the smaller root of λ² − (CL/V + k·v/V + k)·λ + k·CL/V.
    """

    params = {
        "volume": "L",
        "peripheral_volume": "L",
        "peripheral_rate": "1/h",
        "weight": "kg",
        "reference_weight": "kg",
    }
    reads = {"absorption_rate": "mg/h", "total_clearance": "L/h"}
    writes = {**OneCompartment.writes, "peripheral_uptake": "mg/h"}
    states = {**OneCompartment.states, "peripheral_amount": "mg"}
    meanings = {
        **_PLASMA,
        "peripheral_uptake": "net transfer from the central to the peripheral compartment",
        "peripheral_amount": "drug in the peripheral compartment",
    }

    @staticmethod
    def now(
        plasma_amount,
        peripheral_amount,
        absorption_rate,
        total_clearance,
        volume,
        peripheral_volume,
        peripheral_rate,
        weight,
        reference_weight,
    ):
        size = weight / reference_weight
        distribution_volume = volume * size
        concentration = plasma_amount / distribution_volume
        uptake = peripheral_rate * (peripheral_volume * size * concentration - peripheral_amount)
        leaving = total_clearance / distribution_volume
        both = leaving + peripheral_rate * peripheral_volume / volume + peripheral_rate
        product = leaving * peripheral_rate
        slow = 2 * product / (both + sqrt(both * both - 2 * 2 * product))
        return dict(
            distribution_volume=distribution_volume,
            plasma_concentration=concentration,
            elimination_rate=total_clearance * concentration,
            plasma_rise=(absorption_rate - total_clearance * concentration - uptake) / distribution_volume,
            steady_volume=(volume + peripheral_volume) * size,
            terminal_rate=where(peripheral_volume > 0, slow, leaving),
            peripheral_uptake=uptake,
        )

    @staticmethod
    def rates(absorption_rate, elimination_rate, plasma_concentration, peripheral_uptake):
        return dict(
            plasma_amount=absorption_rate - elimination_rate - peripheral_uptake,
            eliminated_amount=elimination_rate,
            plasma_auc=plasma_concentration,
            peripheral_amount=peripheral_uptake,
        )


class ConstantElimination(Stage):
    """What is eliminated at a constant plasma concentration: E = CL·C."""

    reads = {"plasma_concentration": "mg/L", "total_clearance": "L/h"}
    writes = {"elimination_rate": "mg/h"}
    meanings = {"elimination_rate": "drug eliminated from plasma"}

    @staticmethod
    def now(plasma_concentration, total_clearance):
        return dict(elimination_rate=total_clearance * plasma_concentration)


class Metabolite(Stage):
    """An active metabolite formed from a share f of what is eliminated: dM/dt = f·m·E − CLm·M/Vm.

    m is the metabolite's molar mass over the parent's; clearance and volume scale with weight as the parent's.
    """

    params = {
        "metabolite_share": "1",
        "metabolite_mass_ratio": "1",
        "metabolite_clearance": "L/h",
        "metabolite_volume": "L",
        "weight": "kg",
        "reference_weight": "kg",
        "clearance_exponent": "1",
    }
    reads = {"elimination_rate": "mg/h"}
    writes = {"metabolite_concentration": "mg/L", "metabolite_elimination": "1/h"}
    states = {"metabolite_amount": "mg", "metabolite_auc": "mg*h/L"}
    meanings = {
        "metabolite_concentration": "plasma concentration of the active metabolite",
        "metabolite_elimination": "rate constant of elimination of the metabolite",
        "metabolite_amount": "active metabolite in the body",
        "metabolite_auc": "area under the metabolite's concentration since the start",
    }

    @staticmethod
    def now(
        metabolite_amount,
        metabolite_clearance,
        metabolite_volume,
        weight,
        reference_weight,
        clearance_exponent,
    ):
        size = weight / reference_weight
        volume = metabolite_volume * size
        return dict(
            metabolite_concentration=metabolite_amount / volume,
            metabolite_elimination=metabolite_clearance * size**clearance_exponent / volume,
        )

    @staticmethod
    def rates(
        metabolite_amount,
        metabolite_concentration,
        metabolite_elimination,
        elimination_rate,
        metabolite_share,
        metabolite_mass_ratio,
    ):
        formed = metabolite_share * metabolite_mass_ratio * elimination_rate
        return dict(
            metabolite_amount=formed - metabolite_elimination * metabolite_amount,
            metabolite_auc=metabolite_concentration,
        )
