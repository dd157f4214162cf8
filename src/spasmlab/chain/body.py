"""The slow chain as one pathway, and its part from plasma onwards."""

from __future__ import annotations

from functools import cache

from spasmlab.chain.absorption import GutWindow, Stomach
from spasmlab.chain.binding import Binding
from spasmlab.chain.brain import InterstitialFluid, SpinalFluid
from spasmlab.chain.channel import CalciumChannels
from spasmlab.chain.disposition import Disposition
from spasmlab.chain.gaba import GabaActions
from spasmlab.chain.pathway import Pathway
from spasmlab.chain.release import Release

TO_PLASMA = (Stomach, GutWindow, Disposition)
FROM_PLASMA = (InterstitialFluid, SpinalFluid, Binding, GabaActions, CalciumChannels, Release)


@cache
def whole() -> Pathway:
    """From the mouth to the release of every class of terminal."""
    return Pathway((*TO_PLASMA, *FROM_PLASMA))


@cache
def from_plasma() -> Pathway:
    """From a given plasma concentration onwards."""
    return Pathway(FROM_PLASMA, given={"plasma_concentration": "mg/L"})
