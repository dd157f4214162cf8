"""All that is known of one number: a parameter with its rows, a row with who cites it, a study against its prediction."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from htmltools import TagChild, TagList, tags

from spasmlab import (
    claims,
    condition,
    drug,
    evidence,
    explain,
    hypothesis,
    levels,
    parameter,
    scoreboard,
    studies,
)
from spasmlab.app import exports
from spasmlab.app.ledger import forest, statements, words
from spasmlab.errors import InputError
from spasmlab.evidence import Row
from spasmlab.parameter import Parameter
from spasmlab.prescribing import label

MOST_LISTED = 40
NEAREST = 6


@dataclass(frozen=True)
class Detail:
    """What was opened: its kind (parameter, evidence row, study, claim, group, label rule, unknown), title and content."""

    kind: str
    title: str
    content: TagChild


def find(asked: str) -> Detail:
    """What is known under a path, an id or a name; kind ``unknown`` with the nearest matches where nothing is."""
    text = asked.strip()
    for look in (_parameter, _row, _study, _claim, _group, _rule, _tail):
        found = look(text)
        if found is not None:
            return found
    return _unknown(text)


def nearest(asked: str) -> list[str]:
    """Paths, ids and names most like what was asked for, the likest first."""
    spelled = _spelled()
    near = difflib.get_close_matches(asked.casefold()[:120], spelled, n=3 * NEAREST, cutoff=0.5)
    inside = [name for text, name in spelled.items() if asked and asked.casefold() in text]
    return list(dict.fromkeys([*(spelled[text] for text in near), *inside]))[:NEAREST]


@cache
def _spelled() -> dict[str, str]:
    names = [*parameter.ledger(), *evidence.rows(), *studies.names(), *claims.names()]
    tails = {path.rsplit(".", 1)[-1].casefold(): path for path in reversed(parameter.ledger())}
    return tails | {name.casefold(): name for name in names}


def _parameter(text: str) -> Detail | None:
    record = parameter.ledger().get(text)
    return None if record is None else of_parameter(record)


def _tail(text: str) -> Detail | None:
    try:
        return of_parameter(parameter.find(text))
    except InputError:
        return None


def of_parameter(record: Parameter) -> Detail:
    """Value, doubt, how it was come by, what shifts it, and the rows it rests on."""
    told = explain.explain(record.path)
    single = len(record.values) == 1
    shown: TagChild = words.with_unit(record.values[0], record.unit) if single else words.values(record)
    interval = explain.doubt(record) if single else None
    known = words.facts(
        [
            ("90 % of the doubt", words.widgets.minus(interval.interval_text) if interval else ""),
            ("Doubt", f"{words.spread(record.spread, record)} {words.SCALES[record.transform]}".strip()
             if record.spread else "none stated"),
            ("Between patients", words.spread(record.between, record)),
            ("Bounds", f"{words.number(record.bounds[0])} to {words.number(record.bounds[1])}" if record.bounds else ""),
            ("Status", f"{record.status}: {explain.derivation(record)}"),
            ("Grade", grade_words(record.grade)),
            ("Note", record.note),
            ("Command", tags.code(exports.command("explain", {}, [record.path]))),
        ]
    )  # fmt: skip
    rows = [_row_line(row) for row in told.rows]
    return Detail(
        "parameter",
        record.path,
        TagList(
            tags.p(tags.span(shown, class_="big"), class_="headline"),
            None if single else tags.p(f"{len(record.values)} values, {words.pretty_unit(record.unit)}", class_="muted"),
            known,
            tags.h4(f"Rows it rests on ({len(rows)})"),
            words.table(("row", "value", "quantity", "role", "grade"), rows, "Rows of evidence", {1})
            if rows
            else tags.p("None: the note says why this value.", class_="muted"),
            _shifts(told),
        ),
    )  # fmt: skip


def _shifts(told: explain.Explanation) -> TagChild:
    if not told.shifts:
        return None
    lines = [
        [words.link(s.record.path, s.name), s.kind, f"{words.values(s.record)} {words.pretty_unit(s.record.unit)}",
         s.record.status, s.record.grade]
        for s in told.shifts
    ]  # fmt: skip
    head = ("in", "kind", "value there", "status", "grade")
    return TagList(
        tags.h4("Other values"), words.table(head, lines, "Values in conditions and hypotheses", {2})
    )


def _row(text: str) -> Detail | None:
    try:
        rows = evidence.family(text)
    except InputError:
        return None
    if len(rows) == 1:
        return Detail("evidence row", rows[0].id, of_row(rows[0]))
    parts = words.table(
        ("row", "value", "quantity", "role", "grade"), [_row_line(r) for r in rows], "Its rows", {1}
    )
    return Detail(
        "evidence row", text, TagList(tags.p(f"One cell of the source, {len(rows)} numbers."), parts)
    )


def of_row(row: Row) -> TagChild:
    """Everything that a row says, and the parameters, studies and claims that cite it."""
    spread = f"{words.number(row.spread)} {row.spread_kind}" if row.spread is not None else row.spread_kind
    citing = explain.citing([row])
    told = words.facts(
        [
            ("Quantity", row.quantity),
            ("Spread", spread),
            ("n", "" if row.n is None else str(row.n)),
            ("Population", row.population),
            ("Regimen", row.regimen),
            ("Level", row.level),
            (
                "Role",
                f"{row.role}: {_ROLES[row.role]}"
                if row.role
                else "label rule: an instruction, not a measurement",
            ),
            ("Grade", grade_words(row.grade) if row.grade else ""),
            ("Source", row.source),
            ("DOI", row.doi),
            ("Read", "yes, in the source" if row.checked else "no: recalled, so its grade is C"),
            ("Note", row.note),
            *((k.replace("_", " ").capitalize(), v) for k, v in row.extra.items()),
            ("Command", tags.code(exports.command("explain", {}, [row.id]))),
        ]
    )
    return TagList(
        tags.p(tags.span(words.of_row(row), class_="big"), class_="headline"),
        told,
        tags.h4(f"Parameters that cite it ({len(citing)})"),
        words.links(citing, most=MOST_LISTED),
        _users(row),
    )


_ROLES = {"calibration": "may be fitted to", "validation": "only ever predicted"}


def _users(row: Row) -> TagChild:
    """Studies that report the row and claims that read it, with the prediction where there is one."""
    in_studies = _studies_by_row().get(row.id, ())
    in_claims = [
        name for name in claims.names() if any(row.id in e.rows for e in claims.load(name).experiments)
    ]
    against = [e for e in scoreboard.entries() if e["row"] == row.id]
    return TagList(
        TagList(tags.h4("Studies"), tags.p(*(words.link(s, studies.load(s).title) for s in in_studies), class_="links"))
        if in_studies
        else None,
        TagList(tags.h4("Published against predicted"), forest.rows(against, "This row")) if against else None,
        TagList(tags.h4("Claims"), words.links(in_claims)) if in_claims else None,
    )  # fmt: skip


@cache
def _studies_by_row() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name in studies.names():
        design = studies.load(name)
        for row in dict.fromkeys([*(p.row for p in design.published), *design.not_predicted]):
            found[row] = (*found.get(row, ()), name)
    return found


def _study(text: str) -> Detail | None:
    if text not in studies.names():
        return None
    design = studies.load(text)
    entries = [e for e in scoreboard.entries() if e["study"] == text]
    arms = [[a.name, str(a.n), a.regimen or "placebo", a.formulation if a.drug else ""] for a in design.arms]
    left = [[words.link(row), evidence.row(row).role, reason] for row, reason in design.not_predicted.items()]
    return Detail(
        "study",
        design.title,
        TagList(
            tags.p(design.summary) if design.summary else None,
            words.facts(
                [
                    ("Condition", design.condition.replace("-", " ")),
                    (
                        "Design",
                        f"{design.kind}, {design.patients} patients, {words.number(design.weeks)} weeks",
                    ),
                    ("Source", design.source),
                    ("Command", tags.code(exports.command("replicate", {}, [text]))),
                ]
            ),
            words.table(("arm", "patients", "taken", "product"), arms, "Arms", {1}),
            tags.h4("Published against predicted"),
            forest.rows(entries, f"{design.title}: published against predicted")
            if entries
            else tags.p("No number of this study is predicted.", class_="muted"),
            TagList(
                tags.h4("Not predicted"), words.table(("row", "role", "why not"), left, "Rows not predicted")
            )
            if left
            else None,
        ),
    )


def _claim(text: str) -> Detail | None:
    if text not in claims.names():
        return None
    return Detail("claim", claims.load(text).statement, statements.whole(text))


def _group(text: str) -> Detail | None:
    own = {path: p for path, p in parameter.ledger().items() if text and path.startswith(text + ".")}
    inside = list((own | _of_drug().get(text, {})).values())
    if not inside:
        return None
    assumed = sum(p.status == "assumed" for p in inside)
    lines = [
        [words.link(p.path), words.values(p), words.pretty_unit(p.unit), p.status, p.grade]
        for p in inside[:MOST_LISTED]
    ]
    more = (
        f" The first {MOST_LISTED} are shown; search for “{text}” in the table for all."
        if len(inside) > MOST_LISTED
        else ""
    )
    return Detail(
        "group",
        levels.title(text),
        TagList(
            tags.p(f"{len(inside)} parameters under {text}, {assumed} of them assumed.{more}"),
            words.table(
                ("parameter", "value", "unit", "status", "grade"), lines, "Parameters of this level", {1}
            ),
        ),
    )


@cache
def _of_drug() -> dict[str, dict[str, Parameter]]:
    """What each stage of the chain reads from gabapentin's own file, by stage: a stage may have no number of its own."""
    behind = levels.Behind(
        drug.load("gabapentin"), condition.load("healthy"), hypothesis.load(hypothesis.DEFAULT)
    )
    return {stage: {r.path: r for r in records.values()} for stage, records in behind.chain.items()}


