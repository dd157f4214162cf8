"""Event tables: read, written and read again; every bad one refused by row and column; rules on gabapentin."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spasmlab import drug, event_run, patient, regimen
from spasmlab.chain import event_course, events
from spasmlab.chain.solve import solve
from spasmlab.errors import InputError
from spasmlab.io import event_table

EXAMPLES = Path(__file__).parents[1] / "examples"
GABAPENTIN = drug.load("gabapentin")
HEAD = "ID,TIME,AMT,EVID,CMT,II,ADDL,SS,RATE,DV,MDV"


def table(*rows: str, head: str = HEAD) -> tuple[event_table.Subject, ...]:
    """A table read from its rows."""
    return event_table.read(io.StringIO("\n".join([head, *rows]) + "\n"))


def levels(*rows: str, head: str = HEAD, who: str | None = None, **more) -> np.ndarray:
    """Plasma levels of gabapentin, one a row."""
    person = patient.parse(who) if who else patient.default()
    (found,) = event_run.predict(event_run.Question(GABAPENTIN, person, **more), table(*rows, head=head))
    return found.of("plasma_concentration")[0]


# Bad tables

BAD = {
    "unsorted times": (["1,0,100,1,1,0,0,0,0,.,1", "1,4,.,0,2,0,0,0,0,1,0", "1,3,.,0,2,0,0,0,0,1,0"], "row 4, column TIME"),
    "a negative dose": (["1,0,-100,1,1,0,0,0,0,.,1"], "row 2, column AMT"),
    "an unknown EVID": (["1,0,100,1,1,0,0,0,0,.,1", "1,1,0,5,1,0,0,0,0,.,1"], "row 3, column EVID"),
    "a broken EVID": (["1,0,100,1.5,1,0,0,0,0,.,1"], "row 2, column EVID"),
    "a steady state without an interval": (["1,0,100,1,1,0,0,1,0,.,1"], "row 2, column II"),
    "SS 3": (["1,0,100,1,1,8,0,3,0,.,1"], "row 2, column SS"),
    "SS on an observation": (["1,0,0,0,2,8,0,1,0,.,1"], "row 2, column SS"),
    "ADDL without II": (["1,0,100,1,1,0,3,0,0,.,1"], "row 2, column II"),
    "ADDL on an observation": (["1,0,0,0,1,8,3,0,0,.,1"], "row 2, column ADDL"),
    "a negative ADDL": (["1,0,100,1,1,8,-1,0,0,.,1"], "row 2, column ADDL"),
    "an endless infusion again and again": (["1,0,0,1,1,0,3,1,10,.,1"], "row 2, column ADDL"),
    "mixed units": (["1,0,100,1,1,0,0,0,0,.,1", "1,8,0.1 g,1,1,0,0,0,0,.,1"], "row 3, column AMT"),
    "a clock time": (["1,08:00,100,1,1,0,0,0,0,.,1"], "row 2, column TIME"),
    "no time": (["1,.,100,1,1,0,0,0,0,.,1"], "row 2, column TIME"),
    "an infinite time": (["1,inf,100,1,1,0,0,0,0,.,1"], "row 2, column TIME"),
    "a dose of nothing": (["1,0,0,1,1,0,0,0,0,.,1"], "row 2, column AMT"),
    "an amount on an observation": (["1,0,100,0,1,0,0,0,0,.,1"], "row 2, column AMT"),
    "a rate of -3": (["1,0,100,1,1,0,0,0,-3,.,1"], "row 2, column RATE"),
    "a rate on an observation": (["1,0,0,0,1,0,0,0,5,.,1"], "row 2, column RATE"),
    "a compartment turned off": (["1,0,100,1,-1,0,0,0,0,.,1"], "row 2, column CMT"),
    "MDV 2": (["1,0,100,1,1,0,0,0,0,.,2"], "row 2, column MDV"),
    "a negative observation": (["1,0,.,0,2,0,0,0,0,-1,0"], "row 2, column DV"),
    "an individual that comes back": (["1,0,9,1,1", "2,0,9,1,1", "1,1,9,1,1"], "row 4, column ID"),
    "a true EVID": (["1,0,100,True,1,0,0,0,0,.,1"], "row 2, column EVID"),
    "a time beyond a century": (["1,0,100,1,1,0,0,0,0,.,1", "1,1e12,.,0,2,0,0,0,0,1,0"], "row 3, column TIME"),
    "doses without end": (["1,0,100,1,1,8,1000000000,0,0,.,1"], "row 2, column ADDL"),
    "a decimal comma": (['1,"2,5",100,1,1,0,0,0,0,.,1'], "row 2, column TIME"),
    "no ID": ([",0,100,1,1,0,0,0,0,.,1"], "row 2, column ID"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_by_row_and_column(name: str) -> None:
    rows, where = BAD[name]
    with pytest.raises(InputError, match=f"event table, {where}: "):
        table(*rows)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the event table is empty"),
        ("\n", "the event table is empty"),
        (HEAD + "\n", "the event table is empty"),
        ("ID,TIM,AMT\n1,0,100\n", "row 1, column TIME: the column is missing; did you mean 'TIM'?"),
        ("ID,TIME\n1,0\n", "row 1, column AMT: the column is missing"),
        ("TIME,AMT,TIME\n0,100,0\n", "row 1, column TIME: the column is there twice"),
        ("TIME,AMT\n0,100,7\n", "cells"),
        ("TIME;AMT\n0;100\n", "row 1, column TIME: cells are separated by semicolons"),
        ("TIME\tAMT\n0\t100\n", "row 1, column TIME: cells are separated by tabs"),
        ("TIME (mg),AMT\n0,100\n", "row 1, column TIME: 'mg' is not a unit of this column"),
        ("TIME (parsec_of_time),AMT\n0,100\n", "row 1, column TIME: unknown unit"),
        ("TIME,AMT,AMTU\n0,100,mg\n8,100,ug\n", "row 3, column AMTU: unit 'ug'"),
    ],
)
def test_a_table_without_its_form_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(").replace("?", r"\?")):
        event_table.read(io.StringIO(text))


def test_a_bad_row_is_named_as_the_file_numbers_it_also_far_down() -> None:
    rows = [f"1,{t},.,0,2" for t in range(250_000)]
    rows[200_123] = "1,200123,.,9,2"
    with pytest.raises(InputError, match="row 200125, column EVID"):
        for _ in event_table.subjects(io.StringIO("\n".join(["ID,TIME,AMT,EVID,CMT", *rows])), 50_000):
            pass


@pytest.mark.parametrize(("row", "cells"), [("1,8,100", 3), ("1,8,100,1,.,7", 6)])
def test_a_row_of_a_file_with_other_cells_than_the_header_is_refused(
    tmp_path: Path, row: str, cells: int
) -> None:
    file = tmp_path / "table.csv"
    file.write_text(f"ID,TIME,AMT,EVID,DV\n1,0,100,1,.\n\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"row 4, column .*: the row has {cells} cells, the header 5"):
        event_table.read(file)


def test_byte_order_mark_line_ends_and_quotes_change_nothing(tmp_path: Path) -> None:
    plain = "ID,TIME,AMT,EVID\n1,0,300,1\n1,2.5,0,0\n"
    texts = [
        "\ufeff" + plain,
        plain.replace("\n", "\r\n"),
        plain.replace("2.5", '"2.5"').replace("ID", '"ID"'),
    ]
    for number, text in enumerate(texts):
        file = tmp_path / f"{number}.csv"
        file.write_bytes(text.encode())
        (one,) = event_table.read(file)
        assert one["TIME"].tolist() == [0.0, 2.5] and one["AMT"].tolist() == [300.0, 0.0]


def test_one_compiled_call_follows_the_same_rules_as_row_by_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lagged, repeated and overlapping doses, infusions, ties and covariates that change: two ways, one answer."""
    rows = ["1,0,300,1,1,6,4,0,0,.,1", "1,0,.,0,2,0,0,0,0,.,0", "1,0.2,50,1,2,0,0,0,25,.,1"]
    rows += ["1,6.311,.,0,2,0,0,0,0,.,0", "1,6.311,200,1,1,0,0,0,0,.,1", "1,18,100,1,2,3,2,0,40,.,1"]
    rows += ["1,18,.,0,2,0,0,0,0,.,0", "1,40,.,2,2,0,0,0,0,.,1", "1,41,.,0,2,0,0,0,0,.,0"]
    head = HEAD + ",CRCL"
    rows = [f"{row},{crcl}" for row, crcl in zip(rows, (90, 90, 80, 80, 60, 50, 50, 40, 40), strict=True)]
    fast = levels(*rows, head=head)
    monkeypatch.setattr(events, "starts_anew", lambda rows: np.ones(len(rows), dtype=bool))
    slow = levels(*rows, head=head)
    assert np.max(np.abs(fast - slow)) < 1e-7 * slow.max()
    assert fast[0][-1] > 0 if fast.ndim == 2 else fast[-1] > 0


