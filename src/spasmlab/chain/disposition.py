"""One compartment, cleared by the kidney in proportion to creatinine clearance, and a little otherwise."""

from __future__ import annotations

from spasmlab.chain.stage import Stage
from spasmlab.equations.functions import minimum


class Disposition(Stage):
    """dA/dt = U − CL·C, C = A/V; CL = CLnr + b·min(CrCL, cap), V proportional to body weight.

    Total clearance stays positive in anuria (CrCL = 0), through the non-renal part.
    """

    params = {
        "volume": "L",
        "weight": "kg",
        "reference_weight": "kg",
        "nonrenal_clearance": "L/h",
        "renal_clearance_slope": "1",
        "creatinine_clearance": "L/h",
        "creatinine_clearance_cap": "L/h",
    }
    reads = {"absorption_rate": "mg/h"}
    writes = {
        "distribution_volume": "L",
        "total_clearance": "L/h",
        "plasma_concentration": "mg/L",
        "elimination_rate": "mg/h",
    }
    states = {"plasma_amount": "mg", "eliminated_amount": "mg", "plasma_auc": "mg*h/L"}
    meanings = {
        "distribution_volume": "volume of distribution",
        "total_clearance": "total clearance from plasma",
        "plasma_concentration": "plasma concentration",
        "elimination_rate": "drug eliminated from plasma",
        "plasma_amount": "drug in the body",
        "eliminated_amount": "drug eliminated since the start",
        "plasma_auc": "area under the plasma concentration since the start",
    }

    @staticmethod
    def now(
        plasma_amount,
        volume,
        weight,
        reference_weight,
        nonrenal_clearance,
        renal_clearance_slope,
        creatinine_clearance,
        creatinine_clearance_cap,
    ):
        distribution_volume = volume * weight / reference_weight
        filtered = minimum(creatinine_clearance, creatinine_clearance_cap)
        clearance = nonrenal_clearance + renal_clearance_slope * filtered
        concentration = plasma_amount / distribution_volume
        return dict(
            distribution_volume=distribution_volume,
            total_clearance=clearance,
            plasma_concentration=concentration,
            elimination_rate=clearance * concentration,
        )

    @staticmethod
    def rates(absorption_rate, elimination_rate, plasma_concentration):
        return dict(
            plasma_amount=absorption_rate - elimination_rate,
            eliminated_amount=elimination_rate,
            plasma_auc=plasma_concentration,
        )
