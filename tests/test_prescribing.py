"""Plans that pass the check, doses that never fall as kidneys get better, and input that is wrong."""

from __future__ import annotations

import json
from datetime import date
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spasmlab import cli
from spasmlab import regimen as regimens
from spasmlab.errors import InputError
from spasmlab.prescribing import check, course, diary, label, permitted, plan, plan_result, planned, tablets
from spasmlab.prescribing.case import build
from spasmlab.prescribing.permitted import Setting

INDICATIONS = ("phn", "epilepsy", "epilepsy-monotherapy", "rls", "dpn", "spasticity", "spasm", "cramps")
PRODUCTS = ("ir", "gastroretentive", "enacarbil")
US, EU = label.of("gabapentin", "us"), label.of("gabapentin", "eu")
QUICK = settings(max_examples=150, deadline=None)
CHECK = ["check", "--drug", "gabapentin", "--regimen", "900 mg qid", "--indication", "phn"]
PLAN = ["plan", "--drug", "gabapentin", "--indication", "phn"]


@pytest.fixture
def call(capsys):
    def called(*words):
        code = cli._exit_code([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return called


def patients():
    return st.builds(
        lambda age, weight, clearance: f"age={age:.4g}, weight={weight:.4g}, crcl={clearance:.4g}",
        st.floats(0, 100), st.floats(3, 150), st.floats(0, 200),
    )  # fmt: skip


@QUICK
@given(
    indication=st.sampled_from(INDICATIONS),
    product=st.sampled_from(PRODUCTS),
    patient=patients(),
    jurisdiction=st.sampled_from(("us", "eu")),
    history=st.sampled_from(("none", "frail", "established", "depression")),
    dialysis=st.sampled_from((None, "4 h every 48 h")),
    target=st.one_of(st.none(), st.floats(1, 4000)),
    days=st.one_of(st.none(), st.integers(1, 90)),
)
def test_no_plan_fails_the_check(indication, product, patient, jurisdiction, history, dialysis, target, days):
    asked = build(
        "gabapentin", "100 mg once", indication_name=indication, patient_text=patient, formulation=product,
        history_text=history, dialysis=dialysis, fed="high-fat", jurisdiction=jurisdiction,
    )  # fmt: skip
    try:
        made = plan.make(asked, target, days)
    except InputError as refused:
        assert str(refused)
        return
    again = build(
        "gabapentin", made.case.regimen.text, indication_name=indication, patient_text=patient,
        formulation=product, history_text=history, fed="high-fat", jurisdiction=jurisdiction,
        dialysis=made.case.dialysis.text if made.case.dialysis else None,
    )  # fmt: skip
    assert check.faults(again) == []
    strength = made.case.label.strengths[product]
    assert all(tablets.compose(step.dose, strength) for step in made.steps)
    assert [step.day for step in made.steps[1:]] == [step.day + step.days for step in made.steps[:-1]]
    kinds = [step.kind for step in made.steps]
    assert kinds == sorted(kinds, key=["titration", "maintenance", "taper"].index) and "maintenance" in kinds


@QUICK
@given(
    indication=st.sampled_from(INDICATIONS),
    product=st.sampled_from(PRODUCTS),
    age=st.floats(3, 100),
    clearances=st.tuples(st.floats(0, 200), st.floats(0, 200)),
    found=st.sampled_from((US, EU)),
    dialysis=st.booleans(),
)
def test_better_kidneys_never_lower_the_permitted_dose(indication, product, age, clearances, found, dialysis):
    low, high = (
        permitted.highest(Setting(found, product, indication, age, 60, clearance, dialysis))
        for clearance in sorted(clearances)
    )
    assert low <= high


@QUICK
@given(st.permutations(["morphine", "antacid 3 h before", "diazepam"]), st.permutations(["frail", "misuse", "driver"]),
       st.permutations(["age=70", "weight=60", "crcl=40"]))  # fmt: skip
def test_the_order_of_what_is_said_never_matters(taken, history, patient):
    def found(t, h, p):
        case = build("gabapentin", "300 mg bid", indication_name="phn", patient_text=",".join(p),
                     taken=",".join(t), history_text=",".join(h))  # fmt: skip
        return check.findings(case)

    assert found(taken, history, patient) == found(sorted(taken), sorted(history), sorted(patient))


def test_the_order_of_options_never_matters(call):
    pairs = [
        ("--regimen", "300 mg bid"),
        ("--indication", "phn"),
        ("--patient", "age=70,crcl=40"),
        ("--with", "morphine"),
    ]
    results = set()
    for order in permutations(pairs):
        code, out, _ = call(
            "check", "--drug", "gabapentin", "--json", *(word for pair in order for word in pair)
        )
        assert code == 0
        results.add(out)
    assert len(results) == 1


def test_written_otherwise_it_is_judged_the_same(tmp_path):
    """An event table, clock times and mg per day of one and the same treatment have the same findings."""
    table = tmp_path / "doses.csv"
    rows = "\n".join(f"{8 * i},600,1" for i in range(3 * 14))
    table.write_text("TIME,AMT,EVID\n" + rows + "\n", encoding="utf-8")
    texts = ["600 mg tid for 14 days", "1800 mg/day tid for 14 days", "600 mg every 8 h x42 doses", str(table),
             "600 mg at 06:00, 600 mg at 14:00, 600 mg at 22:00 for 14 days", "30 mg/kg/day tid for 14 days"]  # fmt: skip
    found = [
        [f for f in check.findings(build("gabapentin", text, indication_name="phn", patient_text="age=50,weight=60,crcl=95",
                                         history_text="none"))]
        for text in texts
    ]  # fmt: skip
    assert all(one == found[0] for one in found[1:]) and any(f.rule == "TAP-01" for f in found[0])


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("300 mg once", 0),
        ("600 mg tid for 28 days", 0),
        ("600 mg tid for 28 days then 300 mg tid for 7 days", 7),
        ("600 mg tid for 28 days then 300 mg every other day for 8 days", 8),
        ("900 mg tid for 28 days then 600 mg tid for 4 days then 300 mg tid for 4 days", 8),
        ("900 mg tid for 28 days then 300 mg tid for 15 days", 0),
        ("300 mg tid for 3 days then 600 mg tid for 3 days", 0),
    ],
)
def test_days_of_a_taper(text, days):
    assert course.of(regimens.parse(text)).taper_days(7) == days


