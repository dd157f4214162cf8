"""Quantities and output folders: no NaN, no half-written folder."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spasmlab import quantity
from spasmlab.errors import InputError
from spasmlab.output import OutputFolder


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=30))
def test_a_quantity_is_always_valid_json_and_its_interval_holds_its_value(draws):
    found = quantity.from_draws(np.array(draws), "mg/L").as_dict()
    json.dumps(found, allow_nan=False)
    if found["low"] is not None:
        assert found["low"] <= found["value"] <= found["high"]


def test_interval_is_from_the_fifth_to_the_ninety_fifth_percentile():
    found = quantity.from_draws(np.arange(101.0)[::-1], "1")
    assert (found.low, found.high) == (5, 100) and found.value == 100
    assert quantity.from_draws(np.array([50.0, *np.arange(101.0)]), "1").low == pytest.approx(5, abs=0.2)
    assert quantity.from_draws(np.ones(3), "1").low is None


@pytest.mark.parametrize("count", [2, 8, 9, 16, 17, 1000])
def test_the_ends_of_an_interval_are_numpys_to_the_last_bit(count):
    random = np.random.default_rng(count)
    for size in (1e-9, 1.0, 1e9):
        draws = size * random.standard_normal(count)
        assert quantity.ends(draws.tolist()) == tuple(np.percentile(draws, quantity.INTERVAL).tolist())


def test_numbers_are_printed_to_three_figures():
    assert [quantity.short(v) for v in (None, 0, 5.1234, 0.0123, 1234.4, 12.0, 1e-9, 300)] == [
        "–", "0", "5.12", "0.0123", "1234", "12", "1.00e-09", "300",
    ]  # fmt: skip
    assert quantity.Quantity(5.123, "N*m", 4, 6).text == "5.12 N·m (4 to 6)"


def test_files_appear_only_at_the_end(tmp_path):
    target = tmp_path / "deep" / "out"
    with OutputFolder(target) as folder:
        (folder / "result.json").write_text("{}")
        assert not target.exists()
    assert (target / "result.json").read_text() == "{}"
    assert [p.name for p in target.parent.iterdir()] == ["out"]


def test_a_failure_leaves_nothing_behind(tmp_path):
    with pytest.raises(RuntimeError), OutputFolder(tmp_path / "deep" / "out") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_other_peoples_files_stay(tmp_path):
    (tmp_path / "out" / "figures").mkdir(parents=True)
    (tmp_path / "out" / "figures" / "old.svg").write_text("old")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with OutputFolder(tmp_path / "out") as folder:
        (folder / "figures").mkdir()
        (folder / "figures" / "new.svg").write_text("new")
    found = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file())
    assert found == ["out/figures/new.svg", "out/notes.txt"]


def test_a_folder_that_cannot_be_written_is_refused_before_any_work(tmp_path):
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(InputError, match="cannot write the output folder"):
            OutputFolder(target).__enter__()
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_centre_of_draws_is_the_first_the_median_or_the_mean() -> None:
    draws = np.array([9.0, 1, 2, 3, 4, 5, 6, 7, 8, 30])
    values = {centre: quantity.from_draws(draws, "1", centre).value for centre in ("first", "median", "mean")}
    assert values == {"first": 9.0, "median": 5.5, "mean": 7.5}
    assert quantity.from_draws(draws[:3], "1", "median").value == 9.0, "too few draws for a centre"
    gaps = np.where(draws > 6, np.nan, draws)
    assert quantity.from_draws(gaps, "1", "median") == quantity.Quantity(3.5, "1"), "no interval with gaps"
    assert quantity.from_draws(np.where(draws > 3, np.nan, draws), "1", "median").value is None
