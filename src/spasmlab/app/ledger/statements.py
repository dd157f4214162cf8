"""The claims: each statement with its experiment, effect and verdict as they were kept, and how to see the experiment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from htmltools import Tag, TagChild, TagList, tags

from spasmlab import kept
from spasmlab.app import exports, widgets
from spasmlab.app.ledger import words
from spasmlab.claims.claim import RULE, VERDICTS
from spasmlab.quantity import Quantity

Told = Mapping[str, Any]


def results() -> list[Told]:
    """Every claim as it was kept."""
    return kept.read("claims")["results"]


def chosen(asked: Any) -> list[Told]:
    """The claims that pass the filters."""
    wanted = asked.find.casefold().split()
    return [
        c
        for c in results()
        if asked.level in ("", c["level"])
        and all(word in f"{c['id']} {c['statement']} {c['verdict']}".casefold() for word in wanted)
    ]


def board(asked: Any) -> Tag:
    """How many claims came out how, the rule, and every claim that passes the filters."""
    from spasmlab.app.ledger import forest

    counts = Counter(c["verdict"] for c in results())
    shown = chosen(asked)
    return tags.div(
        tags.p(*(tags.span(words.badge(v), f" {counts[v]}", class_="tally") for v in VERDICTS), class_="tallies"),
        tags.details(
            tags.summary(tags.span("How a verdict is reached")),
            tags.p(f"{RULE[:1].upper()}{RULE[1:]}."),
            class_="panel-fold",
        ),
        forest.freshness("claims"),
        tags.p(f"{len(shown)} of {len(results())} claims", class_="count", role="status"),
        tags.ul(*(_card(c) for c in shown), class_="claims"),
        class_="stack",
    )  # fmt: skip


def _card(told: Told) -> Tag:
    return tags.li(
        tags.div(tags.h4(told["statement"]), words.badge(told["verdict"]), class_="claim-head"),
        tags.p(told["experiment"]),
        tags.p("Effect: ", effect(told["effect"]), class_="claim-effect"),
        tags.p(told["why"], class_="muted small"),
        tags.p(words.link(told["id"], "See the experiments and rows"), class_="links"),
        class_="claim",
    )


def effect(found: Mapping[str, Any] | None) -> TagChild:
    """An effect with its interval."""
    if not found or found["value"] is None:
        return tags.span("none", class_="muted")
    return widgets.quantity(Quantity(**found))


def whole(name: str) -> TagChild:
    """A claim with all its experiments, as kept, and a button that runs them now."""
    told = next((c for c in results() if c["id"] == name), None)
    if told is None:
        return tags.p("Its experiments have not been run for this page yet.", class_="muted")
    return TagList(
        tags.p(words.badge(told["verdict"]), " ", tags.span(told["why"], class_="muted")),
        *(_experiment(e, place) for place, e in enumerate(told["experiments"], 1)),
        words.facts([("Command", tags.code(exports.command("claims", {}, [name])))]),
        tags.div(
            tags.button("Run it now", type="button", class_="button", data_evidence_run=name),
            class_="row",
        ),
        tags.p("Runs the same command on this machine; experiments on the spiking cord take minutes.", class_="muted small"),
    )  # fmt: skip


def _experiment(e: Told, place: int) -> Tag:
    rows: Sequence[str] = [r["row"] for r in e["rows"]]
    parts = [tags.li(f"{row}: {text}") for row, text in e["parts"].items()]
    return tags.section(
        tags.h4(f"{place}. {e['title']}"),
        words.facts(
            [
                ("Would be false if", e["falsified"]),
                ("Claimed", f"the effect is {widgets.minus(e['claimed'])}"),
                ("Effect", effect(e["effect"])),
                ("Verdict", words.badge(e["verdict"])),
                ("Built in", e["built_in"] or ""),
                ("How", e["detail"]),
                ("Rows", words.links(rows, most=20) if rows else ""),
            ]
        ),
        tags.details(tags.summary(f"What each row says ({len(parts)})"), tags.ul(*parts)) if parts else None,
        class_="experiment",
    )


def flat(asked: Any) -> list[dict[str, Any]]:
    """Claims that pass the filters, flat, for export."""
    found = []
    for c in chosen(asked):
        told = c["effect"] or {"value": None, "unit": "", "low": None, "high": None}
        plain = {k: c[k] for k in ("id", "statement", "level", "experiment", "verdict", "why")}
        found.append(plain | {f"effect_{k}": told[k] for k in ("value", "unit", "low", "high")})
    return found


def run(told: Told) -> Tag:
    """A claim as it came out of a run just now."""
    return tags.div(
        tags.h4("Run just now"),
        tags.p(words.badge(told["verdict"]), " ", tags.span(told["why"], class_="muted")),
        *(_experiment(e, place) for place, e in enumerate(told["experiments"], 1)),
        class_="stack",
    )
