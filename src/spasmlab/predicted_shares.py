"""Where the calibration rows of gabapentin's bioavailability agree with each other and with the model, by dose.

Part of `docs/predicted_exposure.md`. No smooth fall of F with dose holds every row; which rows stand apart is shown by
what the pooled forms of other calibration studies say at the same dose.
"""

from __future__ import annotations

from collections.abc import Callable

from spasmlab import evidence, predicted
from spasmlab.docs_tables import _markdown
from spasmlab.errors import InputError
from spasmlab.predicted import Scenario

DRUG, MEASURE, FORM = "gabapentin", "bioavailability", "ir"
HELD = 0.08  # the miss in F up to which the task counts a row as met
HALF_POOLED = ("GBP-META1.max", "GBP-META1.ed50")
HALF_PATIENTS = ("GBP-POP-CAR.dmax", "GBP-POP-CAR.d50")
DOSES_A_DAY = 3
_WORDS = f"""\
The rows of absolute bioavailability of the plain capsule that the fit read, by dose, beside what two other calibration
studies say of the same dose: the form of Carlsson 2009 in patients, and of the meta-analysis of published means (both
over the doses they saw, from about 300 mg; below that they are carried on). A row counts as met within {HELD:g}."""


def rows() -> list[tuple[float, Scenario, float, float]]:
    """Dose in mg, scenario, published F and predicted F of each calibration row, by dose."""
    found = []
    for id, scenario in predicted.scenarios().items():
        plain = (scenario.drug, scenario.measure, scenario.formulation) == (DRUG, MEASURE, FORM)
        if not plain or scenario.why or scenario.taken_with:
            continue
        try:
            row = evidence.calibration(id)
        except InputError:
            continue  # a validation row stands in its own table
        seen = float(predicted.values(scenario, "1", draws=1)[0])
        found.append((float(scenario.regimen.split()[0]), scenario, row.number / 100, seen))
    return sorted(found, key=lambda one: (one[0], one[1].row))


def forms() -> tuple[Callable[[float], float], Callable[[float], float]]:
    """F by dose in mg as Carlsson's form and the meta-analysis's give it, the latter by the daily dose."""
    first, second = (
        tuple(evidence.calibration(id).number for id in pair) for pair in (HALF_PATIENTS, HALF_POOLED)
    )
    return (
        lambda dose: first[0] / (first[1] + dose),
        lambda dose: second[0] / (second[1] + DOSES_A_DAY * dose),
    )


def section() -> str:
    """The table, and in words which rows disagree with which."""
    patients, pooled = forms()
    found = rows()
    lines = [
        [f"{dose:g}", one.row, one.study, *(f"{value:.2f}" for value in (published, patients(dose), pooled(dose), seen)),
         f"{seen - published:+.3f}"]
        for dose, one, published, seen in found
    ]  # fmt: skip
    head = ["dose, mg", "row", "study", "published", "Carlsson", "meta-analysis", "predicted", "miss"]
    return "\n\n".join([_WORDS, _markdown(head, lines), _told(found, patients, pooled)])


def _told(found, patients: Callable[[float], float], pooled: Callable[[float], float]) -> str:
    dose, worst, published, seen = max(found, key=lambda one: abs(one[3] - one[2]))
    met = sum(abs(seen - published) <= HELD for _, _, published, seen in found)
    apart = [
        f"{one.row} ({dose:g} mg: {published:.2f}, against {patients(dose):.2f} and {pooled(dose):.2f})"
        for dose, one, published, _ in found
        if abs(published - patients(dose)) > HELD and abs(published - pooled(dose)) > HELD
    ]
    words = f"{met} of {len(found)} rows are met; the largest miss is {seen - published:+.3f}, {worst.row} at {dose:g} mg. "
    if not apart:
        return words + "No row differs from both forms by more than that."
    return words + (
        f"Rows that differ by more than {HELD:g} from both forms, so that no curve through one side meets the other: "
        + "; ".join(apart)
        + "."
    )
