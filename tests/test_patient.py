"""Patients: what people write becomes numbers in known units, or one line that says what is wrong."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spasmlab import patient
from spasmlab.errors import InputError


def test_the_example_of_the_manual():
    found = patient.parse("age=48 y, weight=70 kg, sex=f, crcl=95 mL/min")
    assert (found.age, found.weight, found.sex, found.creatinine_clearance) == (48, 70, "f", 95)
    assert found.describe() == "woman, 48 y, 70 kg, creatinine clearance 95 mL/min"


def test_cockcroft_gault_by_hand():
    # (140 - 60) * 72 / (72 * 1.0) = 80 mL/min for a man, 68 for a woman
    assert patient.parse("age=60, weight=72, sex=m, creatinine=1").creatinine_clearance == pytest.approx(80)
    assert patient.parse("age=60, weight=72, sex=f, creatinine=1").creatinine_clearance == pytest.approx(68)
    in_micromolar = patient.parse("age=60, weight=72, sex=m, creatinine=88.42 umol/L")
    assert in_micromolar.creatinine_clearance == pytest.approx(80)


def test_a_given_clearance_wins_over_creatinine():
    found = patient.parse("creatinine=2, crcl=40")
    assert found.creatinine_clearance == 40 and found.creatinine == 2 and found.clearance_from == "given"


def test_anuria_is_valid_and_units_are_converted():
    assert patient.parse("crcl=0").creatinine_clearance == 0
    assert patient.parse("crcl=3 L/h").creatinine_clearance == pytest.approx(50)
    assert patient.parse("weight=70000 g").weight == pytest.approx(70)
    assert patient.parse("height=1.7 m").height == pytest.approx(170)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("age", "key=value"),
        ("age=", "key=value"),
        ("wieght=70 kg", "unknown patient key 'wieght'; did you mean 'weight'"),
        ("weight=70 kgg", "unknown unit of weight 'kgg'; did you mean 'kg'"),
        ("weight=0", "2 to 400 kg"),
        ("age=130", "0 to 120 y"),
        ("age=-1", "0 to 120 y"),
        ("age=48, age=50", "twice"),
        ("sex=f, sex=m", "twice"),
        ("sex=femal", "did you mean 'female'"),
        ("crcl=-5", "0 to 250 mL/min .nearest: 0"),
        ("crcl=abc", "not a number"),
        ("crcl=nan", "not a number"),
        ("crcl=inf", "not a number"),
        ("creatinine=0", "0.1 to 30"),
        ("age=10, creatinine=0.5", "Cockcroft"),
    ],
)
def test_a_wrong_patient_is_refused_in_one_line(text, says):
    with pytest.raises(InputError) as problem:
        patient.parse(text)
    assert re.search(says, str(problem.value)) and "\n" not in str(problem.value)


written = st.fixed_dictionaries(
    {},
    optional={
        "age": st.floats(18, 120),
        "weight": st.floats(2, 400),
        "height": st.floats(30, 250),
        "crcl": st.floats(0, 250),
        "creatinine": st.floats(0.1, 30),
        "sex": st.sampled_from("fm"),
    },
).filter(bool)


@given(written)
def test_a_patient_reads_back_from_its_own_text(fields):
    found = patient.parse(", ".join(f"{key}={value}" for key, value in fields.items()))
    assert patient.parse(found.text) == found
    assert 0 <= found.creatinine_clearance <= 250


@given(st.floats(18, 100), st.floats(0.3, 10), st.floats(40, 150))
def test_estimated_clearance_falls_with_age_and_creatinine_and_rises_with_weight(age, creatinine, weight):
    at = patient.cockcroft_gault
    assert at(age + 1, weight, "f", creatinine) < at(age, weight, "f", creatinine)
    assert at(age, weight, "f", creatinine * 1.1) < at(age, weight, "f", creatinine)
    assert at(age, weight + 1, "m", creatinine) > at(age, weight, "m", creatinine)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    try:
        patient.parse(text)
    except InputError as problem:
        assert "\n" not in str(problem)
