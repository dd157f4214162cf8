"""From the mouth through the gut wall: tablets, stomach, saturable uptake, and plain first-order uptake."""

from __future__ import annotations

from spasmlab.chain.stage import Stage
from spasmlab.equations.functions import minimum, sqrt


class Stomach(Stage):
    """Immediate release: a dose enters the stomach after a lag and leaves it at a first-order rate.

    R = k·A with dA/dt = −k·A; a full meal multiplies k by r, a smaller one (fed between 0 and 1) by r^fed.
    Solved exactly, since it decays and does nothing else.
    """

    params = {"emptying_rate": "1/h", "fed_emptying_ratio": "1", "fed": "1", "lag": "h"}
    states = {"stomach_amount": "mg"}
    writes = {"entry_rate": "1/h", "delivery_rate": "mg/h"}
    decays = {"stomach_amount": "entry_rate"}
    doses_into, lag = "stomach_amount", "lag"
    meanings = {
        "stomach_amount": "drug in the stomach",
        "entry_rate": "rate constant of the slowest step before the gut wall: stomach emptying",
        "delivery_rate": "drug delivered from the stomach to the gut window",
    }

    @staticmethod
    def now(stomach_amount, emptying_rate, fed_emptying_ratio, fed):
        emptying = emptying_rate * fed_emptying_ratio**fed
        return dict(entry_rate=emptying, delivery_rate=emptying * stomach_amount)

    @staticmethod
    def rates(delivery_rate):
        return dict(stomach_amount=-delivery_rate)


class RetainedTablet(Stage):
    """Gastroretentive: a tablet held in the stomach by a meal releases evenly over T, and the stomach empties.

    Eight steps of a clock, each of mean T/8: a tablet at any step releases its whole dose D at the rate D/T, so
    release is even until the tablet is spent (T, coefficient of variation 1/√8). The tablet leaves the stomach at
    the rate p without a meal and p·r with one, and what it still holds then passes the window.
    """

    params = {
        "release_time": "h",
        "passage_rate": "1/h",
        "fed_passage_ratio": "1",
        "emptying_rate": "1/h",
        "fed_emptying_ratio": "1",
        "fed": "1",
        "lag": "h",
    }
    states = {
        "tablet_1": "mg",
        "tablet_2": "mg",
        "tablet_3": "mg",
        "tablet_4": "mg",
        "tablet_5": "mg",
        "tablet_6": "mg",
        "tablet_7": "mg",
        "tablet_8": "mg",
        "stomach_amount": "mg",
        "passed_amount": "mg",
    }
    writes = {
        "tablet_step": "1/h",
        "tablet_loss": "1/h",
        "tablet_amount": "mg",
        "release_rate": "mg/h",
        "entry_rate": "1/h",
        "delivery_rate": "mg/h",
    }
    doses_into, lag = "tablet_1", "lag"
    meanings = {
        **{f"tablet_{step}": f"dose of tablets at step {step} of their clock" for step in range(1, 9)},
        "stomach_amount": "drug released and still in the stomach",
        "passed_amount": "drug in tablets that left the stomach unspent",
        "tablet_step": "rate of one step of the tablet's clock",
        "tablet_loss": "rate at which tablets leave the stomach unspent",
        "tablet_amount": "drug still in tablets in the stomach",
        "release_rate": "drug released from tablets",
        "entry_rate": "rate constant of the slowest step before the gut wall",
        "delivery_rate": "drug delivered from the stomach to the gut window",
    }

    @staticmethod
    def now(
        tablet_1,
        tablet_2,
        tablet_3,
        tablet_4,
        tablet_5,
        tablet_6,
        tablet_7,
        tablet_8,
        stomach_amount,
        release_time,
        passage_rate,
        fed_passage_ratio,
        emptying_rate,
        fed_emptying_ratio,
        fed,
    ):
        two = tablet_1 + tablet_2
        three = two + tablet_3
        four = three + tablet_4
        five = four + tablet_5
        six = five + tablet_6
        seven = six + tablet_7
        eight = seven + tablet_8
        emptying = emptying_rate * fed_emptying_ratio**fed
        return dict(
            tablet_step=2 * 2 * 2 / release_time,
            tablet_loss=passage_rate * fed_passage_ratio**fed,
            tablet_amount=0.5 * 0.5 * 0.5 * (tablet_1 + two + three + four + five + six + seven + eight),
            release_rate=eight / release_time,
            entry_rate=minimum(emptying, 1 / release_time),
            delivery_rate=emptying * stomach_amount,
        )

    @staticmethod
    def rates(
        tablet_1,
        tablet_2,
        tablet_3,
        tablet_4,
        tablet_5,
        tablet_6,
        tablet_7,
        tablet_8,
        tablet_step,
        tablet_loss,
        tablet_amount,
        release_rate,
        delivery_rate,
    ):
        leaving = tablet_step + tablet_loss
        return dict(
            tablet_1=-leaving * tablet_1,
            tablet_2=tablet_step * tablet_1 - leaving * tablet_2,
            tablet_3=tablet_step * tablet_2 - leaving * tablet_3,
            tablet_4=tablet_step * tablet_3 - leaving * tablet_4,
            tablet_5=tablet_step * tablet_4 - leaving * tablet_5,
            tablet_6=tablet_step * tablet_5 - leaving * tablet_6,
            tablet_7=tablet_step * tablet_6 - leaving * tablet_7,
            tablet_8=tablet_step * tablet_7 - leaving * tablet_8,
            stomach_amount=release_rate - delivery_rate,
            passed_amount=tablet_loss * tablet_amount,
        )