def _rule(text: str) -> Detail | None:
    """A rule of a label, by its id: a rule of the program's own has no row."""
    for name in label.drugs():
        for jurisdiction in label.jurisdictions(name):
            for rule in label.of(name, jurisdiction).rules:
                if rule.id == text:
                    return Detail("label rule", text, _of_rule(rule))
    return None


def _of_rule(rule: label.Rule) -> TagChild:
    row = rule.evidence
    said = [tags.li(f"{o.level}: {o.text}") for o in rule.outcomes.values()]
    return TagList(
        words.facts([("Source", rule.source), ("Read", "yes" if rule.checked else "recalled"), ("Note", rule.note),
                     ("Row", words.link(row.id) if row else None)]),
        tags.h4("What it can say"),
        tags.ul(*said),
    )  # fmt: skip


def _unknown(text: str) -> Detail:
    near = nearest(text)
    shown = text if len(text) <= 80 else text[:79] + "…"
    tip: Sequence[TagChild] = (
        (tags.p("Did you mean:"), tags.ul(*(tags.li(words.link(name)) for name in near)))
        if near
        else (tags.p("Nothing here is spelled like it; search the tables by a word of it."),)
    )
    return Detail(
        "unknown",
        "Not found",
        TagList(tags.p(f"There is no parameter, row, study or claim “{shown}”."), *tip),
    )


def _row_line(row: Row) -> list[TagChild]:
    return [words.link(row.id), words.of_row(row), row.quantity, row.role or "–", row.grade or "–"]


def grade_words(grade: str) -> str:
    """A grade with what it means."""
    meaning = {"A": "replicated", "B": "one quantitative source", "C": "assumed, recalled or extrapolated"}
    return f"{grade}: {meaning[grade]}"
