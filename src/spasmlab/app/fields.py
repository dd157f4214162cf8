"""What a tab can be asked: a frozen model with a default for every field, read field by field from a link or an input.

A field that cannot be read keeps its default and says why, so that a bad link still gives a working page. No field is a
path, a file's name or a command: names are checked against what the program comes with.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from spasmlab.errors import InputError, SpasmlabError, unknown

SHOWN = 10**300  # above it a whole number has no short form
LONGEST_MESSAGE = 500
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # the direction of writing
MOST_CHARACTERS = 8000  # of one value: what a form or a link may hold


class Fields(BaseModel):
    """The fields of one tab; subclasses give each a type and, by `text`, `one_of` or `between`, a default and a check."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("*")
    @classmethod
    def _checked(cls, value: Any, info: ValidationInfo) -> Any:
        extra = cls.model_fields[str(info.field_name)].json_schema_extra
        if isinstance(extra, dict) and "check" in extra:
            try:
                extra["check"](value)  # type: ignore[operator]
            except SpasmlabError as problem:
                raise ValueError(str(problem)) from problem
        return value

    def changed(self, **values: Any) -> Self:
        """The same with other values of some fields; InputError where one is wrong."""
        for value in values.values():
            require_plain(value)
        try:
            return type(self).model_validate(self.model_dump() | values)
        except ValidationError as problem:
            raise InputError(said(problem)) from problem

    def own(self) -> dict[str, Any]:
        """The fields that differ from their defaults."""
        plain = type(self)()
        return {n: getattr(self, n) for n in type(self).model_fields if getattr(self, n) != getattr(plain, n)}


F = TypeVar("F", bound=Fields)


def read(kind: type[F], given: Mapping[str, Any]) -> tuple[F, list[str]]:
    """Fields from texts, and a line for each that is unknown or wrong (it keeps its default)."""
    found, problems = kind(), []
    for name, value in given.items():
        try:
            if name not in kind.model_fields:
                raise unknown("field", name, kind.model_fields)
            found = found.changed(**{name: value})
        except InputError as problem:
            problems.append(f"{name}: {problem}")
    return found, problems


def said(problem: ValidationError) -> str:
    """The first thing that pydantic found wrong, in words, not at any length."""
    first = problem.errors()[0]
    text = str(first["msg"]).removeprefix("Value error, ")
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"


def require_plain(value: Any) -> None:
    """InputError for a text with a character that cannot be seen or turns what follows around."""
    for character in value if isinstance(value, str) else ():
        if character in TURNING or (
            unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t"
        ):
            code = f"U+{ord(character):04X}"
            raise InputError(f"the text holds {code}, which is no character to be read; possible: without it")


def text(default: str, check: Callable[[str], Any] = str) -> Any:
    """A text that `check` accepts; it raises InputError for one that is wrong."""

    def within(value: str) -> None:
        if len(value) > MOST_CHARACTERS:
            raise InputError(f"too long: {len(value)} characters; possible: up to {MOST_CHARACTERS}")
        check(value)

    return _field(default, within)


def at_most(characters: int) -> Callable[[str], None]:
    """A check that a text is no longer than this."""

    def within(value: str) -> None:
        if len(value) > characters:
            raise InputError(f"too long: {len(value)} characters; possible: up to {characters}")

    return within


def optional(check: Callable[[str], Any], most: int = MOST_CHARACTERS) -> Callable[[str], None]:
    """A check that lets an empty text through, and no text of more than `most` characters."""
    short = at_most(most)

    def within(value: str) -> None:
        short(value)
        if value.strip():
            check(value)

    return within


def one_of(default: str, kind: str, names: Callable[[], Any]) -> Any:
    """A name out of `names()`; `kind` is what a message calls it."""

    def known(value: str) -> None:
        if value not in names():
            raise unknown(kind, value, names())

    return _field(default, known)


def between(default: float, what: str, low: float, high: float) -> Any:
    """A number from `low` to `high`; `what` is what a message calls it."""

    def within(value: float) -> None:
        if not low <= value <= high:
            shown = f"{value:g}" if abs(value) < SHOWN or not isinstance(value, int) else "of so many digits"
            raise InputError(f"{what} {shown} is outside what is possible: {low:g} to {high:g}")

    return _field(default, within)


def _field(default: Any, check: Callable[[Any], None]) -> Any:
    return Field(default, json_schema_extra={"check": check})  # type: ignore[dict-item]
