"""Calcium entry at the terminal: a fast arm on open channels and a slow arm on channels at the surface."""

from __future__ import annotations

from spasmlab.chain.stage import Stage


class CalciumChannels(Stage):
    """Calcium entry = a·s; a = 1 − Ea·θ and ds/dt = ((1 − Es·θ) − s)/τ.

    Ea and Es run from their healthy to their injured value with the state of the synapse, σ in 0..1 (α2δ-1
    up-regulation and hyperexcitability); a condition shifts σ. Without drug a = s = 1.
    """

    params = {
        "synapse_state": "1",
        "fast_effect_healthy": "1",
        "fast_effect_injured": "1",
        "trafficking_effect_healthy": "1",
        "trafficking_effect_injured": "1",
        "trafficking_time": "h",
    }
    reads = {"occupancy": "1"}
    writes = {"calcium_fast": "1", "calcium_entry": "1"}
    states = {"surface_channels": "1"}
    initial = {"surface_channels": 1.0}
    meanings = {
        "calcium_fast": "calcium entry per surface channel, relative to no drug (fast arm)",
        "surface_channels": "calcium channels at the surface, relative to no drug (trafficking arm)",
        "calcium_entry": "calcium entry per impulse, relative to no drug",
    }

    @staticmethod
    def now(occupancy, surface_channels, synapse_state, fast_effect_healthy, fast_effect_injured):
        effect = fast_effect_healthy + synapse_state * (fast_effect_injured - fast_effect_healthy)
        fast = 1 - effect * occupancy
        return dict(calcium_fast=fast, calcium_entry=fast * surface_channels)

    @staticmethod
    def rates(
        occupancy,
        surface_channels,
        synapse_state,
        trafficking_effect_healthy,
        trafficking_effect_injured,
        trafficking_time,
    ):
        injured = trafficking_effect_injured - trafficking_effect_healthy
        effect = trafficking_effect_healthy + synapse_state * injured
        return dict(surface_channels=(1 - effect * occupancy - surface_channels) / trafficking_time)
