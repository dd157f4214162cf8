"""Arms side by side: what a comparison asks, and that its differences are those of paired draws."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from spasmlab import compare, tables
from spasmlab.cli import app
from spasmlab.errors import InputError
from spasmlab.progress import Stages

LOW = {"name": "low", "drug": "gabapentin", "regimen": "300 mg tid"}
HIGH = {**LOW, "name": "high", "regimen": "900 mg tid"}
BACLOFEN = {"name": "baclofen", "drug": "baclofen", "regimen": "20 mg tid"}
SHARED = {"condition": "ms-spasticity", "days": 3}


def asked(*arms, **shared):
    return compare.of_table({**SHARED, **shared, "arms": list(arms)}, "arms.toml")


@pytest.fixture(scope="module")
def found():
    return compare.compute(asked(LOW, HIGH, BACLOFEN, LOW | {"name": "again"}), Stages(), "surrogate")


def row(found, name):
    return next(r for r in found["numbers"] if r["name"] == name and not r["at"])


def test_a_difference_is_taken_within_a_draw(found):
    pair = [compare.answer(asked(LOW, HIGH).request(compare.Arm(**arm)), Stages()) for arm in (LOW, HIGH)]
    draws = [next(n for n in one.numbers if n.name == "spasm_impulse").values[1] for one in pair]
    told = row(found, "spasm_impulse")["differences"][1]
    assert told["value"] == pytest.approx(np.median(draws[1] - draws[0]))
    assert [told["low"], told["high"]] == pytest.approx(np.percentile(draws[1] - draws[0], [5, 95]))
    apart = np.ptp(np.percentile(draws[1], [5, 95]))
    assert told["high"] - told["low"] < 0.5 * apart  # what the arms share is gone from the difference


def test_the_same_arm_twice_differs_in_nothing(found):
    for line in found["numbers"]:
        if line["differences"][3] is not None:
            assert line["differences"][3]["value"] == 0, line["name"]


def test_what_the_surrogate_cannot_answer_is_said_and_the_chain_is_there(found):
    low, _, baclofen, _ = found["arms"]
    assert low["problem"] is None and "--fidelity circuit" in baclofen["problem"]
    assert row(found, "plasma_concentration")["arms"][2]["value"] > 0
    assert row(found, "h_m_ratio")["arms"][2] is None and row(found, "h_m_ratio")["differences"][2] is None


def test_levels_come_in_the_order_of_the_body(found):
    levels = list(dict.fromkeys(line["level"] for line in found["numbers"]))
    assert levels[0] == "chain.disposition" and levels[-2:] == [
        "endpoints.spasticity",
        "endpoints.spasticity_scales",
    ]


WRONG = [
    ({"arms": []}, "arms"),
    ({"arms": [LOW] * 5}, "arms"),
    ({"arms": [LOW, LOW]}, "two arms of the same name"),
    ({"arms": [LOW | {"drgu": "x"}]}, "did you mean 'drug'"),
    ({"arms": [LOW], "sevrity": 1}, "did you mean 'severity'"),
    ({"arms": [LOW], "severity": 2}, "severity"),
]


@pytest.mark.parametrize(("table", "says"), WRONG, ids=str)
def test_what_is_wrong_is_named(table, says):
    with pytest.raises(InputError, match=says):
        compare.of_table(table, "arms.toml")


def test_an_arm_that_cannot_be_is_refused_before_any_is_run():
    with pytest.raises(InputError, match="unknown drug 'gabapentine'"):
        compare.compute(asked(LOW, HIGH | {"drug": "gabapentine"}), Stages(), "surrogate")


def test_the_command_prints_what_is_computed(found, tmp_path):
    file = tmp_path / "arms.toml"
    lines = ['condition = "ms-spasticity"', "days = 3"]
    for arm in (LOW, HIGH):
        lines += ["[[arms]]", *(f"{key} = {json.dumps(value)}" for key, value in arm.items())]
    file.write_text("\n".join(lines))
    told = CliRunner().invoke(app, ["compare", str(file), "--fidelity", "surrogate", "--json"])
    assert told.exit_code == 0
    for line in json.loads(told.stdout)["numbers"]:
        if line["name"] == "h_m_ratio":
            assert line["arms"][:2] == row(found, "h_m_ratio")["arms"][:2]


def test_the_table_names_arms_and_differences(found, capsys):
    tables.comparison(found)
    said = capsys.readouterr().out
    assert "high − low" in said and "baclofen, 20 mg tid" in said
