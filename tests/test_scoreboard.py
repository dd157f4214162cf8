"""The scoreboard: stored predictions are those of the studies as they stand, and page and figure are made of them."""

from __future__ import annotations

import pytest

from spasmlab import replication, scoreboard, scoreboard_page, studies
from spasmlab.docs_tables import DOCS
from spasmlab.progress import Stages
from spasmlab.report import forest, theme


def key(e: dict[str, object]) -> tuple[object, ...]:
    return tuple(
        e[name] for name in ("study", "row", "field", "endpoint", "statistic", "arm", "against", "day")
    )


def test_the_page_is_current() -> None:
    assert scoreboard_page.main(["--check"]) == 0


def test_no_stored_number_was_changed_by_hand() -> None:
    assert scoreboard.about()["digest"] == scoreboard.digest()
    assert set(scoreboard.repeats_of()) == set(studies.names())


def test_every_published_number_of_every_study_is_stored_once() -> None:
    stored = [key(e) for e in scoreboard.entries()]
    expected = [
        (name, p.row, p.field, p.outcome, p.statistic, p.arm, p.against, p.day)
        for name in studies.names()
        for p in studies.load(name).published
    ]
    assert sorted(map(str, stored)) == sorted(map(str, expected))


def test_stored_numbers_and_verdicts_follow_from_rows_and_rules() -> None:
    for e in scoreboard.entries():
        (p,) = [
            p
            for p in studies.load(e["study"]).published
            if (p.row, p.field, p.outcome, p.statistic, p.arm, p.against, p.day)
            == (e["row"], e["field"], e["endpoint"], e["statistic"], e["arm"], e["against"], e["day"])
        ]
        assert e["published"]["value"] == pytest.approx(studies.number(p), rel=1e-3)
        assert e["role"] == studies.role(p)
        assert e["verdict"] == replication.verdict(e["published"]["value"], e["predicted"])


def test_the_page_keeps_calibration_and_validation_apart() -> None:
    text = (DOCS / scoreboard_page.NAME).read_text(encoding="utf-8")
    calibration, validation = text.index("## Calibration rows"), text.index("## Validation rows")
    after = text.index("## Rows that are not predicted")
    assert validation < calibration < after
    for e in scoreboard.entries():
        place = text.index(f"| {e['row']} |")
        in_validation = validation < place < calibration
        assert in_validation == (e["role"] == "validation"), e["row"]


def test_every_row_with_an_interval_is_in_the_forest_once() -> None:
    rows = scoreboard.entries()
    drawn = [key(e) for panel in forest.panels(rows).values() for e in panel]
    assert sorted(map(str, drawn)) == sorted(str(key(e)) for e in rows if e["predicted"]["low"] is not None)
    arranged = [name for column in forest.arranged(forest.panels(rows)) for name in column]
    assert sorted(arranged) == sorted(forest.panels(rows))


def test_the_forest_names_what_lies_outside_in_bold() -> None:
    rows = scoreboard.entries()
    drawn = forest.draw(rows)
    bold = sum(
        tick.get_fontweight() == "bold" for axis in drawn.get_axes() for tick in axis.get_yticklabels()
    )
    outside = [e for e in rows if e["verdict"] == "outside" and e["predicted"]["low"] is not None]
    assert bold == len(outside)
    assert "forest-" in theme.svg(drawn, "forest")


@pytest.mark.slow
def test_a_small_study_comes_out_as_stored() -> None:
    repeats, seed = scoreboard.repeats_of()["bergey-1997"], scoreboard.about()["seed"]
    found = replication.compute(["bergey-1997"], repeats, seed, Stages(), workers=1)
    stored = {key(e): e["predicted"] for e in scoreboard.entries() if e["study"] == "bergey-1997"}
    for e in found["studies"]:
        for name in ("value", "low", "high"):
            kept = stored[key(e)][name]
            assert e["predicted"][name] == pytest.approx(kept, rel=2e-3, abs=1e-3), (e["row"], name)
