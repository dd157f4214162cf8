"""What is played of a run: read from the tables of `spasmlab assay --out`, with units and a window that fit the assay."""

import numpy as np
import pandas as pd
import pytest

from spasmlab.app import recording
from spasmlab.app.recording import Place


def write(folder, name, **columns):
    pd.DataFrame(columns).to_csv(folder / f"{name}.csv", index=False)


def arms(count):
    return np.repeat(["no_drug", "drug"], count)


@pytest.fixture
def stretched(tmp_path):
    time = np.arange(1000.0)
    angle = np.clip((time - 200) * 0.3, 0, 30)
    torque = np.where(time < 900, np.sin(time / 50) + 2, 2.0)  # the last 100 ms are filled up
    rows = {
        "velocity [deg per s]": np.full(2000, 300),
        "time [ms]": np.tile(time, 2),
        "angle [deg]": np.tile(angle, 2),
    }
    both = {name: np.tile(torque, 2) for name in ("reflex_torque [N m]", "joint_torque [N m]")}
    emg = {"emg [mV]": np.tile(np.where(time % 2, 0.2, -0.1), 2)}
    write(tmp_path, "traces_velocity_time", arm=arms(1000), **rows, **both, **emg)
    write(
        tmp_path, "spikes", arm=["no_drug", "no_drug", "drug"], time_ms=[250.5, 251.0, 260.0], unit=[0, 3, 1]
    )
    return Place(tmp_path, "stretch")


def test_a_stretch_is_played_from_before_its_ramp_until_its_record_ends(stretched):
    found = recording.read(stretched)
    assert (found["joint"], [arm["label"] for arm in found["arms"]]) == ("ankle", ["no drug", "on drug"])
    assert found["begin"] == pytest.approx(200 - recording.MARGIN[0], abs=2)
    assert found["end"] <= 900
    first = found["arms"][0]
    assert first["spikes"] == {"time": [250.5, 251.0], "unit": [0, 3]}
    assert max(first["emg"]["high"]) == 0.2 and min(first["emg"]["low"]) == -0.1
    assert max(first["angle"]) == 30


def test_seconds_become_milliseconds_and_a_spasm_ends_when_it_is_over(tmp_path):
    time = np.arange(-0.3, 9.0, 0.01)
    torque = np.where((time > 0) & (time < 3), 4.0, 0.0)
    write(
        tmp_path,
        "traces_time",
        arm=arms(len(time)),
        **{"time [s]": np.tile(time, 2), "torque [N m]": np.tile(torque, 2)},
    )
    clock = np.arange(0.0, 100.0)
    write(tmp_path, "emg", **{"time [ms]": np.tile(clock, 2), "emg [mV]": np.zeros(200)}, arm=arms(100))
    write(tmp_path, "spikes", arm=["no_drug"], time_ms=[1.0], unit=[2])
    found = recording.read(Place(tmp_path, "spasm"))
    assert found["begin"] == pytest.approx(-300) and 3000 < found["end"] < 3600
    assert found["arms"][1]["spikes"] == {"time": [], "unit": []} and found["arms"][0]["angle"] is None


def test_an_h_reflex_is_played_at_the_current_of_the_largest_one(tmp_path):
    currents, time = np.array([1.0, 2.0, 3.0]), np.arange(0.0, 50.0)
    heights = {"h [mV]": [0.0, 5.0, 1.0, 0.0, 4.0, 1.0], "m [mV]": [0.0, 1.0, 8.0, 0.0, 1.0, 8.0]}
    write(tmp_path, "traces_intensity", arm=arms(3), intensity=np.tile(currents, 2), **heights)
    grid = {"intensity": np.tile(np.repeat(currents, 50), 2), "time [ms]": np.tile(time, 6)}
    write(
        tmp_path,
        "traces_intensity_time",
        arm=arms(150),
        **grid,
        **{"emg [mV]": np.tile(np.repeat(currents, 50), 2)},
    )
    found = recording.read(Place(tmp_path, "h_reflex"))
    assert set(found["arms"][0]["emg"]["high"]) == {2.0} and found["arms"][0]["torque"] is None
    labels = [c["label"] for c in found["curve"]["curves"]]
    assert labels == ["H, no drug", "H, on drug", "M, no drug", "M, on drug"]
