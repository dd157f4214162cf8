"""The limb: the free pendulum's energy, what is imposed, drive from above, fusimotor drive, and the second motor pool."""

from __future__ import annotations

import math

import numpy as np
import pytest

from circuit_help import PERONEAL, TIBIAL, bench, known, numbers, same, shock
from spasmlab.circuit import cord, joint, protocol, scalars, spindle
from spasmlab.circuit.bench import Drive, Move, Push, Run, Shake, Stimulus
from spasmlab.errors import InputError
from spasmlab.evidence import calibration

SILENT = {"release_ia": 0.0, "release_poly": 0.0}  # no reflex: a limb without muscle
SECOND = 1000


def _moved(run, joint_name="knee", of="healthy", **changes):
    """Angle (rad), velocity (rad/s) and muscle torque (N·m) of a limb without reflexes, every ms."""
    trace = bench(of, **SILENT, joint=joint_name, changes=changes).simulate([run])[0].trace
    return trace[:, cord.ANGLE], trace[:, cord.VELOCITY], trace[:, cord.MUSCLE_TORQUE]


# ---- the free limb ------------------------------------------------------------------------------------------------


def _energy(angle, velocity, k, inertia):
    """Kinetic, gravitational and elastic energy (J) of every sample."""
    stored = [joint.gravity_energy(a, k) + joint.elastic_energy(a, k) for a in angle]
    return 0.5 * inertia * velocity**2 + np.array(stored)


@pytest.mark.parametrize("damping", [None, 0.0], ids=["damped", "undamped"])
def test_free_pendulum_keeps_its_energy_but_for_what_damping_takes(damping):
    """Within 0.1 % of the swing's energy over 4 s."""
    changes = {} if damping is None else {"passive_damping": damping}
    angle, velocity, torque = _moved(Run(0, "pendulum", 4000.0, free_from=100.0), **changes)
    assert not torque.any()
    k = numbers(scalars.parameters(bench().condition, "knee"))
    taken = (k.passive_damping if damping is None else damping) * velocity**2
    lost = np.concatenate([[0], np.cumsum(0.5 * (taken[1:] + taken[:-1]))]) / SECOND
    total = _energy(angle, velocity, k, k.inertia) + lost
    swing = np.ptp(_energy(angle, 0 * velocity, k, k.inertia))
    assert np.ptp(total) < 1e-3 * swing
    assert np.ptp(angle) > 1.5, "it swings"


def test_small_swing_has_the_period_of_a_linear_pendulum():
    """2π√(I/G) about the hanging position, elastic tissue and damping taken away."""
    changes = {"passive_stiffness": 0.0, "flexor_passive_stiffness": 0.0, "passive_damping": 0.0}
    angle, _, _ = _moved(Run(0, "small", 4000.0, ramp_start=math.pi / 2 - 0.05, free_from=0.0), **changes)
    k = numbers(scalars.parameters(bench().condition, "knee"))
    above = angle > math.pi / 2
    crossings = np.flatnonzero(above[1:] & ~above[:-1])
    period = np.diff(crossings).mean() / SECOND
    assert period == pytest.approx(2 * math.pi * math.sqrt(k.inertia / k.gravity_torque), rel=2e-3)


def test_limb_is_held_until_it_is_let_go_and_comes_to_rest_where_torques_cancel():
    run = Run(0, "let go", 20_000.0, ramp_start=0.2, free_from=500.0)
    angle, velocity, _ = _moved(run, passive_damping=2.0)
    assert np.all(angle[:500] == 0.2) and abs(velocity[-1]) < 1e-3
    k = numbers(scalars.parameters(bench().condition, "knee"))
    assert joint.gravity(angle[-1], k) + joint.elastic_torque(angle[-1], k) == pytest.approx(0, abs=1e-3)


