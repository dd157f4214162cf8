"""Judge a case by every rule of its label that concerns it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from spasmlab.prescribing import checks
from spasmlab.prescribing.finding import LEVELS, Finding, in_order
from spasmlab.quantity import Quantity, short

if TYPE_CHECKING:
    from spasmlab.prescribing.case import Case
    from spasmlab.prescribing.checks import Hit
    from spasmlab.prescribing.label import Rule
    from spasmlab.request import Request

LIMITS = (
    "A check reads the rules of one label against what was said of a patient. It knows no other disease, "
    "laboratory value or drug than those named, and no rule that is not in its table."
)


def findings(case: Case) -> list[Finding]:
    """Every finding of a case, the gravest first."""
    return in_order(found for rule in case.rules() for found in _of_rule(rule, case))


def of_request(request: Request) -> list[Finding]:
    """The findings of a run; none where its drug has no label here."""
    from spasmlab.prescribing import case

    found = case.of_request(request)
    return findings(found) if found else []


def result(case: Case) -> dict[str, Any]:
    """The result of `spasmlab check`."""
    from spasmlab import result as results
    from spasmlab.prescribing.case import described

    found = findings(case)
    return {
        **results.head("check"),
        **described(case),
        "counts": {level: sum(one.level == level for one in found) for level in LEVELS},
        "findings": [one.as_dict() for one in found],
        "limits": LIMITS,
    }


def faults(case: Case) -> list[Finding]:
    """What a regimen can be faulted for: every block, and every warning about the regimen itself."""
    return [f for f in findings(case) if f.level == "block" or (f.level == "warn" and f.about == "regimen")]


def _of_rule(rule: Rule, case: Case) -> Iterator[Finding]:
    check = checks.KNOWN[rule.check]
    for hit in check.function(rule, case):
        said = rule.outcomes.get(hit.outcome)
        if said is not None:
            yield Finding(
                rule=rule.id,
                level=said.level,
                text=_sentence(said.text, hit, case),
                numbers=tuple((n, Quantity(float(v), u)) for n, (v, u) in hit.numbers.items()),
                source=rule.source,
                checked=rule.checked,
                about=check.about,
            )


def _sentence(text: str, hit: Hit, case: Case) -> str:
    from spasmlab.prescribing import indication

    words: Mapping[str, Any] = {
        **{name: short(float(value)) for name, (value, _) in hit.numbers.items()},
        "words": hit.words,
        "product": case.product,
        "purpose": indication.known()[case.indication]["title"] if case.indication else "",
    }
    said = text.format(**words)
    return said[:1].upper() + said[1:]
