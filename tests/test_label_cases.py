"""A table of prescriptions, each with the findings it must have and those it must not: every rule from both sides."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

import pytest

from each import each
from spasmlab.prescribing import check, checks, label
from spasmlab.prescribing.case import build
from spasmlab.prescribing.finding import LEVELS

FILE = Path(__file__).parent / "data" / "label_cases.csv"
with FILE.open(newline="", encoding="utf-8") as _lines:
    CASES = list(csv.DictReader(_lines, strict=True))
LABELS = [label.of("gabapentin", name) for name in label.jurisdictions("gabapentin")]
RUNS_ONLY = {"SAY-INDICATION"}  # `check` wants an indication; a run of volunteers has none
RECORDS_ONLY = {"SAY-RECORD"}  # tests/test_fhir.py
ALWAYS = {"INT-08", "WRN-03", "WRN-04"}  # said of every regimen: they have no other side


@cache
def _findings(line):
    row = CASES[line]
    case = build(
        "gabapentin",
        row["regimen"],
        indication_name=row["indication"],
        patient_text=row["patient"] or None,
        formulation=row["formulation"] or "ir",
        history_text=row["history"] or None,
        taken=row["with"] or None,
        dialysis=row["dialysis"] or None,
        fed=row["fed"] or None,
        jurisdiction=row["label"] or "us",
    )
    return check.findings(case)


def findings_of(row):
    """What the check finds of a case, looked up once for all tests."""
    return _findings(CASES.index(row))


def expected(row):
    return dict(word.split("=") for word in row["says"].split())


@each({row["case"]: row for row in CASES})
def test_a_case_has_its_findings_and_no_others_of_the_rules_it_names(row):
    found = findings_of(row)
    levels = {one.rule: {f.level for f in found if f.rule == one.rule} for one in found}
    for rule, level in expected(row).items():
        assert rule in levels and level in levels[rule], (rule, level, sorted(levels))
    silent = set(row["silent"].split())
    assert not silent & set(levels), [one.text for one in found if one.rule in silent]


@each({row["case"]: row for row in CASES})
def test_every_finding_is_one_plain_sentence_with_its_numbers_and_source(row):
    found = findings_of(row)
    assert [LEVELS.index(one.level) for one in found] == sorted(LEVELS.index(one.level) for one in found)
    for one in found:
        assert one.text.endswith(".") and "{" not in one.text
        assert one.text[0].isupper() or one.text[0].isdigit()
        assert one.source and all(number.value is not None for _, number in one.numbers)


def test_there_are_enough_cases_and_each_is_named_once():
    assert len(CASES) >= 80 and len({row["case"] for row in CASES}) == len(CASES)
    known = {rule.id for one in LABELS for rule in one.rules}
    for row in CASES:
        assert set(expected(row)) | set(row["silent"].split()) <= known, row["case"]


@pytest.mark.parametrize("one", LABELS, ids=[one.jurisdiction for one in LABELS])
def test_every_rule_is_hit_from_both_sides(one):
    """Some case in the label's jurisdiction has a finding of it, and some case has none, or one of another level."""
    here = [findings_of(row) for row in CASES if (row["label"] or "us") == one.jurisdiction]
    said = [{finding.rule: finding.level for finding in found} for found in here]
    own = {rule.id for rule in one.rules}
    shared = {rule.id for rule in label.read(label.FOLDER / "gabapentin-shared.toml").rules}
    wanted = (own if one.jurisdiction == "us" else own - shared) - RUNS_ONLY - RECORDS_ONLY
    assert not [rule for rule in wanted if not any(rule in rules for rules in said)]
    assert not [rule for rule in wanted - ALWAYS if len({rules.get(rule) for rules in said}) == 1]


def test_a_run_of_volunteers_has_no_indication():
    from spasmlab import request

    healthy, sick = (
        {f.rule for f in check.of_request(request.build("gabapentin", "300 mg once", condition=name))}
        for name in ("healthy", "ms-spasticity")
    )
    assert healthy >= RUNS_ONLY and not RUNS_ONLY & sick and "IND-04" in sick - healthy
    other = request.build("baclofen", "10 mg tid", condition="ms-spasticity")
    assert check.of_request(other) == []


def test_every_row_of_label_rules_is_evaluated():
    """Each row stands behind a rule, a way up of a plan, or something to look at."""
    from spasmlab import evidence

    shared = label.read(label.FOLDER / "gabapentin-shared.toml")
    used = {row.id for one in LABELS for rule in one.rules if (row := rule.evidence)}
    used |= {ladder.id for one in LABELS for ladder in one.ladders} | {look.row for look in shared.monitoring}
    assert {row.id for row in evidence.table("label_rules")} <= used


def test_the_page_of_rules_is_current():
    from spasmlab.prescribing import page

    assert page.main(["--check"]) == 0, "run python -m spasmlab.prescribing.page"


def test_every_check_is_used_and_every_outcome_of_a_rule_exists():
    used = {rule.check for one in LABELS for rule in one.rules}
    assert used == set(checks.KNOWN)
