"""One test over many named cases: all are tried, and the failure names each that does not hold, with its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pytest


def offenders(check: Callable[..., object], cases: Mapping[str, Any]) -> dict[str, str]:
    """What `check` says against each case that it refuses; a tuple is passed as several arguments."""
    found = {}
    for name, case in cases.items():
        try:
            check(*case) if isinstance(case, tuple) else check(case)
        except (Exception, pytest.fail.Exception) as problem:
            found[name] = f"{type(problem).__name__}: {problem}"
    return found


def each(cases: Mapping[str, Any] | Iterable[str]) -> Callable[[Callable[..., object]], Callable[[], None]]:
    """Makes the function a test that holds it against every case, by name; no case at all is a failure too."""
    named = dict(cases) if isinstance(cases, Mapping) else {name: name for name in cases}

    def over(check: Callable[..., object]) -> Callable[[], None]:
        def test() -> None:
            assert named, "no case to test"
            found = offenders(check, named)
            if found:
                told = "\n".join(f"- {name}: {reason}" for name, reason in found.items())
                pytest.fail(f"{len(found)} of {len(named)} cases:\n{told}", pytrace=False)

        test.__name__, test.__doc__, test.__module__ = check.__name__, check.__doc__, check.__module__
        return test

    return over
