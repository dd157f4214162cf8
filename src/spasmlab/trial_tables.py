"""Trials on the command line: reading a design, and its result as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spasmlab.errors import InputError
from spasmlab.tables import _table, console, say


def read(text: str, patients: int | None) -> tuple[Any, dict[str, Any]]:
    """A design and its [cluster] table, from a TOML file or a study's name; with `patients` resized."""
    from spasmlab import studies
    from spasmlab.parameter import read_toml
    from spasmlab.trial import design, result

    cluster: dict[str, Any] = {}
    if text.endswith(".toml") or "/" in text:
        table = read_toml(Path(text))
        cluster = table.pop("cluster", {})
        found = design.of_table(table, Path(text).name)
    else:
        found = studies.load(text)
    if patients is not None:
        if not len(found.arms) <= patients <= 10_000_000:
            raise InputError(f"--patients must be between {len(found.arms)} and 10000000, not {patients}")
        found = result.resized(found, patients)
    return found, cluster


def sizes_of(text: str) -> list[int]:
    """``20,40,80`` as whole numbers; InputError for what is none."""
    try:
        return [int(word) for word in text.split(",")]
    except ValueError:
        raise InputError(
            f"'{text}' is not a list of sizes; possible: whole numbers, such as 20,40,80"
        ) from None


def trial(found: Mapping[str, Any]) -> None:
    """Arms with their outcomes at the last visit, then effects."""
    say(
        f"{found['title']}: {found['patients']} patients, {found['condition']}, {found['design']}; seed {found['seed']}"
    )
    table = _table("arm", "outcome", "baseline", "last visit", "SD", "n", "unit")
    for name, arm in found["arms"].items():
        for outcome, course in arm["outcomes"].items():
            first, last = course[0], course[-1]
            cells = [name, outcome, _short(first["mean"]), _short(last["mean"]), _short(last["sd"])]
            table.add_row(*cells, str(last["n"]), last["unit"])
    console().print(table)
    effects = _table(
        "outcome",
        "against " + (found["effects"][0]["control"] if found["effects"] else ""),
        "analysis",
        "effect",
        "95 % interval",
        "p",
    )
    for effect in found["effects"]:
        interval = f"{_short(effect['low'])} to {_short(effect['high'])}"
        how = f"{effect['analysis']} ({effect['scale']})"
        last = effect["failed"] or _short(effect["p"]) + (f" ({effect['note']})" if effect["note"] else "")
        effects.add_row(effect["outcome"], effect["arm"], how, _short(effect["value"]), interval, last)
    console().print(effects)
    if found["failed"]:
        say(f"{found['failed']} patients could not be solved and have no outcome")
    if found["failed_analyses"]:
        say(f"{found['failed_analyses']} of {len(found['effects'])} analyses could not be done")
    say(found["notice"])


def power(found: Mapping[str, Any]) -> None:
    """The power curve."""
    say(
        f"{found['title']}: {found['outcome']} by {found['analysis']}, {found['trials']} trials for each size"
    )
    table = _table("patients", "power", "90 % interval", "mean effect")
    for point in found["power"]:
        interval = f"{point['low']:.2f} to {point['high']:.2f}"
        table.add_row(str(point["patients"]), f"{point['value']:.2f}", interval, _short(point["effect"]))
    console().print(table)
    null = found["type_one_error"]
    error = f"{null['value']:.3f} (Monte Carlo error {null['monte_carlo_error']:.3f})"
    say(f"type I error with {null['patients']} patients: {error}")
    for share, patients in found["patients_for"].items():
        say(
            f"patients for a power of {share}: {patients if patients is not None else 'beyond the sizes tried'}"
        )
    say(found["notice"])


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