def test_doses_far_apart_are_spread_over_their_days():
    found = course.of(regimens.parse("300 mg every other day for 8 days"))
    assert found.days == (150,) * 8 and found.peak == 150 and found.maintenance == 150


@pytest.mark.parametrize(
    ("mg", "text"),
    [(300, "1 capsule of 300 mg"), (700, "1 tablet of 600 mg + 1 capsule of 100 mg"), (1200, "2 tablets of 600 mg"),
     (125, "2.5 mL of solution"), (5, "0.1 mL of solution"), (123, None), (4, None)],
)  # fmt: skip
def test_doses_are_made_of_what_exists(mg, text):
    made = tablets.compose(mg, US.strengths["ir"])
    assert (made.text if made else None) == text


def made_plan(patient="age=50, weight=70, crcl=95", indication="phn", product="ir", **words):
    asked = build("gabapentin", "100 mg once", indication_name=indication, patient_text=patient,
                  formulation=product, history_text="none", fed="high-fat", **words)  # fmt: skip
    return plan.make(asked)


def test_the_labels_own_titrations_are_followed():
    phn = made_plan()
    assert [(s.daily, s.day) for s in phn.steps[:3]] == [(300, 1), (600, 2), (900, 3)] and phn.target == 1800
    gralise = made_plan(product="gastroretentive")
    assert [(s.daily, s.day) for s in gralise.steps[:6]] == [
        (300, 1), (600, 2), (900, 3), (1200, 7), (1500, 11), (1800, 15)]  # fmt: skip
    horizant = made_plan(product="enacarbil")
    assert [(s.daily, s.days) for s in horizant.steps] == [(600, 3), (1200, 28), (600, 7)]
    child = made_plan("age=8, weight=25, crcl=70", "epilepsy")
    assert 25 <= child.target / 25 <= 35 and 10 <= child.steps[0].daily / 25 <= 15


