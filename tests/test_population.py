"""Populations: covariates that go together, patients independent of each other, spreads that stay apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spasmlab import cohort, drug, population, regimen, streams, variability
from spasmlab.cohort import Cohort, Quantiles
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.population import People, Population
from spasmlab.variability import Setting

GABAPENTIN = drug.load("gabapentin")
HOURS = np.arange(0.0, 25.0)
relaxed = settings(max_examples=15, deadline=None)


def asked(text: str = "600 mg tid", of: str = "healthy", days: float = 1, **more) -> Cohort:
    return Cohort(population.load(of), GABAPENTIN, regimen.parse(text), days, **more)


def parameters(of: Cohort, people: People) -> dict[str, np.ndarray]:
    """What each patient is solved with, by name."""
    pathway = of.pathway()
    values = variability.values(pathway, of.resolved(), of.drug, people, seed=of.seed, setting=of.setting)
    return dict(zip(pathway.params, values, strict=True))


def deviates(of: Cohort, name: str, people: People) -> np.ndarray:
    """Log distance of each patient from the central value, in units of the spread between patients."""
    record = of.resolved()[name][1]
    centre = np.exp(np.median(np.log(parameters(of, people)[name])))
    return np.log(parameters(of, people)[name] / centre) / record.between


# --- covariates ---


@pytest.mark.parametrize("name", population.names())
def test_every_patient_is_plausible_and_the_refused_are_counted(name: str) -> None:
    known = population.load(name)
    people, limits = known.people(3000, seed=1), beside("population")
    index = people.weight / (people.height / 100) ** 2
    for quantity, values in (
        ("body_mass_index", index),
        ("creatinine_clearance", people.creatinine_clearance),
    ):
        assert limits[f"least_{quantity}"].number <= values.min()
        assert values.max() <= limits[f"most_{quantity}"].number
    low, high = known.covariates["age"].bounds or (0, 0)
    assert low <= people.age.min() and people.age.max() <= high
    assert 0 < people.implausible < 0.4 * len(people)
    assert people.implausible == people.redrawn.sum()


@pytest.mark.parametrize("name", population.names())
def test_covariates_have_the_spread_and_correlation_of_their_file(name: str) -> None:
    """Before the implausible are refused, which narrows both."""
    known = population.load(name)
    drawn = known._draw(20_000, 5, 0, 0)
    women = drawn["female"]
    assert women.mean() == pytest.approx(known.covariates["share_female"].number, abs=0.01)
    age = known.covariates["age"]
    assert np.mean(drawn["age"]) == pytest.approx(age.number, rel=0.02)
    assert np.std(drawn["age"]) == pytest.approx(age.between, rel=0.03)
    weight = known.covariates["weight_f"]
    assert np.median(drawn["weight"][women]) == pytest.approx(weight.number, rel=0.02)
    assert np.std(np.log(drawn["weight"][women])) == pytest.approx(weight.between, rel=0.05)
    scale = {
        name: (known.covariates.get(name) or known.covariates[f"{name}_f"]).transform
        for name in population.DRAWN
    }
    moved = {n: np.log(drawn[n][women]) if scale[n] == "log" else drawn[n][women] for n in population.DRAWN}
    for pair, record in known.correlations.items():
        first, second = pair.split("~")
        assert np.corrcoef(moved[first], moved[second])[0, 1] == pytest.approx(record.number, abs=0.04), pair


def test_a_correlation_that_is_not_used_would_be_seen() -> None:
    known = population.load("ms")
    alone = replace(known, correlations={})
    found = [
        np.corrcoef(p._draw(5000, 1, 0, 0)["weight"], p._draw(5000, 1, 0, 0)["height"])[0, 1]
        for p in (known, alone)
    ]
    assert found[0] > found[1] + 0.15


def test_clearance_is_cockcroft_gault_in_adults_and_schwartz_in_children() -> None:
    adults = population.load("renal-clinic").people(50, 2)
    for place in range(50):
        by_hand = (140 - adults.age[place]) * adults.weight[place] / (72 * adults.creatinine[place])
        by_hand *= 0.85 if adults.female[place] else 1.0
        assert adults.creatinine_clearance[place] == pytest.approx(by_hand)
    children = population.load("children").people(50, 2)
    surface = np.sqrt(children.height * children.weight / 3600)
    by_hand = 0.413 * children.height / children.creatinine * surface / 1.73
    np.testing.assert_allclose(children.creatinine_clearance, by_hand)


def test_populations_differ_as_they_should() -> None:
    kidney = {
        n: np.median(population.load(n).people(1000, 3).creatinine_clearance) for n in population.names()
    }
    assert kidney["renal-clinic"] < 50 < kidney["older-phn"] < 85 < kidney["healthy"] < 130
    assert (
        population.load("sci").people(1000, 3).female.mean()
        < 0.3
        < population.load("ms").people(1000, 3).female.mean()
    )


@relaxed
@given(first=st.integers(0, 5000), count=st.integers(1, 40), seed=st.integers(0, 5))
def test_a_patient_does_not_depend_on_the_chunk(first: int, count: int, seed: int) -> None:
    known = population.load("sci")
    part, whole = known.people(count, seed, first), known.people(first + count, seed)
    for name in (*population.DRAWN, "female", "creatinine_clearance", "redrawn"):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[first:]), name


@pytest.mark.parametrize("first", [0, 1020, 1024, 5000])
def test_a_deviate_is_the_same_from_any_chunk(first: int) -> None:
    whole = streams.normals(1, "x", first=0, count=6000)
    assert np.array_equal(streams.normals(1, "x", first=first, count=70), whole[first : first + 70])
    assert abs(whole.mean()) < 0.06 and whole.std() == pytest.approx(1, abs=0.05)
    assert not np.array_equal(whole[:1024], whole[1024:2048])


# --- files ---

GOOD = Path(population.FOLDER / "ms.toml").read_text(encoding="utf-8")


def own(folder: Path, text: str) -> Population:
    (folder / "mine.toml").write_text(text, encoding="utf-8")
    return population.load(folder / "mine.toml")


def test_a_population_of_the_users_own(tmp_path: Path) -> None:
    found = own(tmp_path, GOOD).people(200, 0)
    assert len(found) == 200 and found.person(3).sex in "fm"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("clearance = ", "clearence = "), "clearence"),
        (('"cockcroft-gault"', '"cockroft"'), "did you mean 'cockcroft-gault'"),
        (("covariates.age", "covariates.agee"), "lacks .covariates.age"),
        (("age~height", "age~hight"), "did you mean 'height'"),
        (("value = 0.45", "value = 2"), "bounds"),
    ],
)
def test_a_wrong_population_is_refused_in_one_line(
    tmp_path: Path, change: tuple[str, str], told: str
) -> None:
    with pytest.raises(InputError, match=told) as problem:
        own(tmp_path, GOOD.replace(*change)).people(5, 0)
    assert "\n" not in str(problem.value)


def test_correlations_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    text = GOOD.replace("value = 0.45", "value = 0.99").replace("value = -0.15", "value = -0.95")
    text = text.replace('"age~creatinine"', '"age~weight"').replace("value = 0.15", "value = 0.95")
    with pytest.raises(InputError, match="contradict each other"):
        own(tmp_path, text).people(5, 0)


def test_an_unknown_population_is_named_with_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'healthy'"):
        population.load("helthy")
    with pytest.raises(InputError, match="at least 1"):
        population.load().people(0, 1)


# --- spreads between patients, occasions, studies; doubt ---


def test_the_spread_between_patients_is_that_of_the_record() -> None:
    of = replace(asked(seed=4), setting=Setting())
    people = of.population.people(4000, 4)
    for name in ("volume", "renal_clearance_slope", "uptake_half"):
        assert np.std(deviates(of, name, people)) == pytest.approx(1.0, rel=0.05), name


def test_correlated_parameters_are_correlated_and_others_not() -> None:
    of = asked(seed=4)
    people = of.population.people(4000, 4)
    found = {n: deviates(of, n, people) for n in ("volume", "renal_clearance_slope", "csf_partition")}
    expected = variability.load("gabapentin").correlations["volume~renal_clearance_slope"].number
    assert np.corrcoef(found["volume"], found["renal_clearance_slope"])[0, 1] == pytest.approx(
        expected, abs=0.04
    )
    assert abs(np.corrcoef(found["volume"], found["csf_partition"])[0, 1]) < 0.05


def test_another_occasion_moves_what_varies_within_a_patient_and_nothing_else() -> None:
    first, second = asked(seed=4), replace(asked(seed=4), setting=Setting(occasion=1))
    people = first.population.people(3000, 4)
    before, after = parameters(first, people), parameters(second, people)
    varying = variability.load("gabapentin").occasion
    for name, values in before.items():
        assert np.array_equal(values, after[name]) == (name not in varying), name
    for name, record in varying.items():
        change = np.log(after[name] / before[name])
        assert np.std(change) == pytest.approx(record.number * np.sqrt(2), rel=0.05)


def test_a_study_moves_all_its_patients_alike() -> None:
    typical, there = asked(seed=4), replace(asked(seed=4), setting=Setting(study="Gidal 2000"))
    people = typical.population.people(100, 4)
    before, after = parameters(typical, people), parameters(there, people)
    for name in variability.load("gabapentin").study:
        ratio = after[name] / before[name]
        np.testing.assert_allclose(ratio, ratio[0])
        assert ratio[0] != 1
    elsewhere = parameters(replace(typical, setting=Setting(study="Berry 2003")), people)
    assert elsewhere["uptake_vmax"][0] != after["uptake_vmax"][0]


def test_the_spread_between_studies_is_that_of_the_record() -> None:
    of = asked(seed=4)
    people = of.population.people(1, 4)
    seen = [
        parameters(replace(of, setting=Setting(study=str(k))), people)["renal_clearance_slope"][0]
        for k in range(300)
    ]
    expected = variability.load("gabapentin").study["renal_clearance_slope"].number
    assert np.std(np.log(seen)) == pytest.approx(expected, rel=0.12)


def test_doubt_moves_the_centre_and_leaves_the_patients_where_they_are() -> None:
    of, doubted = asked(seed=4), replace(asked(seed=4), setting=Setting(draw=3))
    people = of.population.people(50, 4)
    ratio = parameters(doubted, people)["isf_partition"] / parameters(of, people)["isf_partition"]
    np.testing.assert_allclose(ratio, ratio[0])
    assert ratio[0] != 1


def test_another_parameter_or_correlation_changes_no_other_draw() -> None:
    of = asked(seed=4)
    people, known = of.population.people(20, 4), variability.load("gabapentin")
    fewer = replace(known, correlations={}, occasion={})
    pathway, resolved = of.pathway(), of.resolved()
    plain = variability.values(pathway, resolved, of.drug, people, seed=4, varying=fewer)
    full = variability.values(pathway, resolved, of.drug, people, seed=4)
    touched = {n for pair in known.correlations for n in pair.split("~")} | set(known.occasion)
    for place, name in enumerate(pathway.params):
        assert np.array_equal(plain[place], full[place]) or name in touched, name
    assert not np.array_equal(plain, full)


def test_an_unknown_name_in_a_file_of_variability_is_refused(tmp_path: Path) -> None:
    text = (
        (variability.FOLDER / "gabapentin.toml")
        .read_text()
        .replace("occasion.uptake_vmax", "occasion.uptake_vmx")
    )
    (tmp_path / "mine.toml").write_text(text)
    of = asked()
    with pytest.raises(InputError, match="did you mean 'uptake_vmax'"):
        variability.values(
            of.pathway(),
            of.resolved(),
            of.drug,
            of.population.people(2, 0),
            varying=variability.read(tmp_path / "mine.toml"),
        )
    (tmp_path / "mine.toml").write_text("[occasions.x]\n")
    with pytest.raises(InputError, match="did you mean 'occasion'"):
        variability.read(tmp_path / "mine.toml")


def test_the_spread_between_occasions_is_the_fitted_one() -> None:
    from spasmlab.fit import occasion

    stored = variability.load("gabapentin").occasion["uptake_vmax"].number
    assert occasion.fit() == pytest.approx(stored, abs=0.02)
    assert occasion.spread_of_area(400, stored, 0.12) == pytest.approx(0.121, abs=0.01)


# --- many patients ---


def test_a_patient_is_the_same_in_any_cohort_chunk_order_and_number_of_threads(monkeypatch) -> None:
    of = asked(of="ms", seed=9)
    whole = cohort.simulate(of, 70, HOURS)["plasma_concentration"].values
    people = of.population.people(9, 9, first=40)
    for threads in (1, 3):
        alone = cohort.solve(of, people, HOURS, threads=threads)["plasma_concentration"]
        assert np.array_equal(alone, whole[40:49])
    monkeypatch.setattr(cohort, "CHUNK", 16)
    in_small_chunks = cohort.summarise(of, 70, HOURS, metrics=False, checked=0)
    monkeypatch.setattr(cohort, "CHUNK", 64)
    in_large_ones = cohort.summarise(of, 70, HOURS, metrics=False, checked=0)
    for name, values in in_small_chunks.quantiles.items():
        assert np.array_equal(values, in_large_ones.quantiles[name])


def test_a_summary_agrees_with_all_patients_kept() -> None:
    of = asked(of="older-phn", seed=2)
    kept = cohort.simulate(of, 400, HOURS)
    found = cohort.summarise(of, 400, HOURS, metrics=False)
    for name in cohort.LEVELS:
        exact = np.percentile(kept[name].values, found.percentiles, axis=0, method="inverted_cdf").T
        np.testing.assert_allclose(found.quantiles[name][0], exact, rtol=1.01 * found.within)
    assert found.implausible == kept.attrs["implausible"] > 0
    assert 0 < found.achieved_error < 1e-5


def own_numbers(of: Cohort, person: People) -> dict[str, float]:
    """What one patient's parameters are, as `solve` takes them for that patient alone."""
    values = parameters(of, person)
    names = [n for n in values if n not in {"weight", "creatinine_clearance", "fed", "dialysis"}]
    return {name: float(values[name][0]) for name in names if of.resolved()[name][1].bounds}


