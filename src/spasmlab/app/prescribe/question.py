"""What the Check tab asks of `spasmlab.prescribing`, and the command lines that ask the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from spasmlab.app import exports
from spasmlab.app.fields import Fields
from spasmlab.errors import InputError
from spasmlab.prescribing import case, check, plan_result, planned
from spasmlab.prescribing import plan as plans

RECORD = "record.json"  # what an uploaded record is called in a command line


@dataclass(frozen=True)
class Question:
    """The fields of the tab, and the file of an uploaded record; `stamp` tells two records of one name apart."""

    asked: Fields
    record: Path | None = None
    stamp: int = 0


@dataclass(frozen=True)
class Answer:
    """The result of `check`, and of `plan` or the reason why there is none."""

    question: Question
    check: dict[str, Any] | None
    wrong: str
    plan: dict[str, Any] | None
    no_plan: str
    files: Mapping[str, str]


def answer(question: Question) -> Answer:
    """Judge the regimen and make a plan; what a part refuses is said in its place."""
    found, wrong, planned_, no_plan, files = None, "", None, "", {}
    try:
        found = check.result(_case(question))
    except InputError as problem:
        wrong = hidden(problem, question)
    try:
        planned_, files = _plan(question)
    except InputError as problem:
        no_plan = hidden(problem, question)
    return Answer(question, found, wrong, planned_, no_plan, files)


def hidden(problem: Exception, question: Question) -> str:
    """What was wrong, without the place where an uploaded record lies."""
    return str(problem).replace(str(question.record), RECORD) if question.record else str(problem)


def words(question: Question) -> dict[str, Any]:
    """What was said, as `prescribing` takes it; None for what was not."""
    asked: Any = question.asked
    return {
        "indication_name": asked.indication or None,
        "patient_text": asked.patient.strip() or None,
        "formulation": asked.product,
        "history_text": asked.history.strip() or None,
        "taken": asked.taken.strip() or None,
        "dialysis": asked.dialysis.strip() or None,
        "fed": asked.fed or None,
        "jurisdiction": asked.label,
        "fhir": question.record,
    }


def _case(question: Question) -> case.Case:
    asked: Any = question.asked
    if not asked.regimen.strip() and question.record is None:
        raise InputError(
            "No regimen is written; possible: such as 600 mg tid, or a FHIR record that holds one."
        )
    return case.from_words(asked.drug, asked.regimen.strip() or None, **words(question))


def _plan(question: Question) -> tuple[dict[str, Any], dict[str, str]]:
    import tempfile

    asked: Any = question.asked
    first = start(asked)
    made = plans.make(
        planned.asked(asked.drug, condition=None, **words(question)), number(asked.target), number(asked.days)
    )
    found = planned.carry_out(made, first, None)
    with tempfile.TemporaryDirectory(prefix="spasmlab-plan-") as folder:
        plan_result.write(made, first, Path(folder))
        files = {
            name: (Path(folder) / name).read_text(encoding="utf-8")
            for name in (plan_result.TABLE, plan_result.CALENDAR)
        }
    return found, files


def start(asked: Any) -> date:
    """The day of the first dose; today where none is given."""
    return plan_result.read_start(asked.start.strip() or None) or date.today()


def number(text: str) -> float | None:
    """An optional number; InputError for what is none."""
    if not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"'{text}' is not a number; possible: such as 1800, or nothing") from None


def options(question: Question, *names: str) -> dict[str, Any]:
    """The options of the command line, those named put in."""
    asked: Any = question.asked
    said = words(question)
    found = {
        "drug": asked.drug,
        "regimen": asked.regimen.strip() or None,
        "indication": said["indication_name"],
        "patient": said["patient_text"],
        "formulation": asked.product if asked.product != "ir" else None,
        "history": said["history_text"],
        "with": said["taken"],
        "dialysis": said["dialysis"],
        "fed": said["fed"],
        "label": asked.label,
        "fhir": RECORD if question.record else None,
        "target": asked.target.strip() or None,
        "days": asked.days.strip() or None,
        "start": asked.start.strip() or None,
    }
    common = (
        "drug",
        "indication",
        "patient",
        "formulation",
        "history",
        "with",
        "dialysis",
        "fed",
        "label",
        "fhir",
    )
    return {name: found[name] for name in (*common, *names)}


def command(verb: str, question: Question) -> str:
    """The command line of check, plan or advise that asks the same."""
    names = {"check": ("regimen",), "plan": ("target", "days", "start"), "advise": ("days",)}[verb]
    return exports.command(verb, options(question, *names))


def require(question: Question) -> None:
    """InputError where the case of a plan or of advice has no answer."""
    asked: Any = question.asked
    try:
        planned.asked(asked.drug, condition=None, **words(question))
    except InputError as problem:
        raise InputError(hidden(problem, question)) from None
