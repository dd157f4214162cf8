"""Every claim put to its experiments: `spasmlab claims`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spasmlab import claims, evidence, result
from spasmlab.claims import experiments
from spasmlab.claims.claim import (
    MIXED,
    NOT_TESTABLE,
    RULE,
    VERDICTS,
    Claim,
    Experiment,
    Found,
    judge,
    together,
)
from spasmlab.progress import Stages
from spasmlab.quantity import Quantity


def compute(names: Sequence[str], stages: Stages) -> dict[str, Any]:
    """The named claims, each with its experiments, effects and verdicts; InputError for an unknown one."""
    loaded = [claims.load(name) for name in names]
    found = []
    for claim in loaded:
        with stages(claim.id):
            found.append(assess(claim))
    return {
        **result.head("claims"),
        "rule": RULE,
        "claims": found,
        "counts": {verdict: sum(c["verdict"] == verdict for c in found) for verdict in VERDICTS},
        "seconds": result.seconds(stages),
    }


def assess(claim: Claim) -> dict[str, Any]:
    """One claim: its experiments, and the verdict on all that could have failed."""
    told = [carry_out(one) for one in claim.experiments]
    verdict = together(one["verdict"] for one in told)
    shown = next((one for one in told if one["verdict"] != NOT_TESTABLE), told[0] if told else None)
    return {
        "id": claim.id,
        "statement": claim.statement,
        "level": claim.level,
        "experiment": shown["title"] if shown else "none",
        "effect": shown["effect"] if shown else None,
        "verdict": verdict,
        "why": _why(claim, verdict, told),
        "experiments": told,
    }


def carry_out(experiment: Experiment) -> dict[str, Any]:
    """One experiment done and judged."""
    found = experiments.find(experiment.kind)(experiment)
    return {
        "kind": experiment.kind,
        "title": experiment.title,
        "falsified": experiment.falsified,
        "claimed": _claimed(experiment, found),
        "effect": Quantity(found.value, found.unit, found.low, found.high).as_dict(),
        "verdict": judge(experiment, found),
        "built_in": experiment.built_in or None,
        "detail": found.detail,
        "parts": found.parts,
        "rows": [{"row": r, "role": evidence.row(r).role} for r in experiment.rows],
    }


def _claimed(experiment: Experiment, found: Found) -> str:
    """What the statement asks of the effect, in words."""
    margin = f" by more than {experiment.tolerance:g}" if experiment.tolerance else ""
    if experiment.direction == "near":
        return f"within {experiment.tolerance:g} of {experiment.threshold:g} {found.unit}"
    return f"{experiment.direction} {experiment.threshold:g} {found.unit}{margin}"


def _why(claim: Claim, verdict: str, told: Sequence[dict[str, Any]]) -> str:
    """One sentence on what the verdict rests on."""
    if not told:
        return claim.untestable
    deciding = [one for one in told if one["verdict"] != NOT_TESTABLE]
    if not deciding:
        return claim.untestable or "; ".join(one["built_in"] or one["detail"] for one in told)
    apart = sorted({one["verdict"] for one in deciding})
    words = f"{len(deciding)} of {len(told)} experiments could have failed"
    if verdict == MIXED and len(apart) > 1:
        words += ": " + ", ".join(f"{sum(o['verdict'] == v for o in deciding)} {v}" for v in apart)
    return words + (f"; {claim.untestable}" if claim.untestable else "")
