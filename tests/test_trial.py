"""Trials: design files, simulation, statistics, analysis, store and engines."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spasmlab import parameter, studies
from spasmlab.errors import InputError, SolveError
from spasmlab.progress import Stages
from spasmlab.trial import analysis, courses, engine, pieces, power, result, simulate, statistic
from spasmlab.trial.simulate import Setting
from spasmlab.trial.store import Store
from trial_help import DRUG, PLACEBO, a_trial


def simulated(design, **setting) -> pd.DataFrame:
    return simulate.simulate(design, Setting(design.seed, **setting))


# --- designs ---


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"condition": "shingles"}, "unknown condition 'shingles'"),
        ({"visits": [0, 7, 21]}, "beyond 2 weeks"),
        ({"visits": [7, 14]}, "rise from 0"),
        ({"arms": [dict(DRUG, regimen="600 mg thrice"), dict(PLACEBO)]}, "thrice"),
        ({"arms": [dict(DRUG, drug="gabapentine"), dict(PLACEBO)]}, "did you mean 'gabapentin'"),
        ({"arms": [dict(DRUG), dict(DRUG)]}, "same name"),
        ({"arms": [{"name": "a", "n": 0}]}, "greater than or equal to 1"),
        ({"arms": [{"name": "a", "n": 5, "drug": "gabapentin"}]}, "both drug and regimen"),
        ({"outcomes": {"pian": {}}}, "unknown outcome 'pian'"),
        ({"outcomes": {"pain": {"analysis": "anova"}}}, "analysis"),
        ({"adherence": 1.2}, "adherence"),
        ({"scored_at": "25:00"}, "not a clock time"),
        ({"kind": "withdrawal"}, "run_in_weeks"),
        ({"colour": "blue"}, "unknown field in 'trial.toml' 'colour'"),
        ({"leaves_on": {"dizzyness": 0.1}}, "unknown side effect"),
        ({"background": ["baclofn"]}, "did you mean 'baclofen'"),
        ({"background": ["pregabalin"]}, "cannot be a background"),
        ({"dialysis": "4 h now and then"}, "not a dialysis calendar"),
        (
            {"dialysis": "4 h every 48 h", "arms": [dict(DRUG, drug="diazepam"), dict(PLACEBO)]},
            "does not clear",
        ),
    ],
)
def test_a_wrong_design_is_refused_in_one_line(changes: dict, said: str) -> None:
    with pytest.raises(InputError) as problem:
        a_trial(**changes)
    assert said in str(problem.value) and "\n" not in str(problem.value)


@pytest.mark.parametrize("name", studies.names())
def test_every_study_is_a_design_whose_rows_exist_and_report_numbers(name: str) -> None:
    design = studies.load(name)
    assert design.published or design.not_predicted, "a study file is there for what was published"
    for published in design.published:
        studies.number(published)
        assert studies.role(published) in {"calibration", "validation"}
        assert published.statistic in statistic.STATISTICS


# --- simulation ---


def test_the_same_seed_gives_the_same_trial_and_blocks_do_not_matter(monkeypatch) -> None:
    design = a_trial(inclusion={"pain": [5.0, 8.0]}, dropout=0.1)
    first = simulated(design)
    own = simulate.beside("trial.simulate")
    small = own | {"block": own["block"].model_copy(update={"value": 5.0})}
    monkeypatch.setattr(simulate, "beside", lambda name: small)
    pd.testing.assert_frame_equal(first, simulated(design))


def test_everybody_enrolled_meets_the_criteria_and_arms_have_their_size() -> None:
    table = simulated(a_trial(inclusion={"pain": [5.0, 7.0], "age": [65.0, 80.0]}))
    base = table[table["day"] == 0]
    assert base["pain"].between(5, 7).all() and base["age"].between(65, 80).all()
    assert base.groupby("arm")["patient"].nunique().to_dict() == {"drug": 12, "placebo": 12}


def test_criteria_that_nobody_meets_are_said(monkeypatch) -> None:
    own = simulate.beside("trial.simulate")
    few = own | {"most_candidates": own["most_candidates"].model_copy(update={"value": 200.0})}
    monkeypatch.setattr(simulate, "beside", lambda name: few)
    with pytest.raises(InputError, match=r"nobody of .* meets the inclusion criteria"):
        simulated(a_trial(inclusion={"pain": [1.0, 2.0]}))


def test_a_drug_without_a_dose_is_a_placebo() -> None:
    """Zero drug is bitwise no change: the same patients under 0 mg and under nothing."""
    none = a_trial(arms=[dict(PLACEBO)])
    zero = a_trial(arms=[dict(DRUG, name="placebo", regimen="0.0001 mg once")], adherence=0.0)
    pd.testing.assert_series_equal(simulated(none)["pain"], simulated(zero)["pain"])


def test_a_drug_that_changes_no_release_is_refused() -> None:
    with pytest.raises(InputError, match=r"'baclofen' changes no release.*possible in trials: .*gabapentin"):
        simulated(a_trial(arms=[dict(DRUG, drug="baclofen", regimen="10 mg tid"), dict(PLACEBO)]))


def test_add_on_baclofen_is_the_baseline_of_every_arm_and_is_said() -> None:
    outcomes = {"spasticity_nrs": {"analysis": "ancova"}}
    spastic = {"condition": "ms-spasticity", "population": "ms", "outcomes": outcomes}
    plain, added = a_trial(**spastic), a_trial(**spastic, background=["baclofen"])
    pd.testing.assert_frame_equal(simulated(plain), simulated(added))
    found = result.compute(added, Setting(0), Stages(), workers=1)
    assert found["background"] == ["baclofen"] and "background treatment" in found["assumed"]
    assert "background" not in result.compute(plain, Setting(0), Stages(), workers=1)["assumed"]


def test_sessions_of_dialysis_lower_what_the_patients_of_a_trial_reach() -> None:
    hours, setting = np.arange(0.0, 14 * 24.0, 12.0), Setting(0)
    occupied = []
    for sessions in (None, "4 h on Mon, Wed, Fri"):
        design = a_trial(population="renal-clinic", dialysis=sessions)
        people = courses.population.load(design.population).people(20, 0)
        course = courses.of_arm(design, design.arms[0], people, hours, seed=0)
        occupied.append(course.signals["occupancy"][:, -1])
        assert result.compute(design, setting, Stages(), workers=1)["dialysis"] == sessions
    assert np.all(occupied[1] < occupied[0])


def test_a_background_that_raises_exposure_is_followed() -> None:
    first, more = (
        simulate.whole_course(
            design,
            simulate.Block(0, 4, (0,), 4),
            simulate.population.load(design.population).people(4, 0, 0),
            Setting(0),
        )
        for design in (a_trial(), a_trial(background=["baclofen", "morphine"]))
    )
    level = [c.signals["plasma_concentration"][:, -12:].mean(axis=1) for c in (first, more)]
    assert np.all(level[1] > 1.05 * level[0])


def test_those_who_leave_have_no_score_afterwards() -> None:
    table = simulated(a_trial(dropout=0.3, arms=[dict(DRUG, n=60), dict(PLACEBO, n=60)]))
    wide = table.pivot(index="patient", columns="day", values="pain").isna().to_numpy()
    assert wide[:, -1].mean() == pytest.approx(1 - 0.7**2, abs=0.12)
    assert np.all(wide[:, 1:] >= wide[:, :-1])


def test_a_titration_stops_at_a_side_effect() -> None:
    regimen = "300 mg tid for 3 days, 600 mg tid for 3 days, then 1200 mg tid"
    outcomes = {"adverse.dizziness": {"analysis": "logistic"}}
    free = simulated(a_trial(arms=[dict(DRUG, regimen=regimen, n=150)], outcomes=outcomes))
    careful = simulated(
        a_trial(arms=[dict(DRUG, regimen=regimen, n=150, stops_on=["dizziness"])], outcomes=outcomes)
    )
    last = free["day"] == 14
    assert careful.loc[last, "adverse.dizziness"].mean() <= free.loc[last, "adverse.dizziness"].mean()


def test_a_crossover_meets_every_arm_in_both_orders_and_washes_out() -> None:
    design = a_trial(kind="crossover", washout_weeks=2, arms=[dict(DRUG), dict(PLACEBO)])
    table = simulated(design)
    assert table.groupby("patient")["arm"].nunique().eq(2).all()
    assert table.groupby("arm")["patient"].nunique().eq(12).all()
    assert table.groupby("sequence")["patient"].nunique().to_dict() == {"01": 6, "10": 6}
    start = simulate.period_hours(design, 1)[0]
    block = next(simulate.blocks(design, Setting(0)))
    people = simulate.population.load(design.population).people(block.count, 0, block.first)
    course = simulate.whole_course(design, block, people, Setting(0))
    before = courses.part(course, start - 4, start)
    assert np.abs(before.signals["release_poly"] - 1).max() < 1e-3, "nothing is carried over after two weeks"


def test_carry_over_is_there_without_a_washout() -> None:
    design = a_trial(kind="crossover", washout_weeks=0, arms=[dict(DRUG), dict(PLACEBO)])
    block = next(simulate.blocks(design, Setting(0)))
    assert block.sequence[0] == 0, "the drug first"
    people = simulate.population.load(design.population).people(block.count, 0, block.first)
    course = simulate.whole_course(design, block, people, Setting(0))
    start = simulate.period_hours(design, 1)[0]
    assert np.all(courses.part(course, start, start + 2).signals["release_poly"] < 0.999)


# --- statistics and analyses ---


def a_table(drug: np.ndarray, placebo: np.ndarray, base: float = 6.0) -> pd.DataFrame:
    rows = []
    for arm, scores, first in (("drug", drug, 0), ("placebo", placebo, len(drug))):
        for i, score in enumerate(scores):
            for day, value in ((0.0, base + 0.01 * i), (14.0, score)):
                rows.append({"patient": first + i, "arm": arm, "day": day, "pain": value, "code": 0})
    return pd.DataFrame(rows)


def test_statistics_by_hand() -> None:
    table = a_table(np.array([3.0, 4.0, np.nan]), np.array([5.0, 6.0, 7.0]))
    assert statistic.compute(table, "mean value", "pain", "drug") == pytest.approx(3.5)
    assert statistic.compute(table, "mean change", "pain", "drug") == pytest.approx(3.5 - 6.005)
    assert statistic.compute(table, "difference of mean value", "pain", "drug", "placebo") == pytest.approx(
        -2.5
    )
    relative = statistic.compute(table, "relative median difference", "pain", "drug", "placebo")
    assert relative == pytest.approx(100 * (3.5 / 6 - 1))
    with pytest.raises(InputError, match="compares two arms"):
        statistic.compute(table, "relative risk", "pain", "drug")
    with pytest.raises(InputError, match="unknown statistic"):
        statistic.compute(table, "mean chnge", "pain", "drug")
    with pytest.raises(InputError, match="no visit on day 3"):
        statistic.compute(table, "mean value", "pain", "drug", day=3.0)


def test_direction_needs_significance() -> None:
    rng = np.random.default_rng(0)
    low, same = rng.normal(3, 1, 60), rng.normal(6, 1, 60)
    assert statistic.compute(a_table(low, same), "direction", "pain", "drug", "placebo") == -1
    assert statistic.compute(a_table(same[:5], same[5:10]), "direction", "pain", "drug", "placebo") == 0


@pytest.mark.parametrize("how", ["ancova", "mixed", "wilcoxon"])
def test_an_analysis_finds_the_difference_that_is_there(how: str) -> None:
    rng = np.random.default_rng(1)
    table = a_table(rng.normal(4, 1, 200), rng.normal(5, 1, 200))
    found = analysis.effect(a_trial(), table, "pain", "drug", "placebo", how)
    assert found.low < -1 < found.high and found.p < 1e-6 and not found.failed


def test_logistic_and_counts_and_grades() -> None:
    rng = np.random.default_rng(2)
    yes = a_table((rng.random(300) < 0.4).astype(float), (rng.random(300) < 0.2).astype(float))
    found = analysis.effect(a_trial(), yes, "pain", "drug", "placebo", "logistic")
    truth = np.log(0.4 / 0.6 / (0.2 / 0.8))
    assert found.low < truth < found.high
    counts = a_table(rng.poisson(3, 300).astype(float), rng.poisson(6, 300).astype(float))
    found = analysis.effect(a_trial(), counts, "pain", "drug", "placebo", "negative-binomial")
    assert found.low < np.log(0.5) < found.high
    grades = a_table(rng.integers(0, 4, 200).astype(float), rng.integers(1, 5, 200).astype(float))
    found = analysis.effect(a_trial(), grades, "pain", "drug", "placebo", "proportional-odds")
    assert found.estimate < 0 and found.p < 1e-4


def test_an_analysis_that_cannot_be_done_says_why() -> None:
    same = a_table(np.full(5, 3.0), np.full(5, 3.0))
    found = analysis.effect(a_trial(), same, "pain", "drug", "placebo", "ancova")
    assert found.failed == "every score is the same" and np.isnan(found.p)


def test_what_a_library_cannot_make_a_model_of_is_a_result(monkeypatch) -> None:
    """Constant scores, a formula that patsy refuses, perfect separation: a reason in the effect and a count, no crash."""
    from patsy import PatsyError
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    rng = np.random.default_rng(4)
    table = a_table(rng.normal(4, 1, 20), rng.normal(5, 1, 20))
    unseen = table.assign(pain=table["pain"].where(table["day"] == 0))
    found = analysis.effect(a_trial(), unseen, "pain", "drug", "placebo", "mixed")
    assert found.failed == "fewer than two patients in an arm"
    for problem in (PatsyError("factor 'drug' is no column"), PerfectSeparationError("perfect separation")):

        def refuse(*_, of=problem):
            raise of

        monkeypatch.setitem(analysis.ANALYSES, "mixed", refuse)
        found = analysis.effect(a_trial(), table, "pain", "drug", "placebo", "mixed")
        assert found.failed.startswith(str(problem).splitlines()[0]) and np.isnan(found.estimate)


def test_a_failed_analysis_is_counted_in_the_result_and_in_the_power(monkeypatch) -> None:
    from patsy import PatsyError

    def refuse(*_):
        raise PatsyError("no such column")

    monkeypatch.setitem(analysis.ANALYSES, "ancova", refuse)
    design = a_trial()
    found = result.compute(design, Setting(0), Stages(), workers=1)
    assert found["failed_analyses"] == 1 and found["effects"][0]["failed"] == "no such column"
    json.dumps(found, allow_nan=False)
    point = power.at(design, Setting(0), 8, 2, None)
    assert (point.failed, point.power) == (2, 0.0)


@pytest.mark.slow
def test_p_values_are_uniform_where_there_is_no_effect() -> None:
    rng = np.random.default_rng(3)
    for how in ("ancova", "wilcoxon"):
        ps = [
            analysis.effect(
                a_trial(), a_table(rng.normal(5, 1, 30), rng.normal(5, 1, 30)), "pain", "drug", "placebo", how
            ).p
            for _ in range(200)
        ]
        assert np.mean(np.array(ps) < 0.05) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_none_of_ten_trials_is_not_certainty() -> None:
    none, half = power.share_of_trials(0.0, 10), power.share_of_trials(0.5, 400)
    assert none["low"] == pytest.approx(0, abs=1e-12)
    assert none["high"] == pytest.approx(1.6449**2 / (10 + 1.6449**2), abs=1e-4)  # Wilson's closed form
    assert none["monte_carlo_error"] > 0
    assert half["monte_carlo_error"] == pytest.approx(0.025, rel=0.01)  # √(p(1 − p)/n)


def test_power_rises_with_patients_and_the_null_has_none() -> None:
    design = a_trial(arms=[dict(DRUG, n=10), dict(PLACEBO, n=10)])
    small, large = (power.at(design, Setting(0), n, 20, None) for n in (16, 160))
    null = power.at(power.without_effect(design), Setting(0), 40, 20, None)
    assert small.power <= large.power and large.power > 0.6
    assert null.significant <= 0.2


def test_patients_needed_follow_the_probit_rule() -> None:
    from scipy import stats

    points = [
        power.Point(n, float(stats.norm.cdf(0.3 * np.sqrt(n) - 1.96)), 0.0, -1.0) for n in (40, 80, 160)
    ]
    exact = ((stats.norm.ppf(0.8) + 1.96) / 0.3) ** 2
    assert power.needed(points, 0.8) == pytest.approx(exact, abs=1)


def test_resizing_keeps_the_shares() -> None:
    design = a_trial(arms=[dict(DRUG, n=20), dict(PLACEBO, n=10)])
    assert [arm.n for arm in result.resized(design, 90).arms] == [60, 30]
    assert result.resized(design, 91).patients == 91


# --- huge trials ---


def test_pieces_hold_every_block_once_and_a_share_of_every_arm() -> None:
    blocks = [simulate.Block(256 * i, 256, (int(i >= 7),), 200) for i in range(11)]
    for count in (1, 2, 3, 4, 9):
        cut = pieces.cut_up(blocks, count)
        assert len(cut) == min(count, 4)
        assert sorted(b.first for piece in cut for b in piece) == [b.first for b in blocks]
        assert all({b.sequence for b in piece} == {(0,), (1,)} for piece in cut)


def test_pooling_by_hand_and_what_failed_is_left_out() -> None:
    z = 1.959963984540054
    one, other = (
        analysis.Effect("pain", "drug", "placebo", "ancova", "difference", e, e - z * se, e + z * se, 0.0, 50)
        for e, se in ((-1.0, 0.1), (-2.0, 0.2))
    )
    bad = analysis.Effect("pain", "drug", "placebo", "ancova", "difference", **analysis._none("no"), n=50)
    found = pieces.pooled([one, other, bad])
    assert found.estimate == pytest.approx((-1 * 100 - 2 * 25) / 125)
    assert (found.high - found.low) / (2 * z) == pytest.approx(125**-0.5)
    assert found.n == 150 and found.note == "1 of 3 pieces failed and are left out" and not found.failed
    assert found.p == pytest.approx(2 * 0.5 * math.erfc(abs(found.estimate) * 125**0.5 / 2**0.5))
    assert pieces.pooled([bad, bad]).failed == "no"


def test_a_trial_analysed_in_pieces_has_the_estimate_of_the_whole(tmp_path: Path, monkeypatch) -> None:
    rng = np.random.default_rng(5)
    design = a_trial()
    store, blocks = synthetic(tmp_path, design, rng, 12)
    whole = pieces.analyse(design, store, blocks)[0]
    own = {"piece": parameter.beside("trial.pieces")["piece"].model_copy(update={"value": 1000.0})}
    monkeypatch.setattr(pieces, "beside", lambda name: own)
    found = pieces.analyse(design, store, blocks)[0]
    assert found.n == whole.n == 3072
    assert found.estimate == pytest.approx(whole.estimate, abs=0.1 * (whole.high - whole.low) / 4)
    assert found.high - found.low == pytest.approx(whole.high - whole.low, rel=0.02)


def synthetic(folder: Path, design, rng, count: int):
    """A store of `count` parts of 256 patients whose pain is made up, half of them of the drug."""
    store = Store(folder, design, Setting(0))
    blocks = [simulate.Block(256 * i, 256, (int(2 * i >= count),), 256) for i in range(count)]
    with store.opened():
        for block in blocks:
            base = np.clip(rng.normal(6, 1, 256), 0, 10)
            late = [base - 1 - (block.sequence == (0,)) + rng.normal(0, 1, 256) for _ in design.visits[1:]]
            days, name = list(design.visits), design.arms[block.sequence[0]].name
            columns = {"patient": np.repeat(np.arange(256) + block.first, len(days)), "arm": name}
            scores = {"day": days * 256, "pain": np.stack([base, *late], axis=1).ravel(), "code": 0}
            store.keep(block, pd.DataFrame(columns | scores))
    return store, blocks


@pytest.mark.slow
def test_ten_times_as_many_patients_take_no_more_memory(tmp_path: Path) -> None:
    """The peak of a process that analyses 100,000 patients against one that analyses 10,000."""
    program = (
        "import json, resource, sys\nfrom pathlib import Path\nfrom spasmlab.trial import pieces, result, simulate\n"
        "from spasmlab.trial.simulate import Setting\nfrom spasmlab.trial.store import Store\n"
        "from trial_help import a_trial\n"
        "count, design = int(sys.argv[2]), a_trial()\nstore = Store(Path(sys.argv[1]), design, Setting(0))\n"
        "blocks = [simulate.Block(256 * i, 256, (int(2 * i >= count),), 256) for i in range(count)]\n"
        "effects = pieces.analyse(design, store, blocks)\n"
        "found = result.described(design, Setting(0), store, effects)\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "print(json.dumps([found['arms']['drug']['patients'], peak]))\n"
    )
    peaks = []
    for count in (40, 400):
        folder = tmp_path / str(count)
        synthetic(folder, a_trial(), np.random.default_rng(1), count)
        told = subprocess.run(
            [sys.executable, "-c", program, str(folder), str(count)],
            capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )  # fmt: skip
        patients, peak = json.loads(told.stdout)
        assert patients == 256 * count / 2
        peaks.append(peak)
    assert peaks[1] < 1.1 * peaks[0], peaks


# --- store and engines ---


def test_a_run_cut_short_goes_on_and_nothing_is_counted_twice(tmp_path: Path) -> None:
    design, setting = a_trial(), Setting(0)
    store = Store(tmp_path / "t", design, setting)
    blocks = list(simulate.blocks(design, setting))
    with store.opened():
        engine.work(design, setting, str(store.folder), blocks[0])
    (store.folder / "parts" / "rest.parquet.draft").write_text("half")
    store.path(blocks[1]).write_bytes(b"PAR1 cut off")
    with store.opened():
        assert store.missing(blocks) == blocks[1:]
        engine.carry_out(store, blocks, workers=1)
        table = store.whole(blocks).drop(columns="code")
    pd.testing.assert_frame_equal(
        table.sort_values(["patient", "day"], ignore_index=True),
        simulated(design).sort_values(["patient", "day"], ignore_index=True),
    )
    assert not list(store.folder.rglob("*.draft"))


def test_a_folder_belongs_to_one_trial_and_one_run(tmp_path: Path) -> None:
    design = a_trial()
    with (
        Store(tmp_path, design, Setting(0)).opened(),
        pytest.raises(InputError, match="in use by another run"),
        Store(tmp_path, design, Setting(0)).opened(),
    ):
        pass
    with pytest.raises(InputError, match="holds another trial"), Store(tmp_path, design, Setting(1)).opened():
        pass


def test_a_full_disk_is_said_and_what_is_done_is_kept(tmp_path: Path, monkeypatch) -> None:
    design, setting = a_trial(), Setting(0)
    store = Store(tmp_path, design, setting)
    blocks = list(simulate.blocks(design, setting))
    with store.opened():
        engine.work(design, setting, str(tmp_path), blocks[0])

        def full(self, *args, **kwargs):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
        with pytest.raises(SolveError, match=r"No space left.*run the same command again"):
            engine.carry_out(store, blocks, workers=1)
        assert store.path(blocks[0]).exists() and store.missing(blocks) == blocks[1:]


@pytest.mark.slow
def test_processes_and_one_process_give_the_same(tmp_path: Path) -> None:
    design = a_trial(arms=[dict(DRUG, n=300), dict(PLACEBO, n=300)])
    stages = Stages()
    alone = result.compute(design, Setting(0), stages, out=tmp_path / "a", workers=1)
    pool = result.compute(design, Setting(0), stages, out=tmp_path / "b", workers=2)
    for found in (alone, pool):
        found.pop("seconds")
    assert alone == pool


@pytest.mark.slow
def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    """One of the worker processes is killed while the trial runs; the result is that of an undisturbed run."""
    design = a_trial(arms=[dict(DRUG, n=900), dict(PLACEBO, n=900)])
    program = (
        "import json, sys\nfrom pathlib import Path\nfrom spasmlab.progress import Stages\n"
        "from spasmlab.trial import design, result\nfrom spasmlab.trial.simulate import Setting\n"
        "if __name__ == '__main__':\n"
        "    d = design.Design(**json.loads(Path(sys.argv[1]).read_text()))\n"
        "    found = result.compute(d, Setting(0), Stages(), out=Path(sys.argv[2]), workers=2)\n"
        "    found.pop('seconds'); print(json.dumps(found))\n"
    )
    script, asked = tmp_path / "run.py", tmp_path / "design.json"
    script.write_text(program)
    asked.write_text(design.model_dump_json())
    running = subprocess.Popen(
        [sys.executable, str(script), str(asked), str(tmp_path / "t")], stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 240
    killed = False
    while running.poll() is None and time.monotonic() < deadline and not killed:
        for child in _workers(running.pid):
            if list((tmp_path / "t" / "parts").glob("*.parquet")):
                os.kill(child, signal.SIGKILL)
                killed = True
                break
        time.sleep(0.02)
    printed, _ = running.communicate(timeout=300)
    undisturbed = result.compute(design, Setting(0), Stages(), out=tmp_path / "u", workers=1)
    undisturbed.pop("seconds")
    assert running.returncode == 0
    assert json.loads(printed)["arms"] == json.loads(json.dumps(undisturbed))["arms"]


def _workers(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) == parent and b"spawn_main" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


@pytest.mark.slow
def test_dask_gives_the_same_numbers(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    design = a_trial(arms=[dict(DRUG, n=30), dict(PLACEBO, n=30)])
    local = result.compute(design, Setting(0), Stages(), out=tmp_path / "a", workers=1)
    dask = result.compute(design, Setting(0), Stages(), out=tmp_path / "b", engine_name="dask", workers=2)
    for found in (local, dask):
        found.pop("seconds")
    assert local == dask
