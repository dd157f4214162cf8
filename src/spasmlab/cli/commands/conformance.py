"""`spasmlab conformance`: dosing scenarios whose answers are known, on the user's own machine."""

from __future__ import annotations

from spasmlab.cli import options


def command(as_json: options.AsJson = False) -> None:
    """Score this machine on dosing scenarios whose answers are known, by two independent solvers."""
    from spasmlab import tables
    from spasmlab.conformance import report
    from spasmlab.errors import SpasmlabError
    from spasmlab.progress import Stages

    found = report.compute(Stages(show=True))
    options.show(found, as_json, tables.conformance)
    if found["passed"] < found["total"]:
        raise SpasmlabError(f"{found['total'] - found['passed']} of {found['total']} scenarios failed")
