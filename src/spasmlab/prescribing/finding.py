"""A finding: what one rule of a label says of one regimen in one patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from spasmlab.quantity import Quantity

LEVELS = ("block", "warn", "note")  # the gravest first


@dataclass(frozen=True)
class Finding:
    """Rule id, level (block, warn or note), one plain sentence, the numbers compared, and the source.

    `about` says what would have to change: the regimen, the patient, the drugs taken along, or what was said.
    """

    rule: str
    level: str
    text: str
    numbers: tuple[tuple[str, Quantity], ...]
    source: str
    checked: bool
    about: str

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        return {
            "rule": self.rule,
            "level": self.level,
            "text": self.text,
            "numbers": [{"name": name, **number.as_dict()} for name, number in self.numbers],
            "source": self.source,
            "checked": self.checked,
            "about": self.about,
        }


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The gravest first, then by rule; the same whatever order the rules were asked in."""
    return sorted(set(findings), key=lambda f: (LEVELS.index(f.level), f.rule, f.text))
