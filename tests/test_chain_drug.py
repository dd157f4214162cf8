"""What the drug does and does not do along the chain, and the files it is read from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from chain_help import GABAPENTIN, RELEASES
from spasmlab import condition, drug, evidence, hypothesis, parameter, patient, regimen
from spasmlab.chain.solve import parameter_values, parameters_used, solve, steady_at_plasma
from spasmlab.errors import InputError
from spasmlab.exposure import metrics
from spasmlab.fit import exposure as fit
from spasmlab.parameter import Parameter
from spasmlab.shift import Shift

TID = regimen.parse("600 mg tid")
SWITCHES = ("gaba_a_agonism", "gaba_b_agonism", "gaba_uptake_inhibition", "gaba_transaminase_inhibition")
FILE = parameter.PACKAGE / "data" / "drugs" / "gabapentin.toml"


def after(
    days: float = 4, condition: Shift | None = None, hypothesis: Shift | None = None, **overrides: float
):
    """The chain on 600 mg three times a day."""
    return solve(GABAPENTIN, TID, None, condition, hypothesis, days=days, overrides=overrides, checked=0)


def state(sigma: float) -> Shift:
    """A condition that shifts nothing but the state of the synapse."""
    path = "chain.channel.synapse_state"
    record = Parameter(path=path, value=sigma, unit="1", status="assumed", grade="C", note="a test")
    return Shift("test", "condition", "test", "", {path: record})


# What acts, and what does not


def test_removing_the_binding_site_removes_every_effect() -> None:
    found = after(binding_site=0.0)
    assert float(found["isf_concentration"].max()) > 0.3
    for name in (*RELEASES, "calcium_fast", "surface_channels", "calcium_entry"):
        assert np.all(found[name] == 1.0), name
    assert np.all(found["occupancy"] == 0.0)
    assert np.all(found["occupancy_2"] == 0.0)


def test_blocking_gaba_receptors_leaves_the_drug_effect_bitwise_unchanged() -> None:
    plain, blocked = after(), after(gaba_a_blocked=1.0, gaba_b_blocked=1.0)
    for name in RELEASES:
        assert np.array_equal(plain[name], blocked[name])
    assert float(plain["release_poly"].min()) < 1


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_gaba_action_does_something_when_on_and_is_blocked_by_blockers(switch: str) -> None:
    plain, on = after(), after(**{switch: 1.0})
    blocked = after(**{switch: 1.0, "gaba_a_blocked": 1.0, "gaba_b_blocked": 1.0})
    assert float((plain["release_ia"] - on["release_ia"])[0, -1]) > 0.05
    np.testing.assert_allclose(blocked["release_ia"], plain["release_ia"], rtol=1e-12)


def test_gaba_b_reaches_every_terminal_and_gaba_a_only_afferents() -> None:
    plain, a, b = after(), after(gaba_a_agonism=1.0), after(gaba_b_agonism=1.0)
    assert np.array_equal(a["release_inhibitory"], plain["release_inhibitory"])
    assert float(b["release_inhibitory"].min()) < 0.9


def test_polysynaptic_terminals_lose_more_than_ia_and_inhibitory_ones_nothing() -> None:
    for sigma in (0.0, 0.5, 1.0):
        found = after(condition=state(sigma))
        assert np.all(found["release_poly"][0, 1:] < found["release_ia"][0, 1:])
        assert np.all(found["release_inhibitory"] == 1.0)


def test_the_effect_grows_with_the_state_of_the_synapse() -> None:
    releases = [float(after(condition=state(s))["release_poly"][0, -1]) for s in (0, 0.5, 0.7, 1)]
    assert releases == sorted(releases, reverse=True)
    assert releases[0] - releases[-1] > 0.05


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0])
def test_channel_and_release_are_what_the_page_says(sigma: float) -> None:
    rest = steady_at_plasma(GABAPENTIN, 6.0, state(sigma))
    names, drawn = parameter_values(GABAPENTIN)
    p = dict(zip(names, drawn[:, 0].tolist(), strict=True))
    theta = float(rest["occupancy"][0])
    competing = sum(p[acid] / p[f"{acid}_inhibition"] for acid in ("leucine", "isoleucine", "methionine"))
    molar = float(rest["isf_concentration"][0]) / p["molar_mass"]
    assert theta == pytest.approx(molar / (molar + p["dissociation_constant"] * (1 + competing)), rel=1e-12)
    fast = 1 - (p["fast_effect_healthy"] * (1 - sigma) + p["fast_effect_injured"] * sigma) * theta
    slow = (
        1 - (p["trafficking_effect_healthy"] * (1 - sigma) + p["trafficking_effect_injured"] * sigma) * theta
    )
    lost = 1 - (fast * slow) ** p["cooperativity"]
    ia = p["loss_ia_healthy"] * (1 - sigma) + p["loss_ia_spastic"] * sigma
    poly = p["loss_poly_healthy"] * (1 - sigma) + p["loss_poly_spastic"] * sigma
    expected = {"calcium_fast": fast, "surface_channels": slow, "release_ia": 1 - ia * lost}
    expected |= {"release_poly": 1 - poly * lost, "release_monoamine": 1 - p["loss_monoamine"] * lost}
    for name, number in expected.items():
        assert float(rest[name][0]) == pytest.approx(number, rel=1e-12), name


def test_amino_acids_compete() -> None:
    assert float(after(amino_acid_level=0.0)["occupancy"][0, -1]) > 0.95
    assert 0.1 < float(after()["occupancy"][0, -1]) < 0.6
    assert np.all(after()["occupancy_2"][0, 1:] < after()["occupancy"][0, 1:])


# Hypotheses


def test_fast_block_moves_only_the_fast_arm() -> None:
    found = after(hypothesis=hypothesis.load("fast-block"))
    assert np.all(found["surface_channels"] == 1.0)
    assert float(found["calcium_fast"].min()) < 1


def test_trafficking_moves_only_the_slow_arm_and_takes_days() -> None:
    found = after(hypothesis=hypothesis.load("trafficking"))
    assert np.all(found["calcium_fast"] == 1.0)
    surface = 1 - found["surface_channels"][0].values
    assert 0 < surface[2] < 0.5 * surface[72]


def test_null_binds_and_releases_as_if_it_were_not_there() -> None:
    found = after(hypothesis=hypothesis.load("null"), condition=state(1.0))
    assert float(found["occupancy"].max()) > 0.3
    assert all(np.all(found[name] == 1.0) for name in RELEASES)


def test_both_is_the_default_that_shifts_nothing() -> None:
    assert hypothesis.load(hypothesis.DEFAULT).parameters == {}


@pytest.mark.parametrize("name", condition.names())
def test_every_condition_runs(name: str) -> None:
    found = after(days=1, condition=condition.load(name))
    assert 0.5 < float(found["release_poly"][0, -1]) < 1


def test_a_shift_of_a_drug_parameter_is_obeyed() -> None:
    path = "drugs.gabapentin.volume"
    record = GABAPENTIN.parameters["volume"].model_copy(update={"value": 116.0})
    shifted = Shift("test", "hypothesis", "test", "", {path: record})
    assert float(after(days=1, hypothesis=shifted)["distribution_volume"][0, 0]) == pytest.approx(116)


# Evidence


BIOAVAILABILITIES = [
    d for d in fit.data() if d.scenario.measure == "bioavailability" and d.scenario.formulation == "ir"
]


@pytest.mark.parametrize("row", [pytest.param(d, id=d.scenario.row) for d in BIOAVAILABILITIES])
def test_bioavailability_falls_with_dose_as_the_rows_say(row: fit.Datum) -> None:
    taken = regimen.parse(row.scenario.regimen)
    found = metrics(solve(GABAPENTIN, taken, days=2, checked=0), taken)["bioavailability"][0]
    assert found == pytest.approx(evidence.calibration(row.scenario.row).number / 100, abs=0.13)


@pytest.mark.parametrize("dose", [100, 300, 600, 1200, 2400])
def test_saturable_uptake_stays_near_the_plain_form(dose: float) -> None:
    most, half = (row.number for row in evidence.family("GBP-POP-CAR"))
    once = regimen.parse(f"{dose} mg once")
    share = metrics(solve(GABAPENTIN, once, days=1, checked=0), once)["bioavailability"][0]
    assert share == pytest.approx(most / (half + dose), abs=0.1)


def test_half_life_rises_as_creatinine_clearance_falls_and_is_finite_in_anuria() -> None:
    once = regimen.parse("400 mg once")
    lives, shares = [], []
    for clearance in (120, 90, 60, 30, 15, 5, 0):
        person = patient.parse(f"crcl={clearance}")
        found = metrics(solve(GABAPENTIN, once, person, days=1, checked=0), once)
        lives.append(float(found["half_life"][0]))
        assert np.isfinite(found["auc_inf"][0])
        shares.append(float(found["bioavailability"][0]))
    assert max(shares) - min(shares) < 1e-6
    assert lives == sorted(lives)
    assert 5 <= lives[0] <= 7
    assert lives[-1] > 100


def test_a_single_400_mg_dose_has_the_published_area() -> None:
    once = regimen.parse("400 mg once")
    area = metrics(solve(GABAPENTIN, once, days=1, checked=0), once)["auc_inf"][0]
    assert area == pytest.approx(evidence.calibration("GBP-AUC-GID00").number, rel=0.15)


# Files


def test_a_users_own_file_gives_the_same_numbers(tmp_path: Path) -> None:
    own = tmp_path / "gabapentin.toml"
    own.write_text(FILE.read_text(encoding="utf-8"), encoding="utf-8")
    first = solve(drug.load(str(own)), TID, days=1, checked=0)
    assert np.array_equal(first["release_ia"], solve(GABAPENTIN, TID, days=1, checked=0)["release_ia"])


def edited(tmp_path: Path, old: str, new: str) -> str:
    """A user's drug file: gabapentin's with one piece of text replaced."""
    text = FILE.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "mine.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("value = 47.82", "value = '58 L'", "parameter 'volume' in 'mine.toml': value"),
        ("value = 47.82", "value = 5800", "parameter 'volume' in 'mine.toml'.*bounds"),
        ("value = 47.82", "value = nan", "parameter 'volume' in 'mine.toml'"),
        ("value = 47.82\n", "", "parameter 'volume' in 'mine.toml': value: Field required"),
        ("value = 47.82\nunit", "value = 58\nunti", "parameter 'volume' in 'mine.toml'"),
        ("[parameters.volume]", "[parameters.volme]", "unknown parameter in drug 'mine' 'volme'.*'volume'"),
        ('value = 47.82\nunit = "L"', 'value = 47.82\nunit = "h"', "drugs.mine.volume is in 'h'.*'L'"),
        (
            'title = "immediate release',
            'available = 1\ntitle = "immediate release',
            "'available' of formulation 'ir' in 'mine.toml'",
        ),
        (
            "[formulations.ir]",
            "[formulation.ir]",
            "unknown field in 'mine.toml' 'formulation'.*'formulations'",
        ),
        ("[formulations.ir]", "[formulations.ir", "'.*mine.toml' is not valid TOML"),
        ('title = "immediate', 'titel = "immediate', "field of formulation 'ir' in 'mine.toml' 'titel'"),
    ],
)
def test_a_wrong_file_names_the_file_and_the_field(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        solve(drug.load(edited(tmp_path, old, new)), TID, days=1, checked=0)
    assert "\n" not in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read '.*absent.toml'"):
        drug.load(tmp_path / "absent.toml")
    (tmp_path / "empty.toml").write_text("")
    with pytest.raises(InputError, match=r"'empty.toml' lacks the table \[formulations"):
        drug.load(tmp_path / "empty.toml")
    (tmp_path / "flat.toml").write_text("formulations = 1\nparameters = 2\n")
    with pytest.raises(InputError, match="formulations"):
        drug.load(tmp_path / "flat.toml")


def test_a_missing_parameter_is_named() -> None:
    fewer = {name: record for name, record in GABAPENTIN.parameters.items() if name != "volume"}
    with pytest.raises(InputError, match=r"lacks the parameter 'volume' \[L\]"):
        solve(replace(GABAPENTIN, parameters=fewer), TID, days=1)


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(InputError, match="unknown drug 'gabapentine'; did you mean 'gabapentin'"):
        drug.load("gabapentine")
    with pytest.raises(InputError, match="'gastro-retentive'; did you mean 'gastroretentive'"):
        solve(GABAPENTIN, TID, days=1, formulation="gastro-retentive")
    with pytest.raises(InputError, match="'binding_sites'; did you mean 'binding_site'"):
        after(binding_sites=0.0)


def test_a_formulation_that_is_not_available_is_refused_in_one_sentence(tmp_path: Path) -> None:
    named = 'title = "gastroretentive'
    mine = drug.load(edited(tmp_path, named, "available = false\n" + named))
    with pytest.raises(InputError, match=r"'gastroretentive'.*comes with a later version; possible now: ir"):
        solve(mine, TID, days=1, formulation="gastroretentive")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (dict(days=0), "days must be positive"),
        (dict(days=float("nan")), "days must be positive"),
        (dict(days=1, draws=0), "draws must be at least 1"),
        (dict(days=1, times_h=[0, 25]), "within 0 to 24 h"),
        (dict(days=1, times_h=[-1]), "within 0 to 24 h"),
        (dict(days=1, times_h=[float("nan")]), "within 0 to 24 h"),
        (dict(days=1, overrides={"lag": 2.0}), "'lag' cannot be 2; possible: 0 to 1 h"),
        (dict(days=1, overrides={"volume": float("nan")}), "'volume' cannot be nan"),
    ],
)
def test_what_cannot_be_simulated_is_refused(wrong: dict, words: str) -> None:
    with pytest.raises(InputError, match=words):
        solve(GABAPENTIN, TID, **wrong)


def test_the_records_used_are_those_after_shifts() -> None:
    used = parameters_used(GABAPENTIN, state(0.5), hypothesis.load("fast-block"))
    assert used["chain.channel.synapse_state"].number == 0.5
    assert used["chain.channel.trafficking_effect_injured"].number == 0
    assert used["drugs.gabapentin.volume"] is GABAPENTIN.parameters["volume"]
    assert all(record.note or record.status != "assumed" for record in used.values())