def test_push_gives_the_momentum_of_its_torque():
    """Before anything has moved: I·ω = τ·t."""
    run = Run(0, "push", 40.0, free_from=0.0, added_inertia=5.0, pushes=(Push(10.0, 10.0, 50.0),))
    changes = {"gravity_torque": 0.0, "flexor_passive_stiffness": 0.0, "passive_damping": 0.0}
    _, velocity, _ = _moved(run, **changes)
    k = numbers(scalars.parameters(bench().condition, "knee"))
    assert velocity[9] == 0.0
    assert velocity[30] == pytest.approx(50.0 * 0.010 / (k.inertia + 5.0), rel=0.02)


@pytest.mark.parametrize("name", scalars.parts("joints"))
def test_elastic_and_gravity_torques_are_the_slopes_of_their_energies(name):
    k, step = numbers(scalars.parameters(bench().condition, name)), 1e-6
    for angle in (-1.0, -0.3, 0.4, 1.2, 2.0):
        for torque, energy in (
            (joint.elastic_torque, joint.elastic_energy),
            (joint.gravity, joint.gravity_energy),
        ):
            slope = (energy(angle + step, k) - energy(angle - step, k)) / (2 * step)
            assert torque(angle, k) == pytest.approx(-slope, abs=1e-6)


def test_condition_stiffens_either_joint_in_the_same_proportion():
    for name in scalars.parts("joints"):
        soft, stiff = (
            numbers(scalars.parameters(bench(of).condition, name)) for of in ("healthy", "ms-spasticity")
        )
        beyond = soft.slack_angle + 0.1
        assert joint.passive_torque(beyond, stiff) == pytest.approx(
            stiff.stiffening * joint.passive_torque(beyond, soft)
        )
        assert stiff.stiffening > soft.stiffening == 1.0


# ---- what is imposed ----------------------------------------------------------------------------------------------


def test_several_ramps_follow_each_other():
    moves = (Move(50.0, 0.2, 2.0, 10.0), Move(320.0, -0.1, 3.0, 10.0))
    angle, velocity, _ = _moved(Run(0, "ramps", 600.0, ramp_start=-0.3, moves=moves), "ankle")
    assert angle[40] == -0.3
    assert angle[318] == pytest.approx(0.2) and angle[599] == pytest.approx(-0.1)
    assert velocity.max() == pytest.approx(2.0) and velocity.min() == pytest.approx(-3.0)


def test_sinusoid_of_the_joint_and_of_a_tendon():
    shakes = (Shake(100.0, 300.0, 0.01, 20.0, "joint"), Shake(100.0, 300.0, 0.002, 80.0, "flexor"))
    run = Run(0, "shaken", 400.0, shakes=shakes)
    trace = bench(**SILENT).simulate([run])[0].trace
    assert np.ptp(trace[:, cord.ANGLE]) == pytest.approx(0.02, rel=0.01)
    assert np.all(trace[:99, cord.ANGLE] == 0) and np.all(trace[301:, cord.ANGLE] == 0)
    still = bench(**SILENT).simulate([Run(0, "shaken", 400.0, shakes=shakes[:1])])[0].trace
    np.testing.assert_array_equal(trace[:, cord.LENGTH], still[:, cord.LENGTH])
    extra = trace[:, cord.FLEXOR_LENGTH] - still[:, cord.FLEXOR_LENGTH]
    assert np.ptp(extra) == pytest.approx(0.004, rel=0.05)


def test_wrong_requests_are_refused_by_name():
    with pytest.raises(InputError, match="unknown pool 'extensors'; did you mean 'extensor'"):
        Drive((0.0,), (1.0,), pool="extensors")
    with pytest.raises(InputError, match="one drive for each pool"):
        Run(0, "two", 10.0, drives=(Drive((0.0,), (1.0,)), Drive((0.0,), (2.0,))))
    with pytest.raises(InputError, match="times that rise"):
        Drive((1.0, 0.0), (1.0, 1.0))
    with pytest.raises(InputError, match="unknown joint 'ankel'; did you mean 'ankle'"):
        scalars.parameters(bench().condition, "ankel")
    with pytest.raises(InputError, match="unknown place to shake 'tendon'"):
        bench().simulate([Run(0, "x", 10.0, shakes=(Shake(0.0, 5.0, 0.1, 10.0, "tendon"),))])


# ---- drive from above ---------------------------------------------------------------------------------------------


