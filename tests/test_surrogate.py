"""The surrogate: as good as it says, honest about what it does not know, and never of another circuit than the present."""

from __future__ import annotations

import numpy as np
import pytest

from spasmlab import condition
from spasmlab.circuit.bench import Bench
from spasmlab.errors import InputError
from spasmlab.surrogate import assay, page, predict, table, train

LARGE = ("stretch.reflex_torque@200", "h_reflex.h_m_ratio", "spasm.spasm_impulse")


def a_bench(name: str, release: float, severity: float = 1.0, **more) -> Bench:
    return Bench(
        condition=condition.load(name, severity),
        release_ia=np.array([1.0, 1 - (1 - release) / 2]),
        release_poly=np.array([1.0, release]),
        seeds=np.array([1, 1]),
        **more,
    )


def test_every_condition_of_the_limb_has_one_and_it_is_of_the_present_circuit() -> None:
    assert set(table.names()) == set(train.conditions())
    assert not table.stale(), "run python -m spasmlab.surrogate.train"
    assert not page.stale(), "run python -m spasmlab.surrogate.page"


@pytest.mark.parametrize("name", table.names())
def test_the_map_meets_its_own_points(name: str) -> None:
    """Smoothing leaves the points within a small share of the range."""
    for readout in predict.readouts(name):
        found = predict.load(name, readout)
        at = found.at(*found.inputs.T)
        assert np.all(np.isfinite(at))
        if found.span > 0:
            assert np.abs(at - found.mean).max() <= 0.25 * found.span, readout


@pytest.mark.parametrize("name", [n for n in table.names() if n != "healthy"])
@pytest.mark.parametrize("readout", LARGE)
def test_points_left_out_are_found_again(name: str, readout: str) -> None:
    found = predict.load(name, readout)
    assert found.error <= 0.2 * found.span, f"{found.error:.3g} of {found.span:.3g}"


def test_no_drug_is_no_change_and_more_loss_of_release_means_less_reflex() -> None:
    found = predict.load("sci-complete-chronic", "spasm.spasm_impulse")
    whole, half, least = (float(found.at(np.array(1.0), np.array(r), np.array(r))) for r in (1.0, 0.85, 0.7))
    assert whole > half > least >= 0


def test_beyond_its_range_it_holds_the_value_of_the_edge() -> None:
    found = predict.load("ms-spasticity", "stretch.reflex_torque@200")
    edge = found.inputs.min(axis=0)
    assert found.at(np.array(1.0), np.array(0.0), np.array(0.0)) == found.at(np.array(1.0), edge[1], edge[2])


def test_an_assay_by_the_surrogate_has_the_read_outs_of_the_circuit() -> None:
    from spasmlab import assays

    found = assay.run("stretch", a_bench("ms-spasticity", 0.8))
    assert {"reflex_torque", "passive_torque", "threshold_velocity"} <= set(found.readouts)
    assert set(found.readouts) <= set(assays.load("stretch").READOUTS)
    assert found.coords["velocity"].size == found.readouts["reflex_torque"].shape[1]
    assert found.readouts["reflex_torque"][1, -1] < found.readouts["reflex_torque"][0, -1]


def test_what_it_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="does not know the assay 'twitch'"):
        assay.run("twitch", a_bench("healthy", 0.8))
    drugged = a_bench("healthy", 0.8, factors={"receptor_potassium": np.array([1.0, 2.0])})
    with pytest.raises(InputError, match=r"releases alone.*--fidelity circuit"):
        assay.run("h_reflex", drugged)
    with pytest.raises(InputError, match="unknown read-out"):
        predict.load("healthy", "stretch.torqe")


def test_a_condition_without_a_limb_of_its_own_has_the_healthy_one() -> None:
    assert table.of("postherpetic-neuralgia") == "healthy"


@pytest.mark.slow
def test_the_runs_are_those_of_the_present_code() -> None:
    """One point of one condition run again gives the numbers that are kept."""
    from spasmlab import assays, streams

    kept = table.load("ms-spasticity")
    point = len(kept.inputs) - 1
    severity, ia, poly = kept.inputs[point]
    bench = Bench(
        condition=condition.load("ms-spasticity", severity),
        release_ia=np.array([ia]),
        release_poly=np.array([poly]),
        release_monoamine=train.monoamine("ms-spasticity", severity, np.array([poly])),
        seeds=np.array([streams.key(0, "surrogate") & (2**63 - 1)]),
        draws=np.array([0]),
    )
    torque = assays.load("stretch").run(bench).readouts["reflex_torque"][0]
    _, names = predict.curve("ms-spasticity", "stretch.reflex_torque")
    np.testing.assert_allclose([kept.readouts[n][point, 0] for n in names], torque, rtol=1e-3, atol=1e-3)


@pytest.mark.slow
def test_the_circuit_itself_at_a_new_point_agrees_within_the_stated_error() -> None:
    """The same cords at a point that was not among those run: within four times the error of points left out."""
    from spasmlab import assays, streams

    name, cords, severity, ia, poly = "sci-complete-chronic", 2, 0.9, 0.93, 0.8
    bench = Bench(
        condition=condition.load(name, severity),
        release_ia=np.full(cords, ia),
        release_poly=np.full(cords, poly),
        release_monoamine=train.monoamine(name, severity, np.full(cords, poly)),
        seeds=np.full(cords, streams.key(0, "surrogate") & (2**63 - 1), dtype=np.int64),
        draws=np.arange(cords),
    )
    measured = assays.load("stretch").run(bench).readouts["reflex_torque"].mean(axis=0)
    _, names = predict.curve(name, "stretch.reflex_torque")
    for readout, value in zip(names, measured, strict=True):
        found = predict.load(name, readout)
        guess = float(found.at(np.array(severity), np.array(ia), np.array(poly)))
        assert abs(guess - value) <= 4 * found.error + 0.02 * found.span, readout
