"""The order of the files of tests, so that two processes that share them compile the circuit once and end together.

Numba keeps the compiled circuit on disk. Whichever process gets the first file compiles it (a minute where it is not
kept yet) while the other works through files that need no circuit; the files that do come after, the long ones first
(the page among them, whose server is a process of its own). The Makefile loads it: `-p file_order`.
"""

from __future__ import annotations

import pytest

COMPILES = "test_circuit_cord.py"
LONG_FIRST = (
    "test_assays.py",
    "test_assay_physiology.py",
    "test_assay_conditioning.py",
    "test_assay_cramp.py",
)
CIRCUIT = (
    "test_assay",
    "test_circuit",
    "test_cli.py",
    "test_compare",
    "test_contrast",
    "test_run",
    "test_severity",
    "test_site",
    "test_baseline",
    "test_claims",
    "test_surrogate",
)


def _place(item: pytest.Item) -> tuple[int, int, str]:
    name = item.path.name
    if name == COMPILES:
        return 0, 0, name
    if item.path.parent.name == "app":
        return 2, -1, name
    if name in LONG_FIRST:
        return 2, LONG_FIRST.index(name), name
    return (3 if name.startswith(CIRCUIT) else 1), 0, name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)
