"""What there is to choose from: drugs, conditions, hypotheses, assays and signals, each with a few words."""

from __future__ import annotations

from collections.abc import Callable

Entry = dict[str, str]


def drugs() -> list[Entry]:
    """Drugs with their titles and summaries."""
    from spasmlab import drug

    return [_titled(drug.load(name)) for name in drug.names()]


def conditions() -> list[Entry]:
    """Conditions with their titles and summaries."""
    from spasmlab import condition

    return [_titled(condition.load(name)) for name in condition.names()]


def reliefs() -> list[Entry]:
    """Reliefs without a drug."""
    from spasmlab import relief

    return [_titled(relief.load(name)) for name in relief.names()]


def hypotheses() -> list[Entry]:
    """Hypotheses with their titles and summaries; the default says so."""
    from spasmlab import hypothesis

    found = [_titled(hypothesis.load(name)) for name in hypothesis.names()]
    return [
        {**e, "title": e["title"] + (" (default)" if e["name"] == hypothesis.DEFAULT else "")} for e in found
    ]


def assays() -> list[Entry]:
    """Assays with the first sentence of what they say of themselves."""
    from spasmlab import assays as known

    modules = {name: known.load(name) for name in known.names()}
    return [
        {"name": name, "title": _first_line(module), "summary": ", ".join(module.READOUTS)}
        for name, module in modules.items()
    ]


def studies() -> list[Entry]:
    """Published studies with their condition, size and the roles of their rows."""
    from spasmlab import studies as known

    found = []
    for name in known.names():
        design = known.load(name)
        roles = " and ".join(sorted({known.role(p) for p in design.published}))
        summary = f"{design.condition}, {design.patients} patients, {roles}. {design.summary}".strip()
        found.append({"name": name, "title": design.title, "summary": summary})
    return found


def signals() -> list[Entry]:
    """Signals of the slow chain with unit and meaning."""
    from spasmlab.chain import body

    pathway = body.whole()
    return [
        {"name": name, "title": pathway.meanings.get(name, name), "unit": unit}
        for name, unit in pathway.signals.items()
    ]


ENTRIES: dict[str, Callable[[], list[Entry]]] = {
    "drugs": drugs,
    "conditions": conditions,
    "hypotheses": hypotheses,
    "reliefs": reliefs,
    "assays": assays,
    "studies": studies,
    "signals": signals,
}


def _titled(thing: object) -> Entry:
    return {key: str(getattr(thing, key)) for key in ("name", "title", "summary")}


def _first_line(module: object) -> str:
    return (module.__doc__ or "").strip().splitlines()[0].rstrip(".")
