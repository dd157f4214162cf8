"""The report of one assay: figures where there is something to show, a page that fetches nothing, CSV with units."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from circuit_help import bench
from spasmlab import assay_result, assays
from spasmlab.errors import InputError
from spasmlab.progress import Stages
from spasmlab.report import assay_plots
from spasmlab.report.assay_plots import Measured

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder of a spasm with a drug, two cords, and what JSON holds."""
    folder = tmp_path_factory.mktemp("assay")
    question = assay_result.AssayQuestion(
        "spasm", "sci-complete-chronic", drug="gabapentin", plasma="6 mg/L", draws=2, seed=3
    )
    found = assay_result.compute(assay_result.read(question), Stages(), folder, question.command)
    return folder, found


def test_folder_holds_page_result_figures_and_tables(written):
    folder, found = written
    assert json.loads((folder / "result.json").read_text(encoding="utf-8"))["arms"] == found["arms"]
    assert {f.stem for f in (folder / "figures").glob("*.svg")} == {"traces", "raster", "emg"}
    assert (folder / "spikes.csv").exists() and (folder / "traces_time.csv").exists()


def test_page_is_self_contained_and_says_how_to_repeat_it(written):
    page = (written[0] / "report.html").read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!#)[^"]+"', page) and "<script" not in page
    assert "--plasma &#39;6 mg/L&#39;" in page or "--plasma '6 mg/L'" in page
    assert "never for treating a patient" in page
    assert page.count("<figure") == 3


def test_tables_hold_both_arms_with_units(written):
    table = pd.read_csv(written[0] / "traces_time.csv")
    assert set(table["arm"]) == {"no_drug", "drug"}
    assert "torque [N m]" in table.columns and "time [s]" in table.columns
    spikes = pd.read_csv(written[0] / "spikes.csv")
    assert {"arm", "time_ms", "unit"} == set(spikes.columns) and len(spikes) > 100
    emg = pd.read_csv(written[0] / "emg.csv")
    assert (
        list(emg.columns) == ["time [ms]", "emg [mV]", "envelope [mV]", "arm"]
        and emg["emg [mV]"].abs().max() > 0
    )


def test_a_sweep_of_the_h_reflex_holds_the_response_that_is_measured():
    subjects = bench("healthy", 1)
    found = assays.load("h_reflex").run(subjects)
    best = int(found.traces["h"].values[0].argmax())
    sweep = found.traces["emg"].values[0, best]
    low, high = 20, 50  # ms in which the reflex comes, past the direct response
    window = (found.traces["time"].values >= low) & (found.traces["time"].values < high)
    assert np.ptp(sweep[window]) == pytest.approx(found.readouts["h_max"][0], rel=0.02)
    times, units = found.rasters[0]
    fired = (
        len(np.unique(units)) / subjects.pools[0].size
    )  # impulses that meet an antidromic one leave the cord too
    assert found.readouts["h_units"][0] <= fired <= 1
    assert times.min() > 0


def test_product_and_meal_reach_the_assay():
    question = assay_result.AssayQuestion(
        "h_reflex",
        "healthy",
        drug="gabapentin",
        regimen="600 mg bid",
        formulation="enacarbil",
        fed="high-fat",
    )
    assert "--formulation enacarbil --fed high-fat" in question.command
    request = assay_result.read(question).request
    assert (request.formulation, request.meal) == ("enacarbil", "high-fat")
    with pytest.raises(InputError, match="--formulation needs --regimen"):
        assay_result.read(
            assay_result.AssayQuestion(
                "h_reflex", "healthy", drug="gabapentin", plasma="6 mg/L", formulation="enacarbil"
            )
        )


def test_command_repeats_the_question():
    question = assay_result.AssayQuestion(
        "twitch", "healthy", drug="dantrolene", regimen="25 mg once", days=1
    )
    assert question.command == (
        "spasmlab assay twitch --condition healthy --drug dantrolene --regimen '25 mg once' --days 1 --seed 0"
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [("h_reflex", {"recruitment", "raster"}), ("twitch", {"curves", "traces"}), ("reciprocal", {"curves"})],
)
def test_figures_are_those_that_have_something_to_show(name, expected):
    subjects = bench("healthy", 1)
    measured = Measured(assays.load(name).run(subjects), subjects, 1)
    assert set(assay_plots.of(measured)) == expected
    for figure in expected:
        assert assay_plots.draw(figure, measured).axes
        assert assay_plots.title(figure)


def test_bouts_are_where_the_envelope_is_high_with_short_gaps_joined():
    clock = np.arange(0.0, 1000.0, 1.0)
    envelope = np.zeros(1000)
    envelope[100:200] = envelope[250:300] = envelope[600:700] = 1.0
    assert assay_plots.bouts(clock, envelope) == [(100.0, 299.0), (600.0, 699.0)]
    assert assay_plots.bouts(clock, np.zeros(1000)) == []
