"""A pathway says at once what is missing, written twice, or of the wrong unit."""

# ruff: noqa: RUF012 - stages declare their wiring in plain class-level tables
from __future__ import annotations

import pytest

from spasmlab.chain import body
from spasmlab.chain.absorption import GutWindow, Stomach
from spasmlab.chain.brain import SpinalFluid
from spasmlab.chain.disposition import OneCompartment, RenalClearance
from spasmlab.chain.pathway import Pathway
from spasmlab.chain.stage import Stage
from spasmlab.errors import ModelError


def test_the_whole_chain_is_wired() -> None:
    pathway = body.whole()
    assert next(iter(pathway.states)) == "stomach_amount"
    assert {"delivery_rate", "plasma_concentration", "occupancy", "calcium_entry", "release_ia"} <= set(
        pathway.signals
    )
    assert set(pathway.meanings) == set(pathway.signals)
    assert pathway.dosed == ("stomach_amount", "lag")


def test_a_missing_signal_is_named_with_its_nearest() -> None:
    class Reader(Stage):
        reads = {"plasma_concentratoin": "mg/L"}
        writes = {"twice": "mg/L"}

        @staticmethod
        def now(plasma_concentratoin):
            return dict(twice=2 * plasma_concentratoin)

    with pytest.raises(ModelError, match=r"Reader reads 'plasma_concentratoin'.*'plasma_concentration'"):
        Pathway((Stomach, GutWindow, RenalClearance, OneCompartment, Reader))


def test_a_signal_written_later_is_said_to_be() -> None:
    with pytest.raises(ModelError, match=r"SpinalFluid reads 'plasma_concentration'.*later stage"):
        Pathway((SpinalFluid, Stomach, GutWindow, RenalClearance, OneCompartment))


def test_a_signal_written_twice_is_named_with_both_writers() -> None:
    with pytest.raises(ModelError, match=r"'entry_rate' is written twice: by Stomach and by Stomach"):
        Pathway((Stomach, Stomach))


def test_a_wrong_unit_names_both_units() -> None:
    class Reader(Stage):
        reads = {"plasma_concentration": "µmol/L"}
        writes = {"twice": "µmol/L"}

        @staticmethod
        def now(plasma_concentration):
            return dict(twice=2 * plasma_concentration)

    with pytest.raises(ModelError, match=r"'plasma_concentration' in 'µmol/L', but it is in 'mg/L'"):
        Pathway((Stomach, GutWindow, RenalClearance, OneCompartment, Reader))


def test_a_parameter_in_two_units_is_named() -> None:
    class Other(Stage):
        params = {"volume": "mL"}
        writes = {"room": "mL"}

        @staticmethod
        def now(volume):
            return dict(room=volume)

    with pytest.raises(ModelError, match=r"'volume' is in 'L' for OneCompartment, 'mL' for Other"):
        Pathway((Stomach, GutWindow, RenalClearance, OneCompartment, Other))


def test_a_forgotten_return_is_named() -> None:
    class Forgetful(Stage):
        params = {"volume": "L"}
        writes = {"room": "L", "hall": "L"}

        @staticmethod
        def now(volume):
            return dict(room=volume)

    with pytest.raises(ModelError, match=r"Forgetful.now must return.*hall"):
        Pathway((Forgetful,))


def test_an_undeclared_argument_is_refused_when_the_stage_is_made() -> None:
    with pytest.raises(ModelError, match=r"Undeclared.*'volume'"):

        class Undeclared(Stage):
            writes = {"room": "L"}

            @staticmethod
            def now(volume):
                return dict(room=volume)