def test_metrics_of_a_population_are_those_of_its_patients() -> None:
    from spasmlab import exposure
    from spasmlab.chain.solve import solve

    of = asked(seed=2)
    person = of.population.people(1, 2)
    found = cohort.exposure_of(of, person)
    changed = own_numbers(of, person)
    dataset = solve(GABAPENTIN, of.regimen, person.person(0), days=1, overrides=changed, checked=0)
    for name, number in exposure.metrics(dataset, of.regimen).items():
        assert found[name][0] == pytest.approx(number[0], rel=1e-9), name


def test_dialysis_in_a_population_is_that_of_each_patient_alone() -> None:
    from spasmlab import dialysis, exposure_course
    from spasmlab.chain.solve import solve

    calendar = dialysis.parse("4 h on Mon, Wed, Fri from 5 h, then 125 mg")
    of = replace(asked(of="renal-clinic", seed=2), days=8, dialysis=calendar)
    person = of.population.people(1, 2)
    changed = own_numbers(of, person)

    def alone(hours):
        return solve(
            GABAPENTIN, of.regimen, person.person(0), days=8, overrides=changed, checked=0, dialysis=calendar,
            times_h=hours,
        )  # fmt: skip

    hours = np.arange(0.0, 193.0, 6.0)
    many = cohort.simulate(of, 3, hours)["plasma_concentration"].values
    np.testing.assert_allclose(many[0], alone(hours)["plasma_concentration"].values[0], rtol=1e-9)
    found = cohort.exposure_of(of, of.population.people(3, 2))
    for name, number in exposure_course.metrics(alone, calendar, of.regimen, 8).items():
        assert found[name][0] == pytest.approx(number[0], rel=1e-9), name


