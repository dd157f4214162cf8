"""The generated kernel as text and as a file: what it holds, where it is kept, and what damages it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from spasmlab.chain import body
from spasmlab.chain.absorption import GutWindow, Stomach
from spasmlab.chain.disposition import OneCompartment, RenalClearance
from spasmlab.chain.pathway import Pathway
from spasmlab.equations import kernel_cache, numba_kernel
from spasmlab.errors import ModelError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A cache folder of the test's own."""
    monkeypatch.setenv("SPASMLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kernel_cache, "_loaded", {})
    kernel_cache.cache_folder.cache_clear()
    yield tmp_path / "cache" / "kernels"
    kernel_cache.cache_folder.cache_clear()


def function(text: str, name: str) -> ast.FunctionDef:
    """One function of the generated module."""
    return next(n for n in ast.parse(text).body if isinstance(n, ast.FunctionDef) and n.name == name)


def test_the_text_is_the_same_every_time_and_the_step_has_no_branch() -> None:
    text = numba_kernel.text(body.whole())
    assert text == numba_kernel.text(body.whole())
    branches = (ast.If, ast.IfExp, ast.BoolOp, ast.While)
    assert not any(isinstance(node, branches) for node in ast.walk(function(text, "steps")))


def test_what_depends_on_parameters_only_is_not_in_the_step() -> None:
    names = {
        n.id for n in ast.walk(function(numba_kernel.text(body.whole()), "steps")) if isinstance(n, ast.Name)
    }
    for name in ("volume", "weight", "creatinine_clearance", "leucine", "emptying_rate", "loss_ia_healthy"):
        assert name not in names
    assert "exp" not in names


def test_a_decay_that_is_not_one_is_refused() -> None:
    class Leaky(Stomach):
        """Loses drug to more than delivery, so it may not be solved as a decay."""

        @staticmethod
        def rates(delivery_rate):
            return dict(stomach_amount=-2 * delivery_rate)

    with pytest.raises(ModelError, match="'stomach_amount' does not simply decay"):
        numba_kernel.text(Pathway((Leaky, GutWindow, RenalClearance, OneCompartment)))


def test_a_pathway_that_cannot_be_dosed_is_refused() -> None:
    with pytest.raises(ModelError, match="a dose enters"):
        numba_kernel.text(Pathway((GutWindow,), given={"delivery_rate": "mg/h"}))


def test_another_equation_is_another_kernel() -> None:
    class Halved(OneCompartment):
        @staticmethod
        def rates(absorption_rate, elimination_rate, plasma_concentration):
            return dict(
                plasma_amount=absorption_rate - 0.5 * elimination_rate,
                eliminated_amount=0.5 * elimination_rate,
                plasma_auc=plasma_concentration,
            )

    class Inheriting(OneCompartment):
        initial = {"plasma_amount": 1.0}  # noqa: RUF012 - as stages declare it

    stages = (Stomach, GutWindow, RenalClearance)
    prints = {kernel_cache.fingerprint(Pathway((*stages, s))) for s in (OneCompartment, Halved, Inheriting)}
    assert len(prints) == 3
    assert kernel_cache.fingerprint(Pathway((*stages, Halved))) in prints


def test_the_file_is_written_whole_and_repaired_when_damaged(folder: Path) -> None:
    file = kernel_cache._file("chain_test", body.whole())
    written = file.read_text(encoding="utf-8")
    assert file.parent == folder
    assert [f.name for f in folder.iterdir()] == ["chain_test.py"]
    stamp = file.stat().st_mtime_ns
    assert kernel_cache._file("chain_test", body.whole()).stat().st_mtime_ns == stamp
    for damage in (written[: len(written) // 2], written.replace("0.5", "0.6", 1), "", "\0"):
        file.write_text(damage, encoding="utf-8")
        kernel_cache._file("chain_test", body.whole())
        assert file.read_text(encoding="utf-8") == written


def test_a_folder_that_cannot_be_written_gives_way_to_a_private_one(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SPASMLAB_CACHE", str(tmp_path / "file" / "cache"))
    kernel_cache.cache_folder.cache_clear()
    try:
        found = kernel_cache.cache_folder()
        assert found.is_relative_to(tempfile.gettempdir())
        assert (found / "kernels").is_dir()
        assert found.stat().st_mode & 0o077 == 0
    finally:
        kernel_cache.cache_folder.cache_clear()


@pytest.mark.slow
def test_a_second_process_compiles_nothing(tmp_path: Path) -> None:
    script = (
        "from spasmlab.chain import body, solve; from spasmlab.equations import kernel_cache as k; import sys;"
        "before = k.is_cached(body.whole()); solve.warm_up();"
        "print(before, k.is_cached(body.whole()), 'sympy' in sys.modules)"
    )
    environment = {**os.environ, "SPASMLAB_CACHE": str(tmp_path)}
    environment.pop("NUMBA_CACHE_DIR", None)
    said = [
        subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert [s.stdout.split() for s in said] == [["False", "True", "True"], ["True", "True", "False"]]


def test_an_area_whose_rate_is_a_difference_of_parameters_times_a_state_is_right() -> None:
    """What nothing depends on is summed apart: its coefficient must stay in one piece."""
    import numpy as np

    from spasmlab.chain.problem import Problem, run

    class Loss(Stomach):
        states = {**Stomach.states, "lost_amount": "mg"}  # noqa: RUF012 - as stages declare it

        @staticmethod
        def rates(delivery_rate, stomach_amount, emptying_rate, fed):
            kept = fed * emptying_rate * stomach_amount
            return dict(stomach_amount=-delivery_rate, lost_amount=2 * emptying_rate * stomach_amount - kept)

    pathway = Pathway((Loss,))
    values = {"emptying_rate": 0.7, "fed_emptying_ratio": 1.0, "fed": 0.5, "lag": 0.0}
    parameters = np.array([[values[name]] for name in pathway.params])
    solved = run(Problem(pathway, parameters, np.zeros(1), np.array([100.0]), 0.0), np.array([0.0, 3.0]))
    assert solved["lost_amount"][0, 1] == pytest.approx(150 * (1 - np.exp(-2.1)), rel=1e-6)