class ReleasingTablet(Stage):
    """Extended release along the gut: mean release time T in two equal steps, in mg of what is taken.

    Delivered to the gut wall: c times what is released, with c the share of the drug in the weight of its prodrug.
    """

    params = {"release_time": "h", "drug_content": "1", "lag": "h"}
    states = {"tablet_amount": "mg", "dissolving_amount": "mg"}
    writes = {"entry_rate": "1/h", "delivery_rate": "mg/h"}
    decays = {"tablet_amount": "entry_rate"}
    doses_into, lag = "tablet_amount", "lag"
    meanings = {
        "tablet_amount": "prodrug in tablets, first step",
        "dissolving_amount": "prodrug in tablets, second step",
        "entry_rate": "rate constant of each step of release",
        "delivery_rate": "drug delivered to the gut wall, as active drug",
    }

    @staticmethod
    def now(dissolving_amount, release_time, drug_content):
        step = 2 / release_time
        return dict(entry_rate=step, delivery_rate=drug_content * step * dissolving_amount)

    @staticmethod
    def rates(tablet_amount, dissolving_amount, entry_rate):
        return dict(
            tablet_amount=-entry_rate * tablet_amount,
            dissolving_amount=entry_rate * (tablet_amount - dissolving_amount),
        )


class GutWindow(Stage):
    """Saturable uptake (LAT1) from a quasi-steady window: L·x² + (L + Vmax − R)·x − R = 0 for x ≥ 0.

    Absorbed flux U = Vmax·x/(1 + x) + n·(R − Vmax·x/(1 + x)), with n the share of the rest that is taken up
    without saturation. Vmax and L are those of the reference weight times (w/w₀)^a: a small gut has few carriers,
    and a dose per kg fills them as a large one fills an adult's. With
    q = (L + Vmax − R)/2 + √(((L + Vmax − R)/2)² + L·R), the stable root is x = R/q.
    Another drug may multiply U by a factor, but never beyond R.
    """

    params = {
        "uptake_vmax": "mg/h",
        "uptake_half": "mg/h",
        "non_saturable": "1",
        "absorption_factor": "1",
        "weight": "kg",
        "reference_weight": "kg",
        "uptake_exponent": "1",
    }
    reads = {"delivery_rate": "mg/h"}
    writes = {"absorption_rate": "mg/h"}
    states = {"absorbed_amount": "mg", "unabsorbed_amount": "mg"}
    meanings = {
        "absorption_rate": "drug absorbed into the blood",
        "absorbed_amount": "drug absorbed since the start",
        "unabsorbed_amount": "drug that passed the gut window without being absorbed",
    }

    @staticmethod
    def now(
        delivery_rate,
        uptake_vmax,
        uptake_half,
        non_saturable,
        absorption_factor,
        weight,
        reference_weight,
        uptake_exponent,
    ):
        size = (weight / reference_weight) ** uptake_exponent
        most = uptake_vmax * size
        middle = uptake_half * size
        half = 0.5 * (middle + most - delivery_rate)
        root = half + sqrt(half * half + middle * delivery_rate)
        carried = most * delivery_rate / (root + delivery_rate)
        alone = carried + non_saturable * (delivery_rate - carried)
        return dict(absorption_rate=minimum(absorption_factor * alone, delivery_rate))

    @staticmethod
    def rates(delivery_rate, absorption_rate):
        return dict(absorbed_amount=absorption_rate, unabsorbed_amount=delivery_rate - absorption_rate)


