"""Results move only on purpose: what a user sees against the numbers kept in git."""

from __future__ import annotations

import json

import pytest

from baseline import CHANGELOG, FILE, digest, exposure, reflexes, releases

KEPT = json.loads(FILE.read_text(encoding="utf-8"))
# Spikes are counted: on a processor that rounds otherwise a read-out near a threshold can move by a unit.
TOLERANCE = {"exposure": (1e-4, 1e-9), "releases": (1e-5, 0.0), "reflexes": (0.03, 0.02)}


def test_the_changelog_names_the_baseline() -> None:
    """A change of the baseline needs a word in CHANGELOG.md, beside its digest."""
    assert f"baseline {digest()}" in CHANGELOG.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "section", ["exposure", "releases", pytest.param("reflexes", marks=pytest.mark.slow)]
)
def test_results_are_those_of_the_baseline(section: str) -> None:
    found = {"exposure": exposure, "releases": releases, "reflexes": reflexes}[section]()
    relative, absolute = TOLERANCE[section]
    assert set(found) == set(KEPT[section]), "the names of the results changed: write the baseline anew"
    moved = {n: (KEPT[section][n], v) for n, v in found.items()
             if v != pytest.approx(KEPT[section][n], rel=relative, abs=absolute)}  # fmt: skip
    assert not moved, f"{len(moved)} results moved, e.g. {dict(list(moved.items())[:5])}"
