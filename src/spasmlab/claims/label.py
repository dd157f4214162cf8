"""What the label says of regimens, found by the check itself."""

from __future__ import annotations

from spasmlab.claims.claim import Experiment, Found
from spasmlab.prescribing import case, check


def rule(experiment: Experiment) -> Found:
    """The share of regimens for which the check gives a rule: arguments `rule drug indication history
    regimens`."""
    asked = experiment.arguments
    given = []
    for regimen in asked["regimens"]:
        judged = case.build(
            asked.get("drug", "gabapentin"),
            regimen,
            indication_name=asked["indication"],
            history_text=asked["history"],
        )
        given.append(any(asked["rule"] in (f.rule, *f.rule.split(".")) for f in check.findings(judged)))
    share = sum(given) / len(given)
    return Found(
        share, "1", share, share, f"{sum(given)} of {len(given)} regimens carry rule {asked['rule']}"
    )
