"""What comes down from the brain: voluntary drive to the motor pools, and monoamines that set the size of the PIC."""

from __future__ import annotations

from numba import njit

from spasmlab.circuit.motoneuron import BLOCK, CALCIUM, CURRENT, G_INPUT


@njit
def pic_factor(k):
    """Size of the persistent inward current relative to the condition without a drug.

    1 + d (1 − c)(level · (1 + w (release − 1)) − 1): the share c rests on constitutively active 5-HT2 receptors; of the
    rest, monoamines of the descending paths that are left (d) carry it. `w` says how much of a loss of their release
    (`release_monoamine`) counts. Exactly 1 where nothing has changed.
    """
    released = 1 + k.pic_on_release * (k.release_monoamine - 1)
    reached = k.descending_monoamine * (1 - k.constitutive_serotonin)
    return 1 + reached * (k.monoamine_level * released - 1)


@njit
def scale_pic(cells, factor):
    """Multiply the calcium conductance of all cells; `cells` (blocks, CONSTANTS·BLOCK) is changed in place."""
    for b in range(cells.shape[0]):
        for i in range(BLOCK):
            cells[b, CALCIUM * BLOCK + i] *= factor


@njit
def level(now, times, levels):
    """A drive at `now`: linear between its knots, constant before the first and after the last."""
    if now <= times[0]:
        return levels[0]
    for i in range(1, times.size):
        if now <= times[i]:
            part = (now - times[i - 1]) / (times[i] - times[i - 1])
            return levels[i - 1] + part * (levels[i] - levels[i - 1])
    return levels[-1]


@njit
def add_drive(x, cells, first, last, drive, in_nanoampere):
    """Add a drive to the current of cells `first` to `last`: nA the same for all, or mV times input conductance."""
    for cell in range(first, last):
        b, i = cell // BLOCK, cell % BLOCK
        scale = 1.0 if in_nanoampere else cells[b, G_INPUT * BLOCK + i]
        x[b, CURRENT * BLOCK + i] += drive * scale