def test_sessions_lower_levels_in_every_patient_and_the_lowest_is_never_negative() -> None:
    from spasmlab import dialysis

    plain = replace(asked(of="renal-clinic", seed=2), days=8)
    dialysed = replace(plain, dialysis=dialysis.parse("4 h on Mon, Wed, Fri"))
    people = plain.population.people(60, 2)
    after = np.array([100.0])
    without, with_it = (cohort.solve(of, people, after)["plasma_concentration"] for of in (plain, dialysed))
    assert np.all(with_it < without)
    assert np.all(cohort.exposure_of(dialysed, people)["c_min"] > 0)


def test_doubt_and_spread_stay_apart() -> None:
    of = asked(seed=2)
    found = cohort.summarise(of, 64, HOURS, draws=3, metrics=False, checked=0)
    middle = found.quantiles["plasma_concentration"][:, 10, 1]
    assert found.quantiles["plasma_concentration"].shape == (3, len(HOURS), 3)
    assert len(set(middle.tolist())) == 3
    one = cohort.summarise(of, 64, HOURS, metrics=False, checked=0)
    assert np.array_equal(
        found.quantiles["plasma_concentration"][0], one.quantiles["plasma_concentration"][0]
    )


def test_missed_doses_are_missed_at_the_rate_asked_and_leave_the_others_alone() -> None:
    of = asked("600 mg tid", days=7, adherence=0.8, seed=5)
    people = of.population.people(400, 5)
    times, amounts = cohort.dose_amounts(of, people)
    assert amounts.shape == (400, len(times)) == (400, 21)
    assert (amounts > 0).mean() == pytest.approx(0.8, abs=0.02)
    part = cohort.dose_amounts(of, of.population.people(7, 5, first=100))[1]
    assert np.array_equal(part, amounts[100:107])
    longer = cohort.dose_amounts(replace(of, days=9), people)[1]
    assert np.array_equal(longer[:, :21], amounts)