def test_a_supplement_belongs_to_a_plan_on_dialysis():
    assert made_plan("age=60, crcl=8", dialysis="4 h every 48 h").case.dialysis.supplement_mg == 125


def test_the_calendar_holds_every_dose_and_reads_back(tmp_path):
    from icalendar import Calendar

    made, start = made_plan(), date(2026, 12, 1)
    text = plan_result.calendar(made, start).to_ical()
    assert text == plan_result.calendar(made, start).to_ical()
    events = Calendar.from_ical(text).walk("VEVENT")
    assert len({str(event["UID"]) for event in events}) == len(events)
    doses = [event for event in events if "RRULE" in event]
    assert sum(event["RRULE"]["COUNT"][0] for event in doses) == len(diary.intakes(made))
    times, _ = made.case.regimen.doses(made.days)
    assert len(times) == len(diary.intakes(made)) and str(doses[0]["DTSTART"].dt) == "2026-12-01 07:00:00"
    assert any("suicide" in str(event["SUMMARY"]) for event in events)


def test_a_plan_on_the_command_line(call, tmp_path):
    words = [*PLAN, "--patient", "age=70,weight=60,crcl=45", "--history", "none", "--start", "2026-12-01"]
    code, out, _ = call(*words, "--json")
    found = json.loads(out)
    assert code == 0 and found["target"]["value"] == 1400 and found["days"][0]["date"] == "2026-12-01"
    assert found["days"][0]["doses"][0]["take"] == "1 capsule of 300 mg" and found["monitoring"]
    code, out, _ = call(*words, "--out", tmp_path / "plan")
    assert code == 0 and "plan.ics" in out and "1 capsule of 300 mg" in out
    assert sorted(f.name for f in (tmp_path / "plan").iterdir()) == ["plan.csv", "plan.ics", "plan.json"]
    lines = (tmp_path / "plan" / "plan.csv").read_text().splitlines()
    assert (
        lines[0] == "day,date,time,dose_mg,take,step"
        and "1,2026-12-01,07:00,300,1 capsule of 300 mg,titration" in lines
    )


def test_findings_are_never_an_error(call):
    code, out, err = call(*CHECK, "--with", "morphine,antacid", "--json")
    found = json.loads(out)
    assert code == 0 and err == "" and found["counts"]["warn"] >= 5
    first = found["findings"][0]
    assert {"rule", "level", "text", "numbers", "source", "checked", "about"} == set(first)
    code, out, _ = call(*CHECK)
    assert code == 0 and "PHN-02" in out and "never for treating a patient" in out


def test_nothing_is_assumed_silently(call):
    rules = {f["rule"] for f in json.loads(call(*CHECK, "--json")[1])["findings"]}
    assert {"REN-06", "SAY-AGE", "SAY-HISTORY", "WRN-08"} <= rules
    told = call(*CHECK, "--patient", "age=50,weight=70,crcl=95", "--history", "none", "--json")[1]
    assert not {"REN-06", "SAY-AGE", "SAY-HISTORY", "WRN-08"} & {
        f["rule"] for f in json.loads(told)["findings"]
    }


