"""The report of one assay: a self-contained page, its figures as SVG, and its traces and spikes as CSV."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from spasmlab.levels import Behind
from spasmlab.report import assay_plots, theme
from spasmlab.report.assay_plots import Measured
from spasmlab.report.page import filled, groups, inputs_of, sources
from spasmlab.shown import Shown

if TYPE_CHECKING:
    from spasmlab.assay_result import Setting

ARMS = ("no_drug", "drug")
EMG_COLUMNS = ("time [ms]", "emg [mV]", "envelope [mV]")


def write(
    folder: Path,
    setting: Setting,
    found: Mapping[str, Any],
    numbers: list[Shown],
    measured: Measured,
    command: str,
) -> None:
    """Write report.html, figures/*.svg, traces_*.csv and spikes.csv into `folder`; `found` is the result for JSON."""
    names = list(assay_plots.of(measured))
    drawn = {name: theme.svg(assay_plots.draw(name, measured), name) for name in names}
    (folder / "figures").mkdir()
    for name, text in drawn.items():
        (folder / "figures" / f"{name}.svg").write_text(text, encoding="utf-8")
    write_tables(folder, measured)
    inline = {name: theme.inline(text, assay_plots.title(name)) for name, text in drawn.items()}
    (folder / "report.html").write_text(
        render(setting, found, numbers, measured, inline, command), encoding="utf-8"
    )


def render(
    setting: Setting,
    found: Mapping[str, Any],
    numbers: list[Shown],
    measured: Measured,
    figures: Mapping[str, str],
    command: str,
) -> str:
    """The page as one text; `figures` are SVG elements by name."""
    from spasmlab import assays

    behind = Behind(setting.drug, setting.condition, setting.hypothesis)
    inputs = inputs_of(behind, {number.level: None for number in numbers})
    about = (assays.load(measured.result.name).__doc__ or "").strip()
    return filled(
        "assay.html",
        found=found,
        setting=setting,
        title=about.splitlines()[0].rstrip("."),
        about=" ".join(about.split("\n\n", 1)[-1].split()),
        figures=figures,
        captions={name: assay_plots.title(name) + "." for name in figures},
        groups=groups(numbers, behind),
        inputs=inputs,
        sources=sources(inputs),
        command=command,
        two_arms=measured.arms == len(ARMS),
    )


def write_tables(folder: Path, measured: Measured) -> None:
    """The traces of the central cord in each arm as CSV, one file for each set of dimensions, its spikes and EMG."""
    by_dims: dict[tuple[str, ...], list[str]] = {}
    for name, variable in measured.result.traces.data_vars.items():
        by_dims.setdefault(tuple(str(d) for d in variable.dims if d != "subject"), []).append(str(name))
    for dims, names in by_dims.items():
        arms = [
            _one_arm(measured, names, subject, arm)
            for subject, arm in zip(measured.central, ARMS, strict=False)
        ]
        pd.concat(arms).to_csv(folder / f"traces_{'_'.join(dims)}.csv", index=False, float_format="%.6g")
    if measured.result.rasters:
        spikes = [
            pd.DataFrame({"arm": arm, "time_ms": time, "unit": unit})
            for (time, unit), arm in zip(
                [measured.result.rasters[s] for s in measured.central], ARMS, strict=False
            )
        ]
        pd.concat(spikes).to_csv(folder / "spikes.csv", index=False, float_format="%.3f")
    if "emg" in assay_plots.of(measured):
        signals = [
            pd.DataFrame(dict(zip(EMG_COLUMNS, assay_plots.emg_of(measured, s), strict=True))).assign(arm=arm)
            for s, arm in zip(measured.central, ARMS, strict=False)
        ]
        pd.concat(signals).to_csv(folder / "emg.csv", index=False, float_format="%.5g")


def _one_arm(measured: Measured, names: list[str], subject: int, arm: str) -> pd.DataFrame:
    """A table of some traces of one subject, with the unit in every heading."""
    dataset = measured.result.traces[names].isel(subject=subject)
    table = dataset.to_dataframe().reset_index().filter([*map(str, dataset.dims), *names])
    held = {**dataset.coords, **dataset.data_vars}
    units = {str(name): str(v.attrs.get("units", "1")).replace("/", " per ") for name, v in held.items()}
    table.columns = [
        f"{name} [{units[name]}]" if units.get(name, "1") != "1" else str(name) for name in table.columns
    ]
    table.insert(0, "arm", np.repeat(arm, len(table)))
    return table
