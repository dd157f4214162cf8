"""From the stomach through the gut wall: what saturates is the rate of uptake in a short window of gut."""

from __future__ import annotations

from spasmlab.chain.stage import Stage
from spasmlab.equations.functions import sqrt


class Stomach(Stage):
    """Immediate release: a dose enters the stomach after a lag and leaves it at a first-order rate.

    R = k·A with dA/dt = −k·A; food multiplies k. Solved exactly, since it decays and does nothing else.
    """

    params = {"emptying_rate": "1/h", "fed_emptying_ratio": "1", "fed": "1", "lag": "h"}
    states = {"stomach_amount": "mg"}
    writes = {"stomach_emptying": "1/h", "delivery_rate": "mg/h"}
    decays = {"stomach_amount": "stomach_emptying"}
    doses_into, lag = "stomach_amount", "lag"
    meanings = {
        "stomach_amount": "drug in the stomach",
        "stomach_emptying": "rate constant of stomach emptying",
        "delivery_rate": "drug delivered from the stomach to the gut window",
    }

    @staticmethod
    def now(stomach_amount, emptying_rate, fed_emptying_ratio, fed):
        emptying = emptying_rate * (1 + fed * (fed_emptying_ratio - 1))
        return dict(stomach_emptying=emptying, delivery_rate=emptying * stomach_amount)

    @staticmethod
    def rates(delivery_rate):
        return dict(stomach_amount=-delivery_rate)


class GutWindow(Stage):
    """Saturable uptake (LAT1) from a quasi-steady window: L·x² + (L + Vmax − R)·x − R = 0 for x ≥ 0.

    Absorbed flux U = Vmax·x/(1 + x) + n·(R − Vmax·x/(1 + x)), with n the share of the rest that is taken up
    without saturation. With q = (L + Vmax − R)/2 + √(((L + Vmax − R)/2)² + L·R), the stable root is x = R/q.
    """

    params = {"uptake_vmax": "mg/h", "uptake_half": "mg/h", "non_saturable": "1"}
    reads = {"delivery_rate": "mg/h"}
    writes = {"absorption_rate": "mg/h"}
    states = {"absorbed_amount": "mg", "unabsorbed_amount": "mg"}
    meanings = {
        "absorption_rate": "drug absorbed into the blood",
        "absorbed_amount": "drug absorbed since the start",
        "unabsorbed_amount": "drug that passed the gut window without being absorbed",
    }

    @staticmethod
    def now(delivery_rate, uptake_vmax, uptake_half, non_saturable):
        half = 0.5 * (uptake_half + uptake_vmax - delivery_rate)
        root = half + sqrt(half * half + uptake_half * delivery_rate)
        carried = uptake_vmax * delivery_rate / (root + delivery_rate)
        return dict(absorption_rate=carried + non_saturable * (delivery_rate - carried))

    @staticmethod
    def rates(delivery_rate, absorption_rate):
        return dict(absorbed_amount=absorption_rate, unabsorbed_amount=delivery_rate - absorption_rate)