def test_a_patient_who_misses_doses_is_solved_without_them() -> None:
    of = asked("600 mg tid", days=1, adherence=0.5, seed=5)
    people = of.population.people(30, 5)
    taken = cohort.dose_amounts(of, people)[1]
    solved = cohort.solve(of, people, HOURS)["plasma_concentration"]
    full = cohort.solve(replace(of, adherence=1.0), people, HOURS)["plasma_concentration"]
    nothing = ~taken.any(axis=1)
    assert nothing.any() and np.all(solved[nothing] == 0)
    everything = (taken > 0).all(axis=1)
    assert everything.any() and np.array_equal(solved[everything], full[everything])
    missed_first = (taken[:, 0] == 0) & (taken[:, 1] > 0)
    assert np.all(solved[missed_first][:, 1:9] == 0) and np.all(solved[missed_first][:, 10] > 0)
    assert np.all(cohort.solve(replace(of, adherence=0.0), people, HOURS)["plasma_concentration"] == 0)


def test_doses_per_kilogram_meet_each_patients_weight() -> None:
    of = asked("10 mg/kg once", of="children", days=1)
    people = of.population.people(12, 0)
    np.testing.assert_allclose(cohort.dose_amounts(of, people)[1][:, 0], 10 * people.weight)
    assert np.all(cohort.solve(of, people, HOURS)["plasma_concentration"][:, 5] > 0)