def test_a_lag_and_a_bioavailability_of_the_table_are_those_of_the_row_of_the_dose() -> None:
    """The same table with the doses moved and scaled by hand, at once and row by row (an individual with a reset)."""
    known = drug.load(EXAMPLES / "one_compartment.toml")
    question = event_run.Question(known, patient.default())
    given = ("1,0,100,1,1,12,1,0,0,.,1,0.5,0.8", "1,6,.,0,2,0,0,0,0,.,1,2,0.1", "1,20,50,1,1,0,0,0,10,.,1,0.25,0.4",
             "1,22,.,0,2,0,0,0,0,.,1,3,0.9", "1,30,.,0,2,0,0,0,0,.,1,3,0.9")  # fmt: skip
    by_hand = ("1,0,.,0,2,0,0,0,0,.,1,0,1", "1,0.5,80,1,1,12,1,0,0,.,1,0,1", "1,6,.,0,2,0,0,0,0,.,1,0,1",
               "1,20.25,20,1,1,0,0,0,10,.,1,0,1", "1,22,.,0,2,0,0,0,0,.,1,0,1", "1,30,.,0,2,0,0,0,0,.,1,0,1")  # fmt: skip
    head = HEAD + ",lag,bioavailability"
    (expected,) = event_run.predict(question, table(*by_hand, head=head))
    (one,) = event_run.predict(question, table(*given, head=head))
    (plain,) = event_run.predict(replace(question, solver="plain"), table(*given, head=head))
    for found in (one, plain):
        seen, hoped = found.of("plasma_concentration")[0], expected.of("plasma_concentration")[0]
        assert seen[[1, 3, 4]] == pytest.approx(hoped[[2, 4, 5]], rel=1e-7)


