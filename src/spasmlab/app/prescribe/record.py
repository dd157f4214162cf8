"""An uploaded FHIR record: kept in a file of the session, read at once, and said back in words."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from htmltools import Tag, TagChild, tags

from spasmlab.errors import InputError
from spasmlab.io import fhir
from spasmlab.io.fhir_record import Record
from spasmlab.prescribing.case import keys_of

MOST_BYTES = 500_000
LONGEST_NAME = 60


def store(asked: Any, file: Path, drug: str) -> tuple[str, Record]:
    """Write what a page sent into `file` and read it: its name as shown, and the record.

    InputError in one line for whatever is wrong; the file is then removed.
    """
    if not isinstance(asked, dict) or not isinstance(asked.get("text"), str):
        raise InputError("that is no file of text; possible: FHIR R4 JSON of one patient")
    name, text = shown_name(asked.get("name")), asked["text"]
    size = len(text.encode("utf-8", "replace"))
    if size > MOST_BYTES:
        raise InputError(f"'{name}' has {size:,} bytes; possible: up to {MOST_BYTES:,}")
    file.write_text(text, encoding="utf-8", errors="replace")
    try:
        return name, fhir.read(file, drug)
    except InputError as problem:
        file.unlink(missing_ok=True)
        raise InputError(str(problem).replace(str(file), name)) from None


def shown_name(name: Any) -> str:
    """A file's name as it may be shown: its last part, printable, not too long."""
    last = re.split(r"[/\\]", str(name))[-1]
    return "".join(c for c in last if c.isprintable())[:LONGEST_NAME] or "record.json"


def freed(asked: Any, record: Record) -> dict[str, Any]:
    """The fields that give way to what the record says, so that nothing is said twice."""
    found: dict[str, Any] = {}
    known = keys_of(record.patient_text)
    kept = [item.strip() for item in asked.patient.split(",") if not keys_of(item) & known]
    if ", ".join(kept) != asked.patient:
        found["patient"] = ", ".join(kept)
    if record.regimen is not None:
        found["regimen"] = ""
    if record.indications:
        found["indication"] = ""
    if record.product is not None:
        found["product"] = record.product
    return found


def show(name: str, record: Record) -> Tag:
    """What the record says, in words."""
    said = {
        "Patient": record.patient_text,
        "History": ", ".join(sorted(record.history)),
        "For": ", ".join(sorted(record.indications)),
        "Regimen": record.regimen,
        "Product": record.product,
        "Taken along": ", ".join(record.taken),
        "Dialysis": "yes: say when in the field Dialysis" if record.dialysis else "",
    }
    lines: list[TagChild] = []
    for what, text in said.items():
        if text:
            lines += [tags.dt(what), tags.dd(text)]
    return tags.div(
        tags.div(
            tags.p(tags.strong(name), " is read; the link does not hold it."),
            tags.button("Take it away", type="button", class_="button", data_check_record="away"),
            class_="row spread",
        ),
        tags.dl(*lines, class_="facts"),
        tags.ul(*(tags.li(note) for note in record.notes), class_="small") if record.notes else None,
        class_="record stack",
    )
