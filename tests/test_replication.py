"""Published studies against their prediction: every row accounted for, rules are rules, repeats trials of their own."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from spasmlab import evidence, replication, replication_tables, studies
from spasmlab.cli import main
from spasmlab.errors import InputError
from spasmlab.progress import Stages
from spasmlab.trial import statistic
from spasmlab.trial.design import Published

SMALL = "rls-haemodialysis-2018"


def accounted(name: str) -> set[str]:
    design = studies.load(name)
    return {p.row for p in design.published} | set(design.not_predicted)


def test_every_row_of_a_trial_is_in_exactly_one_study() -> None:
    counts = Counter(row for name in studies.names() for row in accounted(name))
    expected = [r.id for r in evidence.table("trials")]
    assert [row for row in expected if counts[row] != 1] == []
    assert [row for row, count in counts.items() if count > 1] == []


def test_a_row_is_predicted_or_has_a_reason_not_both() -> None:
    for name in studies.names():
        design = studies.load(name)
        assert not {p.row for p in design.published} & set(design.not_predicted), name
        assert all(len(reason) > 10 for reason in design.not_predicted.values()), name


def test_side_effects_of_a_source_are_accounted_for_whole() -> None:
    known = {row for name in studies.names() for row in accounted(name)}
    rows = evidence.table("adverse_effects")
    sources = {(r.source, r.population) for r in rows if r.id in known and r.source != "not stated"}
    assert [r.id for r in rows if (r.source, r.population) in sources and r.id not in known] == []


def test_every_published_number_exists_in_the_unit_of_its_statistic() -> None:
    for name in studies.names():
        for p in studies.load(name).published:
            row, unit = evidence.row(p.row), statistic.unit(p.statistic, p.outcome)
            assert studies.number(p) is not None, p.row
            if p.field != "adjusted" and p.statistic != statistic.DIRECTION:
                assert row.unit == unit, (p.row, row.unit, unit)


def test_directions_go_with_directions() -> None:
    for name in studies.names():
        for p in studies.load(name).published:
            assert (evidence.row(p.row).unit == "direction") == (p.statistic == statistic.DIRECTION), p.row


def test_an_unknown_statistic_has_no_unit() -> None:
    with pytest.raises(InputError, match="statistic"):
        statistic.unit("mode", "pain")


def test_the_interval_holds_nine_of_ten_new_trials() -> None:
    p = Published(row="PHN-ROW98-a", outcome="pain", statistic="mean change", arm="gabapentin")
    rng, held = np.random.default_rng(1), []
    for _ in range(2000):
        told = replication.prediction(p, rng.normal(size=40))
        held.append(told["low"] <= rng.normal() <= told["high"])
    assert np.mean(held) == pytest.approx(0.9, abs=0.02)


def test_a_number_on_the_edge_is_inside_and_one_beyond_is_not() -> None:
    told = {"value": 0.0, "unit": "point", "low": -1.0, "high": 1.0}
    assert replication.verdict(1.0, told) == "inside"
    assert replication.verdict(1.01, told) == "outside"
    assert replication.verdict(0.0, {"value": None, "unit": "point", "low": None, "high": None}) == "outside"


@pytest.mark.parametrize(
    ("published", "shares", "verdict"),
    [(-1, (0.5, 0.5, 0.0), "inside"), (-1, (0.1, 0.9, 0.0), "inside"), (-1, (0.05, 0.95, 0.0), "outside"),
     (0, (0.95, 0.05, 0.0), "outside"), (1, (0.5, 0.5, 0.0), "outside")],
)  # fmt: skip
def test_a_direction_counts_where_it_is_likeliest_or_a_tenth(
    published: int, shares: tuple[float, ...], verdict: str
) -> None:
    told = {"shares": dict(zip(replication.SIGNS.values(), shares, strict=True))}
    assert replication.verdict(published, told) == verdict


def test_shares_of_directions_add_up() -> None:
    p = Published(row="SPA-CUT00-a", outcome="pain", statistic="direction", arm="a", against="b")
    told = replication.prediction(p, np.array([-1.0, -1, 0, 1]))
    assert told["shares"] == {"less": 0.5, "no difference": 0.25, "more": 0.25}
    assert told["value"] == -1


def test_the_trials_of_a_pool_share_out_its_patients() -> None:
    design = studies.load("epilepsy-cochrane")
    parts = [replication.pooled(design, trial) for trial in range(design.trials)]
    assert [sum(p.arms[a].n for p in parts) for a in (0, 1)] == [arm.n for arm in design.arms]


def test_arms_written_together_are_one() -> None:
    table = pd.DataFrame(
        {"patient": [1, 1, 2, 2], "day": [0.0, 8, 0, 8], "arm": ["a", "a", "b", "b"], "adverse.dizziness": [0, 1, 0, 0]}
    )  # fmt: skip
    p = Published(row="AE-085", outcome="adverse.dizziness", statistic="share", arm="a + b")
    assert replication.of_row(table, p) == 50
    assert list(table["arm"]) == ["a", "a", "b", "b"]


def test_repeats_are_trials_of_their_own_and_seeds_repeat() -> None:
    assert replication.one(SMALL, 0) == replication.one(SMALL, 0)
    assert replication.one(SMALL, 0) != replication.one(SMALL, 1)
    assert replication.one(SMALL, 0) != replication.one(SMALL, 0, seed=1)
    patients = [set(replication.simulated(SMALL, r)["patient"]) for r in (0, 1)]
    assert not patients[0] & patients[1]


def test_a_study_alone_gives_the_same_numbers_as_beside_others() -> None:
    alone = replication.compute([SMALL], 8, 0, Stages(), workers=1)["studies"]
    beside = replication.compute(["bergey-1997", SMALL], 8, 0, Stages(), workers=1)
    assert alone == [e for e in beside["studies"] if e["study"] == SMALL]
    left = {(e["study"], e["row"]): e["reason"] for e in beside["not_predicted"]}
    known = studies.load("bergey-1997").not_predicted
    assert known and left == {("bergey-1997", row): reason for row, reason in known.items()}


def test_json_holds_the_contract(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["replicate", SMALL, "--repeats", "8", "--workers", "1", "--json"])
    assert end.value.code == 0
    found = json.loads(capsys.readouterr().out)
    drug, entry = found["studies"]
    assert (drug["row"], drug["published"]["value"]) == ("RLS-HD100-a", -4.95)
    assert entry["study"] == SMALL and entry["role"] == "validation" and entry["row"] == "RLS-HD100-p"
    assert entry["published"]["value"] == -5.3
    assert entry["predicted"]["low"] < entry["predicted"]["value"] < entry["predicted"]["high"] < 2
    assert entry["verdict"] in {"inside", "outside"}
    assert found["not_predicted"] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "neither given"), (["walters-2009", "--all"], "both given"), (["walter-2009"], "walters-2009"),
     ([SMALL, "--repeats", "3"], "at least 8")],
)  # fmt: skip
def test_wrong_words_are_refused_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["replicate", *words])
    assert end.value.code == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1


def test_rows_as_csv_and_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    found = replication.compute([SMALL], 8, 0, Stages(), workers=1)
    text = replication_tables.rows(found["studies"])
    assert text.splitlines()[0] == ",".join(replication_tables.COLUMNS)
    assert text.splitlines()[1].startswith(f"{SMALL},restless-legs,validation,irls,mean change,gabapentin,")
    assert text.splitlines()[2].startswith(f"{SMALL},restless-legs,validation,irls,mean change,placebo,")
    left = {
        "study": "other",
        "row": "RLS-OTHER-a",
        "role": "validation",
        "reason": "a scale that is not among the outcomes",
    }
    replication_tables.show({**found, "not_predicted": [left]})
    shown = capsys.readouterr().out
    assert SMALL in shown and "validation" in shown
    assert left["row"] in shown and left["reason"] in " ".join(shown.split())