class PlainUptake(Stage):
    """Uptake that does not saturate: a share s of what is delivered, less without a meal: s·q^(1 − fed)."""

    params = {"bioavailability": "1", "fasted_share_ratio": "1", "fed": "1", "absorption_factor": "1"}
    reads = {"delivery_rate": "mg/h"}
    writes = {"absorption_rate": "mg/h"}
    states = {"absorbed_amount": "mg", "unabsorbed_amount": "mg"}
    meanings = GutWindow.meanings

    @staticmethod
    def now(delivery_rate, bioavailability, fasted_share_ratio, fed, absorption_factor):
        share = minimum(1, absorption_factor * bioavailability * fasted_share_ratio ** (1 - fed))
        return dict(absorption_rate=share * delivery_rate)

    @staticmethod
    def rates(delivery_rate, absorption_rate):
        return dict(absorbed_amount=absorption_rate, unabsorbed_amount=delivery_rate - absorption_rate)


class FirstOrder(Stage):
    """First-order absorption: dA/dt = −ka·A, of which the share F reaches the blood.

    A full meal multiplies ka by r, a smaller one by r^fed, and the lag likewise by `fed_lag_ratio`
    (`chain.resolve`, before the run).
    """

    params = {
        "absorption_rate_constant": "1/h",
        "fed_absorption_ratio": "1",
        "fed_lag_ratio": "1",
        "fed": "1",
        "bioavailability": "1",
        "absorption_factor": "1",
        "lag": "h",
    }
    states = {"gut_amount": "mg", "absorbed_amount": "mg", "unabsorbed_amount": "mg"}
    writes = {"entry_rate": "1/h", "delivery_rate": "mg/h", "absorption_rate": "mg/h"}
    decays = {"gut_amount": "entry_rate"}
    doses_into, lag = "gut_amount", "lag"
    meanings = {
        **GutWindow.meanings,
        "gut_amount": "drug in the gut",
        "entry_rate": "absorption rate constant",
        "delivery_rate": "drug leaving the gut",
        "unabsorbed_amount": "drug lost before it reached the blood",
    }

    @staticmethod
    def now(
        gut_amount, absorption_rate_constant, fed_absorption_ratio, fed, bioavailability, absorption_factor
    ):
        constant = absorption_rate_constant * fed_absorption_ratio**fed
        share = minimum(1, absorption_factor * bioavailability)
        return dict(
            entry_rate=constant,
            delivery_rate=constant * gut_amount,
            absorption_rate=share * constant * gut_amount,
        )

    @staticmethod
    def rates(delivery_rate, absorption_rate):
        return dict(
            gut_amount=-delivery_rate,
            absorbed_amount=absorption_rate,
            unabsorbed_amount=delivery_rate - absorption_rate,
        )
