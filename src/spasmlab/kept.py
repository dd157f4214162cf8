"""Results that take minutes, kept for the page: predicted exposure and the verdicts on claims, in `data/predicted`.

``python -m spasmlab.kept exposure claims`` computes and writes them. Each file says by a digest from which numbers it was
made, so that the page can say whether they are those of today. Nothing in them is written by hand.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from spasmlab import evidence, parameter
from spasmlab.errors import unknown
from spasmlab.parameter import PACKAGE

FOLDER = PACKAGE / "data" / "predicted"


@cache
def numbers() -> str:
    """SHA-256 over every parameter with its doubt, every row of evidence and every claim: what a kept result rests on."""
    digest = hashlib.sha256()
    for path, record in sorted(parameter.ledger().items()):
        told = (path, record.values, record.unit, record.transform, record.spread, record.between)
        digest.update(repr(told).encode())
    for folder in (evidence.FOLDER, PACKAGE / "data" / "claims"):
        for file in sorted(folder.iterdir()):
            digest.update(file.read_bytes())
    return digest.hexdigest()


def exposure() -> list[dict[str, Any]]:
    """Every row of published exposure beside its prediction, as `predicted_page` judges it."""
    from spasmlab import predicted_page

    return [
        {
            "row": one.row.id,
            "study": one.scenario.study,
            "drug": one.scenario.drug,
            "told": one.scenario.told,
            "counted": one.scenario.counted != "no",
            **{name: _short(getattr(one, name)) for name in ("value", "low", "high", "ratio")},
            "covered": bool(one.covered),
        }
        for one in predicted_page.judged()
    ]


def claims() -> list[dict[str, Any]]:
    """Every claim with its experiments and verdicts, as `spasmlab claims` prints it (minutes)."""
    from spasmlab import claims as known
    from spasmlab.claims import assess
    from spasmlab.progress import Stages

    return assess.compute(known.names(), Stages(show=True))["claims"]


KINDS: dict[str, Callable[[], list[dict[str, Any]]]] = {"exposure": exposure, "claims": claims}


def file_of(kind: str) -> Path:
    """Where the results of a kind are kept."""
    return FOLDER / f"{kind}_kept.json"


def keep(kind: str, found: Sequence[dict[str, Any]]) -> None:
    """Write the results of a kind, with the digest of the numbers they were made from."""
    whole = {"command": f"python -m spasmlab.kept {kind}", "numbers": numbers(), "results": list(found)}
    text = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
    file_of(kind).write_text(text + "\n", encoding="utf-8")


@cache
def read(kind: str) -> dict[str, Any]:
    """What is kept of a kind: `command`, `numbers`, `results`."""
    return json.loads(file_of(kind).read_text(encoding="utf-8"))


def current(kind: str) -> bool:
    """Whether what is kept was made from the numbers of today."""
    return read(kind)["numbers"] == numbers()


def _short(value: float) -> float:
    """To the figures that are ever shown, so that a file does not change with the machine."""
    return float(f"{value:.4g}")


def main(arguments: Sequence[str]) -> int:
    """Compute and keep the named kinds."""
    for kind in arguments:
        if kind not in KINDS:
            raise unknown("kept result", kind, KINDS)
        keep(kind, KINDS[kind]())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
