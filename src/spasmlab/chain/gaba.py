"""What gabapentin does not do: act on GABA receptors, GABA uptake or GABA-T. All four are off by default.

They are here so that their absence is a tested statement: switched on, each moves the releases; blocked by
a bath blocker, the moved releases return; and with all four off a blocker changes nothing at all.
"""

from __future__ import annotations

from spasmlab.chain.stage import Stage


class GabaActions(Stage):
    """Receptor activation A = (1 − blocked)·(1 − (1 − agonist)·(1 − extra GABA/(1 + extra GABA))).

    agonist = switch·C/(C + half); extra GABA, relative to its usual level, = rise·(uptake + transaminase),
    each again switch·C/(C + half).
    """

    params = {
        "gaba_a_agonism": "1",
        "gaba_b_agonism": "1",
        "gaba_uptake_inhibition": "1",
        "gaba_transaminase_inhibition": "1",
        "gaba_half": "µmol/L",
        "gaba_rise": "1",
        "gaba_a_blocked": "1",
        "gaba_b_blocked": "1",
    }
    reads = {"isf_molar": "µmol/L"}
    writes = {"gaba_a_activation": "1", "gaba_b_activation": "1"}
    meanings = {
        "gaba_a_activation": "GABA-A activation added by the drug",
        "gaba_b_activation": "GABA-B activation added by the drug",
    }

    @staticmethod
    def now(
        isf_molar,
        gaba_a_agonism,
        gaba_b_agonism,
        gaba_uptake_inhibition,
        gaba_transaminase_inhibition,
        gaba_half,
        gaba_rise,
        gaba_a_blocked,
        gaba_b_blocked,
    ):
        bound = isf_molar / (isf_molar + gaba_half)
        extra = gaba_rise * (gaba_uptake_inhibition + gaba_transaminase_inhibition) * bound
        usual = 1 / (1 + extra)
        return dict(
            gaba_a_activation=(1 - gaba_a_blocked) * (1 - (1 - gaba_a_agonism * bound) * usual),
            gaba_b_activation=(1 - gaba_b_blocked) * (1 - (1 - gaba_b_agonism * bound) * usual),
        )
