"""Occupancy of α2δ-1 and α2δ-2, in competition with the amino acids of the living cord."""

from __future__ import annotations

from spasmlab.chain.stage import Stage


class Binding(Stage):
    """θ = C/(C + Kd·(1 + Σ Aj/Kj)): algebra, since binding equilibrates in minutes.

    `binding_site` is 1; at 0 (the R217A mutation) the drug has no site, and nothing downstream may move.
    `amino_acid_level` scales the three amino acids together.
    """

    params = {
        "molar_mass": "mg/µmol",
        "dissociation_constant": "µmol/L",
        "dissociation_constant_2": "µmol/L",
        "binding_site": "1",
        "amino_acid_level": "1",
        "leucine": "µmol/L",
        "isoleucine": "µmol/L",
        "methionine": "µmol/L",
        "leucine_inhibition": "µmol/L",
        "isoleucine_inhibition": "µmol/L",
        "methionine_inhibition": "µmol/L",
    }
    reads = {"isf_concentration": "mg/L"}
    writes = {"isf_molar": "µmol/L", "occupancy": "1", "occupancy_2": "1"}
    meanings = {
        "isf_molar": "molar concentration in the interstitial fluid",
        "occupancy": "share of α2δ-1 occupied by the drug",
        "occupancy_2": "share of α2δ-2 occupied by the drug",
    }

    @staticmethod
    def now(
        isf_concentration,
        molar_mass,
        dissociation_constant,
        dissociation_constant_2,
        binding_site,
        amino_acid_level,
        leucine,
        isoleucine,
        methionine,
        leucine_inhibition,
        isoleucine_inhibition,
        methionine_inhibition,
    ):
        molar = isf_concentration / molar_mass
        held = leucine / leucine_inhibition + isoleucine / isoleucine_inhibition
        competition = 1 + amino_acid_level * (held + methionine / methionine_inhibition)
        return dict(
            isf_molar=molar,
            occupancy=binding_site * molar / (molar + dissociation_constant * competition),
            occupancy_2=binding_site * molar / (molar + dissociation_constant_2 * competition),
        )
