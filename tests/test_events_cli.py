"""The command line of exposure: event tables, populations, dialysis, meals, other drugs, and the conformance score."""

from __future__ import annotations

from pathlib import Path

import pytest

import command
from command import found
from spasmlab.io import event_table

EXAMPLES = Path(__file__).parents[1] / "examples"
ONE = str(EXAMPLES / "one_compartment.toml")
MANY = ["exposure", "--drug", "gabapentin", "--regimen", "600 mg tid", "--json"]
GABAPENTIN = [*MANY[:-1], "--draws", "1", "--json"]


def test_every_row_of_an_event_table_is_predicted() -> None:
    answer = found(
        command.run("exposure", "--drug", ONE, "--events", EXAMPLES / "events.csv", "--draws", "16", "--json")
    )
    assert answer["rows"] == len(answer["predictions"]) == 11
    assert answer["individuals"] == 2
    assert answer["columns_not_used"] == []
    assert [row["row"] for row in answer["predictions"]] == list(range(2, 13))
    third = answer["predictions"][2]
    assert third["low"] < third["value"] < third["high"]
    assert answer["tolerances"]["achieved_error"] < 1e-8


def test_the_table_goes_out_with_its_predictions_and_comes_in_again(tmp_path: Path) -> None:
    out = tmp_path / "predicted.csv"
    answer = found(
        command.run("exposure", "--drug", ONE, "--events", EXAMPLES / "events.csv", "--out", out, "--json")
    )
    assert answer["predictions"] == []
    assert [p.name for p in tmp_path.iterdir()] == ["predicted.csv"]
    again = found(command.run("exposure", "--drug", ONE, "--events", out, "--json"))
    assert again["columns_not_used"] == ["PRED"]
    written = [value for one in event_table.read(out) for value in one["PRED"]]
    assert written == [row["value"] for row in again["predictions"]]


def test_a_bad_table_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    bad, out = tmp_path / "bad.csv", tmp_path / "out.csv"
    bad.write_text("TIME,AMT\n0,100\n8,-1\n")
    code, said, error = command.run("exposure", "--drug", ONE, "--events", bad, "--out", out)
    assert (code, said) == (2, "")
    assert error.splitlines()[-1].startswith(
        "error: event table, row 3, column AMT: a dose of -1 mg is negative"
    )
    assert not out.exists()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_table_of_swallowed_doses_is_a_regimen(tmp_path: Path) -> None:
    table = tmp_path / "doses.csv"
    table.write_text("TIME,AMT,ADDL,II\n0,600,2,8\n30,300,0,0\n")
    words = [
        "exposure",
        "--drug",
        "gabapentin",
        "--draws",
        "1",
        "--days",
        "2",
        "--times",
        "40",
        "--json",
        "--regimen",
    ]
    by_table = found(command.run(*words, table))
    by_words = found(command.run(*words, "600 mg tid for 30 h then 300 mg once"))
    assert by_table["concentrations"][0]["value"] != by_words["concentrations"][0]["value"]  # a dose at 24 h
    by_words = found(
        command.run(
            *words, "600 mg once for 8 h then 600 mg once for 8 h then 600 mg once for 14 h then 300 mg once"
        )
    )
    assert by_table["concentrations"][0]["value"] == by_words["concentrations"][0]["value"]
    table.write_text("TIME,AMT,SS,II\n0,600,1,8\n")
    assert (
        "row 2, column SS"
        in command.run("run", "--drug", "gabapentin", "--events", table, "--condition", "healthy")[2]
    )


def test_dialysis_takes_drug_out_while_it_runs() -> None:
    words = [*GABAPENTIN, "--patient", "crcl=5", "--days", "4", "--times", "72,76"]
    without, with_it = found(command.run(*words)), found(command.run(*words, "--dialysis", "4 h at 72"))
    assert with_it["concentrations"][0] == without["concentrations"][0]
    assert with_it["concentrations"][1]["value"] < 0.8 * without["concentrations"][1]["value"]
    assert with_it["dialysis"] == "4 h at 72"
    assert with_it["metrics_over"]["what"] == "last cycle of dialysis"
    assert with_it["auc_tau"]["value"] is None
    more = found(command.run(*words, "--dialysis", "4 h at 72, then 300 mg"))
    assert more["concentrations"][1]["value"] >= with_it["concentrations"][1]["value"]
    assert with_it["tolerances"]["achieved_error"] < 1e-5


def test_a_population_is_dialysed_by_the_days_of_the_week() -> None:
    words = [*MANY, "--days", "9", "--times", "197,201", "--population", "40", "--of", "renal-clinic"]
    without = found(command.run(*words))
    with_it = found(command.run(*words, "--dialysis", "4 h on Mon, Wed, Fri from 5 h, first dose Sun"))
    assert with_it["dialysis"] == "4 h on Mon, Wed, Fri from 5 h, first dose Sun"
    assert with_it["metrics_over"] == {"what": "last cycle of dialysis", "from_h": 48, "to_h": 216}
    assert without["metrics_over"]["what"] == "one interval at steady state"
    for place in (0, 1):
        assert with_it["concentrations"][place]["value"] < without["concentrations"][place]["value"]
    assert with_it["auc_tau"]["value"] is None and 0 < with_it["c_min"]["value"] < with_it["c_max"]["value"]
    assert with_it["tolerances"]["achieved_error"] < 1e-5


