"""From the words of `spasmlab plan` to its result and its files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spasmlab.errors import InputError
from spasmlab.prescribing import case, indication, plan_result

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.plan import Plan


def asked(drug: str, *, condition: str | None, indication_name: str | None, **words: Any) -> Case:
    """What a plan is asked for; InputError where condition and indication are both given or have no answer."""
    if condition is not None:
        if indication_name is not None:
            raise InputError("--condition and --indication cannot be combined; possible: one of them")
        indication_name = indication.of_condition(condition)
        if indication_name is None:
            possible = ", ".join(sorted(indication.conditions()))
            raise InputError(f"nothing is prescribed for the condition '{condition}'; possible: {possible}")
    return case.from_words(drug, case.ANY_REGIMEN, indication_name=indication_name, **words)


def carry_out(plan: Plan, start: date | None, out: Path | None) -> dict[str, Any]:
    """The result of a plan; with `out`, also its table and calendar there, from today where no start was given."""
    from spasmlab import result as results
    from spasmlab.output import OutputFolder

    if out is None:
        return plan_result.result(plan, start)
    if not str(out).strip():
        raise InputError("--out is empty; possible: the name of a folder, as in out/mine")
    first = start or date.today()
    found = plan_result.result(plan, first) | {"start_given": start is not None}
    with OutputFolder(out) as folder:
        plan_result.write(plan, first, folder)
        (folder / "plan.json").write_text(results.dumps(found) + "\n", encoding="utf-8")
    return found
