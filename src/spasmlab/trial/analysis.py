"""How a trial's outcome is analysed: the estimate of the drug's effect, its interval and p, by well-kept libraries.

Each analysis compares an arm with a control (the arm without a drug, or the last) and gives the effect on its own scale:
points of difference for `mixed` and `ancova`, the Hodges–Lehmann shift for `wilcoxon`, log odds for `logistic` and
`proportional-odds`, log rate ratio for `negative-binomial`.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd

from spasmlab.errors import InputError
from spasmlab.trial.design import Design
from spasmlab.trial.statistic import Seen, p_value, seen, where

SCALES = {
    "mixed": "difference",
    "ancova": "difference",
    "wilcoxon": "shift",
    "logistic": "log odds ratio",
    "proportional-odds": "log odds ratio",
    "negative-binomial": "log rate ratio",
}
CONFIDENCE = 0.95
MOST_PAIRED = 2000  # patients of an arm whose pairwise differences are formed


@dataclass(frozen=True)
class Effect:
    """An arm against the control: estimate with its confidence interval on `scale`, p, and how many were analysed.

    `failed` says why there is no estimate (no variation, a model that did not converge); the numbers are then NaN.
    `note` says what else is to know of it.
    """

    outcome: str
    arm: str
    control: str
    analysis: str
    scale: str
    estimate: float
    low: float
    high: float
    p: float
    n: int
    failed: str = ""
    note: str = ""


def control_of(design: Design) -> str:
    """The arm that others are compared with: the first without a drug, else the last."""
    return next((arm.name for arm in design.arms if arm.drug is None), design.arms[-1].name)


def analyse(design: Design, table: pd.DataFrame) -> list[Effect]:
    """Every analysed outcome of every arm against the control."""
    control = control_of(design)
    return [
        effect(design, table, outcome, arm.name, control, asked.analysis)
        for outcome, asked in design.outcomes.items()
        for arm in design.arms
        if arm.name != control
    ]


def effect(
    design: Design, table: pd.DataFrame, outcome: str, arm: str, control: str, analysis: str
) -> Effect:
    """One analysis; InputError for an unknown one. A failure of the model is said in the result, not raised."""
    if analysis not in ANALYSES:
        raise InputError(f"unknown analysis '{analysis}'; possible: {', '.join(ANALYSES)}")
    crossed = design.kind == "crossover"
    a, b = seen(table, outcome, arm), seen(table, outcome, control)
    counted = len(np.union1d(a.patient, b.patient))
    named: dict[str, Any] = dict(
        outcome=outcome, arm=arm, control=control, analysis=analysis, scale=SCALES[analysis], n=counted
    )
    if min(len(a.score), len(b.score)) < 2:
        return Effect(**named, **_none("fewer than two patients in an arm"))
    if np.ptp(np.concatenate([a.score, b.score])) == 0:
        return Effect(**named, **_none("every score is the same"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            estimate, error, p = (
                _paired(a, b, analysis) if crossed else ANALYSES[analysis](table, outcome, arm, control, a, b)
            )
    except _failures() as problem:
        return Effect(
            **named, **_none(str(problem).splitlines()[0] if str(problem) else type(problem).__name__)
        )
    if not (math.isfinite(estimate) and math.isfinite(error)):
        return Effect(**named, **_none("the model did not converge"))
    half = _quantile() * error
    return Effect(**named, estimate=estimate, low=estimate - half, high=estimate + half, p=p)


def _failures() -> tuple[type[Exception], ...]:
    """What the libraries raise for data or a formula that a model cannot be made of: a result, not the end of a trial."""
    from patsy import PatsyError
    from statsmodels.tools.sm_exceptions import MissingDataError, PerfectSeparationError

    ours = (np.linalg.LinAlgError, ValueError, ArithmeticError)
    return *ours, PatsyError, MissingDataError, PerfectSeparationError


def _none(why: str) -> dict[str, Any]:
    return dict(estimate=math.nan, low=math.nan, high=math.nan, p=math.nan, failed=why)


def _quantile() -> float:
    from scipy import stats

    return float(stats.norm.ppf(0.5 + 0.5 * CONFIDENCE))


def _paired(a: Seen, b: Seen, analysis: str) -> tuple[float, float, float]:
    """A crossover: differences within patients; a signed rank test for `wilcoxon`, a t test otherwise."""
    from scipy import stats

    both = np.intersect1d(a.patient, b.patient)
    differences = _means(a, both) - _means(b, both)
    error = float(np.std(differences, ddof=1) / math.sqrt(len(differences)))
    if analysis == "wilcoxon":
        if not np.any(differences):
            raise ValueError("no patient differs between the arms")
        walsh = (differences[:, None] + differences[None, :])[np.triu_indices(len(differences))] / 2
        return float(np.median(walsh)), error, p_value(stats.wilcoxon(differences))
    return float(np.mean(differences)), error, p_value(stats.ttest_1samp(differences, 0))


def _means(of: Seen, patients: np.ndarray) -> np.ndarray:
    """The mean score of each of the given patients."""
    means = cast(pd.Series, pd.Series(of.score, of.patient).groupby(level=0).mean())
    return means.loc[patients].to_numpy()


def _frame(a: Seen, b: Seen) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "score": np.concatenate([a.score, b.score]),
            "base": np.concatenate([a.base, b.base]),
            "drug": np.repeat([1.0, 0.0], [len(a.score), len(b.score)]),
        }
    )


def _ancova(
    table: pd.DataFrame, outcome: str, arm: str, control: str, a: Seen, b: Seen
) -> tuple[float, float, float]:
    """Score at the last visit by arm, with the baseline as covariate; least squares."""
    import statsmodels.api as sm

    frame = _frame(a, b)
    columns = ["drug", "base"] if np.ptp(frame["base"]) > 0 else ["drug"]
    fit = sm.OLS(frame["score"], sm.add_constant(frame[columns])).fit()
    return float(fit.params["drug"]), float(fit.bse["drug"]), float(fit.pvalues["drug"])


def _mixed(
    table: pd.DataFrame, outcome: str, arm: str, control: str, a: Seen, b: Seen
) -> tuple[float, float, float]:
    """All visits after baseline, random intercept by patient: score ~ baseline + visit + arm + arm × (last − visit).

    The coefficient of arm is the difference at the last visit; those who left count for the visits they made.
    """
    import statsmodels.formula.api as smf

    rows = where(table, table["arm"].isin([arm, control]))
    base = cast(pd.Series, where(rows, rows["day"] == rows["day"].min()).set_index("patient")[outcome])
    rows = where(rows, (rows["day"] > rows["day"].min()) & rows[outcome].notna())
    frame = pd.DataFrame(
        {
            "score": rows[outcome].to_numpy(),
            "base": base.loc[rows["patient"]].to_numpy(),
            "drug": (rows["arm"] == arm).to_numpy(float),
            "visit": rows["day"].astype(str).to_numpy(),
            "before": (rows["day"].max() - rows["day"]).to_numpy() / rows["day"].max(),
            "patient": rows["patient"].to_numpy(),
        }
    )
    several = cast(pd.Series, frame["visit"]).nunique() > 1
    formula = "score ~ base + drug" + (" + C(visit) + drug:before" if several else "")
    fit = smf.mixedlm(formula, frame, groups=frame["patient"]).fit(reml=True)
    return float(fit.params["drug"]), float(fit.bse["drug"]), float(fit.pvalues["drug"])


def _wilcoxon(
    table: pd.DataFrame, outcome: str, arm: str, control: str, a: Seen, b: Seen
) -> tuple[float, float, float]:
    """Rank sum test of changes from baseline; the Hodges–Lehmann shift with the error that its interval implies."""
    from scipy import stats

    x, y = a.score - a.base, b.score - b.base
    if np.ptp(np.concatenate([x, y])) == 0:
        raise ValueError("no change differs")
    p = p_value(stats.mannwhitneyu(x, y))
    x, y = _thinned(x), _thinned(y)  # n·m differences of a huge trial would fill the memory
    shifts = np.sort((x[:, None] - y[None, :]).ravel())
    n, m = len(x), len(y)
    reach = _quantile() * math.sqrt(n * m * (n + m + 1) / 12)
    low = shifts[max(0, math.floor(n * m / 2 - reach))]
    high = shifts[min(len(shifts) - 1, math.ceil(n * m / 2 + reach))]
    return (
        float(np.median(shifts)),
        float((high - low) / (2 * _quantile())),
        p,
    )


def _thinned(values: np.ndarray) -> np.ndarray:
    return values[:: -(-len(values) // MOST_PAIRED)]


def _logistic(
    table: pd.DataFrame, outcome: str, arm: str, control: str, a: Seen, b: Seen
) -> tuple[float, float, float]:
    """Log odds ratio of a binary outcome at the last visit (half added to each cell where one is empty)."""
    from scipy import stats

    yes, no = np.array([a.score.sum(), b.score.sum()]), np.array([len(a.score), len(b.score)])
    cells = np.stack([yes, no - yes])
    cells = cells + 0.5 * bool(np.any(cells == 0))
    estimate = float(np.log(cells[0, 0] * cells[1, 1] / (cells[1, 0] * cells[0, 1])))
    error = float(np.sqrt(np.sum(1 / cells)))
    return estimate, error, p_value(stats.fisher_exact(np.stack([yes, no - yes])))


def _proportional_odds(
    table: pd.DataFrame, outcome: str, arm: str, control: str, a: Seen, b: Seen
) -> tuple[float, float, float]:
    """Cumulative logit model of the grade at the last visit, with the baseline grade as covariate."""
    from statsmodels.miscmodels.ordinal_model import OrderedModel

    frame = _frame(a, b)
    columns = ["drug", "base"] if np.ptp(frame["base"]) > 0 else ["drug"]
    grades = pd.Categorical(frame["score"], ordered=True)
    fit = OrderedModel(pd.Series(grades), frame[columns], distr="logit").fit(method="bfgs", disp=False)
    if not fit.mle_retvals["converged"]:
        raise ArithmeticError("the model did not converge")
    return float(fit.params["drug"]), float(fit.bse["drug"]), float(fit.pvalues["drug"])


def _negative_binomial(
    table: pd.DataFrame, outcome: str, arm: str, control: str, a: Seen, b: Seen
) -> tuple[float, float, float]:
    """Log rate ratio of counts at the last visit, with the log of the baseline count (+ 0.5) as covariate."""
    import statsmodels.api as sm

    frame = _frame(a, b)
    design = pd.DataFrame({"drug": frame["drug"], "base": np.log(frame["base"] + 0.5)})
    if np.ptp(design["base"]) == 0:
        design = design[["drug"]]
    fit = sm.NegativeBinomial(np.rint(frame["score"]), sm.add_constant(design)).fit(disp=False)
    if not fit.mle_retvals["converged"]:
        raise ArithmeticError("the model did not converge")
    return float(fit.params["drug"]), float(fit.bse["drug"]), float(fit.pvalues["drug"])


ANALYSES: dict[str, Callable[..., tuple[float, float, float]]] = {
    "mixed": _mixed,
    "ancova": _ancova,
    "wilcoxon": _wilcoxon,
    "logistic": _logistic,
    "proportional-odds": _proportional_odds,
    "negative-binomial": _negative_binomial,
}
