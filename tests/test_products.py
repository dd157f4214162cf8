"""Products: bodies chosen by data, each against what conservation, closed forms and its label's words demand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spasmlab import dialysis, drug, exposure, food, interaction, patient, regimen
from spasmlab.chain import body
from spasmlab.chain.absorption import GutWindow
from spasmlab.chain.problem import Change, Problem, run
from spasmlab.chain.solve import parameter_values, solve, steady_at_plasma
from spasmlab.errors import InputError

GABAPENTIN = drug.load("gabapentin")
PRODUCTS = [(name, form) for name in drug.names() for form in drug.load(name).formulations]


def measured(name: str, text: str, form: str = "ir", fed: float = 0.0, person: str | None = None, **more):
    """Exposure metrics of draw 0."""
    taken = regimen.parse(text)
    who = patient.parse(person) if person else None
    options = {"days": 2, "checked": 0, "times_h": [0.0], **more}
    solved = solve(drug.load(name), taken, who, formulation=form, fed=fed, **options)
    return {key: float(values[0]) for key, values in exposure.metrics(solved, taken).items()}


def problem(name: str, doses, amounts, form: str = "ir", changes=(), person: str = "crcl=95", **overrides):
    """Draw 0 of a product on doses [h, mg]."""
    found = drug.load(name)
    _, values = parameter_values(found, formulation=form, patient=patient.parse(person), overrides=overrides)
    times, mg = np.array(doses, float), np.array(amounts, float)
    return Problem(body.of(found, form), values, times, mg, 3.0, changes=changes)


def value(of: Problem, name: str) -> float:
    return float(of.row(name)[0])


@pytest.mark.parametrize(("name", "form"), PRODUCTS)
def test_every_product_runs_and_two_solvers_agree(name: str, form: str) -> None:
    found = solve(drug.load(name), regimen.parse("10 mg bid"), days=2, formulation=form, draws=2, fed=1.0)
    assert found.attrs["achieved_error"] < 1e-5
    assert float(found["plasma_concentration"][0, -1]) > 0


@pytest.mark.parametrize(("name", "form"), PRODUCTS)
def test_every_product_keeps_its_milligrams(name: str, form: str) -> None:
    of = problem(name, [0, 8, 12], [600, 600, 300], form, fed=0.5)
    hours = np.array([3.0, 20.0, 90.0])
    solved = {signal: values[0] for signal, values in run(of, hours).items()}
    waiting = ("stomach_amount", "tablet_amount", "dissolving_amount", "passed_amount", "gut_amount")
    content = value(of, "drug_content") if "drug_content" in of.pathway.params else 1.0
    inside = sum(solved[state] for state in waiting if state in solved) * content
    gut = inside + solved["absorbed_amount"] + solved["unabsorbed_amount"]
    blood = solved["plasma_amount"] + solved["eliminated_amount"] + solved.get("peripheral_amount", 0.0)
    arrived = np.array([of.amounts[of.doses <= hour].sum() for hour in hours]) * content
    np.testing.assert_allclose(gut, arrived, rtol=1e-6)
    np.testing.assert_allclose(blood, solved["absorbed_amount"], rtol=1e-6)


# Gabapentin


@pytest.mark.parametrize("dose", [100.0, 600.0, 1600.0])
def test_the_share_of_a_dose_is_the_mean_uptake_over_delivery(dose: float) -> None:
    """As the dose leaves the stomach R falls from k·D to 0 with R proportional to what is left: a mean over it."""
    p = {name: record.number for name, record in GABAPENTIN.parameters.items()}
    nodes, weights = np.polynomial.legendre.leggauss(64)
    delivery = p["emptying_rate"] * dose * (nodes + 1) / 2
    uptake = (p["uptake_vmax"], p["uptake_half"], p["non_saturable"])
    absorbed = GutWindow.now(delivery, *uptake, np.ones(64), 70.0, 70.0, 0.75)["absorption_rate"]
    share = float(np.sum(weights * absorbed / delivery) / 2)
    assert measured("gabapentin", f"{dose} mg once")["bioavailability"] == pytest.approx(share, rel=1e-5)


def test_a_dose_per_kg_fills_the_carriers_of_a_child_as_of_an_adult() -> None:
    """Capacity grows with weight^0.75: 10 mg/kg is absorbed a little worse by the larger body, and a fixed dose
    far worse by the smaller."""

    def share(dose: str, person: str) -> float:
        return measured("gabapentin", dose, person=person)["bioavailability"]

    child, adult = "age=8, weight=26", "weight=70, crcl=95"
    assert share("700 mg once", child) < 0.8 * share("700 mg once", adult)
    assert share("260 mg once", child) == pytest.approx(share("700 mg once", adult), rel=0.25)


def test_the_gastroretentive_tablet_releases_evenly_and_needs_its_meal() -> None:
    of = problem(
        "gabapentin", [0], [1800], "gastroretentive", fed=1.0, lag=0.0, release_time=9.0, passage_rate=0.0
    )
    rate = run(of, np.array([0.5, 1.0, 2.0, 3.0, 9.0, 30.0]), ["release_rate"])["release_rate"][0]
    np.testing.assert_allclose(rate[:3], 1800 / 9, rtol=0.01)
    assert 0.4 < rate[4] / rate[0] < 0.6
    assert rate[5] < 1e-3 * rate[0]
    slow = measured("gabapentin", "1800 mg daily", "gastroretentive", 1.0)
    plain = measured("gabapentin", "1800 mg daily", "ir", 1.0)
    empty = measured("gabapentin", "1800 mg daily", "gastroretentive", 0.0)
    assert slow["t_max"] > plain["t_max"] + 3
    assert slow["bioavailability"] > 1.1 * plain["bioavailability"]
    assert empty["bioavailability"] < 0.5 * slow["bioavailability"]


def test_enacarbil_counts_as_its_gabapentin_and_does_not_saturate() -> None:
    small = measured("gabapentin", "300 mg once", "enacarbil", 1.0)
    large = measured("gabapentin", "2400 mg once", "enacarbil", 1.0)
    assert large["auc_inf"] == pytest.approx(8 * small["auc_inf"], rel=1e-6)
    assert large["bioavailability"] == pytest.approx(0.745, rel=1e-5)
    of = problem("gabapentin", [0], [1200], "enacarbil", fed=1.0)
    last = run(of, np.array([300.0]), ["absorbed_amount", "unabsorbed_amount"])
    assert sum(float(v[0, 0]) for v in last.values()) == pytest.approx(624, rel=1e-6)
    assert (
        measured("gabapentin", "1200 mg once", "enacarbil")["auc_inf"]
        < 0.95 * (measured("gabapentin", "1200 mg once", "enacarbil", 1.0)["auc_inf"])
    )


def test_the_second_compartment_lifts_the_late_levels_and_keeps_the_area() -> None:
    hours = np.array([8.0, 48.0, 400.0])
    two = run(problem("gabapentin", [0], [400]), hours)
    one = run(problem("gabapentin", [0], [400], peripheral_volume=0.0), hours)
    assert two["plasma_concentration"][0, 1] > 3 * one["plasma_concentration"][0, 1]
    assert two["plasma_auc"][0, 2] == pytest.approx(one["plasma_auc"][0, 2], rel=1e-6)


# Linear drugs


def test_two_compartments_with_first_order_uptake_in_closed_form() -> None:
    of = problem("diazepam", [0], [10])
    p = {name: value(of, name) for name in of.pathway.params}
    central, outer, back = p["volume"], p["peripheral_volume"], p["peripheral_rate"]
    leaving, out, ka = p["clearance"] / central, back * outer / central, p["absorption_rate_constant"]
    root = np.sqrt((leaving + out + back) ** 2 - 4 * leaving * back)
    fast, slow = (leaving + out + back + root) / 2, (leaving + out + back - root) / 2
    hours = np.array([0.5, 1.0, 2.0, 8.0, 30.0, 100.0])
    t = hours - p["lag"]
    terms = ((ka, fast, slow), (fast, slow, ka), (slow, ka, fast))
    level = sum((back - a) / ((b - a) * (c - a)) * np.exp(-a * t) for a, b, c in terms) * ka * 10 / central
    solved = run(of, hours, ["plasma_concentration", "terminal_rate"])
    np.testing.assert_allclose(solved["plasma_concentration"][0], level, rtol=1e-5)
    assert solved["terminal_rate"][0, 0] == pytest.approx(slow, rel=1e-9)


def test_all_of_the_metabolite_formed_is_cleared() -> None:
    of = problem("diazepam", [0], [10])
    area = run(of, np.array([4000.0]), ["metabolite_auc"])["metabolite_auc"][0, 0]
    formed = 10 * value(of, "metabolite_share") * value(of, "metabolite_mass_ratio")
    assert area == pytest.approx(formed / value(of, "metabolite_clearance"), rel=1e-5)


@pytest.mark.parametrize("name", ["pregabalin", "baclofen", "tizanidine", "dantrolene", "diazepam"])
def test_linear_drugs_are_proportional_to_the_dose(name: str) -> None:
    small, large = measured(name, "10 mg once"), measured(name, "40 mg once")
    assert large["auc_inf"] == pytest.approx(4 * small["auc_inf"], rel=1e-6)
    assert large["c_max"] == pytest.approx(4 * small["c_max"], rel=1e-6)
    assert large["t_max"] == pytest.approx(small["t_max"], rel=1e-6)


def test_food_slows_pregabalin_and_changes_no_area() -> None:
    fasted, fed = measured("pregabalin", "150 mg once"), measured("pregabalin", "150 mg once", fed=1.0)
    light = measured("pregabalin", "150 mg once", fed=food.scale("low-fat"))
    assert fed["auc_inf"] == pytest.approx(fasted["auc_inf"], rel=1e-5)
    assert fasted["t_max"] < light["t_max"] < fed["t_max"] - 0.5
    assert fed["c_max"] < 0.85 * fasted["c_max"]


OWN = """
title = "Mine"
body = ["first-order", "plain-clearance", "one-compartment"]
[formulations.ir]
title = "tablet"
"""


def _own(tmp_path: Path, **values: tuple[float, str]) -> drug.Drug:
    file = tmp_path / "mine.toml"
    records = [
        f'[parameters.{n}]\nvalue = {v}\nunit = "{u}"\nstatus = "assumed"\ngrade = "C"\nnote = "a test"\n'
        for n, (v, u) in values.items()
    ]
    file.write_text(OWN + "\n".join(records), encoding="utf-8")
    return drug.load(file)


def test_a_linear_drug_is_one_file_of_four_numbers(tmp_path: Path) -> None:
    mine = _own(
        tmp_path, absorption_rate_constant=(1.2, "1/h"), bioavailability=(0.8, "1"),
        clearance=(120, "mL/min"), volume=(40, "L"),
    )  # fmt: skip
    once = regimen.parse("100 mg once")
    found = exposure.metrics(solve(mine, once, days=1), once)
    k = 7.2 / 40
    peak = np.log(1.2 / k) / (1.2 - k)
    assert found["t_max"][0] == pytest.approx(peak, rel=1e-5)
    assert found["c_max"][0] == pytest.approx(0.8 * 100 / 40 * np.exp(-k * peak), rel=1e-6)
    assert found["auc_inf"][0] == pytest.approx(80 / 7.2, rel=1e-6)


def test_a_wrong_body_is_told_in_one_line(tmp_path: Path) -> None:
    mine = _own(tmp_path, clearance=(2, "L/h"))
    with pytest.raises(InputError, match="'first-ordr'; did you mean 'first-order'"):
        body.of(replace(mine, body=("first-ordr",)))
    with pytest.raises(InputError, match="drug 'mine': OneCompartment reads 'absorption_rate'"):
        body.of(replace(mine, body=("plain-clearance", "one-compartment")))
    with pytest.raises(InputError, match=r"lacks the parameter 'absorption_rate_constant' \[1/h\]"):
        solve(mine, None, days=1)


@pytest.mark.parametrize("name", drug.names())
def test_every_drug_has_a_steady_state_at_a_constant_level(name: str) -> None:
    found = steady_at_plasma(drug.load(name), 0.2, draws=3)
    signals = {signal for effect in drug.load(name).effects.values() for signal in effect.half}
    assert signals <= set(found.data_vars)
    assert all(np.isfinite(found[signal]).all() and (found[signal] > 0).all() for signal in signals)


def test_at_a_constant_level_a_metabolite_is_where_a_long_infusion_would_have_it() -> None:
    diazepam = drug.load("diazepam")
    found = float(steady_at_plasma(diazepam, 0.4)["metabolite_concentration"][0])
    number = {name: record.number for name, record in diazepam.parameters.items()}
    formed = number["metabolite_share"] * number["metabolite_mass_ratio"] * number["clearance"] * 0.4
    assert found == pytest.approx(formed / number["metabolite_clearance"], rel=1e-9)


# Food, dialysis, drugs taken along


def test_kinds_of_food() -> None:
    assert food.scale(False) == food.scale(None) == food.scale("fasted") == 0
    assert food.scale(True) == food.scale("High fat") == 1
    assert 0 < food.scale("low-fat") < food.scale("moderate") < 1
    with pytest.raises(InputError, match="'high-fatt'; did you mean 'high-fat'"):
        food.scale("high-fatt")


def test_a_larger_meal_raises_uptake_of_gabapentin() -> None:
    shares = [
        measured("gabapentin", "600 mg once", fed=food.scale(k))["bioavailability"] for k in food.kinds()
    ]
    assert shares == sorted(shares)
    assert shares[-1] > 1.05 * shares[0]


@pytest.mark.parametrize(
    ("text", "sessions", "supplement"),
    [
        ("4 h every 48 h", [(0, 4), (48, 52)], 0),
        ("4 h every 48 h from 20 h", [(20, 24), (68, 72)], 0),
        ("3.5 h at 10, 58", [(10, 13.5), (58, 61.5)], 0),
        ("4 hours every 48 h, then 125 mg", [(0, 4), (48, 52)], 125),
        ("4 h on Mon, Wed", [(0, 4), (48, 52)], 0),
        ("4 h on Wednesday and Friday from 5 h", [(5, 9), (53, 57)], 0),
        ("3 h on tue thu sat, first dose mon, then 125 mg", [(24, 27), (72, 75)], 125),
        ("4 h on Mon, Wed, Fri, first dose on Sat", [(48, 52)], 0),
    ],
)
def test_a_dialysis_calendar(text: str, sessions: list, supplement: float) -> None:
    found = dialysis.parse(text)
    assert found.sessions(90) == [tuple(map(float, s)) for s in sessions]
    assert dialysis.parse(found.text) == found
    times, amounts = found.supplements(90)
    assert times.tolist() == ([end for _, end in sessions] if supplement else [])
    assert np.all(amounts == supplement)
    hours, on = found.switches(90)
    assert hours[0] == 0 and np.all(np.diff(hours) > 0)
    for start, end in sessions:
        assert on[hours == start] == 1 and on[hours == end] == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4 h",
        "every 48 h",
        "4 h every 3 h",
        "0 h every 48 h",
        "4 h at 10, 12",
        "four h every 48 h",
        "4 h on",
        "4 h on monkey",
        "4 h on Mon, Mon",
        "4 h on Mon from 25 h",
        "30 h on Mon, Tue",
        "170 h on Mon",
    ],
)
def test_a_wrong_calendar_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError) as caught:
        dialysis.parse(text)
    assert "possible" in str(caught.value) and "\n" not in str(caught.value)


def test_a_week_of_sessions_repeats_with_its_long_gap() -> None:
    week = dialysis.parse("4 h on Mon, Wed, Fri")
    begins = [start for start, _ in week.sessions(3 * 168)]
    assert begins == [168 * w + d for w in range(3) for d in (0, 48, 96)]
    assert (week.cycle_h, week.shortest_gap_h) == (168, 48)
    assert dialysis.parse("4 h on Mon, Wed, Fri, first dose Sat").sessions(200)[0] == (48, 52)


def _anuric(changes=(), times=(0.0,), amounts=(300.0,)) -> Problem:
    return problem("gabapentin", times, amounts, changes=changes, person="crcl=0")


def test_a_session_clears_what_its_clearance_says_and_the_supplement_restores_it() -> None:
    calendar = dialysis.parse("4 h every 48 h from 24 h, then 125 mg")
    changes = (Change("dialysis", *calendar.switches(96)),)
    hours = np.array([24.0, 28.0, 72.0])
    on, off = _anuric(changes), _anuric()
    dialysed, plain = run(on, hours), run(off, hours)
    assert np.array_equal(
        dialysed["total_clearance"][0],
        [
            value(on, "dialysis_clearance") + value(off, "nonrenal_clearance"),
            value(off, "nonrenal_clearance"),
            value(on, "dialysis_clearance") + value(off, "nonrenal_clearance"),
        ],
    )
    removed = 1 - dialysed["plasma_concentration"][0, 1] / plain["plasma_concentration"][0, 1]
    most = 1 - np.exp(-4 * value(on, "dialysis_clearance") / value(on, "volume"))
    assert 0.7 * most < removed <= most + 0.02
    when, mg = calendar.supplements(96)
    given = _anuric(changes, np.append(0.0, when), np.append(300.0, mg))
    after = run(given, np.array([36.0]), ["plasma_concentration"])["plasma_concentration"][0, 0]
    assert after == pytest.approx(float(dialysed["plasma_concentration"][0, 0]), rel=0.35)


def test_without_sessions_the_calendar_changes_nothing() -> None:
    hours = np.arange(0, 97, 6.0)
    never = (Change("dialysis", *dialysis.parse("4 h at 500").switches(96)),)
    np.testing.assert_allclose(
        run(_anuric(never), hours)["plasma_concentration"],
        run(_anuric(), hours)["plasma_concentration"],
        rtol=1e-12,
    )


@pytest.mark.parametrize("name", interaction.names())
def test_an_interaction_multiplies_what_it_says(name: str) -> None:
    one = interaction.load(name)
    overrides = interaction.overrides([name], GABAPENTIN)
    plain = measured("gabapentin", "300 mg once")
    taken = measured("gabapentin", "300 mg once", overrides=overrides)
    apparent = (
        plain["auc_inf"] / taken["auc_inf"]
        if one.parameter == "clearance_factor"
        else taken["auc_inf"] / plain["auc_inf"]
    )
    # never more than was delivered: a large factor gives a little less than it says
    assert apparent == pytest.approx(one.factor, rel=1e-6 if one.factor < 1.2 else 0.025)
    assert one.row.role != "calibration", "measured, in-sample: the row is not predicted"


def test_morphine_raises_the_capsule_more_than_the_prodrug() -> None:
    """The label's +44 % is of the plain capsule; the prodrug was studied apart."""
    assert interaction.overrides(["morphine"], GABAPENTIN, "ir") == {"absorption_factor": pytest.approx(1.44)}
    assert interaction.overrides(["morphine"], GABAPENTIN, "enacarbil") == {
        "absorption_factor": pytest.approx(1.1)
    }


def test_no_interaction_absorbs_more_than_was_delivered() -> None:
    assert (
        measured("gabapentin", "100 mg once", overrides={"absorption_factor": 5.0})["bioavailability"]
        <= 1 + 1e-7
    )


def test_interactions_multiply_and_refuse_what_is_not_known() -> None:
    both = interaction.overrides(["antacid", "morphine"], GABAPENTIN)
    assert both == {"absorption_factor": pytest.approx(0.8 * 1.44)}
    assert interaction.overrides([], GABAPENTIN) == {}
    with pytest.raises(InputError, match="'morphin'; did you mean 'morphine'"):
        interaction.overrides(["morphin"], GABAPENTIN)
    with pytest.raises(InputError, match="given twice"):
        interaction.overrides(["antacid", "antacid"], GABAPENTIN)
    with pytest.raises(InputError, match="no size is known for antacid taken with diazepam"):
        interaction.overrides(["antacid"], drug.load("diazepam"))