def _contraction(level, **options):
    run = Run(
        0, "contraction", 2000.0, drives=(Drive((200.0, 1700.0), (0.0, level)),), antagonist=True, **options
    )
    of = bench()
    return of, of.simulate([run])[0]


def test_ramp_of_drive_recruits_by_size_and_stronger_drive_gives_more_force():
    of, strong = _contraction(16.0)
    _, weak = _contraction(10.0)
    own = of.pool_of(strong)
    first = {}
    for time, unit in zip(own.spike_time, own.spike_unit, strict=True):
        first.setdefault(int(unit), time)
    units, times = np.array(list(first)), np.array(list(first.values()))
    assert (
        units.size > 30
        and np.corrcoef(np.argsort(np.argsort(units)), np.argsort(np.argsort(times)))[0, 1] > 0.8
    )
    assert strong.trace[-200:, cord.FORCE].mean() > 1.2 * weak.trace[-200:, cord.FORCE].mean() > 0
    assert not strong.trace[:200, cord.FORCE].any()


def test_drive_to_the_flexor_moves_the_flexor_and_needs_its_pool():
    of = bench()
    drive = Drive((200.0, 700.0), (0.0, 16.0), pool="flexor")
    runs = [Run(0, "flex", 1200.0, drives=(drive,), antagonist=both) for both in (True, False)]
    with_pool, without = of.simulate(runs)
    assert of.pool_of(with_pool, 1).spikes > 100 and of.pool_of(with_pool).spikes == 0
    assert with_pool.trace[-200:, cord.FLEXOR_FORCE].mean() > 0.01
    assert with_pool.trace[-200:, cord.MUSCLE_TORQUE].mean() < 0
    assert without.spikes == 0 and not without.trace[:, cord.FLEXOR_FORCE].any()


def test_level_of_a_drive_is_linear_between_knots_and_constant_outside():
    from spasmlab.circuit.descending import level

    rows = protocol._drives([Run(0, "x", 10.0, drives=(Drive((10.0, 30.0), (1.0, 3.0)),))])
    times, levels = rows[0][0, 0], rows[1][0, 0]
    assert [level(t, times, levels) for t in (0.0, 10.0, 20.0, 30.0, 99.0)] == [1.0, 1.0, 2.0, 3.0, 3.0]


def test_pic_follows_the_monoamines_that_are_left_and_no_constitutive_receptors():
    from spasmlab.circuit.descending import pic_factor

    for descending, constitutive, level, expected in (
        (1.0, 0.0, 0.6, 0.6),
        (0.0, 0.0, 0.6, 1.0),
        (0.5, 0.5, 0.6, 0.9),
        (0.37, 0.21, 1.0, 1.0),
    ):
        shares = {"descending_monoamine": descending, "constitutive_serotonin": constitutive}
        k = numbers(known(monoamine_level=level, **shares)).copy()
        k.release_monoamine = 0.3
        assert pic_factor(k) == pytest.approx(expected, rel=1e-12), (
            "release alone counts only where it is let"
        )
        assert level < 1 or pic_factor(k) == 1.0, "nothing changed is no change, to the last bit"
    k.pic_on_release = 1.0
    assert pic_factor(k) == pytest.approx(1 - 0.37 * (1 - 0.21) * 0.7)


def test_renshaw_cells_brake_a_contraction():
    def spikes(strength):
        drive = Drive((100.0, 400.0), (0.0, 17.0))
        run = Run(0, "braked", 900.0, drives=(drive,))
        return bench(changes={"renshaw_conductance": strength}).simulate([run])[0].spikes

    assert spikes(0.2) < 0.97 * spikes(0.0)


