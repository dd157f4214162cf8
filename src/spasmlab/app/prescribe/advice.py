"""Advice as picture and table: what each lawful regimen gains, beside the chance of its side effects, with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from htmltools import Tag, TagChild, tags

from spasmlab.app import widgets
from spasmlab.app.ledger import forest, words
from spasmlab.quantity import Quantity, pretty_unit

COMMONEST = 4  # side effects in the picture; all are in the table
Told = Mapping[str, Any]


def show(found: Told) -> Tag:
    """Benefit beside risks by regimen, as picture and as table, then what is blocked and what it all rests on."""
    regimens: Sequence[Told] = found["regimens"]
    by_dose = sorted(regimens, key=lambda one: one["daily"]["value"])
    risks = _risks(regimens)
    return tags.div(
        _head(found),
        _picture(found, by_dose, risks[:COMMONEST])
        if by_dose
        else tags.p("No regimen here is within the label."),
        tags.h4("In numbers"),
        _table(found, by_dose, risks) if by_dose else None,
        _exposure(by_dose) if by_dose else None,
        _blocked(found["blocked"]),
        tags.details(
            tags.summary(tags.span("What this rests on")),
            *(tags.p(text, class_="small") for text in (*found["limits"], f"{found['intervals']}.")),
            class_="panel-fold",
        ),
        class_="stack",
    )


def _head(found: Told) -> Tag:
    told = found["benefit"]
    if not told:
        return tags.p(
            "No endpoint model here describes this condition: regimens stand by dose and are not ranked."
        )
    return tags.p(
        f"Expected on day {found['day']:g} of treatment, {found['days']:g} days on each full dose: {told['meaning']}, "
        "against no drug, and the chance that a side effect is there that day. ",
        words.link(f"endpoints.{_module(found)}", "endpoint"),
    )


def _module(found: Told) -> str:
    from spasmlab.prescribing import outlook

    return str(outlook.endpoint_of(found["condition"])).replace("-", "_").removeprefix("endpoints.")


def _risks(regimens: Sequence[Told]) -> list[str]:
    """Side effects that are a chance, the commonest first."""
    if not regimens:
        return []
    shares = [name for name, told in regimens[0]["risks"].items() if told["present"]["unit"] == "1"]
    return sorted(shares, key=lambda n: -max(one["risks"][n]["present"]["value"] for one in regimens))


def _difference(one: Told, found: Told) -> Told | None:
    return one["outcomes"][found["benefit"]["name"]]["difference"] if found["benefit"] else None


def _picture(found: Told, regimens: Sequence[Told], risks: Sequence[str]) -> Tag:
    gains = [g for one in regimens if (g := _difference(one, found))]
    ends = [v for g in gains for v in (g["low"], g["high"], g["value"], 0.0) if v is not None]
    axis = forest.Axis(min(ends), max(ends)) if ends else None
    most = max((one["risks"][n]["present"]["high"] or 0.0 for one in regimens for n in risks), default=1.0)
    chance = forest.Axis(0.0, most)
    head = [tags.th("Regimen", scope="col")]
    if axis:
        unit = pretty_unit(found["benefit"]["unit"]) or "points"
        better = "left is better" if found["benefit"]["better"] == "lower" else "right is better"
        head.append(tags.th(f"Benefit, {unit} ({better})", scope="col"))
    head += [tags.th(regimens[0]["risks"][n]["title"], scope="col") for n in risks]
    rows = [tags.tr(*_drawn(one, found, axis, chance, risks)) for one in regimens]
    return tags.figure(
        tags.div(
            tags.table(tags.thead(tags.tr(*head)), tags.tbody(*rows), class_="advice-picture"),
            class_="table-scroll", tabindex="0", role="region", aria_label="Benefit beside side effects, drawn",
        ),
        tags.figcaption(
            f"Lines are 90 % intervals, ticks the expected value. Side effects from 0 to {words.number(100 * most)} %. "
            "Rank: by the chance of a response without a side effect; alike: the draws do not tell it from the first.",
            class_="muted small",
        ),
    )  # fmt: skip


def _drawn(one: Told, found: Told, axis: Any, chance: Any, risks: Sequence[str]) -> list[Tag]:
    cells = [tags.th(_name(one), scope="row")]
    if axis:
        gain = _difference(one, found)
        assert gain is not None
        cells.append(
            tags.td(_strip(axis, gain, "f-gain"), widgets.quantity(Quantity(**gain)), class_="drawn")
        )
    for name in risks:
        told = one["risks"][name]["present"]
        cells.append(
            tags.td(_strip(chance, told, "f-risk"), words.with_unit(100 * told["value"], "%"), class_="drawn")
        )
    return cells


def _strip(axis: forest.Axis, told: Told, look: str) -> Tag:
    low = told["low"] if told["low"] is not None else told["value"]
    high = told["high"] if told["high"] is not None else told["value"]
    drawn = forest.strip(axis, low, high, told["value"], None, "", 0.0)
    drawn.add_class(look)
    return drawn


def _name(one: Told) -> Tag:
    rank = f"rank {one['rank']}" if one["rank"] else ""
    alike = ", alike" if one["as_good_as_first"] and one["rank"] != 1 else ""
    return tags.span(one["regimen"], tags.span(f"{rank}{alike}", class_="sub"))


def _table(found: Told, regimens: Sequence[Told], risks: Sequence[str]) -> Tag:
    benefit = found["benefit"]
    head: list[str] = ["regimen", "a day"]
    if benefit:
        head += ["well, without a side effect", f"{benefit['name'].replace('_', ' ')}, against no drug"]
    links = [
        tags.span(regimens[0]["risks"][n]["title"], " ", words.link(f"adverse.{n}", "source")) for n in risks
    ]
    rows = []
    for one in regimens:
        cells: list[TagChild] = [_name(one), words.with_unit(one["daily"]["value"], "mg/day")]
        if benefit:
            cells += [_percent(one["well"]), widgets.quantity(Quantity(**(_difference(one, found) or {})))]
        rows.append([*cells, *(_percent(one["risks"][n]["present"]) for n in risks)])
    return words.table([*head, *links], rows, "Advice in numbers", set(range(1, len(head) + len(links))))


def _percent(told: Told) -> Tag:
    """A share in per cent with its interval."""
    share = lambda v: None if v is None else 100 * v
    return widgets.quantity(Quantity(share(told["value"]), "%", share(told["low"]), share(told["high"])))


def _exposure(regimens: Sequence[Told]) -> Tag:
    columns = {
        "c_average": ("mean level", "chain.disposition"),
        "occupancy": ("α2δ occupied", "chain.binding"),
        "release_ia_loss": ("release lost, Ia", "chain.release"),
        "release_poly_loss": ("release lost, polysynaptic", "chain.release"),
    }
    known = [name for name in columns if name in regimens[0]]
    head: list[TagChild] = [
        "regimen",
        *(tags.span(columns[n][0], " ", words.link(columns[n][1], "source")) for n in known),
    ]
    rows = [
        [
            one["regimen"],
            *(
                _percent(one[n]) if one[n]["unit"] == "1" else widgets.quantity(Quantity(**one[n]))
                for n in known
            ),
        ]
        for one in regimens
    ]
    return tags.details(
        tags.summary(tags.span("Levels and release on each full dose")),
        words.table(head, rows, "Levels on each full dose", set(range(1, len(head)))),
        class_="panel-fold",
    )


def _blocked(blocked: Sequence[Told]) -> TagChild:
    if not blocked:
        return None
    rows = [
        [one["regimen"], one["blocks"][0]["text"], words.link(one["blocks"][0]["rule"])] for one in blocked
    ]
    return tags.div(
        tags.h4("Blocked by the label"), words.table(("regimen", "why", "rule"), rows, "Blocked regimens")
    )


def rows(found: Told) -> list[dict[str, Any]]:
    """Every lawful regimen as a row, for export: rank, outcomes against no drug, side effects, levels; with intervals."""
    made = []
    for one in found["regimens"]:
        told = {"daily": one["daily"], "well": one["well"]} if one.get("well") else {"daily": one["daily"]}
        told |= {f"{name} against no drug": parts["difference"] for name, parts in one["outcomes"].items()}
        told |= {f"{name} present": parts["present"] for name, parts in one["risks"].items()}
        row: dict[str, Any] = {"regimen": one["regimen"], "rank": one["rank"]}
        for name, known in told.items():
            row |= {
                f"{name} [{known['unit']}]": known["value"],
                f"{name} low": known["low"],
                f"{name} high": known["high"],
            }
        made.append(row)
    return made
