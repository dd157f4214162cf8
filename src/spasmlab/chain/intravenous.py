"""Straight into the blood: for drugs (and files of the user's own) that are not swallowed."""

from __future__ import annotations

from spasmlab.chain.stage import Stage


class Intravenous(Stage):
    """Doses enter plasma itself, after a lag that is usually 0; what the body makes of its own enters evenly."""

    params = {"own_production": "mg/h", "lag": "h"}
    writes = {"absorption_rate": "mg/h"}
    states = {"absorbed_amount": "mg"}
    meanings = {
        "absorption_rate": "what the body makes of its own, entering the blood",
        "absorbed_amount": "what the body has made of its own since the start",
    }

    @staticmethod
    def now(own_production):
        return dict(absorption_rate=own_production)

    @staticmethod
    def rates(absorption_rate):
        return dict(absorbed_amount=absorption_rate)
