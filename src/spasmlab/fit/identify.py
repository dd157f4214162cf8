"""What a data set can tell: the rank of its Fisher information, before anything is fitted.

The information of all levels on the typical parameters, J = Σ S'·diag(1/v)·S with S the derivatives of the levels on
the scale of estimation and v the residual variance, has an axis for each combination of parameters. Along an axis
whose own standard deviation, 1/√λ, is above `most_doubt`, the data say nothing: one of the parameters in it is held
at the value of the drug's file, and no estimate of it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spasmlab.fit.data import Subject
from spasmlab.fit.individual import Residual
from spasmlab.fit.model import ChainModel
from spasmlab.parameter import beside


@dataclass(frozen=True)
class Seen:
    """Rank of the information about `names`, standard deviation of each axis (names,), and which parameters are
    `held`, each with those it cannot be told from."""

    names: tuple[str, ...]
    rank: int
    doubts: np.ndarray
    held: dict[str, tuple[str, ...]]

    @property
    def free(self) -> tuple[str, ...]:
        """The parameters that are left to be estimated."""
        return tuple(name for name in self.names if name not in self.held)

    def why(self, name: str) -> str:
        """Why a parameter is held, in words."""
        others = ", ".join(self.held[name])
        return f"these levels cannot tell it from {others}" if others else "these levels do not depend on it"


def information(subjects: Sequence[Subject], model: ChainModel, residual: Residual) -> np.ndarray:
    """Fisher information of the levels about the typical parameters at the file's values, (names, names)."""
    whole = np.zeros((len(model.names),) * 2)
    for levels, slopes in model.sensitivities(subjects, [model.start] * len(subjects)):
        weight = 1 / np.maximum(residual.variance(levels), beside("fit.nuts")["least_variance"].number)
        whole += (slopes * weight[:, None]).T @ slopes
    return whole


def look(subjects: Sequence[Subject], model: ChainModel, residual: Residual) -> Seen:
    """Which of a model's parameters these levels can tell, and which have to be held."""
    known = beside("fit.identify")
    most, part = known["most_doubt"].number, known["least_part"].number
    whole = information(subjects, model, residual)
    places, held = list(range(len(model.names))), {}
    sizes = np.linalg.eigvalsh(whole)
    while places:
        own, axes = np.linalg.eigh(whole[np.ix_(places, places)])
        if own[0] * most**2 >= 1:
            break
        within = [p for p, size in zip(places, np.abs(axes[:, 0]), strict=True) if size > part]
        # The file says of which parameter least is expected to vary: that one is held.
        chosen = min(within, key=lambda p: (model.records[p].between, -model.names.index(model.names[p])))
        held[model.names[chosen]] = tuple(model.names[p] for p in within if p != chosen)
        places.remove(chosen)
    doubts = 1 / np.sqrt(np.maximum(sizes, np.finfo(float).tiny))
    return Seen(model.names, int(np.sum(sizes * most**2 >= 1)), doubts[::-1], held)
