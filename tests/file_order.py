"""The order of the files of tests, so that two processes that share them compile the circuit once and end together.

Numba keeps the compiled circuit on disk. Whichever process gets the first file compiles it (a minute where it is not
kept yet) while the other works through files that need no circuit; the files that do come after, the long ones first
(the page among them, whose server is a process of its own). Files that look at the same runs go to one process, which
makes them once. The Makefile loads it: `-p file_order`.
"""

from __future__ import annotations

import pytest

COMPILES = "test_circuit_cord.py"
LONG_FIRST = (
    "test_assays.py",
    "test_assay_physiology.py",
    "test_circuit_convergence.py",
    "test_assay_conditioning.py",
    "test_assay_cramp.py",
    "test_assay_clonus_pendulum.py",
)
# A file that looks at runs of another: the same assays at the same step, the same fit.
WITH = {
    "test_circuit_convergence.py": "test_assay_physiology.py",
    "test_fit_calibration.py": "test_fit.py",
}
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


def process_of(node: str) -> str:
    """The file by which a test is given to a process: its own, or the one whose runs it looks at."""
    folder, _, name = node.split("::", 1)[0].rpartition("/")
    return f"{folder}/{WITH.get(name, name)}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Files together as `WITH` says; None, which leaves it to xdist, where tests are not shared out by file."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return process_of(nodeid)

    return Together(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_place)
