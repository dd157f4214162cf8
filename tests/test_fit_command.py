"""`spasmlab fit`: estimates, what the data cannot tell, diagnostics by class, files, and one clear line for bad data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spasmlab import drug
from spasmlab.cli import _exit_code
from spasmlab.errors import InputError
from spasmlab.fit import data, diagnostics, identify, theophylline
from spasmlab.fit.individual import Residual
from spasmlab.fit.model import ChainModel
from spasmlab.fit_question import residual_of
from test_vpc import TRUTH, known

THEOPHYLLINE = [
    str(data.THEOPHYLLINE), "--drug", str(data.THEOPHYLLINE.with_suffix(".toml")), "--residual",
    "additive=0.5 mg/L, proportional=10 %",
]  # fmt: skip
GABAPENTIN = """ID,TIME,AMT,DV,EVID,CRCL,WT,BLQ,LLOQ
1,0,600,.,1,60,80,0,0.05
1,2,.,3.1,0,60,80,0,0.05
1,8,.,3.0,0,60,80,0,0.05
1,24,.,0.7,0,60,80,0,0.05
1,60,.,.,0,60,80,1,0.05
"""


def table(folder: Path, text: str) -> str:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return str(folder / "t.csv")


def found(capsys, *arguments: str) -> dict:
    assert _exit_code(["fit", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_patient_is_fitted_and_what_levels_cannot_tell_has_no_value(tmp_path: Path, capsys) -> None:
    result = found(capsys, table(tmp_path, GABAPENTIN), "--drug", "gabapentin")
    (one,) = result["individuals"]
    values = {entry["name"]: entry for entry in one["parameters"]}
    slope = values["renal_clearance_slope"]
    assert slope["low"] < slope["value"] < slope["high"] and slope["value"] > slope["population"]
    assert values["uptake_half"]["value"] is None and values["uptake_half"]["shrinkage"] > 0.9
    assert result["levels_below_limit"] == 1 and result["parameters"] == [] and result["sampler"] is None
    assert result["identifiability"]["rank"] < 5
    assert [row["class"] for row in result["diagnostics"]["by_kidney"]] == ["mild"]
    assert _exit_code(["fit", table(tmp_path, GABAPENTIN), "--drug", "gabapentin"]) == 0
    shown = capsys.readouterr().out
    assert "not told" in shown and "rank 3 of 5" in shown


def test_the_example_of_the_readme_is_fitted(capsys) -> None:
    result = found(capsys, str(Path(__file__).parents[1] / "examples" / "levels.csv"), "--drug", "gabapentin")
    assert [one["id"] for one in result["individuals"]] == ["1", "2"] and result["doses"] == 10
    assert result["levels_below_limit"] == 1 and result["diagnostics"]["npde"]["count"] == 7


@pytest.mark.slow
def test_a_population_is_fitted_with_its_pictures(tmp_path: Path, capsys) -> None:
    folder = tmp_path / "out"
    result = found(capsys, *THEOPHYLLINE, "--method", "laplace", "--out", str(folder))
    values = {entry["name"]: entry["typical"] for entry in result["parameters"]}
    assert values["clearance"]["low"] < 2.8 < values["clearance"]["high"]
    assert result["diagnostics"]["npde"]["count"] > 100 and result["identifiability"]["rank"] == 3
    names = {"goodness_of_fit.svg", "individuals.svg", "npde.svg", "vpc.svg", "prediction_corrected_vpc.svg"}
    assert {file.name for file in folder.iterdir()} == names | {"levels.csv", "result.json"}
    assert len((folder / "levels.csv").read_text(encoding="utf-8").splitlines()) == 133
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["levels"] == 132


@pytest.mark.slow
def test_what_no_level_tells_is_held_and_has_no_estimate(capsys) -> None:
    result = found(
        capsys, *THEOPHYLLINE[:3], "--residual", "additive=0.5", "--method", "laplace",
        "--parameters", "bioavailability,clearance,volume",
    )  # fmt: skip
    entry = result["parameters"][0]
    assert entry["typical"]["value"] is None and not entry["told"]
    assert entry["why_not"] == "held at 1: these levels cannot tell it from clearance, volume"
    assert result["parameters"][1]["told"]


@pytest.mark.parametrize(
    ("change", "more", "told"),
    [
        (("DV,EVID", "DX,EVID"), [], "row 1, column DV: the column is missing"),
        (("3.1", "-3.1"), [], "row 3, column DV: an observation of -3.1 is negative"),
        (("3.1", "high"), [], "row 3, column DV: 'high' is not a number"),
        (("600,.,1", "600,2,1"), [], "row 2, column DV: a level of 2 on a row that is no observation"),
        (("1,8,.,3.0", "1,2,.,3.1"), [], "row 4, column TIME: the row is the same as row 3"),
        (("1,2,.,3.1", "1,2,.,0"), ["--residual", "proportional=0.1"], "row 3, column DV: a level of 0 after a dose"),
        (("1,0,600", "1,9,600"), [], "row 3, column TIME: 2 h comes after 9 h"),
        ((GABAPENTIN, GABAPENTIN.splitlines()[0]), [], "empty"),
        ((GABAPENTIN, "\n".join(GABAPENTIN.splitlines()[:2])), [], "row 2, column DV: subject 1 has no level"),
        (("1,0,600,.,1", "1,0,0,.,2"), [], "subject 1 has no dose"),
        (("x", "x"), ["--method", "laplace"], "there is one subject; possible: --method map"),
        (("x", "x"), ["--method", "mcmc"], "unknown method 'mcmc'"),
        (("x", "x"), ["--subject", "2"], "unknown subject '2'"),
        (("x", "x"), ["--parameters", "volum"], "did you mean 'volume'"),
        (("x", "x"), ["--parameters", "volume,volume"], "names one twice"),
        (("x", "x"), ["--residual", "aditive=1"], "did you mean 'additive'"),
        (("x", "x"), ["--residual", "additive=1 h"], "'1 h' is not a size of the additive residual"),
        (("x", "x"), ["--draws", "100"], "--draws needs --method nuts"),
    ],
)  # fmt: skip
def test_bad_data_and_options_end_with_one_line_and_code_2(
    tmp_path: Path, capsys, change: tuple[str, str], more: list[str], told: str
) -> None:
    file = table(tmp_path, GABAPENTIN.replace(*change))
    assert _exit_code(["fit", file, "--drug", "gabapentin", *more]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and told in printed.err and printed.err.count("\n") == 1


def test_a_level_before_any_dose_needs_an_additive_residual(capsys) -> None:
    assert _exit_code(["fit", *THEOPHYLLINE[:3], "--subject", "1"]) == 2
    assert "row 6, column DV: a level of 0.74 mg/L where nothing was given yet" in capsys.readouterr().err
    result = found(capsys, *THEOPHYLLINE[:3], "--subject", "2")
    assert result["levels"] == 10
    assert result["remarks"] == ["1 levels of 0 before the first dose say nothing and were left out"]


def test_a_residual_is_read_with_its_units() -> None:
    assert residual_of("additive=100 ng/mL, proportional=15 %") == Residual(
        pytest.approx(0.1), pytest.approx(0.15)
    )
    assert residual_of("proportional=0.2") == Residual(0.0, 0.2)
    with pytest.raises(InputError, match="is nothing"):
        residual_of("additive=0")


# --- what a data set can tell ---


def test_the_rank_of_the_information_is_that_of_the_closed_form() -> None:
    """Of one level, one combination; without a dose into a vein, clearance and volume only over the share absorbed."""
    levels = [(hour, 3.0) for hour in (0.5, 1, 2, 4, 8, 12, 24)]
    subject = data.subject("1", [(0, 320)], levels, weight=70)
    full = ChainModel(theophylline.model().drug, ("absorption_rate_constant", "clearance", "volume"))
    assert identify.look([subject], full, Residual(0.1, 0.1)).rank == 3
    one = data.subject("1", [(0, 320)], levels[:1], weight=70)
    assert identify.look([one], full, Residual(0.1, 0.1)).rank == 1
    over = ChainModel(theophylline.model().drug, ("bioavailability", "clearance", "volume"))
    seen = identify.look([subject], over, Residual(0.1, 0.1))
    assert seen.rank == 2 and seen.free == ("clearance", "volume")
    assert seen.held == {"bioavailability": ("clearance", "volume")}


def test_one_dose_level_cannot_tell_capacity_from_affinity_of_uptake() -> None:
    """Gabapentin's saturation shows when the dose changes."""
    one = ChainModel(drug.load("gabapentin"), ("uptake_vmax", "uptake_half"))
    hours = (1.0, 2.0, 3.0, 5.0, 8.0, 12.0)

    def doubt(*doses: float) -> float:
        subjects = [data.subject(str(d), [(0, d)], [(t, 1.0) for t in hours], crcl=95) for d in doses]
        return float(identify.look(subjects, one, Residual(0.02, 0.15)).doubts[-1])

    assert doubt(100, 400, 1600) < 0.5 * doubt(400, 400, 400)