WRONG = [
    ([*CHECK, "--patient", "age=-3"], "0 to 120"),
    ([*CHECK, "--patient", "weight=0"], "2 to 400"),
    ([*CHECK, "--patient", "creatinine=0"], "0.1 to 30"),
    ([*CHECK, "--patient", "weight=70 stone"], "unknown unit of weight"),
    ([*CHECK, "--patient", "crcl=nan"], "not a number"),
    ([*CHECK[:3], "--regimen", "1000000000000 mg tid", "--indication", "phn"], "is the unit right"),
    ([*CHECK[:3], "--regimen", "600 mgg tid", "--indication", "phn"], "unknown unit of dose"),
    ([*CHECK[:3], "--regimen", "10 mg/kg/day tid", "--indication", "phn"], "per kg of body weight"),
    (
        [*CHECK[:3], "--regimen", "1 mg every 0.25 h for 70000 days", "--indication", "phn"],
        "doses; possible to judge",
    ),
    ([*CHECK[:5]], "--indication is missing"),
    ([*CHECK[:3], "--indication", "phn"], "neither given"),
    ([*CHECK[:5], "--indication", "fnn"], "unknown indication 'fnn'"),
    ([*CHECK[:5], "--indication", "spastcity"], "did you mean 'spasticity'"),
    ([*CHECK, "--history", "depresion"], "did you mean 'depression'"),
    ([*CHECK, "--history", "none,misuse"], "excludes the rest"),
    ([*CHECK, "--patient", "sex=m", "--history", "pregnant"], "a man cannot"),
    ([*CHECK, "--with", "morphin"], "did you mean 'morphine'"),
    ([*CHECK, "--with", "morphine,morphine"], "given twice"),
    ([*CHECK, "--with", "morphine,"], "no drug taken along"),
    ([*CHECK, "--label", "jp"], "unknown jurisdiction"),
    ([*CHECK, "--formulation", "enacarbl"], "did you mean 'enacarbil'"),
    ([*CHECK, "--dialysis", "now and then"], "not a dialysis calendar"),
    ([*CHECK, "--days", "0"], "days"),
    ([*CHECK, "--fed", "lunch"], "unknown kind of meal"),
    (["check", "--drug", "baclofen", *CHECK[3:]], "unknown drug with a label"),
    ([*PLAN, "--target", "0"], "more than 0"),
    ([*PLAN, "--target", "9000"], "above what the label permits"),
    ([*PLAN, "--days", "2.5"], "whole number of days"),
    ([*PLAN, "--start", "tomorrow"], "is no date"),
    ([*PLAN, "--out", " "], "--out is empty"),
    ([*PLAN, "--condition", "ms-spasticity"], "cannot be combined"),
    ([*PLAN[:3], "--condition", "healthy"], "nothing is prescribed"),
    ([*PLAN, "--history", "hypersensitivity"], "no plan passes the check (WRN-08)"),
    ([*PLAN, "--with", "pregabalin"], "no plan passes the check (INT-09)"),
    ([*PLAN, "--patient", "age=10,weight=30"], "no plan passes the check"),
    ([*PLAN, "--patient", "age=50,crcl=0"], "no dose that exists is as low"),
]


@pytest.mark.parametrize(
    ("words", "says"), WRONG, ids=lambda v: " ".join(v[3:]) if isinstance(v, list) else ""
)
def test_wrong_input_is_one_line_and_exit_2(call, words, says):
    code, out, err = call(*words)
    assert code == 2 and out == "" and err.startswith("error: ") and err.count("\n") == 1 and says in err


def test_a_plan_of_a_condition_is_that_of_its_indication():
    one = planned.asked(
        "gabapentin", condition="ms-spasticity", indication_name=None, patient_text="age=50,crcl=95"
    )
    assert one.indication == "spasticity"


def test_a_label_of_ones_own_is_a_file(tmp_path):
    """Adding a label is adding a file; what is wrong in it is named."""
    good = (label.FOLDER / "gabapentin-eu.toml").read_text(encoding="utf-8")
    shared = (label.FOLDER / "gabapentin-shared.toml").read_text(encoding="utf-8")
    (tmp_path / "gabapentin-shared.toml").write_text(shared, encoding="utf-8")
    mine = tmp_path / "mine.toml"
    for change, says in [
        (("", ""), None),
        (('check = "steps"', 'check = "stepz"'), "did you mean 'steps'"),
        (('[rules.outcomes.unlabelled]', '[rules.outcomes.unlabeled]'), "did you mean 'unlabelled'"),
        (('jurisdiction = "eu"', 'jurisdicton = "eu"'), "did you mean 'jurisdiction'"),
        (('id = "IND-05"', 'id = "IND-5"'), "IND-05"),
        (('id = "REN-09"', 'id = "IND-03"'), "twice"),
        (('level = "block"', 'level = "bloc"'), "block"),
    ]:  # fmt: skip
        mine.write_text(good.replace(*change, 1) if change[0] else good, encoding="utf-8")
        if says is None:
            assert label.read(mine).rules
        else:
            with pytest.raises(InputError, match=says):
                label.read(mine)
