"""The pages on the circuit: whole, judged as they say, current with the runs that are kept, and the runs repeatable."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from each import each
from spasmlab import assays, circuit_runs, condition, contrast, contrast_page, drug, evidence
from spasmlab import predicted_circuit as predicted
from spasmlab import predicted_circuit_page as page
from spasmlab.circuit import scalars
from spasmlab.circuit_runs import NO_DRUG, Kept, Session
from spasmlab.errors import ModelError
from spasmlab.parameter import PACKAGE
from spasmlab.quantity import Quantity

LINES = predicted.lines()
KEPT = circuit_runs.stored()


def test_every_row_has_a_line_that_predicts_or_says_why_not(monkeypatch) -> None:
    predicted.require_complete()
    some = dict(LINES)
    del some["X01"]
    monkeypatch.setattr(predicted, "lines", lambda: some)
    with pytest.raises(ModelError, match="no line for: X01"):
        predicted.require_complete()


@each({row: line for row, line in LINES.items() if line.source})
def test_a_line_means_something(line) -> None:
    row = evidence.row(line.row)
    assert line.turn in ("", "-1") and line.expect in ("", "-1", "0", "1")
    assert not line.drug or line.drug in drug.names()
    if row.unit == "logical":
        assert line.expect, "a statement needs the sign that it means"
    if line.source == predicted.BATH:
        concentration, hours, amino_acids = line.dose.split()
        assert float(concentration) > 0 and float(hours) > 0 and amino_acids in ("physiological", "none")


def test_a_published_range_by_hand() -> None:
    assert predicted.published_range(evidence.row("N336")) == pytest.approx((0.4, 0.6))
    assert predicted.published_range(evidence.row("D15")) == pytest.approx(
        (5.4 - 1.645 * 0.9, 5.4 + 1.645 * 0.9), rel=1e-3
    )
    assert predicted.published_range(evidence.row("D35"))[1] == np.inf
    assert predicted.published_range(evidence.row("M05")) == pytest.approx((-93.75, -56.25))


def kept(row: str, *pairs: tuple[str, list[float]]) -> dict:
    line = LINES[row]
    at = float(line.at) if line.at else np.nan
    return {
        line.session.text: {
            dose: [Kept(line.readout, "1", "", at, np.array(values))] for dose, values in pairs
        }
    }


def verdict(row: str, *pairs: tuple[str, list[float]]) -> str:
    found = predicted.judge(evidence.row(row), LINES[row], kept(row, *pairs))
    assert found is not None
    return found.verdict


def test_verdicts_by_rule() -> None:
    assert verdict("N336", (NO_DRUG, [0.5, 0.55])) == "inside the spread"
    assert verdict("N336", (NO_DRUG, [0.65, 0.55, 0.7])) == "intervals overlap"
    assert verdict("N336", (NO_DRUG, [0.7, 0.8])) == "missed"
    dose = LINES["X06"].arm
    assert verdict("X06", (NO_DRUG, [10, 10]), (dose, [8, 8])) == "inside the spread"
    assert verdict("X06", (NO_DRUG, [10, 10]), (dose, [3, 3])) == "direction right"
    assert verdict("X06", (NO_DRUG, [10, 10]), (dose, [11, 11])) == "missed"
    dose = LINES["X01"].arm
    assert verdict("X01", (NO_DRUG, [1, 1]), (dose, [0.9, 0.9])) == "direction right"
    assert verdict("X01", (NO_DRUG, [1, 1]), (dose, [0.97, 0.97])) == "missed"
    dose = LINES["M01"].arm
    assert verdict("M01", (NO_DRUG, [1, 1]), (dose, [1, 1.01])) == "inside the spread"


def beside_health(row: str, first: float, healthy: float) -> predicted.Judged:
    """A row that compares a condition with health, judged on one draw of each."""
    line = LINES[row]
    runs = {
        session.text: {NO_DRUG: [Kept(line.readout, "Hz", "", np.nan, np.array([value]))]}
        for session, value in ((line.session, first), (line.reference, healthy))
    }
    found = predicted.judge(evidence.row(row), line, runs)
    assert found is not None
    return found


def test_a_change_of_a_rate_is_judged_by_its_sign_or_absence_and_never_as_a_ratio() -> None:
    """D10: salt lost lowers the cramp threshold by 5.1 Hz; D09: a loss of water leaves it."""
    lower, higher = beside_health("D10", 18.0, 24.0), beside_health("D10", 27.0, 24.0)
    assert (lower.value, lower.verdict) == (-25.0, "direction right")
    assert (higher.value, higher.verdict) == (12.5, "missed")
    assert beside_health("D09", 23.0, 24.0).verdict == "direction right"
    assert beside_health("D09", 12.0, 24.0).verdict == "missed"


def test_a_comparison_in_a_unit_is_a_difference_in_that_unit() -> None:
    line = replace(LINES["D10"], expect="")
    runs = {
        session.text: {NO_DRUG: [Kept(line.readout, "Hz", "", np.nan, np.array([value]))]}
        for session, value in ((line.session, 18.0), (line.reference, 24.0))
    }
    found = predicted.values(line, evidence.row("D10"), runs)
    assert found is not None and found[0] == -6.0


def test_a_run_without_a_value_is_no_prediction() -> None:
    assert predicted.judge(evidence.row("N336"), LINES["N336"], {}) is None
    assert predicted.judge(evidence.row("N336"), LINES["N336"], kept("N336", (NO_DRUG, [np.nan] * 2))) is None


def test_the_bath_gives_the_affinity_that_was_put_in() -> None:
    arms = {predicted.IN_BATHS.text: predicted.in_baths(["B01", "B12"], 2)}
    found = predicted.values(LINES["B01"], evidence.row("B01"), arms)
    constant = drug.load("gabapentin").parameters["dissociation_constant"].number  # nM, as the row
    assert found is not None and found[0] == pytest.approx(constant, rel=0.02)
    without_site = predicted.values(LINES["B12"], evidence.row("B12"), arms)
    assert without_site is not None and np.all(without_site == 0)


def test_changes_are_taken_within_a_draw() -> None:
    before, after = np.array([10.0, 20.0, np.nan]), np.array([5.0, 20.0, 1.0])
    found = contrast.change(before, after)
    assert found.value == pytest.approx(-25) and found.low == pytest.approx(-47.5)
    assert contrast.change(np.zeros(3), np.ones(3)).value is None
    assert contrast.change(np.array([0.0, 4.0]), np.array([0.0, 2.0])).value == pytest.approx(-50)


@pytest.mark.parametrize(
    ("sign", "value", "told"),
    [(-1, -20.0, "as expected"), (-1, -2.0, "too small"), (-1, 20.0, "opposite"), (0, 3.0, "as expected"),
     (0, -9.0, "moves"), (1, None, "no answer")],
)  # fmt: skip
def test_a_verdict_of_the_matrix(sign: int, value: float | None, told: str) -> None:
    assert contrast.verdict(sign, Quantity(value, "percent")) == told


def test_the_matrix_speaks_of_drugs_columns_and_rows_that_exist() -> None:
    known = contrast.columns(existing=False)
    assert set(contrast.doses()) == set(drug.names())
    for one in contrast.expected():
        assert one.column in known and one.drug in contrast.doses()
        assert all(evidence.row(id) for id in one.rows)
    for statement in contrast.table()["statements"]:
        assert contrast.holds(statement, {})[0] == "no answer"


def test_a_column_of_an_assay_that_does_not_exist_is_left_out() -> None:
    column = contrast.columns()["h_m"]
    assert not replace(column, session=Session("h_reflexx", "healthy")).exists
    assert not replace(column, readout="h_over_m").exists
    assert not replace(column, session=Session("h_reflex", "health")).exists


def test_every_session_is_of_an_assay_and_is_told_in_one_line() -> None:
    for session in circuit_runs.plan():
        assert session.assay in assays.names() or session == predicted.IN_BATHS
        assert "\n" not in session.text
    assert Session("clonus", "healthy", "nerve_length=1.1 pic=2").values == {"nerve_length": 1.1, "pic": 2.0}


def test_the_pages_are_current_with_the_runs_that_are_kept() -> None:
    assert KEPT, "run python -m spasmlab.circuit_runs --write"
    assert contrast_page.main(["--check"]) == 0
    assert page.main(["--check"]) == 0


def test_what_is_kept_is_whole_and_of_planned_sessions() -> None:
    notes = circuit_runs.about()
    planned = {session.text: doses for session, doses in circuit_runs.plan().items()}
    assert set(KEPT) == set(notes)
    for session, arms in KEPT.items():
        assert len({one.values.size for arm in arms.values() for one in arm}) == 1
        assert session not in planned or planned[session] <= set(arms)
        read_outs = {dose: [(one.readout, str(one.at)) for one in arm] for dose, arm in arms.items()}
        if session != predicted.IN_BATHS.text:
            assert all(found == read_outs[NO_DRUG] for found in read_outs.values())


def older(file: str, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str]]:
    """Assay and condition of the planned sessions whose digest another content of a file moves."""
    content = circuit_runs._content
    before = {session: circuit_runs.digest(session) for session in circuit_runs.plan()}
    changed = PACKAGE / file
    assert changed.is_file()
    with monkeypatch.context() as patched:
        patched.setattr(circuit_runs, "_content", lambda f: b"" if f == changed else content(f))
        return {(s.assay, s.condition) for s, was in before.items() if circuit_runs.digest(s) != was}


EVERY = {(session.assay, session.condition) for session in circuit_runs.plan()}
SHARED = sorted(
    file.relative_to(PACKAGE).as_posix()
    for part in circuit_runs.BEHIND
    for file in circuit_runs._files(part)
    if file.relative_to(PACKAGE).with_suffix("").as_posix() not in circuit_runs.USED_BY
)


@pytest.mark.parametrize(
    ("file", "assays_moved"),
    [
        ("assays/clonus.py", {"clonus"}),
        ("assays/clonus.toml", {"clonus"}),
        ("assays/motor_pool.py", {"motor_pool", "delta_f"}),
        ("assays/test_reflex.toml", {"post_activation", "presynaptic", "reciprocal", "tonic_stretch", "wind_up"}),
        ("circuit/terminal.toml", {"cramp"}),
        ("circuit/terminal.py", {"cramp"}),
        ("circuit/motor_pool.toml", {"motor_pool", "delta_f"}),
    ],
)  # fmt: skip
def test_a_change_of_an_assays_own_file_makes_its_sessions_old_and_no_other(
    file, assays_moved, monkeypatch
) -> None:
    assert older(file, monkeypatch) == {pair for pair in EVERY if pair[0] in assays_moved}


def test_a_change_of_a_condition_makes_the_sessions_on_it_old_and_no_other(monkeypatch) -> None:
    here = older("data/conditions/sci-complete-chronic.toml", monkeypatch)
    assert here == {pair for pair in EVERY if pair[1] in ("sci-complete-chronic", "all")}


def test_a_change_of_any_shared_file_makes_all_sessions_old(monkeypatch) -> None:
    assert {"circuit/cord.py", "circuit/muscle.toml", "circuit/joints/ankle.toml", "chain/solve.py"} < set(
        SHARED
    )
    for session in circuit_runs.plan():
        behind = {file.relative_to(PACKAGE).as_posix() for file in circuit_runs.behind(session)}
        assert set(SHARED) <= behind, session.text
    assert older("circuit/joints/ankle.toml", monkeypatch) == EVERY


def test_terminals_and_dishes_are_used_where_it_is_said_and_nowhere_else() -> None:
    """What the digest leaves out of a session cannot move it: the rest of the cord only passes impulses on."""
    assert scalars.parameters(condition.load("healthy"))["terminal_ectopic"].number == 0
    for name in assays.names():
        text = (PACKAGE / "assays" / f"{name}.py").read_text(encoding="utf-8")
        assert ("terminal_ectopic" in text) == (name == "cramp"), name
        named = {"motor_pool"} & {
            module for module in text.replace(",", " ").split() if module == "motor_pool"
        }
        assert bool(named) <= (name in ("motor_pool", "delta_f")), name


@pytest.mark.slow
@pytest.mark.parametrize("dose", ["baclofen 20 mg tid", "gabapentin 600 mg tid"])
def test_a_kept_run_comes_out_again(dose: str) -> None:
    """Spikes are counted: where a processor rounds otherwise, a read-out near a threshold can move by a unit."""
    session = Session("h_reflex", "ms-spasticity")
    again = circuit_runs.observe(session, [dose], draws=2)
    for arm in (NO_DRUG, dose):
        for one, was in zip(again[arm], KEPT[session.text][arm], strict=True):
            assert one.values[:2] == pytest.approx(was.values[:2], rel=0.03, abs=0.02, nan_ok=True), (
                one.readout
            )