# --- diagnostics ---


def test_residuals_by_class_show_where_a_model_fails() -> None:
    fit = known(20, doses=(100.0, 600.0))
    low, high = diagnostics.by_dose(fit)
    assert (low.name, high.name) == ("100 mg", "600 mg") and low.subjects == high.subjects == 10
    assert abs(low.mean) < 0.4 and abs(high.mean) < 0.4
    kidneys = [
        replace(s, covariates={**s.covariates, "crcl": "95" if i % 2 else "20"})
        for i, s in enumerate(fit.subjects)
    ]
    classes = diagnostics.by_kidney(replace(fit, subjects=tuple(kidneys)))
    assert sorted(c.name for c in classes) == ["normal", "severe"]
    assert [c.name for c in diagnostics.by_kidney(fit)] == ["not told"]


def test_npde_of_a_wrong_model_are_not_normal() -> None:
    good = diagnostics.normality(diagnostics.npde(known(30), count=300))
    bad = known(30, truth=replace(TRUTH, mean=TRUTH.mean + np.array([0, 0.4, 0])))
    tested = diagnostics.normality(diagnostics.npde(bad, count=300))
    assert good.p_mean > 0.001 and tested.p_mean < 1e-4 and tested.together <= 3 * tested.p_mean


def test_levels_below_the_limit_have_a_place_in_npde() -> None:
    fit = known(20)
    limited = []
    for subject in fit.subjects:
        below = subject.observed < 2.5
        limited.append(replace(subject, observed=np.where(below, 2.5, subject.observed), below=below))
    errors = diagnostics.npde(replace(fit, subjects=tuple(limited)), count=300)
    assert sum(int(s.below.sum()) for s in limited) > 15 and abs(errors.mean()) < 0.25
