"""What the Compare tab asks: up to four arms in fields a link can hold, and the comparison they make."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import create_model

from spasmlab import compare, contrast, food
from spasmlab import condition as conditions
from spasmlab import drug as drugs
from spasmlab import hypothesis as hypotheses
from spasmlab import patient as patients
from spasmlab import regimen as regimens
from spasmlab.app import fields, scene
from spasmlab.app.exports import command
from spasmlab.compare import MOST_ARMS, Answered, Comparison
from spasmlab.progress import Stages
from spasmlab.request import MOST_DAYS, Request

LETTERS = ("a", "b", "c", "d")[:MOST_ARMS]
LOOKS = {"a": "first", "b": "second", "c": "third", "d": "fourth"}
PARTS = ("drug", "formulation", "regimen", "fed", "hypothesis")  # what differs between arms
SHARED = ("patient", "condition", "severity", "days")
COURSE, LAST_DAY = "course", "last-day"
SPANS = {COURSE: "the whole course", LAST_DAY: "the last day"}
FILE = "arms.toml"
FEWEST_DRAWS, MOST_DRAWS = 1, 16  # of the real circuit, from the page
_FIRST = {
    "a": ("gabapentin", "ir", "600 mg tid", food.FASTED),
    "b": ("gabapentin", "ir", "300 mg tid", food.FASTED),
    "c": ("pregabalin", "ir", "150 mg bid", food.FASTED),
    "d": ("gabapentin", "gastroretentive", "1800 mg daily", food.FED),
}  # what the cards of the arms begin with


def formulations() -> tuple[str, ...]:
    """The products of all drugs."""
    return tuple(dict.fromkeys(f for name in drugs.names() for f in drugs.load(name).formulations))


def _arm_fields(letter: str) -> dict[str, Any]:
    drug, formulation, regimen, fed = _FIRST[letter]
    return {
        f"{letter}_drug": (str, fields.one_of(drug, "drug", drugs.names)),
        f"{letter}_formulation": (str, fields.one_of(formulation, "formulation", formulations)),
        f"{letter}_regimen": (str, fields.text(regimen, regimens.parse)),
        f"{letter}_fed": (str, fields.one_of(fed, "kind of meal", food.kinds)),
        f"{letter}_hypothesis": (
            str,
            fields.one_of(hypotheses.DEFAULT, "hypothesis", hypotheses.names),
        ),
    }


class Shared(fields.Fields):
    """What the arms share, how many there are, and what is shown of them."""

    patient: str = fields.text(patients.default().text, patients.parse)
    condition: str = fields.one_of("ms-spasticity", "condition", conditions.names)
    severity: float = fields.between(1.0, "severity", 0, 1)
    days: float = fields.between(14.0, "the number of days", 1, MOST_DAYS)
    count: int = fields.between(2, "the number of arms", 1, MOST_ARMS)
    span: str = fields.one_of(LAST_DAY, "span", lambda: SPANS)
    points: bool = False
    draws: int = fields.between(8, "the number of cords", FEWEST_DRAWS, MOST_DRAWS)


_ARMS: Any = {name: field for letter in LETTERS for name, field in _arm_fields(letter).items()}
Fields = create_model("Fields", __base__=Shared, **_ARMS)


def letters(asked: Any) -> tuple[str, ...]:
    """The arms that are there."""
    return LETTERS[: asked.count]


def part(asked: Any, letter: str) -> dict[str, str]:
    """What one arm takes, by the names of a comparison's arm."""
    return {name: getattr(asked, f"{letter}_{name}") for name in PARTS}


def moved(asked: Any, to: str, values: dict[str, str]) -> dict[str, str]:
    """The fields that put what an arm takes on the card of another."""
    return {f"{to}_{name}": value for name, value in values.items()}


def without(asked: Any, letter: str) -> dict[str, Any]:
    """The fields that take an arm away: those after it move up."""
    after = LETTERS[LETTERS.index(letter) + 1 : asked.count]
    changed: dict[str, Any] = {}
    for source in after:
        changed |= moved(asked, LETTERS[LETTERS.index(source) - 1], part(asked, source))
    return {**changed, "count": asked.count - 1}


def comparison(asked: Any, draws: int = compare.DRAWS) -> Comparison:
    """The comparison that the fields ask; InputError where it is none."""
    shared = {name: getattr(asked, name) for name in SHARED}
    arms = [{"name": letter.upper(), **part(asked, letter)} for letter in letters(asked)]
    return compare.of_table({**shared, "draws": draws, "arms": arms}, FILE)


def written(asked: Comparison) -> str:
    """A comparison as the TOML that `spasmlab compare` reads."""
    import tomlkit

    return tomlkit.dumps(asked.model_dump(mode="json", exclude_none=True))


def usual(drug: str) -> str:
    """The usual dose of a drug, that of the contrast matrix."""
    return contrast.table()["doses"][drug]


def arm_command(asked: Comparison, index: int, fidelity: str) -> str:
    """The command line that gives the numbers of one arm."""
    arm = asked.arms[index]
    told = {
        "drug": arm.drug,
        "regimen": arm.regimen,
        "days": asked.days,
        "condition": asked.condition,
        "severity": asked.severity if asked.severity != 1 else None,
        "patient": asked.patient,
        "formulation": arm.formulation if arm.formulation != "ir" else None,
        "fed": arm.fed if arm.fed != food.FASTED else None,
        "hypothesis": arm.hypothesis,
        "fidelity": fidelity,
        "draws": asked.draws,
        "seed": asked.seed,
    }
    return command("run", told)


def whole_command(fidelity: str) -> str:
    """The command line that gives the whole comparison from its file."""
    return command("compare", {"fidelity": fidelity}, [FILE])


def answers(asked: Comparison) -> tuple[Answered, ...]:
    """Every arm at surrogate fidelity; an arm that was answered before is not solved again."""
    return tuple(_answer(asked.model_copy(update={"arms": (_nameless(arm),)})) for arm in asked.arms)  # pyright: ignore[reportArgumentType]


def _nameless(arm: compare.Arm) -> compare.Arm:
    return arm.model_copy(update={"name": "-"})


@lru_cache(maxsize=24)
def _answer(one: Comparison) -> Answered:
    request = one.request(one.arms[0])
    return compare.answer(request, Stages(), "surrogate", drawn(request))


def drawn(request: Request) -> np.ndarray:
    """Hours kept of an arm: those that every arm has, and its own visit."""
    return scene.times(request)
