"""Results as plain dictionaries, ready for JSON: the contract that people script against."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from spasmlab import __version__, levels, provenance, quantity, shown
from spasmlab.explain import share_of_assumed
from spasmlab.levels import Behind
from spasmlab.parameter import Parameter
from spasmlab.progress import Stages
from spasmlab.quantity import Quantity, finite
from spasmlab.run import ARMS, ASSAYS, Outcome
from spasmlab.shown import Shown

NOTICE = "For research and teaching, never for treating a patient."
INTERVALS = (
    "low and high bound the 90 % interval over draws of the doubt about the parameters of every level, with "
    "another cord in each draw; differences between arms are taken within a draw"
)


def head(command: str) -> dict[str, Any]:
    """What every JSON object begins with."""
    return {
        "command": command,
        "version": __version__,
        "data_digest": provenance.data_digest(),
        "notice": NOTICE,
    }


def of_run(outcome: Outcome) -> dict[str, Any]:
    """The whole result of `spasmlab run`."""
    from spasmlab.prescribing import check

    request = outcome.request
    found = shown.of_run(outcome)
    behind = Behind(request.drug, request.condition, request.hypothesis)
    return {
        **head("run"),
        **request.described(),
        "visit": Quantity(request.visit_h, "h").as_dict(),
        "intervals": INTERVALS,
        "sites": sites(outcome.factors),
        **arms_and_effects(found),
        "scale": scale(request.condition.name, outcome.scored.problem),
        "findings": [one.as_dict() for one in check.of_request(request)],
        "fidelity": outcome.fidelity,
        "tolerances": tolerances(outcome.chain.attrs)
        | circuit_tolerances(outcome.fidelity, outcome.dt_ms, request.condition.name, ASSAYS),
        "evidence": evidence(found, behind),
        "seconds": seconds(outcome.stages),
    }


def scale(condition: str, problem: str | None) -> dict[str, Any]:
    """What the condition is scored by: the name of that number and a title (None in health), and why scores are missing."""
    from spasmlab.endpoints import typical

    found = typical.scale_of(condition)
    return {
        "name": found.outcome if found else None,
        "title": found.title if found else None,
        "problem": problem,
    }


def circuit_tolerances(
    fidelity: str, dt_ms: float, condition: str, assays: tuple[str, ...]
) -> dict[str, Any]:
    """The step of the circuit, or the error of the surrogate in each read-out's own unit (points left out)."""
    if fidelity == "circuit":
        return {"circuit_step_ms": dt_ms}
    from spasmlab.surrogate import predict, table

    served = table.of(condition)
    names = [n for n in predict.readouts(served) if n.split(".")[0] in assays]
    return {"surrogate_error": {name: predict.load(served, name).error for name in names}}


def arms_and_effects(found: Iterable[Shown]) -> dict[str, Any]:
    """``arms`` (arm, name, quantity) and ``effects`` (name, difference and percent) of the numbers found."""
    arms: dict[str, dict[str, Any]] = {arm: {} for arm in ARMS}
    effects: dict[str, Any] = {}
    for number in found:
        for arm in ARMS:
            if (value := number.arm(arm)) is not None:
                _place(arms[arm], number, value.as_dict())
        if number.difference is not None:
            percent = number.percent.as_dict() if number.percent else None
            _place(effects, number, {"difference": number.difference.as_dict(), "percent": percent})
    return {"arms": arms, "effects": effects}


def _place(into: dict[str, Any], number: Shown, entry: dict[str, Any]) -> None:
    """A number on its own, or appended to the list of its curve with its coordinate."""
    if not number.coordinate:
        into[number.name] = entry
        return
    place = {k: v for k, v in number.coordinate.items() if k != "unit"}
    unit = {"coordinate_unit": number.coordinate["unit"]} if "unit" in number.coordinate else {}
    into.setdefault(number.name, []).append({**place, **unit, **entry})


def evidence(found: Iterable[Shown], behind: Behind) -> dict[str, Any]:
    """What the numbers rest on: parameters by status, level by level, and the rows of evidence cited."""
    by_level: dict[str, int] = {}
    for number in found:
        by_level[number.level] = by_level.get(number.level, 0) + 1
    parameters = {level: behind.level(level) for level in by_level}
    everything: dict[str, Parameter] = {}
    for records in parameters.values():
        everything |= records
    shares = {level: share_of_assumed(records) for level, records in parameters.items()}
    resting = sum(count for level, count in by_level.items() if shares[level]["share"])
    whole = share_of_assumed(everything)
    return {
        "parameters": {status: part["count"] for status, part in whole["by_status"].items()},
        "assumed_share": whole["share"],
        "numbers_shown": sum(by_level.values()),
        "numbers_resting_on_assumed": resting,
        "levels": [
            {"level": levels.title(level), "numbers": by_level[level], "parameters": shares[level]["count"],
             "assumed_share": shares[level]["share"]}
            for level in by_level
        ],
        "rows": sorted({row for record in everything.values() for row in record.rows}),
    }  # fmt: skip


def sites(factors: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Numbers of the circuit that the drug multiplies, by name; (arms, draws) each, the drug's arm shown."""
    return {name: quantity.from_draws(values[-1], "1", "first").as_dict() for name, values in factors.items()}


def tolerances(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Tolerances and achieved errors, as far as a solution carries them: attributes that are numbers."""
    found = {}
    for name, value in attrs.items():
        if isinstance(value, Mapping):
            found[str(name)] = {str(k): finite(v) for k, v in value.items()}
        elif isinstance(value, int | float):
            found[str(name)] = finite(value)
    return found


def seconds(stages: Stages) -> dict[str, float]:
    """How long each stage took, rounded to a millisecond."""
    return {name: round(taken, 3) for name, taken in stages.seconds.items()}


def dumps(result: Mapping[str, Any]) -> str:
    """One JSON object as text; ValueError where a number is not finite."""
    return json.dumps(result, indent=2, ensure_ascii=False, allow_nan=False)
