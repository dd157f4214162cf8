"""Statements about gabapentin and muscle spasm, each bound to experiments that could have failed: one file in `data/claims`.

    statement = "…"
    level = "release"                  # where in the line from dose to scale it lies
    [[experiments]]
    kind = "bath"                      # an experiment in code: see `experiments.KINDS`
    title = "what is done, in words"
    falsified = "what would have shown the statement false"
    direction = "below"                # the effect is to lie below (above, near) the threshold
    threshold = 0
    rows = ["R03"]                     # rows of evidence it reads or rests on
    built_in = ""                      # why it could not have come out otherwise: such an experiment decides nothing
    [experiments.arguments]

A verdict on an experiment follows from its effect, its 90 % interval and the threshold; that on the statement from all
experiments that could have failed (`claim.together`). No verdict is written in a file.
"""

from __future__ import annotations

from functools import cache

from spasmlab.claims.claim import Claim, read
from spasmlab.errors import unknown
from spasmlab.parameter import PACKAGE

FOLDER = PACKAGE / "data" / "claims"


@cache
def names() -> tuple[str, ...]:
    """The ids of all claims, sorted."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Claim:
    """One claim; InputError with the nearest match for an unknown id."""
    if name not in names():
        raise unknown("claim", name, names())
    return read(FOLDER / f"{name}.toml")