def test_a_run_of_many_patients_follows_their_sessions() -> None:
    words = [
        "run",
        "--drug",
        "gabapentin",
        "--regimen",
        "100 mg daily",
        "--days",
        "9",
        "--condition",
        "restless-legs",
    ]
    words += ["--of", "renal-clinic", "--population", "20", "--fidelity", "surrogate", "--json"]
    without, with_it = (
        found(command.run(*words)),
        found(command.run(*words, "--dialysis", "4 h on Mon, Wed, Fri")),
    )
    assert with_it["dialysis"] == "4 h on Mon, Wed, Fri"
    level = [one["arms"]["drug"]["plasma_concentration"]["value"] for one in (without, with_it)]
    assert level[1] < 0.97 * level[0]


def test_a_population_under_doubt_has_an_interval_about_each_percentile() -> None:
    words = [*MANY, "--population", "16", "--times", "9"]
    plain, doubted = found(command.run(*words)), found(command.run(*words, "--draws", "8"))
    assert "doubt" not in plain["c_max"] and plain["draws"] == 1 and doubted["draws"] == 8
    for entry, again in (
        (plain["c_max"], doubted["c_max"]),
        (plain["concentrations"][0], doubted["concentrations"][0]),
    ):
        assert {name: again[name] for name in ("low", "value", "high")} == {
            name: entry[name] for name in ("low", "value", "high")
        }
        for name, interval in again["doubt"].items():
            assert interval["low"] <= again[name] <= interval["high"] and interval["low"] < interval["high"]
    code, text, _ = command.run(*(word for word in words if word != "--json"), "--draws", "8")
    assert code == 0 and "doubt about the median" in text


def test_a_drug_that_dialysis_does_not_clear_says_so() -> None:
    code, _, error = command.run(
        "exposure", "--drug", ONE, "--regimen", "100 mg bid", "--dialysis", "4 h every 48 h"
    )
    assert code == 2
    assert "dialysis does not clear" in error


@pytest.mark.parametrize("words", [[*GABAPENTIN, "--fed"], [*GABAPENTIN[:-1], "--fed", "--json"]])
def test_fed_alone_is_the_meal_of_food_studies(words: list[str]) -> None:
    answer = found(command.run(*words))
    assert (answer["fed"], answer["meal"]) == (True, "high-fat")
    assert answer == {**found(command.once(*GABAPENTIN, "--fed", "high-fat")), "seconds": answer["seconds"]}
    fasted, light = found(command.once(*GABAPENTIN)), found(command.once(*GABAPENTIN, "--fed", "low-fat"))
    assert fasted["fed"] is False
    assert (
        fasted["bioavailability"]["value"]
        < light["bioavailability"]["value"]
        < answer["bioavailability"]["value"]
    )


def test_another_drug_taken_along_changes_exposure() -> None:
    alone, along = found(command.once(*GABAPENTIN)), found(command.once(*GABAPENTIN, "--with", "antacid"))
    assert along["auc_tau"]["value"] < alone["auc_tau"]["value"]
    assert along["with"] == ["antacid"]


def test_formulations_are_not_interchangeable() -> None:
    capsule = found(command.once(*GABAPENTIN))["bioavailability"]["value"]
    for name in ("gastroretentive", "enacarbil"):
        other = found(command.once(*GABAPENTIN, "--formulation", name, "--fed"))["bioavailability"]["value"]
        assert abs(other - capsule) > 0.01


def test_a_population_has_a_median_and_a_spread() -> None:
    words = [*MANY, "--population", "64", "--times", "9,5"]
    answer = found(command.run(*words, "--of", "renal-clinic"))
    assert answer["patients"] == 64
    assert answer["population"] == "renal-clinic"
    assert [entry["time_h"] for entry in answer["concentrations"]] == [9, 5]
    assert answer["c_max"]["low"] < answer["c_max"]["value"] < answer["c_max"]["high"]
    assert answer["tolerances"]["achieved_error"] < 1e-4
    code, _, error = command.run(*words, "--of", "renal-clinc")
    assert code == 2
    assert "renal-clinic" in error


def test_the_user_s_own_drugs_run_by_regimen_too() -> None:
    for name in ("one_compartment.toml", "two_compartments_intravenous.toml"):
        answer = found(
            command.run(
                "exposure", "--drug", EXAMPLES / name, "--regimen", "100 mg bid", "--times", "2", "--json"
            )
        )
        assert answer["concentrations"][0]["value"] > 0
        assert answer["auc_tau"]["value"] > 0


@pytest.mark.slow
def test_the_score_is_printed_and_complete() -> None:
    answer = found(command.run("conformance", "--json"))
    assert answer["passed"] == answer["total"] == len(answer["scenarios"])
    assert answer["closed_forms"] >= 30
    assert answer["largest_difference"] < answer["tolerance"]
    assert {"adaptive", "plain"} == set(answer["solvers"])