def test_who_stands_beside_an_individual_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block of many, some of whom start anew, in one thread or in three, against each alone: bit for bit."""
    random, rows = np.random.default_rng(3), []
    for who in range(30):
        crcl = random.integers(20, 120)
        rows.append(
            f"{who},0,{random.integers(100, 900)},1,1,8,{random.integers(0, 9)},{int(who % 7 == 0)},0,.,1,{crcl}"
        )
        rows += [
            f"{who},{t},.,{3 if who % 11 == 5 and t == 9 else 0},0,0,0,0,0,.,1,{crcl}" for t in (2.5, 9, 40)
        ]
    text = "\n".join([HEAD + ",CRCL", *rows]) + "\n"
    question = event_run.Question(GABAPENTIN, patient.default())
    block = max(event_table.blocks(io.StringIO(text)), key=len)
    assert len(block.names) == 29  # the last individual of a file stands alone
    (whole,) = event_run.predict(question, [block])
    alone = [found.levels for found in event_run.predict(question, block.subjects())]
    np.testing.assert_array_equal(whole.levels, np.concatenate(alone, axis=1))
    monkeypatch.setattr(event_course, "ROWS_A_THREAD", 10)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "3")
    (threads,) = event_run.predict(question, [block])
    np.testing.assert_array_equal(whole.levels, threads.levels)
    few = list(event_table.blocks(io.StringIO(text), 7))[:-1]
    np.testing.assert_array_equal(
        whole.levels, np.concatenate([found.levels for found in event_run.predict(question, few)], axis=1)
    )


@pytest.mark.parametrize(
    ("column", "value", "possible"),
    [("WT", "-4", "2 to 400 kg"), ("CRCL", "-1", "0 to 250 mL/min"), ("FED", "2", "0 to 1"), ("lag", "-1", "0 or more"),
     ("volume", "-3", "0 or more")],
)  # fmt: skip
def test_a_covariate_that_no_patient_has_is_refused(column: str, value: str, possible: str) -> None:
    with pytest.raises(InputError, match=f"row 2, column {column}: {value}.*possible: {possible}"):
        levels(f"1,0,300,1,1,0,0,0,0,.,1,{value}", head=f"{HEAD},{column}")


@pytest.mark.parametrize(
    ("new", "said"), [("value = -5", "clearance.*negative"), ("value = 0", "volume.*more than 0")]
)
def test_a_drug_of_impossible_numbers_is_refused(tmp_path: Path, new: str, said: str) -> None:
    text = (EXAMPLES / "one_compartment.toml").read_text(encoding="utf-8")
    start = text.index(f"[parameters.{said.split('.')[0]}]")
    record = text[start:].split("\n\n")[0]
    lines = [
        new if line.startswith("value") else line for line in record.splitlines() if "spread" not in line
    ]
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(record, "\n".join(lines)), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        drug.load(file)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the event table"):
        event_table.read(tmp_path / "none.csv")


def test_one_individual_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_table, "MOST_ROWS_OF_ONE", 1000)
    text = "TIME,AMT\n" + "\n".join(f"{t},1" for t in range(3000))
    with pytest.raises(InputError, match="more than 1000 rows"):
        list(event_table.subjects(io.StringIO(text), 400))


# Reading and writing


def test_what_is_left_out_has_its_meaning() -> None:
    (found,) = table("0,100", "2,.", "3, ", head="TIME,AMT")
    assert found["EVID"].tolist() == [1, 0, 0]
    assert found["MDV"].tolist() == [1, 1, 1]
    assert found.name == "1"


def test_units_of_the_header_are_obeyed() -> None:
    (found,) = table("0.5,0.6,-1", "1,0.3,0.1", head="TIME (day),AMT [g],RATE (g/h)")
    assert found["TIME"].tolist() == [12, 24]
    assert found["AMT"] == pytest.approx([600, 300])
    assert found["RATE"] == pytest.approx([-1, 100])


@st.composite
def tables(draw: st.DrawFn) -> str:
    """Random good tables of up to three individuals."""
    numbers = st.floats(1e-3, 1e6, allow_nan=False)
    lines = [HEAD + ",WT"]
    for name in draw(st.lists(st.integers(1, 99), min_size=1, max_size=3, unique=True)):
        for time in sorted(draw(st.lists(st.floats(-10, 1e4), min_size=1, max_size=6))):
            if draw(st.booleans()):
                interval, more = draw(st.sampled_from([(0, 0), (8.1, 3), (1 / 3, 1)]))
                lines.append(
                    f"{name},{time!r},{draw(numbers)!r},{draw(st.sampled_from([1, 4]))},1,{interval},{more},0,0,.,1,70"
                )
            else:
                lines.append(f"{name},{time!r},.,0,2,.,.,.,.,{draw(numbers)!r},0,{draw(numbers)!r}")
    return "\n".join(lines) + "\n"


@settings(max_examples=30, deadline=None)
@given(text=tables(), block=st.integers(1, 7))
def test_written_and_read_again_nothing_has_changed(text: str, block: int) -> None:
    first = list(event_table.subjects(io.StringIO(text), block))
    out = io.StringIO()
    event_table.write(first, out)
    second = event_table.read(io.StringIO(out.getvalue()))
    assert [one.name for one in first] == [one.name for one in second]
    for before, after in zip(first, second, strict=True):
        assert list(before.columns) == list(after.columns)
        for name in before.columns:
            np.testing.assert_array_equal(before[name], after[name])


# Gabapentin


def test_a_regimen_and_its_event_table_are_the_same() -> None:
    taken, hours = regimen.parse("600 mg tid"), np.arange(0.0, 49.0, 3)
    usual = solve(GABAPENTIN, taken, days=2, times_h=hours, checked=0)["plasma_concentration"].values[0]
    times, amounts = taken.doses(2)
    subject = event_table.from_doses(times, amounts, hours)
    (found,) = event_run.predict(event_run.Question(GABAPENTIN, patient.default()), [subject])
    seen = found.of("plasma_concentration")[0][subject["EVID"] == 0]
    assert np.max(np.abs(seen - usual)) < 3e-6 * usual.max()
    addl = levels("1,0,600,1,1,8,5,0,0,.,1", *(f"1,{t},.,0,2,0,0,0,0,.,1" for t in hours[1:]))
    assert np.max(np.abs(addl[1:] - seen[1:])) < 1e-8 * seen.max()


def test_steady_state_of_a_saturable_drug_is_the_limit_of_many_doses() -> None:
    many = levels(
        "1,0,600,1,1,8,89,0,0,.,1",
        "1,719.999999,.,0,2,0,0,0,0,.,1",
        "1,722,.,0,2,0,0,0,0,.,1",
    )
    at_once = levels("1,712,600,1,1,8,0,1,0,.,1", "1,719.999999,.,0,2,0,0,0,0,.,1", "1,722,.,0,2,0,0,0,0,.,1")
    assert many[1:] == pytest.approx(at_once[1:], rel=1e-6)


def test_predictions_have_the_rows_of_the_table_and_intervals_where_there_are_draws() -> None:
    subjects = event_table.read(EXAMPLES / "events.csv")
    question = event_run.Question(drug.load(EXAMPLES / "one_compartment.toml"), patient.default(), draws=16)
    found = [event_run.with_predictions(p) for p in event_run.predict(question, subjects)]
    for before, after in zip(subjects, found, strict=True):
        assert np.array_equal(before["TIME"], after["TIME"])
        assert np.all(after["PRED_LOW"] <= after["PRED"])
        assert np.all(after["PRED"] <= after["PRED_HIGH"])


@pytest.mark.parametrize("name", ["one_compartment.toml", "two_compartments_intravenous.toml"])
def test_examples_are_solved_by_both_solvers(name: str) -> None:
    rows = ("1,0,100,1,1,8,2,1,0,.,1", "1,3,.,0,0,0,0,0,0,.,1", "1,20,.,0,0,0,0,0,0,.,1")
    question = event_run.Question(drug.load(EXAMPLES / name), patient.default())
    found = list(event_run.predict(question, table(*rows)))
    assert event_run.achieved_error(question, found) < 1e-8


def test_kidney_function_that_falls_raises_later_levels_only() -> None:
    head = HEAD + ",CRCL"
    rows = ["1,0,600,1,1,8,8,0,0,.,1", "1,24,.,0,2,0,0,0,0,.,1", "1,48,.,0,2,0,0,0,0,.,1"]
    same = levels(*(row + ",90" for row in rows), head=head)
    falling = levels(*(row + f",{c}" for row, c in zip(rows, (90, 90, 20), strict=True)), head=head)
    assert falling[1] == same[1]
    assert falling[2] > 1.3 * same[2]
    assert np.array_equal(same, levels(*rows, who="crcl=90"))


def test_an_empty_covariate_is_refused_by_row_and_column() -> None:
    with pytest.raises(InputError, match="row 3, column CRCL"):
        levels("1,0,600,1,1,0,0,0,0,.,1,90", "1,5,.,0,2,0,0,0,0,.,1,.", head=HEAD + ",CRCL")


def test_an_observation_of_another_compartment_is_refused() -> None:
    with pytest.raises(InputError, match="row 3, column CMT"):
        levels("1,0,600,1,1,0,0,0,0,.,1", "1,5,.,0,1,0,0,0,0,.,1")


def test_no_steady_state_without_clearance() -> None:
    rows = ("1,0,600,1,1,8,0,1,0,.,1", "1,5,.,0,2,0,0,0,0,.,1")
    with pytest.raises(InputError, match="row 2, column SS"):
        levels(*(row + ",0" for row in rows), head=HEAD + ",clearance_factor")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    def peak(individuals: int) -> int:
        file = tmp_path / f"{individuals}.csv"
        rows = (f"{i},{t},{100 * (t == 0)},{int(t == 0)},1\n" for i in range(individuals) for t in range(10))
        with file.open("w") as stream:
            stream.write("ID,TIME,AMT,EVID,CMT\n")
            stream.writelines(rows)
        tracemalloc.start()
        assert sum(1 for _ in event_table.subjects(file, 10_000)) == individuals
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(100)
    assert peak(20_000) < 1.5 * peak(4_000)
