"""Regimens: what people write becomes dose times and amounts, or one line that says what is wrong."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spasmlab import regimen
from spasmlab.errors import InputError
from spasmlab.regimen import Amount, Part, Regimen


def doses(text: str, days: float = 2) -> list[tuple[float, float]]:
    times, amounts = regimen.parse(text).doses(days)
    return list(zip(times.tolist(), amounts.tolist(), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("300 mg once", [(0, 300)]),
        ("600 mg daily", [(0, 600), (24, 600)]),
        ("600 mg bid", [(0, 600), (12, 600), (24, 600), (36, 600)]),
        ("600 mg tid for 1 day", [(0, 600), (8, 600), (16, 600)]),
        ("600 mg qid x1", [(0, 600), (6, 600), (12, 600), (18, 600)]),
        ("0.6 g every 16 hours", [(0, 600), (16, 600), (32, 600)]),
        ("500 ug q24h", [(0, 0.5), (24, 0.5)]),
        ("1,200 mg once", [(0, 1200)]),
        ("600 mg t.i.d. x2 doses", [(0, 600), (8, 600)]),
        ("1800 mg/day tid x1", [(0, 600), (8, 600), (16, 600)]),
        ("300 mg at 08:00, 600 mg at 20:00", [(0, 300), (12, 600), (24, 300), (36, 600)]),
        ("600 mg at 20:00, 300 mg at 08:00", [(0, 600), (12, 300), (24, 600), (36, 300)]),
        ("300 mg at 08:00 and 20:00 x1, then 600 mg at 07:00", [(0, 300), (12, 300), (47, 600)]),
        ("600 mg once then 300 mg bid", [(0, 600), (24, 300), (36, 300)]),
        ("600 mg once for 8 h then 300 mg daily", [(0, 600), (8, 300), (32, 300)]),
    ],
)
def test_doses_are_those_written(text, expected):
    assert doses(text) == expected


def test_label_titration_gives_three_doses_a_day_from_the_third_day():
    found = doses("300 mg daily x1, 300 mg bid x1, then 300 mg tid", days=4)
    assert [time for time, _ in found] == [0, 24, 36, 48, 56, 64, 72, 80, 88]


def test_a_day_per_kg_is_shared_by_its_doses():
    written = regimen.parse("25 mg/kg/day tid")
    with pytest.raises(InputError, match="weight"):
        written.doses(1)
    assert written.for_weight(30).doses(1)[1] == pytest.approx([250, 250, 250])
    assert regimen.parse("10 mg/kg bid").for_weight(30).doses(1)[1] == pytest.approx([300, 300])


def test_interval_and_repetition_describe_the_last_part():
    assert regimen.parse("600 mg tid").interval_h == 8
    assert regimen.parse("300 mg daily x1 then 300 mg bid").interval_h == 12
    assert regimen.parse("300 mg at 08:00, 600 mg at 20:00").interval_h == 24
    assert regimen.parse("600 mg tid for 3 days").interval_h is None
    assert regimen.parse("300 mg once").single and not regimen.parse("300 mg tid").single
    assert regimen.parse("300 mg daily x1 then 300 mg bid").maintenance == regimen.parse("300 mg bid")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("600 mg", "no schedule.*nearest match: '600 mg tid'"),
        ("-600 mg tid", "more than 0.*nearest match: '600 mg'"),
        ("0 mg tid", "more than 0"),
        ("600 tid", "no unit.*'600 mg'"),
        ("600 mgg tid", "unknown unit of dose 'mgg'; did you mean 'mg'"),
        ("600 mg tidd", "unknown schedule 'tidd'; did you mean 'tid'"),
        ("600 mg at 25:00", "clock time"),
        ("300 mg at 08:00, 300 mg at 08:00", "twice"),
        ("600 mg tid then 300 mg bid", "does not end"),
        ("600 mg tid then", "dose such as|empty part"),
        ("600 mg tid,, 300 mg bid", "empty part"),
        ("0,3 g tid", "decimal point"),
        ("nan mg tid", "does not begin with a dose"),
        ("inf mg tid", "does not begin with a dose"),
        ("1e999 mg tid", "is the unit right"),
        ("600 mg every 0 h", "interval lies between"),
        ("600 mg every 8 parsecs", "unknown unit of time"),
        ("600 mg/week tid", "unknown denominator"),
        ("600 mg/day/kg tid", "per kg per day"),
        ("600 mg/day once", "per day needs a repeating schedule"),
        ("300 mg once x3", "one dose"),
        ("600 mg tid x0", "must last"),
        ("events.csv", "--events events.csv"),
    ],
)
def test_a_wrong_regimen_is_refused_in_one_line(text, says):
    with pytest.raises(InputError) as problem:
        regimen.parse(text)
    assert re.search(says, str(problem.value)) and "\n" not in str(problem.value)


def test_days_must_be_positive():
    for days in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="days"):
            regimen.parse("600 mg tid").doses(days)


amounts = st.builds(
    Amount, st.floats(0.5, 5000).map(lambda mg: round(mg, 3)), st.booleans(), st.just(False)
) | st.builds(Amount, st.integers(1, 100).map(float), st.just(True), st.just(True))
durations = st.integers(1, 400).map(lambda hours: hours / 2)
once = st.builds(lambda a: Part((Amount(a.mg, a.per_kg),)), amounts)
interval = st.builds(
    lambda a, h, d: Part((a,), h, (), d),
    amounts,
    st.sampled_from([6.0, 8.0, 12.0, 24.0, 7.5, 36.0]),
    durations,
)


@st.composite
def clock_parts(draw, lasting=durations):
    clocks = draw(st.lists(st.integers(0, 1439), min_size=1, max_size=3, unique=True))
    mg = [Amount(draw(st.floats(0.5, 900))) for _ in clocks]
    return Part(tuple(mg), 24.0, tuple(clocks), draw(lasting))


def endless(part: Part) -> Part:
    return Part(part.amounts, part.interval_h, part.clocks)


regimens = st.builds(
    lambda first, last, ends: Regimen((*first, last if ends else endless(last))),
    st.lists(once | interval | clock_parts(), max_size=3),
    once | interval | clock_parts(),
    st.booleans(),
)


@given(regimens)
def test_the_text_of_a_regimen_reads_back_as_the_same_regimen(written):
    assert regimen.parse(written.text) == written


@given(regimens, st.floats(0.1, 30), st.floats(20, 120))
def test_doses_are_sorted_positive_and_within_the_days(written, days, weight):
    times, mg = written.for_weight(weight).doses(days)
    assert times.shape == mg.shape and (mg > 0).all()
    assert (np.diff(times) >= 0).all() and (times >= 0).all() and (times < days * 24).all()


@given(regimens, st.integers(1, 10))
def test_more_days_only_add_doses(written, days):
    known = written.for_weight(70)
    short, long = known.doses(days)[0], known.doses(days + 3)[0]
    assert np.array_equal(long[: len(short)], short) and (long[len(short) :] >= days * 24).all()


@given(st.sampled_from([3.0, 0.7, 7.3, 1 / 3]), st.integers(1, 2000))
def test_the_last_dose_before_the_end_is_decided_exactly(interval_h, count):
    part = Part((Amount(1.0),), interval_h)
    found = list(part.doses(count * interval_h, 0))
    assert len(found) == count


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused_and_nothing_else(text):
    try:
        assert regimen.parse(text).text
    except InputError as problem:
        assert "\n" not in str(problem)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("600 mg tid missing 2 and 4", [0, 16, 32, 40]),
        ("600 mg tid missing doses 1", [8, 16, 24, 32, 40]),
        ("600 mg tid with dose 2 late by 3 h", [0, 11, 16, 24, 32, 40]),
        ("600 mg tid missing 1 with dose 3 late by 9.5 h", [8, 24, 25.5, 32, 40]),
        ("600 mg tid x1 missing 3, then 300 mg daily", [0, 8, 24]),
        ("600 mg at 08:00, 300 mg at 20:00 missing 3", [0, 12, 36]),
        ("600 mg tid with dose 6 late by 9 h", [0, 8, 16, 24, 32]),
    ],
)
def test_missed_and_late_doses(text, hours):
    found = regimen.parse(text)
    assert found.doses(2)[0].tolist() == hours
    assert regimen.parse(found.text) == found
    assert found.maintenance.doses(2)[0].tolist() == found.maintenance.maintenance.doses(2)[0].tolist()


def test_a_missed_dose_does_not_change_the_steady_state():
    assert regimen.parse("600 mg tid missing 4").maintenance == regimen.parse("600 mg tid")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("600 mg tid x1 missing 4", "has 3 doses"),
        ("600 mg once missing 2", "has 1 doses"),
        ("600 mg tid missing 0", "counted from 1"),
        ("600 mg tid missing 3 with dose 3 late by 2 h", "names a dose twice"),
        ("600 mg tid missing", "unknown schedule"),
    ],
)
def test_slips_that_cannot_be(text, says):
    with pytest.raises(InputError, match=says):
        regimen.parse(text)
