"""What every module that writes a page of docs/ does when it is run: write the page, or say whether it is current."""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def keep_current(
    arguments: Sequence[str],
    file: Path,
    made: str,
    module: str,
    same: Callable[[str, str], bool] = operator.eq,
) -> int:
    """Write `made` to `file`; with ``--check`` among the arguments leave it and say whether it is current (what is written
    and what is made are the `same`). The exit code: 1 where it is not."""
    if "--check" not in arguments:
        file.write_text(made, encoding="utf-8")
        return 0
    if file.exists() and same(file.read_text(encoding="utf-8"), made):
        return 0
    print(f"docs/{file.name} is not current: run python -m {module}", file=sys.stderr)
    return 1
