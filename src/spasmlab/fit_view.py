"""The result of `spasmlab fit` as tables for the terminal, made from the same dictionary as the JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spasmlab.quantity import Quantity, pretty_unit, short
from spasmlab.tables import _table, console, say

MOST_SUBJECTS = 20
METHODS = {"map": "each patient by maximum a posteriori", "laplace": "population, Laplace approximation", "nuts":
           "population, NUTS"}  # fmt: skip


def fit(found: Mapping[str, Any]) -> None:
    """What was fitted, estimates, what the data could not tell, and how well the fit holds."""
    below = f", {found['levels_below_limit']} of them below the limit" if found["levels_below_limit"] else ""
    say(f"{found['drug']}: {METHODS[found['method']]}; {found['data']}; seed {found['seed']}")
    say(f"{found['subjects']} subjects, {found['doses']} doses, {found['levels']} levels{below}")
    if found["parameters"]:
        _population(found)
    else:
        _individuals(found)
    _residual(found)
    seen = found["identifiability"]
    say(f"Fisher information of these levels: rank {seen['rank']} of {seen['of']}")
    for name, why in seen["held"].items():
        say(f"  {name}: {why}")
    _diagnostics(found["diagnostics"])
    _sampler(found["sampler"])
    if found["columns_not_used"]:
        say("columns not used: " + ", ".join(found["columns_not_used"]))
    for remark in found["remarks"]:
        say(f"note: {remark}")
    say(found["notice"])


def _population(found: Mapping[str, Any]) -> None:
    table = _table("parameter", "typical", "90 % interval", "unit", "spread", "90 % interval", "shrinkage")
    for entry in found["parameters"]:
        typical, between = Quantity(**entry["typical"]), Quantity(**entry["between"])
        said = typical.number_text if entry["told"] else "not told"
        table.add_row(
            entry["name"], said, typical.interval_text, pretty_unit(entry["unit"]), between.number_text,
            between.interval_text, _percent(entry["shrinkage"]),
        )  # fmt: skip
    console().print(table)
    for entry in found["parameters"]:
        if entry["why_not"]:
            say(f"{entry['name']}: {entry['why_not']}")


def _individuals(found: Mapping[str, Any]) -> None:
    table = _table("subject", "parameter", "value", "90 % interval", "unit", "population", "shrinkage")
    for one in found["individuals"][:MOST_SUBJECTS]:
        for entry in one["parameters"]:
            quantity = Quantity(*(entry[key] for key in ("value", "unit", "low", "high")))
            said = quantity.number_text if entry["told"] else "not told"
            table.add_row(
                one["id"], entry["name"], said, quantity.interval_text, pretty_unit(quantity.unit),
                short(entry["population"]), _percent(entry["shrinkage"]),
            )  # fmt: skip
    console().print(table)
    more = len(found["individuals"]) - MOST_SUBJECTS
    if more > 0:
        say(f"and {more} subjects more: --json or --out has all")
    say(
        "shrinkage: share of the population's variance that the levels left; 'not told' where nearly all of it"
    )


def _residual(found: Mapping[str, Any]) -> None:
    parts = [
        f"{name} {Quantity(**found['residual'][name]).text}"
        for name in ("additive", "proportional")
        if found["residual"][name]["value"]
    ]
    held = "" if found["residual"]["estimated"] else " (held)"
    say(f"residual{held}: {', '.join(parts)}; −2 log likelihood {short(found['minus_two_log_likelihood'])}")


def _diagnostics(found: Mapping[str, Any]) -> None:
    if found["npde"]:
        npde = found["npde"]
        say(
            f"NPDE of {npde['count']} levels: mean {npde['mean']:.2f} (p {npde['p_mean']:.2g}), variance "
            f"{npde['variance']:.2f} (p {npde['p_variance']:.2g}), shape p {npde['p_shape']:.2g}"
        )
    say(f"shrinkage of residuals: {_percent(found['epsilon_shrinkage'])}")
    table = _table("weighted residuals", "subjects", "levels", "mean", "SD")
    for kind, name in (("by_dose", "dose"), ("by_kidney", "kidneys")):
        for row in found[kind]:
            table.add_row(f"{name}: {row['class']}", str(row["subjects"]), str(row["levels"]), short(row["mean"]),
                          short(row["sd"]))  # fmt: skip
    console().print(table)


def _sampler(found: Mapping[str, Any] | None) -> None:
    if found is None:
        return
    worst, fewest = max(found["r_hat"].values()), min(found["effective"].values())
    say(
        f"{found['chains']} chains of {found['draws']} draws: {found['divergences']} divergent, R-hat at most {worst:.3f}, "
        f"effective draws at least {fewest:.0f}"
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"
