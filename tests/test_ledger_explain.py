"""Explanations: the interval of doubt, units of rows, who shifts and who cites, and what people read."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from each import each
from spasmlab import evidence, explain, parameter
from spasmlab.explain import Explanation, doubt, in_unit, share_of_assumed
from spasmlab.parameter import Parameter

LEDGER = parameter.ledger()


def _record(**fields) -> Parameter:
    plain = {
        "path": "chain.x.size",
        "value": 2.0,
        "unit": "mg",
        "status": "assumed",
        "grade": "C",
        "note": "why",
    }
    return Parameter(**{**plain, **fields})


def _text(found: Explanation, width: int = 80) -> str:
    out = io.StringIO()
    found.render(Console(file=out, width=width, color_system=None))
    return out.getvalue()


@given(
    st.sampled_from(["log", "linear", "logit"]),
    st.floats(0.01, 0.99),
    st.floats(0.001, 2.0),
    st.sampled_from([None, (0.005, 0.995), (0.0, 1.0)]),
)
def test_the_interval_of_doubt_is_where_the_draws_fall(transform, value, spread, bounds) -> None:
    """The oracle is `Parameter.at`, which makes the draws, at the 5 % and 95 % points of a normal deviate."""
    record = _record(value=value, unit="1", transform=transform, spread=spread, bounds=bounds)
    low, high = record.at(np.array([-1.6448536269514722, 1.6448536269514722]), spread)
    found = doubt(record)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-12)
    assert found.low <= value <= found.high


def test_no_doubt_stated_is_no_interval() -> None:
    assert (doubt(_record()).low, doubt(_record(spread=0.0)).high) == (None, None)


def test_a_row_is_shown_in_the_parameter_s_unit_where_that_is_of_its_kind() -> None:
    assert in_unit(evidence.row("GBP-F-LAB1"), "1") == pytest.approx(0.6)
    assert in_unit(evidence.row("GBP-POP-TRAN-CL.reference"), "L/h") == pytest.approx(106.3 * 0.06)
    assert in_unit(evidence.row("GBP-V"), "mg") is None
    assert in_unit(evidence.row("SPA-NOV11-a"), "point") is None  # the row states no value of its own


def test_a_row_names_the_parameters_that_cite_it_or_the_entry_it_was_part_of() -> None:
    citing: dict[str, set[str]] = {}
    for record in LEDGER.values():
        for id in record.rows:
            for row in evidence.family(id):
                citing.setdefault(row.id, set()).add(record.path)
    missed = {id: paths - set(explain.explain(id).cited_by) for id, paths in citing.items()}
    assert citing and not {id: paths for id, paths in missed.items() if paths}


def test_a_parameter_names_every_condition_and_hypothesis_that_shifts_it() -> None:
    for shift in explain.all_shifts():
        for target, record in shift.parameters.items():
            found = [s for s in explain.shifts_of(target) if (s.kind, s.name) == (shift.kind, shift.name)]
            assert [s.record for s in found] == [record]
    shifted = next(target for shift in explain.all_shifts() for target in shift.parameters)
    assert explain.explain(shifted).as_dict()["shifts"]
    assert "Shifted by" in _text(explain.explain(shifted))


def test_the_last_part_of_a_path_finds_the_parameter_and_not_a_shift_of_it() -> None:
    assert explain.explain("synapse_state").path == "chain.channel.synapse_state"


@each([*list(LEDGER)[::7], "N001", "GBP-F-LAB1", "SPA-NOV11-a", "INT-01", "B04"])
def test_it_reads_well_at_80_columns_and_loses_no_row(path: str) -> None:
    found = explain.explain(path)
    text = _text(found)
    assert max(map(len, text.splitlines())) <= 80
    squeezed = "".join(text.split())
    for row in found.rows:
        assert row.id[:12] in squeezed
    if found.parameter:
        assert found.parameter.status in text
    json.dumps(found.as_dict(), allow_nan=False)


def test_recalled_rows_are_called_so() -> None:
    assert "recalled, not read" in _text(explain.explain("D22"))


def test_shares_add_up_and_a_parameter_counts_once() -> None:
    found = share_of_assumed(LEDGER)
    assert found["count"] == len(LEDGER)
    for kind in ("by_status", "by_grade"):
        assert sum(part["count"] for part in found[kind].values()) == len(LEDGER)
        assert sum(part["share"] for part in found[kind].values()) == pytest.approx(1)
    assert found["share"] == found["by_status"]["assumed"]["share"]
    assert share_of_assumed([*LEDGER.values(), *LEDGER.values()]) == found


def test_the_share_of_nothing_is_zero() -> None:
    assert share_of_assumed([])["share"] == 0


def test_the_share_of_three_assumed_and_one_measured_is_three_quarters() -> None:
    measured = _record(path="chain.x.a", status="measured", rows=("GBP-V",), grade="B")
    assumed = [_record(path=f"chain.x.{name}") for name in "bcd"]
    assert share_of_assumed([measured, *assumed])["share"] == 0.75