# ---- fusimotor drive ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "velocity", "dynamic", "static"),
    [
        ("N350", 0.11, 70.0, 0.0),
        ("N351", 0.11, 0.0, 70.0),
        ("N356", 1.55, 70.0, 0.0),
        ("N357", 1.55, 0.0, 70.0),
    ],
)
def test_dynamic_response_of_the_primary_under_fusimotor_drive(row, velocity, dynamic, static):
    """Peak less hold within 35 %, the discharge before the ramp within 10 %, of the published model.

    One gain cannot meet the rows better: dynamic drive multiplies the response by 2.2 in slow and by 1.5 in fast ramps.
    """
    k = numbers(known())
    drives = spindle.fusimotor(dynamic, k), spindle.fusimotor(static, k)
    base, peak, hold = (calibration(f"{row}.ia.{part}").number for part in ("base", "peak", "hold"))
    response = spindle.velocity_response(velocity, k)
    moving, still = (spindle.ia_rate(1.0, r, r, k, *drives) for r in (response, 0.0))
    assert moving - still == pytest.approx(peak - hold, rel=0.35)
    assert spindle.ia_rate(0.95, 0.0, 0.0, k, *drives) == pytest.approx(base, rel=0.10)


def test_static_drive_lifts_the_secondary_as_in_the_published_model():
    k = numbers(known())
    drive = spindle.fusimotor(70.0, k)
    lifted = spindle.ii_rate(0.95, 0.0, k, drive) - spindle.ii_rate(0.95, 0.0, k, 0.0)
    rows = calibration("N351.ii.base").number - calibration("N349.ii.base").number
    assert lifted == pytest.approx(rows, rel=0.10)


def test_fusimotor_drive_of_a_run_reaches_the_endings():
    runs = [Run(0, "gamma", 50.0, gamma_static=g) for g in (0.0, 70.0, 200.0)]
    rates = [r.trace[40, cord.IA_RATE] for r in bench().simulate(runs)]
    assert rates[0] < rates[1] < rates[2]


# ---- two pools ----------------------------------------------------------------------------------------------------


def test_silent_flexor_pool_changes_nothing_of_the_extensor():
    alone, both = (
        bench().simulate([Run(0, "shock", 200.0, stimuli=shock().stimuli, antagonist=a)])[0]
        for a in (False, True)
    )
    assert same(alone, both, 200)


def test_peroneal_shock_gives_the_flexor_a_direct_response_and_none_to_the_extensor():
    of = bench()
    run = Run(0, "peroneal", 100.0, stimuli=(Stimulus(20.0, PERONEAL, 20.0),), antagonist=True)
    recording = of.simulate([run])[0]
    assert np.count_nonzero(of.pool_of(recording, 1).spike_kind == cord.DIRECT) == of.flexor_pools[0].size
    assert not np.any(of.pool_of(recording).spike_kind == cord.DIRECT)


def test_contraction_of_the_flexor_inhibits_the_h_reflex_of_the_extensor():
    """Ia interneurons of the flexor are driven together with its motoneurons."""

    def reflex(level, strength=None):
        drives = (Drive((0.0, 150.0), (0.0, level), pool="flexor"),) if level else ()
        changes = {} if strength is None else {"reciprocal_conductance": strength}
        of = bench(changes=changes)
        run = Run(0, "h", 360.0, stimuli=(Stimulus(300.0, TIBIAL, 1.05),), drives=drives, antagonist=True)
        own = of.pool_of(of.simulate([run])[0])
        return np.count_nonzero((own.spike_time > 300.0) & (own.spike_kind == cord.ORTHODROMIC))

    assert reflex(22.0) < reflex(0.0)
    assert reflex(22.0, 0.0) == pytest.approx(reflex(0.0, 0.0), abs=6)


def test_rival_views_of_presynaptic_inhibition_answer_gaba_a_drugs_in_opposite_directions():
    """More GABA-A: less Ia release where it inhibits terminals, more where it lets spikes pass the nodes."""

    def reflex(**changes):
        return bench(changes=changes).simulate([shock(current=1.25)])[0].spikes

    nodal = {"presynaptic_gaba_b_share": 1.0, "nodal_failure": 0.5}
    assert reflex(gaba_a=2.0) < reflex(gaba_a=1.0)
    assert reflex(gaba_a=2.0, **nodal) > reflex(gaba_a=1.0, **nodal)
    assert reflex(gaba_b=2.0, **nodal) < reflex(gaba_b=1.0, **nodal)
    assert reflex(gaba_b=2.0) == reflex(gaba_b=1.0)
