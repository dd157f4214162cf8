"""Published studies against their prediction: each simulated as it was designed, again and again.

Every repeat is a trial of its own: other patients, another placebo response and effect between trials, another draw of
the doubt about the parameters, as many patients as the study had. The statistic is the one that the paper prints, so
that its 90 % prediction interval holds all that would make a second such trial come out differently. Verdicts follow
rules (`verdict`); nothing is fitted here.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd

from spasmlab import evidence, quantity, result, studies
from spasmlab.errors import InputError
from spasmlab.parameter import beside
from spasmlab.progress import Stages
from spasmlab.quantity import Quantity
from spasmlab.trial import simulate, statistic
from spasmlab.trial.design import Design, Published, together
from spasmlab.trial.simulate import Setting

INSIDE, OUTSIDE = "inside", "outside"
SIGNS = {-1: "less", 0: "no difference", 1: "more"}  # severity, in the first arm against the second
STRIDE = 1_000_000  # candidates kept apart for each simulated trial
RULE = (
    "inside: the published number lies in the 90 % prediction interval of the trial's own statistic at its own n; a "
    "direction: it is the most frequent among the simulated trials, or at least a tenth of them show it"
)


def pooled(design: Design, trial: int) -> Design:
    """One of the `trials` that a pooled analysis puts together, with its share of every arm."""
    arms = []
    for arm in design.arms:
        share, rest = divmod(arm.n, design.trials)
        arms.append(arm.model_copy(update={"n": max(1, share + (trial < rest))}))
    return design.model_copy(update={"arms": tuple(arms)})


def simulated(name: str, repeat: int, seed: int = 0) -> pd.DataFrame:
    """One repeat of a study: a row for each visit of each patient; the trials of a pool share the draw of the doubt."""
    design = studies.load(name)
    own = seed + zlib.crc32(name.encode()) + design.seed
    tables = []
    for trial in range(design.trials):
        number = repeat * design.trials + trial
        setting = Setting(own, f"{name} {repeat}.{trial}", repeat + 1, first=number * STRIDE)
        tables.append(simulate.simulate(pooled(design, trial), setting))
    return pd.concat(tables, ignore_index=True)


def one(name: str, repeat: int, seed: int = 0) -> list[float]:
    """The published statistics of a study in one repeat, in the order of its file."""
    table = simulated(name, repeat, seed)
    return [of_row(table, p) for p in studies.load(name).published]


def of_row(table: pd.DataFrame, p: Published) -> float:
    """The statistic that a row reports, from the table of a trial; arms written together are one."""
    for arms in {p.arm, p.against or p.arm}:
        if len(parts := together(arms)) > 1:
            table = table.assign(arm=table["arm"].where(~table["arm"].isin(parts), arms))
    return statistic.compute(table, p.statistic, p.outcome, p.arm, p.against, p.day)


def prediction(p: Published, drawn: np.ndarray) -> dict[str, Any]:
    """Median and 90 % prediction interval of a statistic over the repeats; for directions the share of each sign.

    The ends of the interval are order statistics at p·(n + 1), which makes a new trial fall inside with 90 %.
    """
    unit = statistic.unit(p.statistic, p.outcome)
    if p.statistic == statistic.DIRECTION:
        shares = {sign: float(np.mean(drawn == sign)) for sign in SIGNS}
        value = float(max(shares, key=lambda sign: shares[sign]))
        return {**Quantity(value, unit).as_dict(), "shares": {SIGNS[s]: share for s, share in shares.items()}}
    kept = drawn[np.isfinite(drawn)]
    if kept.size < quantity.FEWEST_DRAWS:
        return Quantity(None, unit).as_dict()
    ends = [q / 100 for q in quantity.INTERVAL]
    low, high = np.quantile(kept, ends, method="weibull")
    return Quantity(float(np.median(kept)), unit, float(low), float(high)).as_dict()


def verdict(published: float, predicted: dict[str, Any]) -> str:
    """``inside`` or ``outside`` by the rule of this module."""
    if "shares" in predicted:
        share = predicted["shares"][SIGNS[int(np.sign(published))]]
        least = beside("replication")["least_share"].number
        return INSIDE if share >= min(least, max(predicted["shares"].values())) else OUTSIDE
    low, high = predicted["low"], predicted["high"]
    return INSIDE if low is not None and low <= published <= high else OUTSIDE


def entry(name: str, p: Published, drawn: np.ndarray) -> dict[str, Any]:
    """One row of evidence with its prediction, as JSON holds it."""
    design, row = studies.load(name), evidence.row(p.row)
    published, predicted = studies.number(p), prediction(p, drawn)
    if published is None:
        raise InputError(f"study '{name}': evidence row {p.row} states no number in '{p.field}'")
    return {
        "study": name,
        "title": design.title,
        "condition": design.condition,
        "role": row.role,
        "endpoint": p.outcome,
        "statistic": p.statistic,
        "arm": p.arm,
        "against": p.against,
        "day": p.day,
        "published": Quantity(published, predicted["unit"]).as_dict(),
        "predicted": predicted,
        "verdict": verdict(published, predicted),
        "row": p.row,
        "field": p.field,
        "grade": row.grade,
        "note": p.note,
    }


def compute(
    names: Sequence[str], repeats: int | None, seed: int, stages: Stages, workers: int | None = None
) -> dict[str, Any]:
    """Studies by name, each `repeats` times; InputError for an unknown study or too few repeats."""
    count = repeats or int(beside("replication")["repeats"].number)
    if count < quantity.FEWEST_DRAWS:
        raise InputError(f"--repeats must be at least {quantity.FEWEST_DRAWS} for an interval, not {count}")
    for name in names:
        studies.load(name)
    jobs = [(name, repeat) for name in names for repeat in range(count) if studies.load(name).published]
    with stages(f"{len(names)} studies, {count} trials each") as progress:
        drawn: dict[str, list[list[float]]] = {name: [] for name in names}
        for done, ((name, _), found) in enumerate(
            zip(jobs, _carried_out(jobs, seed, workers), strict=True), 1
        ):
            drawn[name].append(found)
            progress(done, len(jobs))
    entries = [
        entry(name, p, np.array(drawn[name])[:, place])
        for name in names
        for place, p in enumerate(studies.load(name).published)
    ]
    return {
        **result.head("replicate"),
        "repeats": count,
        "seed": seed,
        "rule": RULE,
        "studies": entries,
        "scores": scores(entries),
        "not_predicted": [
            {"study": name, "row": row, "role": evidence.row(row).role, "reason": reason}
            for name in names
            for row, reason in studies.load(name).not_predicted.items()
        ],
        "seconds": result.seconds(stages),
    }


def _carried_out(jobs: list[tuple[str, int]], seed: int, workers: int | None) -> Any:
    """Every job's statistics in order, by processes of this machine where there is more than one."""
    count = min(workers or os.cpu_count() or 1, len(jobs))
    if count <= 1:
        yield from (one(name, repeat, seed) for name, repeat in jobs)
        return
    import multiprocessing

    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        names, repeats = zip(*jobs, strict=True)
        yield from pool.map(one, names, repeats, [seed] * len(jobs), chunksize=4)


def scores(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By role and condition: how many rows there are, and the share whose published number is inside."""
    found = []
    for role in evidence.ROLES:
        chosen = [e for e in entries if e["role"] == role]
        for condition in (*dict.fromkeys(e["condition"] for e in chosen), None):
            rows = [e for e in chosen if condition in (None, e["condition"])]
            if rows:
                inside = sum(e["verdict"] == INSIDE for e in rows)
                share = inside / len(rows)
                found.append(
                    {"role": role, "condition": condition or "all", "rows": len(rows), "inside": inside, "share": share}
                )  # fmt: skip
    return found
