"""The tables of evidence: nothing lost, cells are numbers or words of a fixed list, one door for fits."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from each import each
from spasmlab import evidence, units
from spasmlab.errors import InputError, ModelError

# Every entry as it was collected, before cells that hold several numbers became rows of their own.
COLLECTED_ROWS = {
    name: list(
        csv.DictReader((Path(__file__).parent / "data" / "collected" / f"{name}.csv").open(newline=""))
    )
    for name in evidence.TABLES
}
COLLECTED = {name: [cells["id"] for cells in rows] for name, rows in COLLECTED_ROWS.items()}
ENTRIES = {
    f"{table} {cells['id']}": (table, cells) for table, rows in COLLECTED_ROWS.items() for cells in rows
}
MEASUREMENTS = {name: entry for name, entry in ENTRIES.items() if entry[0] in evidence.TABLES[:3]}
VALUE_COLUMN = {"adverse_effects": "percent", "trials": "change_or_value"}


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


def _numbers(text: str) -> set[float]:
    return {float(found) for found in re.findall(r"\d+(?:\.\d+)?(?:e-?\d+)?", text)}


@each(ENTRIES)
def test_no_number_of_an_entry_is_lost(table: str, cells: dict[str, str]) -> None:
    kept: set[float] = set()
    for row in evidence.family(cells["id"]):
        kept |= _numbers(" ".join([*map(str, vars(row).values()), *row.extra.values()]))
        kept |= {abs(value) for value in (row.value, row.spread) if value is not None}
    kept |= _numbers(cells["id"])
    assert _numbers(" ".join(cells.values())) <= kept


# Numbers of a value cell that are no value: units (1/h, cm2), powers, and the conditions of a measurement.
NO_VALUES = {
    "GBP-POP-ALZ-ka": {1},
    "GBP-POP-BRA-ka": {1},
    "GBP-DOSE-JP": {5, 14, 15, 29, 30, 59, 60},
    "GBP-IR600TIDd": {1, 5},
    "MGB-1": {5, 40},
    "N079": {30},
    "N120": {0.85, 0.95, 1.0, 1.18, 1.28, 1.38},  # their power of ten is printed once, after the last
    "N296": {10},
    "N298": {1, 2},
    "N299": {2},
    "N311": {2},
    "N312": {2},
    "N333": {2},
    "N334": {0.1, 0.2, 2, 5},
}


@each(MEASUREMENTS)
def test_each_number_of_a_cell_became_a_value_a_spread_or_an_end_of_a_range(
    table: str, cells: dict[str, str]
) -> None:
    kept = set()
    for row in evidence.family(cells["id"]):
        spread = row.spread or 0.0
        kept |= {abs(end) for end in (row.number, row.number - spread, row.number + spread, spread)}
    for number in _numbers(cells["value"]) - NO_VALUES.get(cells["id"], set()):
        assert any(number == pytest.approx(value, rel=1e-9, abs=1e-15) for value in kept), number


@each(ENTRIES)
def test_a_bare_number_keeps_its_id_its_value_and_its_spread(table: str, cells: dict[str, str]) -> None:
    value = _number(cells.get(VALUE_COLUMN.get(table, "value")))
    if value is None:
        return
    row = evidence.row(cells["id"])
    assert row.value == value
    for column, found in (("spread", row.spread), ("change_sd_or_se", row.spread), ("n", row.n)):
        if _number(cells.get(column)) is not None and cells["id"] != "X08":  # whose spread column held its n
            assert found == float(cells[column])


@each(ENTRIES)
def test_role_and_standing_are_as_collected(table: str, cells: dict[str, str]) -> None:
    for row in evidence.family(cells["id"]):
        assert row.checked == (cells["checked"] == "yes")
        assert row.role == cells.get("role", "")
        assert cells.get("grade") in (None, row.grade) or not row.checked
        if cells["source"] and cells["id"] not in {"RLS-XP052-p", "AE-206"}:  # "same"; a bracket too many
            assert row.source == cells["source"]
        if cells.get("doi") and cells["doi"] != "same":
            assert row.doi == cells["doi"].removesuffix(" (memory)")


def test_every_entry_collected_is_still_found_in_its_table() -> None:
    for table, ids in COLLECTED.items():
        for id in ids:
            assert {row.table for row in evidence.family(id)} == {table}, id


def test_nothing_was_added_that_was_not_collected_and_order_is_kept() -> None:
    for table, ids in COLLECTED.items():
        entries = [_entry(row.id, set(ids)) for row in evidence.table(table)]
        assert list(dict.fromkeys(entries)) == ids


def _entry(id: str, collected: set[str]) -> str:
    while id not in collected:
        id, _, _ = id.rpartition(".")
        assert id, "a row that belongs to no collected entry"
    return id


@pytest.mark.parametrize("table", evidence.TABLES[:4])
def test_tables_of_measurements_begin_with_the_one_schema(table: str) -> None:
    with (evidence.FOLDER / f"{table}.csv").open(newline="") as lines:
        header = tuple(next(csv.reader(lines)))
    assert header[: len(evidence.COLUMNS)] == evidence.COLUMNS
    assert table == "adverse_effects" or header == evidence.COLUMNS


def test_every_unit_parses_and_statements_keep_to_their_numbers() -> None:
    for row in evidence.rows().values():
        units.unit(row.unit)
        for column, text in row.extra.items():
            if column.endswith("_unit") and text:
                units.unit(text)
        if row.unit == "direction":
            assert row.value in (-1, 0, 1, None), row.id
        if row.unit == "logical":
            assert row.value in (0, 1), row.id


def test_every_number_of_the_tables_with_columns_of_their_own_is_bare() -> None:
    numeric = {
        "trials": "year dose_mg_per_day dose_high_mg_per_day weeks baseline baseline_sd placebo_adjusted "
        "ci_low ci_high p",
        "adverse_effects": "dose_low dose_high value_placebo ci_low ci_high",
    }
    for table, columns in numeric.items():
        for row in evidence.table(table):
            for column in columns.split():
                float(row.extra[column] or 0)
    for row in evidence.table("label_rules"):
        for part in filter(None, row.extra["values"].split(";")):
            float(part)


def test_what_was_not_read_is_grade_c() -> None:
    recalled = [row for row in evidence.rows().values() if not row.checked and row.table != "label_rules"]
    assert len(recalled) > 100
    assert {row.grade for row in recalled} == {"C"}


# Read by eye from the collected tables; they hold the ways a cell was taken apart.
READ_BY_EYE = [
    ("GBP-F-LAB1", 60, "%", None, ""),
    ("GBP-F-LAB5", 27, "%", None, ""),
    ("GBP-F-CUN2", 27, "%", None, "upper bound"),
    ("GBP-META1.max", 2340, "mg/day", 20, "RSE% (upper bound)"),
    ("GBP-META1.ed50", 3080, "mg/day", 20, "RSE% (upper bound)"),
    ("GBP-V", 58, "L", 6, "SD"),
    ("GBP-T12", 6, "h", 1, "half-range"),
    ("GBP-POP-IRAN-CLF", 6.72, "L/h", 0.29, "RSE%"),
    ("GBP-POP-TRAN-CL.exponent", 0.331, "1", None, ""),
    ("GBP-BBB-WANG.efflux", 0.36, "mL/min/g", 0.16, "SD"),
    ("GBP-FU", 3, "%", None, "upper bound"),
    ("GBP-REN-LIN", 1, "logical", None, ""),
    ("PGB-SHOJI-VF.age_exponent", -0.125, "1", None, ""),
    ("DAN-2.vd", 36.4, "L", 11.7, "SD"),
    ("B01", 38, "nM", 2.8, "SE"),
    ("B04", 59, "nM", None, ""),
    ("C06", 14, "uM", None, ""),
    ("C06.max", 36, "%", None, ""),
    ("C15", 17, "fold", None, "lower bound"),
    ("F01", -1, "direction", None, ""),
    ("F10", 1, "direction", None, ""),
    ("D26.serotonin", -63.1, "mV", 7.1, "not stated"),
    ("N004.first", 1150, "ohm*cm^2", None, ""),
    ("N004.last", 1050, "ohm*cm^2", None, ""),
    ("N018.last", 20.9, "mV", None, ""),
    ("N034.q", 1.5, "1/ms", None, ""),
    ("N077.first", 1.25e-5, "S/cm^2", None, ""),
    ("N077.last", 6.2e-6, "S/cm^2", None, ""),
    ("N106.first", -71, "mV", None, ""),
    ("N106.last", -72, "mV", None, ""),
    ("N120.dendrite3.first", 1.0e-4, "S/cm^2", None, ""),
    ("N123.half.last", -10, "mV", None, ""),
    ("N151.exponent", -2.43, "1", None, ""),
    ("N195", 41.3, "m/s", 7.5, "SD"),
    ("N197.fr.last", 52, "m/s", None, ""),
    ("N203.s", 800, "count", None, ""),
    ("N231.c2", -2.2431e-6, "m/deg^2", None, ""),
    ("N241.ff.last", 8.73, "1", None, ""),
    ("N272.slack", 0.223, "m", None, ""),
    ("N279.chain", -0.069, "FU*s/L0", None, ""),
    ("N299.n1", 2.58, "1/s", None, ""),
    ("N314.decay", 0.01, "1/mm", None, ""),
    ("N336", 0.5, "1", 0.1, "half-range"),
    ("N342.none", 25.5, "Hz", 1.6, "SE"),
    ("N356.ia.peak", 108.1, "pps", None, ""),
    ("N357.ii.hold", 41.7, "pps", None, ""),
    ("AE-001", 28.0, "%", None, ""),
    ("AE-075", 2.43, "1", None, ""),
    ("AE-193.weight_change", 1.85, "kg", None, ""),
    ("SPA-GRU97-a", -11, "%", None, ""),
    ("SPA-CUT00-a", -1, "direction", None, ""),
    ("PHN-IRV09-b", -2.24, "point", 0.29, "SEM"),
]  # fmt: skip


@each({row[0]: row for row in READ_BY_EYE})
def test_rows_read_by_eye(id: str, value: float, unit: str, spread: float | None, kind: str) -> None:
    row = evidence.row(id)
    assert (row.value, row.unit, row.spread, row.spread_kind) == (value, unit, spread, kind)


@pytest.mark.parametrize(
    ("law", "x", "expected", "unit"),
    [
        ("N151", 3e-7, 1.2, "Mohm"),
        ("N152", 3e-7, 3.9, "nF"),
        ("N153", 3e-7, 4.5, "ms"),
        ("N154", 3e-7, 14, "nA"),
        ("N155", 3e-7, 71, "ms"),
        ("N156", 3e-7, 95, "m/s"),
        ("N159", 3e-7, 54, "um"),
    ],
)
def test_a_power_law_of_motoneuron_size_gives_the_number_its_note_works_out(
    law: str, x: float, expected: float, unit: str
) -> None:
    """The notes work each law out for a surface of 3e-7 m²; coefficients are printed to two figures."""
    coefficient, exponent = evidence.row(f"{law}.coefficient"), evidence.row(f"{law}.exponent")
    quantity = units.registry().Quantity
    size = quantity(x, "m^2")
    found = quantity(coefficient.number, units.unit(coefficient.unit)) * size**exponent.number
    assert found.to(unit).magnitude == pytest.approx(expected, rel=0.05)


def test_a_fit_gets_calibration_rows_and_no_other() -> None:
    assert evidence.calibration("GBP-F-LAB3").number == 34
    for row in evidence.rows().values():
        if row.role == "calibration":
            assert evidence.calibration(row.id) is row
        else:
            with pytest.raises(InputError, match="never fitted to"):
                evidence.calibration(row.id)


def test_an_unknown_row_is_one_line_with_the_nearest_match() -> None:
    with pytest.raises(InputError, match="did you mean 'GBP-F-LAB") as told:
        evidence.row("GBP-F-LAB")
    assert "\n" not in str(told.value)
    with pytest.raises(InputError, match=r"N001\.first, N001\.last"):
        evidence.row("N001")
    with pytest.raises(InputError, match="did you mean 'mechanism'"):
        evidence.table("mechanisms")


@given(st.sampled_from(sorted(evidence.rows())))
def test_a_family_holds_the_row_and_only_its_parts(id: str) -> None:
    found = evidence.family(id)
    assert evidence.row(id) in found
    assert all(row.id == id or row.id.startswith(id + ".") for row in found)


GOOD = dict(
    zip(
        evidence.COLUMNS,
        [
            "X1",
            "release",
            "loss",
            "18",
            "%",
            "2",
            "SD",
            "5",
            "slices",
            "",
            "a 2000",
            "",
            "yes",
            "calibration",
            "B",
            "",
        ],
        strict=True,
    )
)


def _table(folder: Path, **changes: str) -> Path:
    file = folder / "mechanism.csv"
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, evidence.COLUMNS)
        writer.writeheader()
        writer.writerow({**GOOD, **changes})
    return file


def test_a_good_table_is_read(tmp_path: Path) -> None:
    (row,) = evidence.read(_table(tmp_path))
    assert (row.id, row.number, row.spread, row.n, row.checked) == ("X1", 18, 2, 5, True)


@pytest.mark.parametrize(
    ("column", "bad"),
    [
        ("value", "18 to 20"),
        ("value", "nan"),
        ("value", "inf"),
        ("value", ""),
        ("spread", "a few"),
        ("spread", "-1"),
        ("spread_kind", "SDs"),
        ("spread_kind", ""),
        ("n", "5.5"),
        ("n", "about 5"),
        ("checked", "maybe"),
        ("role", "training"),
        ("grade", "D"),
        ("id", ""),
    ],
)
def test_a_bad_cell_is_named_by_file_line_and_column(tmp_path: Path, column: str, bad: str) -> None:
    told = "spread" if column == "spread_kind" and not bad else column
    with pytest.raises(ModelError, match=rf"mechanism\.csv line 2, column {told}"):
        list(evidence.read(_table(tmp_path, **{column: bad})))


def test_a_recalled_row_cannot_be_better_than_c(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="column grade"):
        list(evidence.read(_table(tmp_path, checked="no", grade="B")))


def test_a_row_with_a_cell_too_many_is_refused(tmp_path: Path) -> None:
    file = _table(tmp_path)
    file.write_text(file.read_text().rstrip() + ",stray\n")
    with pytest.raises(ModelError, match="line 2: the number of cells"):
        list(evidence.read(file))
