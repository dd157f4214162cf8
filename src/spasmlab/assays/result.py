"""What an assay returns: read-outs per subject, and traces to draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import xarray

if TYPE_CHECKING:
    from spasmlab.circuit.bench import Failure


@dataclass(frozen=True)
class AssayResult:
    """`readouts` maps a name to an array of shape (subjects,) or (subjects, k); `coords` names the k axes.

    Units and meanings of the read-outs are in the assay's READOUTS. `traces` is a Dataset with the dimension
    `subject`, its variables carrying `units`. `rasters` holds, per subject, spike times (ms) and unit indices.
    `failures` are the runs that ended with a result code; the read-outs of their subjects are NaN.
    """

    name: str
    readouts: Mapping[str, np.ndarray]
    coords: Mapping[str, np.ndarray] = field(default_factory=dict)
    traces: xarray.Dataset = field(default_factory=xarray.Dataset)
    rasters: tuple[tuple[np.ndarray, np.ndarray], ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def failed_subjects(self) -> int:
        """How many subjects have no read-outs."""
        return len({failure.subject for failure in self.failures})
