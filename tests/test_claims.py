"""Claims: every statement has a file, every experiment could be judged either way, verdicts follow rules."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from spasmlab import circuit_runs, claims, evidence, studies
from spasmlab.circuit_runs import NO_DRUG, Kept
from spasmlab.claims import assess, cord, experiments, measured
from spasmlab.claims.claim import (
    MIXED,
    NOT_SUPPORTED,
    NOT_TESTABLE,
    SUPPORTED,
    Experiment,
    Found,
    judge,
    read,
    together,
)
from spasmlab.cli import main
from spasmlab.endpoints import adverse
from spasmlab.errors import InputError

STATEMENTS = (
    "cramps-causes", "cramps-relief", "spasticity-cause", "spasticity-signs", "gaba-receptors", "gaba-synthesis-uptake",
    "binds-alpha2delta", "calcium-entry", "glutamate-release", "excitability", "muscle-fibre", "pain-shingles",
    "pain-diabetes", "restless-legs-feeling", "restless-legs-movement", "ms-spasticity", "seizures",
    "side-effects-common", "side-effects-mild-lessen", "swelling-weight-vision", "mood-self-harm", "driving",
)  # fmt: skip


def an(direction: str = "below", threshold: float = 0.0, **words: object) -> Experiment:
    return Experiment(
        kind="measured", title="t", falsified="f", direction=direction, threshold=threshold, **words
    )  # type: ignore[arg-type]


def test_every_statement_has_its_file_and_no_other() -> None:
    assert set(claims.names()) == set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
def test_every_experiment_names_what_exists(name: str) -> None:
    claim = claims.load(name)
    assert claim.experiments or claim.untestable
    for one in claim.experiments:
        assert one.kind in experiments.KINDS and len(one.falsified) > 3
        asked = one.arguments
        if "study" in asked:
            design = studies.load(asked["study"])
            design.arm(asked["arm"])
        if "effect" in asked:
            adverse.load(asked["effect"])


def test_every_kind_of_experiment_serves_a_claim() -> None:
    used = {one.kind for name in claims.names() for one in claims.load(name).experiments}
    assert used == set(experiments.KINDS)


@pytest.mark.parametrize(
    ("direction", "low", "high", "verdict"),
    [("below", -3, -1, SUPPORTED), ("below", -3, 1, MIXED), ("below", 1, 3, NOT_SUPPORTED), ("below", 0, 0, NOT_SUPPORTED),
     ("above", 1, 3, SUPPORTED), ("above", -3, -1, NOT_SUPPORTED), ("above", -1, 3, MIXED)],
)  # fmt: skip
def test_an_interval_decides(direction: str, low: float, high: float, verdict: str) -> None:
    assert judge(an(direction), Found((low + high) / 2, "1", low, high)) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(-0.5, 0.5, SUPPORTED), (-0.5, 2, MIXED), (2, 3, NOT_SUPPORTED), (-2, 2, MIXED)],
)
def test_near_means_within_the_tolerance(low: float, high: float, verdict: str) -> None:
    assert judge(an("near", tolerance=1.0), Found(0, "1", low, high)) == verdict


def test_what_is_built_in_decides_nothing() -> None:
    assert judge(an(built_in="by construction"), Found(-2, "1", -3, -1)) == NOT_TESTABLE


def test_an_effect_without_an_interval_decides_nothing() -> None:
    assert judge(an(), Found(-2, "1")) == NOT_TESTABLE


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [([SUPPORTED, SUPPORTED, NOT_TESTABLE], SUPPORTED), ([SUPPORTED, NOT_SUPPORTED], MIXED), ([NOT_TESTABLE], NOT_TESTABLE),
     ([], NOT_TESTABLE), ([NOT_SUPPORTED, NOT_TESTABLE], NOT_SUPPORTED), ([SUPPORTED, MIXED], MIXED)],
)  # fmt: skip
def test_experiments_together(verdicts: list[str], verdict: str) -> None:
    assert together(verdicts) == verdict


def test_rows_vote_by_their_side() -> None:
    found = measured.rows(an("above", rows=("R03", "R07")))  # 18 % and 0 %
    assert found.votes == (1, 1, 0)
    assert judge(an("above"), found) == MIXED


def test_a_trial_that_sees_nothing_is_undecided_and_one_the_other_way_is_against() -> None:
    assert measured.trials(an(rows=("PHN-IRV09-a",))).votes == (0, 0, 1)  # −0.64, p 0.089
    assert measured.trials(an(rows=("RLS-HD100-a",))).votes == (0, 1, 0)  # +0.35
    assert measured.trials(an(rows=("RLS-XP052-a",))).votes == (1, 0, 0)
    assert measured.trials(an(rows=("SPA-SMI94-a",))).votes == (0, 1, 0)  # printed: no difference


def test_few_patients_cannot_carry_a_statement() -> None:
    one = an(rows=("SPA-MUE97-a",))
    found = measured.trials(one)
    assert found.votes == (1, 0, 0) and "15 patients" in found.thin
    assert judge(one, found) == MIXED


def test_no_claim_file_says_its_verdict() -> None:
    for file in claims.FOLDER.glob("*.toml"):
        assert "verdict" not in file.read_text(encoding="utf-8")


def test_binding_gaba_and_glutamate_come_out_as_their_rows_say() -> None:
    names = ("binds-alpha2delta", "gaba-receptors", "glutamate-release")
    found = {name: assess.assess(claims.load(name)) for name in names}
    assert found["binds-alpha2delta"]["verdict"] == SUPPORTED
    assert found["gaba-receptors"]["verdict"] == SUPPORTED
    assert found["glutamate-release"]["verdict"] == MIXED  # human synaptosomes contradict


def test_a_claim_turns_with_its_rows(tmp_path: Path) -> None:
    text = (claims.FOLDER / "glutamate-release.toml").read_text(encoding="utf-8")
    turned = tmp_path / "turned.toml"
    turned.write_text(text.replace('"R07"]', '"R15"]').replace(', "S07", "S08"]', "]"), encoding="utf-8")
    assert assess.assess(claims.load("glutamate-release"))["verdict"] == MIXED
    assert assess.assess(read(turned))["verdict"] == SUPPORTED


def test_json_holds_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["claims", "gaba-receptors", "gaba-synthesis-uptake", "--json"])
    assert end.value.code == 0
    told = json.loads(capsys.readouterr().out)
    first, second = told["claims"]
    assert first["id"] == "gaba-receptors" and first["statement"] and first["experiment"]
    assert set(first["effect"]) == {"value", "unit", "low", "high"}
    assert second["verdict"] == MIXED and "could have failed" in second["why"]
    assert sum(told["counts"].values()) == 2


def test_people_see_verdicts_and_what_is_built_in(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["claims", "gaba-receptors"])
    shown = capsys.readouterr().out
    assert "supported" in shown and "Built in" in shown


HEAD = 'statement = "s"\nlevel = "l"\n'
ONE = HEAD + '[[experiments]]\ntitle = "t"\nfalsified = "f"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD, "no experiment"),
        (ONE + 'kind = "measure"\ndirection = "below"\n', "measured"),
        (ONE + 'kind = "measured"\ndirection = "down"\n', "direction"),
        (HEAD + 'verdict = "supported"\nuntestable = "x"\n', "verdict"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        read(file)


def test_an_unknown_claim_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["claims", "gaba-receptor"])
    assert end.value.code == 2
    assert "gaba-receptors" in capsys.readouterr().err


def test_rows_of_claims_exist_and_keep_their_role() -> None:
    for name in claims.names():
        for one in claims.load(name).experiments:
            assert all(evidence.row(row).role in evidence.ROLES for row in one.rows)


@pytest.mark.slow
def test_damage_makes_the_stretch_reflex_larger_and_a_claim_without_it_fails() -> None:
    damaged = claims.load("spasticity-cause").experiments[0]
    assert assess.carry_out(damaged)["effect"]["value"] > 0
    spared = damaged.model_copy(update={"arguments": {**damaged.arguments, "condition": "healthy"}})
    assert assess.carry_out(spared)["verdict"] == NOT_SUPPORTED


def test_kept_runs_of_too_few_cords_are_run_anew_and_cords_are_paired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def runs(values: list[float]) -> dict[str, list[Kept]]:
        return {NO_DRUG: [Kept("torque", "N m", "", math.nan, np.array(values))]}

    more = [5.0, 6, 7, 8, 9, 10, 11, 12, 50, 60]
    stored = {"stretch | healthy": runs(more), "stretch | stroke-spasticity": runs([1.0, 2])}
    about = {name: {"digest": "now", "draws": len(kept[NO_DRUG][0].values)} for name, kept in stored.items()}
    monkeypatch.setattr(circuit_runs, "stored", lambda: stored)
    monkeypatch.setattr(circuit_runs, "about", lambda: about)
    monkeypatch.setattr(circuit_runs, "digest", lambda session: "now")
    ran = []
    monkeypatch.setattr(
        circuit_runs, "observe", lambda session, doses, n: ran.append((session.text, n)) or runs([8.0] * n)
    )
    cord.observed.cache_clear()
    asked = an(arguments={"assay": "stretch", "readout": "torque", "condition": "stroke-spasticity"})
    found = cord.condition_against_health(asked)
    cord.observed.cache_clear()
    assert ran == [("stretch | stroke-spasticity", 8)]
    assert found.value == pytest.approx(np.median(8 - np.array(more[:8])))
