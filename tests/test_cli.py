"""The command line: contracts of every command, and every wrong input refused in one line with nothing written."""

import json
import math
import re
import subprocess
import sys

import pytest

from fakes import run_assays
from spasmlab import assay_result, cli, drug, quantity, run, units
from spasmlab.cli import commands, page
from spasmlab.page_main import keep_current

RUN = ["run", "--drug", "gabapentin", "--regimen", "600 mg tid", "--condition", "ms-spasticity"]
EXPOSURE = ["exposure", "--drug", "gabapentin", "--regimen", "400 mg once", "--draws", "8"]


@pytest.fixture
def call(capsys):
    """Run the command line in this process: (exit code, standard output, standard error)."""

    def called(*words):
        code = cli._exit_code([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return called


@pytest.fixture
def fake_cord(monkeypatch):
    monkeypatch.setattr(run, "run_assays", run_assays)


@pytest.fixture
def no_compute(monkeypatch):
    """Any attempt to compute is an error of another kind than wrong input."""

    def refuse(*_, **__):
        raise AssertionError("computed before the input was checked")

    for name in ("run_chain", "run_assays", "make_bench"):
        monkeypatch.setattr(run, name, refuse)


def quantities(thing):
    """Every quantity anywhere in a JSON value."""
    if isinstance(thing, dict):
        if {"value", "unit"} <= thing.keys() and not isinstance(thing["value"], dict):
            yield thing
        thing = list(thing.values())
    if isinstance(thing, list):
        for part in thing:
            yield from quantities(part)


def read(text):
    """The one JSON object of a standard output; every quantity in it is whole."""
    found = json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} in JSON"))
    for entry in quantities(found):
        assert {"low", "high"} <= entry.keys()
        units.unit(entry["unit"])
        if entry["low"] is not None:
            assert entry["low"] <= entry["value"] <= entry["high"]
    return found


def test_run_prints_one_json_object_with_both_arms(call, fake_cord):
    code, out, err = call(*RUN, "--draws", "8", "--json", "--seed", "3")
    found = read(out)
    assert code == 0 and "Slow chain" in err
    assert found["version"] and len(found["data_digest"]) == 64 and found["seed"] == 3 and found["draws"] == 8
    assert found["visit"]["value"] == 330 and found["days"] == 14
    no_drug, drug = found["arms"]["no_drug"], found["arms"]["drug"]
    for name in ("plasma_concentration", "occupancy", "release_ia", "h_m_ratio", "mas", "spasm_impulse"):
        assert drug[name]["low"] is not None and name in no_drug
    assert no_drug["release_ia"]["value"] == 1 > drug["release_ia"]["value"]
    assert drug["c_max"]["value"] > drug["plasma_concentration"]["value"] * 0.99 and "c_max" not in no_drug
    assert [entry["velocity"] for entry in drug["reflex_torque"]] == [50, 150, 300]
    assert [entry["grade"] for entry in drug["grade_probability"]] == ["0", "1", "1+", "2", "3", "4"]
    assert drug["sustained_rate"]["value"] is None
    assert 0 <= found["tolerances"]["achieved_error"] < 1e-4 and found["tolerances"]["circuit_step_ms"] > 0
    assert 0 < found["evidence"]["assumed_share"] < 1 and found["evidence"]["rows"]


def test_differences_are_paired_within_draws(call, fake_cord):
    found = read(call(*RUN, "--draws", "32", "--json")[1])
    ratio = found["effects"]["h_m_ratio"]["percent"]
    release = found["effects"]["release_ia"]["percent"]
    # In the miniature cord H is the release times the cord: within a draw the cord cancels.
    assert ratio["low"] == pytest.approx(release["low"]) and ratio["high"] == pytest.approx(release["high"])
    assert ratio["low"] <= ratio["value"] <= ratio["high"]  # the median, where that of the release is draw 0
    assert found["effects"]["m_max"]["percent"]["low"] == 0 == found["effects"]["m_max"]["percent"]["high"]


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(call, fake_cord):
    results = [read(call(*RUN, "--draws", "8", "--json", "--seed", seed)[1]) for seed in (1, 1, 2)]
    assert results[0]["arms"] == results[1]["arms"] != results[2]["arms"]
    central = [result["arms"]["drug"]["release_ia"]["value"] for result in results]
    assert central[0] == central[2]


def test_run_writes_report_result_and_figures(call, fake_cord, tmp_path):
    code, out, _ = call(*RUN, "--draws", "8", "--out", tmp_path / "a" / "b")
    assert code == 0 and "report.html" in out and "research and teaching" in out
    folder = tmp_path / "a" / "b"
    assert sorted(p.name for p in folder.iterdir()) == ["figures", "report.html", "result.json"]
    assert len(list((folder / "figures").glob("*.svg"))) >= 9
    assert "Report" in read((folder / "result.json").read_text())["seconds"]
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b"]


def test_the_table_of_a_run_is_readable(call, fake_cord):
    code, out, _ = call(*RUN, "--draws", "8")
    assert code == 0 and "reflex_torque at 50 °/s" in out and "grade_probability at 1+" in out
    assert "()" not in out and "nan" not in out.lower().split() and max(map(len, out.splitlines())) <= 140
    assert re.search(r"release_ia +1 +0\.\d+ \(.*\) +-\d", out)


def test_exposure_gives_concentrations_in_the_order_asked(call):
    code, out, _ = call(*EXPOSURE, "--times", "6.5,12,9", "--json")
    found = read(out)
    assert code == 0 and [entry["time_h"] for entry in found["concentrations"]] == [6.5, 12, 9]
    late, middle = found["concentrations"][1], found["concentrations"][2]
    assert late["unit"] == "mg/L" and late["value"] < middle["value"] and late["csf"]["unit"] == "mg/L"
    assert late["isf"]["value"] > 0 and found["auc_inf"]["unit"] == "mg*h/L"
    assert found["auc_tau"]["value"] is None is found["c_min"]["value"]
    for name in ("c_max", "t_max", "half_life", "bioavailability"):
        assert found[name]["value"] > 0
    assert read(call(*EXPOSURE, "--times", "9", "--json")[1])["concentrations"][0]["csf"][
        "value"
    ] == pytest.approx(middle["csf"]["value"])


def test_exposure_at_steady_state(call):
    found = read(
        call("exposure", "--drug", "gabapentin", "--regimen", "600 mg tid", "--draws", 1, "--json")[1]
    )
    assert found["auc_inf"]["value"] is None and found["auc_tau"]["value"] > 0
    assert 0 < found["c_min"]["value"] < found["c_max"]["value"] and found["c_max"]["low"] is None


def test_exposure_reaches_times_beyond_the_days(call):
    found = read(call(*EXPOSURE, "--times", "60", "--json")[1])
    assert found["concentrations"][0]["value"] > 0 and found["days"] == 3
    assert call(*EXPOSURE, "--times", "2")[1].startswith("gabapentin, 400 mg once")


def test_kidneys_and_weight_reach_the_chain(call):
    base = ["exposure", "--drug", "gabapentin", "--draws", 1, "--json", "--regimen"]
    good = read(call(*base, "400 mg once", "--patient", "crcl=100")[1])["half_life"]["value"]
    poor = read(call(*base, "400 mg once", "--patient", "crcl=20")[1])["half_life"]["value"]
    assert poor > 2 * good
    none = read(call(*base, "400 mg once", "--patient", "crcl=0")[1])
    assert none["half_life"]["value"] > poor and none["patient"]["creatinine_clearance"]["value"] == 0
    by_weight = read(call(*base, "10 mg/kg once", "--patient", "weight=40")[1])
    plain = read(call(*base, "400 mg once", "--patient", "weight=40")[1])
    assert by_weight["c_max"] == plain["c_max"] and by_weight["regimen"] == "400 mg once"


def test_assay_without_a_drug_has_one_arm(call, fake_cord):
    found = read(call("assay", "stretch", "--condition", "healthy", "--json")[1])
    assert found["drug"] is None and found["effects"] == {} and found["arms"]["drug"] == {}
    assert found["arms"]["no_drug"]["reflex_torque"][0]["value"] > 0


def test_assay_at_a_plasma_level_and_on_a_regimen(call, fake_cord):
    at = ["assay", "h-reflex", "--condition", "ms-spasticity", "--drug", "gabapentin", "--json"]
    low, high = (read(call(*at, "--plasma", level)[1]) for level in ("2 mg/L", "8 ug/mL"))
    assert high["plasma"]["value"] == 8
    effect = [found["effects"]["h_m_ratio"]["difference"]["value"] for found in (low, high)]
    assert effect[1] < effect[0] < 0
    nothing = read(call(*at, "--plasma", "0 mg/L")[1])
    assert nothing["effects"]["h_m_ratio"]["difference"]["value"] == 0
    dosed = read(call(*at, "--regimen", "600 mg tid", "--days", "3")[1])
    assert dosed["visit"]["value"] == 66 and dosed["effects"]["h_m_ratio"]["difference"]["value"] < 0


def test_molar_plasma_levels_use_the_molar_mass():
    from spasmlab import drug

    gabapentin = drug.load("gabapentin")
    assert assay_result.read_plasma("10 umol/L", gabapentin) == pytest.approx(1.7124, abs=0.001)
    assert assay_result.read_plasma("6000 ng/mL", gabapentin) == pytest.approx(6)


@pytest.mark.parametrize("what", ["drugs", "conditions", "hypotheses", "assays", "signals"])
def test_list_names_things_with_words(call, what):
    found = read(call("list", what, "--json")[1])[what]
    assert found and all(entry["name"] and entry["title"] for entry in found)
    code, out, _ = call("list", what)
    assert code == 0 and found[0]["name"] in out


def test_explain_says_where_a_number_comes_from(call):
    code, out, _ = call("explain", "drugs.gabapentin.volume")
    record = drug.load("gabapentin").parameters["volume"]
    assert code == 0 and quantity.short(record.number) in out and "L" in out
    found = read(call("explain", "drugs.gabapentin.volume", "--json")[1])
    assert found["value"]["value"] == record.number and found["rows"] and found["status"] == record.status


@pytest.mark.parametrize(
    "command", ["run", "compare", "exposure", "assay", "check", "plan", "advise", "list", "explain"]
)
def test_every_command_has_help(call, command):
    code, out, _ = call(command, "--help")
    assert code == 0 and "Usage" in out and "--json" in out


def replaced(words, option, value):
    """The words with another value for one option."""
    at = words.index(option)
    return [*words[: at + 1], value, *words[at + 2 :]]


WRONG = [
    (replaced(RUN, "--regimen", "-600 mg tid"), "more than 0"),
    (replaced(RUN, "--regimen", "0 mg tid"), "more than 0"),
    (replaced(RUN, "--regimen", "600 mg"), "nearest match: '600 mg tid'"),
    (replaced(RUN, "--regimen", ""), "empty"),
    (replaced(RUN, "--regimen", "none.csv"), "cannot read the event table 'none.csv'"),
    (replaced(RUN, "--drug", "gabapentine"), "did you mean 'gabapentin'"),
    (replaced(RUN, "--condition", "ms-spastic"), "did you mean 'ms-spasticity'"),
    ([*RUN, "--patient", "crcl=-5"], "0 to 250"),
    ([*RUN, "--patient", "crcl=abc"], "not a number"),
    ([*RUN, "--patient", "wieght=70"], "did you mean 'weight'"),
    ([*RUN, "--hypothesis", "fastblock"], "did you mean 'fast-block'"),
    ([*RUN, "--days", "0"], "days"),
    ([*RUN, "--days", "-3"], "days"),
    ([*RUN, "--days", "nan"], "days"),
    ([*RUN, "--days", "three"], "--days"),
    ([*RUN, "--draws", "0"], "--draws"),
    ([*RUN, "--formulation", "enacarbl"], "did you mean 'enacarbil'"),
    ([*RUN, "--formulation", "it"], "did you mean 'ir'"),
    ([*RUN, "--fidelity", "surogate"], "did you mean 'surrogate'"),
    ([*RUN, "--fidelity", "ciruit"], "did you mean 'circuit'"),
    ([*RUN, "--population", "100"], "--fidelity surrogate"),
    ([*RUN, "--population", "0", "--fidelity", "surrogate"], "between 1 and"),
    ([*RUN, "--population", "9", "--fidelity", "surrogate", "--of", "mss"], "did you mean 'ms'"),
    ([*RUN, "--colour", "red"], "--colour"),
    ([*RUN, "--seed", "-1"], "--seed"),
    ([*RUN, "--out", " "], "--out is empty"),
    (RUN[:-2], "--condition"),
    ([*EXPOSURE, "--dialysis", "4 h each 48 h"], "not a dialysis calendar"),
    ([*EXPOSURE, "--fed", "low-fatt"], "did you mean 'low-fat'"),
    ([*EXPOSURE, "--with", "antacidd"], "did you mean 'antacid'"),
    ([*EXPOSURE, "--events", "doses.csv"], "both given"),
    ([*EXPOSURE, "--out", "doses.csv"], "needs --events"),
    ([*EXPOSURE, "--of", "ms"], "needs --population"),
    (EXPOSURE[:3], "neither given"),
    ([*EXPOSURE, "--times", "1,two"], "'two'"),
    ([*EXPOSURE, "--times", "-1"], "'-1'"),
    ([*EXPOSURE, "--times", "nan"], "'nan'"),
    ([*EXPOSURE, "--times", "1e9"], "up to"),
    (["assay", "h_reflx", "--condition", "healthy"], "did you mean 'h_reflex'"),
    (["assay", "h_reflex", "--condition", "healty"], "did you mean 'healthy'"),
    (["assay", "h_reflex", "--condition", "healthy", "--plasma", "6 mg/L"], "needs --drug"),
    (["assay", "h_reflex", "--condition", "healthy", "--drug", "gabapentin"], "--plasma"),
    (["assay", "h_reflex", "--condition", "healthy", "--drug", "gabapentin", "--plasma", "6"], "unit"),
    (["assay", "h_reflex", "--condition", "healthy", "--drug", "gabapentin", "--plasma", "6 mg/l/h"], "unit"),
    (
        ["assay", "h_reflex", "--condition", "healthy", "--drug", "gabapentin", "--plasma", "-6 mg/L"],
        "0 or more",
    ),
    (["list", "drug"], "did you mean 'drugs'"),
    (["explain", "drugs.gabapentin.volum"], "did you mean 'drugs.gabapentin.volume'"),
    (["rnu"], "run"),
    (["trial", "file.toml", "--patients", "20"], "cannot read 'file.toml'"),
    (["trial", "rowbotam-1998"], "did you mean 'rowbotham-1998'"),
    (["trial", "rowbotham-1998", "--patients", "1"], "between 2 and"),
    (["power", "rowbotham-1998"], "--patients"),
    (["power", "rowbotham-1998", "--patients", "few"], "whole numbers"),
    (["power", "rowbotham-1998", "--patients", "2"], "must name sizes"),
    (["app", "--port", "70000"], "65535"),
    (["app", "--host", "nowhere.invalid"], "cannot listen on nowhere.invalid"),
]


@pytest.mark.parametrize(
    ("words", "says"), WRONG, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_input_is_one_line_and_exit_2(call, no_compute, tmp_path, words, says):
    out_option = ["--out", tmp_path / "out"] if words[0] == "run" and "--out" not in words else []
    code, out, err = call(*words, *out_option)
    assert code == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and says in err
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_written_is_refused_before_any_work(call, no_compute, tmp_path):
    (tmp_path / "file").write_text("x")
    for target in (tmp_path / "file", tmp_path / "file" / "out"):
        code, out, err = call(*RUN, "--out", target)
        assert code == 2 and out == "" and err.count("\n") == 1 and "cannot write" in err


def test_a_parameter_file_of_ones_own_that_cannot_be_read(call, no_compute, tmp_path):
    broken = tmp_path / "mine.toml"
    for text, says in (
        (None, "cannot read"),
        ("title = ", "not valid TOML"),
        ("titel = 'x'", "did you mean 'title'"),
    ):
        if text is not None:
            broken.write_text(text)
        code, out, err = call(*replaced(RUN, "--drug", str(broken)), "--out", tmp_path / "out")
        assert code == 2 and out == "" and err.count("\n") == 1 and says in err and "mine.toml" in err
    assert not (tmp_path / "out").exists()


def test_a_bug_is_exit_1_and_leaves_nothing(call, monkeypatch, tmp_path):
    def fail(*_):
        raise ZeroDivisionError("of a kind")

    monkeypatch.setattr(run, "run", fail)
    code, out, err = call(*RUN, "--out", tmp_path / "out", "--json")
    assert code == 1 and out == "" and "ZeroDivisionError" in err and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_imports_nothing_heavy():
    heavy = "numba sympy scipy pandas xarray matplotlib pint jinja2 numpy"
    program = f"import spasmlab.cli, sys; print([m for m in {heavy.split()} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_main_job_end_to_end(tmp_path):
    words = [
        sys.executable,
        "-m",
        "spasmlab",
        *RUN,
        "--days",
        "2",
        "--draws",
        "2",
        "--out",
        str(tmp_path / "out"),
        "--json",
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = read(done.stdout)
    assert found["visit"]["value"] == 42 and found["arms"]["drug"]["mas"]["value"] > 0
    assert (
        found["effects"]["release_poly"]["difference"]["value"]
        < found["effects"]["release_ia"]["difference"]["value"]
        < 0
    )
    assert found["effects"]["m_max"]["difference"]["value"] == 0
    assert (tmp_path / "out" / "report.html").stat().st_size > 100_000


@pytest.mark.slow
def test_under_the_null_hypothesis_the_two_arms_are_one(call):
    found = read(call(*RUN, "--hypothesis", "null", "--days", "2", "--draws", "1", "--json")[1])
    assert found["arms"]["drug"]["occupancy"]["value"] > 0.1
    for name in ("h_max", "reflex_torque", "spasm_impulse", "mas"):
        effects = found["effects"][name]
        for effect in effects if isinstance(effects, list) else [effects]:
            assert effect["difference"]["value"] == 0 and not math.isnan(effect["difference"]["value"])


def test_the_page_of_commands_is_current_and_names_every_option(call, tmp_path) -> None:
    assert page.main(["--check"]) == 0, "run python -m spasmlab.cli.page"
    text, missing = page.text(), []
    for name in commands.NAMES:
        part = text.split(f"## spasmlab {name}\n")[1].split("\n## ")[0]
        code, out, _ = call(name, "--help")
        options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", out)) - {"--help"}
        missing += [f"{name} {o}" for o in options if not re.search(rf"[` ]{o}[` ]", part)]
        assert code == 0 and options
    assert missing == []
    (tmp_path / "cli.md").write_text("old", encoding="utf-8")
    assert keep_current(["--check"], tmp_path / "cli.md", text, "spasmlab.cli.page") == 1
