"""What a finished trial can be taken away as: its data from the parts that the command kept, its figures."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

DPI = 200


def table(folder: Path) -> pd.DataFrame:
    """Every visit of every patient, in the order of the patients."""
    import pandas as pd

    from spasmlab.trial.store import PARTS

    return pd.concat(
        [pd.read_parquet(part) for part in sorted((folder / PARTS).glob("*.parquet"))], ignore_index=True
    )


def csv(folder: Path) -> str:
    """The data as CSV."""
    return table(folder).to_csv(index=False)


def parquet(folder: Path) -> bytes:
    """The data as one Parquet file."""
    made = io.BytesIO()
    table(folder).to_parquet(made, index=False)
    return made.getvalue()


def forest_svg(found: Mapping[str, Any]) -> str:
    """The forest plot as SVG."""
    from spasmlab.report import theme, trial_figures

    return theme.svg(trial_figures.forest(found), "forest")


def forest_png(found: Mapping[str, Any]) -> bytes:
    """The forest plot as PNG."""
    from spasmlab.report import trial_figures

    return _png(trial_figures.forest(found))


def power_svg(found: Mapping[str, Any]) -> str:
    """The power curve as SVG."""
    from spasmlab.report import theme, trial_figures

    return theme.svg(trial_figures.power(found), "power")


def power_png(found: Mapping[str, Any]) -> bytes:
    """The power curve as PNG."""
    from spasmlab.report import trial_figures

    return _png(trial_figures.power(found))


def _png(figure: Figure) -> bytes:
    made = io.BytesIO()
    figure.savefig(made, format="png", dpi=DPI, facecolor="white")
    return made.getvalue()
