"""Results move only on purpose: what a user sees against the numbers kept in git."""

from __future__ import annotations

import pytest

import baseline


def test_the_changelog_names_the_baseline() -> None:
    """A change of the baseline needs a word in CHANGELOG.md, beside its digest."""
    assert f"baseline {baseline.digest()}" in baseline.CHANGELOG.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "section", ["exposure", "releases"]
)  # reflexes: tests/test_assays.py, from the runs there
def test_results_are_those_of_the_baseline(section: str) -> None:
    moved = baseline.moved(section, {"exposure": baseline.exposure, "releases": baseline.releases}[section]())
    assert not moved, f"{len(moved)} results moved, e.g. {dict(list(moved.items())[:5])}"


def test_a_moved_number_and_a_name_too_many_are_seen() -> None:
    found = baseline.releases()
    name = next(iter(found))
    assert baseline.moved("releases", found) == {}
    assert list(baseline.moved("releases", {**found, name: found[name] + 1e-4})) == [name]
    assert list(baseline.moved("releases", {**found, "new": 1.0})) == ["new"]
    assert list(baseline.moved("releases", {n: v for n, v in found.items() if n != name})) == [name]