def test_what_cannot_be_simulated_is_refused() -> None:
    with pytest.raises(InputError, match="0 to 1"):
        asked(adherence=1.2)
    with pytest.raises(InputError, match="within 0 to 24"):
        cohort.simulate(asked(), 3, [30.0])


# --- running quantiles ---


@relaxed
@given(st.lists(st.one_of(st.just(0.0), st.floats(1e-6, 1e5)), min_size=1, max_size=60), st.integers(1, 59))
def test_running_quantiles_are_exact_to_the_width_of_a_bin(values: list[float], cut: int) -> None:
    running, percentiles = Quantiles(1), [0, 5, 50, 95, 100]
    column = np.array(values)[:, None]
    for part in (column[:cut], column[cut:]):
        running.add(part)
    exact = np.percentile(column, percentiles, axis=0, method="inverted_cdf").T
    np.testing.assert_allclose(running.at(percentiles), exact, rtol=1.01 * running.within)
    assert running.count == len(values)


def test_running_quantiles_take_no_more_room_for_more_patients() -> None:
    running = Quantiles(3)
    before = running.counts.nbytes
    for _ in range(4):
        running.add(np.random.default_rng(0).lognormal(size=(500, 3)))
    assert running.counts.nbytes == before and running.count == 2000


def test_the_error_of_a_large_run_is_measured_where_there_is_something_to_miss() -> None:
    """Asked for no time, or for time 0 alone, the check still looks at the whole course."""
    from spasmlab import cohort as cohorts
    from spasmlab import drug, population, regimen

    asked = cohorts.Cohort(
        population.load("healthy"), drug.load("gabapentin"), regimen.parse("600 mg tid"), days=2
    )
    assert 0 < cohorts.achieved_error(asked, 50, np.array([0.0])) < 1e-5
