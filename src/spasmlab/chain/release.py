"""What a terminal releases per impulse, by class of terminal, relative to no drug."""

from __future__ import annotations

from spasmlab.chain.stage import Stage


class Release(Stage):
    """r = (1 − f·(1 − c^m))·(1 − GABA terms): f is the share of release that rests on the channels in
    question.

    A plain power law on calcium over-predicts the measured loss (row R03: −18 % where it would say −74 %),
    hence f. f runs from its healthy to its spastic value with the state of the synapse. The GABA terms are
    1 by default.
    """

    params = {
        "synapse_state": "1",
        "cooperativity": "1",
        "loss_ia_healthy": "1",
        "loss_ia_spastic": "1",
        "loss_poly_healthy": "1",
        "loss_poly_spastic": "1",
        "loss_monoamine": "1",
        "loss_inhibitory": "1",
        "gaba_a_depression": "1",
        "gaba_b_depression": "1",
    }
    reads = {"calcium_entry": "1", "gaba_a_activation": "1", "gaba_b_activation": "1"}
    writes = {"release_ia": "1", "release_poly": "1", "release_monoamine": "1", "release_inhibitory": "1"}
    meanings = {
        "release_ia": "glutamate release of Ia afferents, relative to no drug",
        "release_poly": "release of excitatory terminals of polysynaptic pathways, relative to no drug",
        "release_monoamine": "release of descending monoamine terminals, relative to no drug",
        "release_inhibitory": "release of inhibitory terminals, relative to no drug",
    }

    @staticmethod
    def now(
        calcium_entry,
        gaba_a_activation,
        gaba_b_activation,
        synapse_state,
        cooperativity,
        loss_ia_healthy,
        loss_ia_spastic,
        loss_poly_healthy,
        loss_poly_spastic,
        loss_monoamine,
        loss_inhibitory,
        gaba_a_depression,
        gaba_b_depression,
    ):
        lost = 1 - calcium_entry**cooperativity
        loss_ia = loss_ia_healthy + synapse_state * (loss_ia_spastic - loss_ia_healthy)
        loss_poly = loss_poly_healthy + synapse_state * (loss_poly_spastic - loss_poly_healthy)
        every_terminal = 1 - gaba_b_depression * gaba_b_activation
        afferent = every_terminal * (1 - gaba_a_depression * gaba_a_activation)
        return dict(
            release_ia=(1 - loss_ia * lost) * afferent,
            release_poly=(1 - loss_poly * lost) * afferent,
            release_monoamine=(1 - loss_monoamine * lost) * every_terminal,
            release_inhibitory=(1 - loss_inhibitory * lost) * every_terminal,
        )
