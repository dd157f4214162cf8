"""The Trial tab in a browser: form and TOML in step, messages at their line, a run that equals the command's, cancel."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas
import pytest
from conftest import no_sideways_scroll
from playwright.sync_api import expect
from test_tab_compare import children, downloaded

from spasmlab.app import trial_text, work
from spasmlab.app.tabs import trial
from spasmlab.errors import InputError

expect.set_options(timeout=20_000)  # ms: two tests share two cores
EXAMPLE = Path(__file__).parents[2] / "examples" / "ms_trial.toml"
OPEN = "tab=trial"
TEXT = trial_text.start("ms_trial")
SMALL = """title = "A small trial"
condition = "ms-spasticity"
population = "ms"
weeks = 1
visits = [0, 7]
[[arms]]
name = "gabapentin"
drug = "gabapentin"
regimen = "600 mg tid"
n = 8
[[arms]]
name = "placebo"
n = 8
[outcomes.spasticity_nrs]
analysis = "ancova"
[outcomes.reflex_torque]
analysis = "ancova"
"""


# ---- the text, without a browser ------------------------------------------------------------------------------------


def test_the_design_that_the_page_begins_with_is_the_example():
    assert EXAMPLE.read_text(encoding="utf-8") == TEXT


WRONG = [
    (("weeks = 6", "weeks = "), 4, "not valid TOML"),
    (('"ms-spasticity"', '"ms-spastic"'), 2, "did you mean 'ms-spasticity'"),
    (("adherence", "adherance"), 7, "did you mean 'adherence'"),
    (('analysis = "ancova"', 'analysis = "anova"'), 40, "did you mean 'ancova'"),
    (("[outcomes.mas]", "[outcomes.mass]"), 33, "did you mean 'mas'"),
    (('name = "placebo"\nn = 60', 'name = "placebo"\nn = "x"'), 23, "arms.1.n"),
    (('drug = "gabapentin"', 'drug = "/etc/passwd.toml"'), 16, "unknown drug"),
    (('population = "ms"', 'population = "../x.toml"'), 3, "unknown population"),
    (("visits = [0,", "visits = [1,"), 5, "visits must rise from 0"),
    (('"10:30"', '"25:30"'), 6, "not a clock time"),
    (("600 mg tid for", "600 mg sometimes for"), 17, "unknown schedule 'sometimes'"),
]


@pytest.mark.parametrize(("change", "line", "says"), WRONG, ids=lambda x: str(x)[:30])
def test_what_is_wrong_is_said_with_its_line(change, line, says):
    design, problem = trial_text.read(TEXT.replace(*change))
    assert design is None and problem is not None
    assert problem.line == line and says in problem.text


@pytest.mark.parametrize("name", trial_text.starts())
def test_every_start_is_a_design_and_survives_an_edit(name):
    text = trial_text.start(name)
    assert trial_text.read(text)[1] is None
    edited = trial_text.parsed(trial_text.edited(text, "seed", "7"))
    assert edited == trial_text.parsed(text) | {"seed": 7}


def test_edits_keep_what_they_do_not_touch():
    commented = TEXT.replace("weeks = 6", "weeks = 6  # as in the protocol")
    text = trial_text.edited(commented, "arms.0.n", "80")
    assert "# as in the protocol" in text and trial_text.checked(text).arms[0].n == 80
    text = trial_text.edited(
        trial_text.edited(text, "outcomes.mas.primary", True), "inclusion.age.high", "65"
    )
    design = trial_text.checked(text)
    assert [n for n, o in design.outcomes.items() if o.primary] == ["mas"] and design.inclusion["age"] == (
        18,
        65,
    )
    text = trial_text.removed(trial_text.added(trial_text.added(text, "arms"), "outcomes"), "arms.0")
    assert [arm.name for arm in trial_text.checked(text).arms] == ["placebo", "arm 3"]
    placebo = trial_text.edited(TEXT, "arms.0.drug", "")
    assert trial_text.checked(placebo).arms[0].regimen is None


@pytest.mark.parametrize(
    "told",
    [
        {"op": "set", "path": "arms.9.n", "value": 3},
        {"op": "remove", "path": "arms.x"},
        {"op": "add", "path": "cluster"},
        {"op": "set", "path": "x" * 300, "value": 1},
        ["arms"],
    ],
    ids=str,
)
def test_an_edit_of_nothing_is_refused(told):
    with pytest.raises(InputError):
        trial.edit(TEXT, told)


def test_what_is_taken_in_a_run_in_is_no_file():
    run_in = 'kind = "withdrawal"\nrun_in_weeks = 1\n[run_in]\ndrug = "{}"\nregimen = "600 mg tid"\n[[arms]]'
    text = SMALL.replace("[[arms]]", run_in, 1)
    assert trial_text.checked(text.format("gabapentin")).kind == "withdrawal"
    with pytest.raises(InputError, match="unknown drug"):
        trial_text.checked(text.format("/etc/passwd.toml"))


def test_a_file_is_checked():
    with pytest.raises(InputError, match="has 40000 bytes"):
        trial.uploaded({"name": "a.toml", "size": 40_000, "text": None})
    with pytest.raises(InputError, match="not a text file"):
        trial.uploaded({"name": "a.toml", "size": 4, "text": None})
    with pytest.raises(InputError, match=r"not valid TOML.*line 1"):
        trial.uploaded({"name": "a.toml", "size": 4, "text": "= 3"})
    with pytest.raises(InputError, match="possible: up to 8000"):
        trial_text.checked("# " + "x" * 8000)


def test_too_much_is_refused_with_what_would_do():
    design = trial_text.checked(TEXT)
    trial_text.refuse_too_much(design, [40, 80, 160], 20)
    with pytest.raises(InputError, match="patient-weeks; possible here: up to"):
        trial_text.refuse_too_much(design, [1000, 2000], 100)
    with pytest.raises(InputError, match="possible here: up to 5000"):
        trial_text.refuse_too_much(trial_text.checked(TEXT.replace("n = 60", "n = 6000")))


def fetched(page, link):
    """The file behind a link."""
    with page.expect_download() as got:
        page.locator(link).click()
    return Path(got.value.path())


# ---- in a browser ---------------------------------------------------------------------------------------------------


def test_form_and_toml_are_two_views_of_one_text(open_page):
    page = open_page(OPEN)
    page.locator("[data-path='arms.0.n']").fill("90")
    page.locator("[data-path='arms.0.n']").press("Tab")
    expect(page.locator("#trial_toml")).to_have_value(re.compile(r"tid\"\nstops_on.*\nn = 90"))
    expect(page.locator("#trial_problem")).to_have_text("A design: 150 patients, 2 arms, 6 weeks.")
    page.get_by_role("button", name="Add an arm").locator("visible=true").click()
    page.locator("[data-path='arms.2.drug']").select_option("baclofen")
    expect(page.locator("[data-path='arms.2.regimen']")).to_have_value("20 mg tid")
    text = page.locator("#trial_toml").input_value()
    page.locator("#trial_toml").fill(TEXT)  # as it was: a change like any other
    expect(page.locator("[data-path='arms.0.n']")).to_have_value("60")
    page.locator("#trial_toml").fill(text.replace("weeks = 6", "weeks = 8"))
    expect(page.locator("[data-path='weeks']")).to_have_value("8")
    expect(page).to_have_url(re.compile(r"trial\.design="))
    page.reload()
    expect(page.locator("[data-path='weeks']")).to_have_value("8")
    expect(page.locator("[data-path='arms.2.drug']")).to_have_value("baclofen")
    page.locator("#trial_start").select_option("rowbotham-1998")
    expect(page.locator("#trial_toml")).to_have_value(trial_text.start("rowbotham-1998"))
    expect(page).to_have_url(re.compile(r"trial\.start=rowbotham-1998$"))


def test_a_bad_design_is_said_beside_its_line(open_page, look, accessible, tmp_path):
    page = open_page(OPEN)
    accessible(page)
    page.locator("#trial_toml").fill(TEXT.replace('"ms-spasticity"', '"ms-spastic"'))
    expect(page.locator("#trial_problem")).to_contain_text(
        "Line 2: unknown condition 'ms-spastic'; did you mean"
    )
    expect(page.locator("#trial_lines .wrong")).to_have_text("2")
    page.get_by_role("button", name="Run the trial").click()
    expect(page.get_by_role("alert").filter(has_text="Line 2: unknown condition")).to_be_visible()
    page.locator("#trial_toml").fill(TEXT.replace("weeks = 6", "weeks = ]"))
    expect(page.locator("#trial_problem")).to_contain_text("Line 4: not valid TOML")
    file = tmp_path / "picture.toml"
    file.write_bytes(b"\x89PNG\xff\xfe")
    page.locator("#trial_file").set_input_files(file)
    expect(page.get_by_role("alert").filter(has_text="'picture.toml' is not a text file")).to_be_visible()
    file.write_text(TEXT.replace("weeks = 6", "weeks = 7"), encoding="utf-8")
    page.locator("#trial_file").set_input_files(file)
    expect(page.locator("#trial_problem")).to_have_text("A design: 120 patients, 2 arms, 7 weeks.")
    assert no_sideways_scroll(page)


def test_a_finished_trial_shows_its_forest_plot_and_the_numbers_of_the_command(
    open_page, accessible, tmp_path
):
    page = open_page(OPEN)
    page.locator("#trial_toml").fill(SMALL)
    expect(page.locator("#trial_problem")).to_contain_text("16 patients")
    page.get_by_role("button", name="Run the trial").click()
    expect(page.locator("#trial_result .forest")).to_be_visible(timeout=90_000)
    accessible(page)
    assert no_sideways_scroll(page)
    (tmp_path / "design.toml").write_text(downloaded(page, "#trial_design"), encoding="utf-8")
    command = [sys.executable, "-m", "spasmlab", "trial", str(tmp_path / "design.toml"), "--json"]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    shown = json.loads(downloaded(page, "#trial_json"))
    assert shown["effects"] == told["effects"] and shown["arms"] == told["arms"]
    effect = told["effects"][0]
    cell = page.locator("[data-effect='spasticity_nrs|gabapentin'] .value").inner_text().replace("−", "-")
    assert float(cell) == pytest.approx(effect["value"], rel=0.01)
    bar, zero = (page.locator(f".forest-plot .{part}").first.bounding_box() for part in ("estimate", "zero"))
    assert (bar["x"] + bar["width"] / 2 < zero["x"]) == (effect["value"] < 0)
    assert downloaded(page, "#trial_csv").count("\n") == 1 + 16 * 2
    assert "<svg" in downloaded(page, "#trial_forest_svg")
    assert "<svg" in downloaded(page, "button[data-picture=svg][data-name=spasmlab-visits]")
    assert fetched(page, "#trial_forest_png").read_bytes().startswith(b"\x89PNG")
    visits = pandas.read_parquet(fetched(page, "#trial_parquet"))
    assert len(visits) == 16 * 2 and {"patient", "arm", "day", "spasticity_nrs"} <= set(visits)
    expect(page.locator("#trial-course-spasticity_nrs canvas")).to_be_visible()
    expect(page.locator("#trial_result")).to_contain_text("seed 0")
    page.locator("#trial_toml").fill(SMALL.replace("n = 8", "n = 9"))
    expect(page.locator("#trial_stale")).to_contain_text("The design has changed since")


def test_a_second_job_waits_and_says_how_many_are_before_it(open_page, server):
    page = open_page(OPEN)
    expect(page.locator("#trial_problem")).to_contain_text("120 patients")
    jobs = work.MOST_PROCESSES
    pages = [page, *(page.context.new_page() for _ in range(jobs))]
    for other in pages[1:]:
        other.goto(f"{server.address}/?{OPEN}")
        expect(other.locator("#trial_problem")).to_contain_text("120 patients")
    for one in pages:
        one.get_by_role("button", name="Run the trial").click()
        expect(one.locator("#trial_trial_cancel")).to_be_visible()
    said = pages[-1].locator("#trial_trial_progress-text")
    expect(said).to_have_text(f"Waiting for a free processor, {jobs} before this one…")
    for one in reversed(pages):
        one.locator("#trial_trial_cancel").click()
        expect(one.locator("#trial_trial_progress-text")).to_have_text("Cancelled.")
    assert not children(server, "trial")


def test_power_is_worked_out_said_when_it_is_too_much_and_cancelled(open_page, server):
    page = open_page(f"{OPEN}&trial.sizes=8000")
    page.get_by_role("button", name="Work out the power").click()
    expect(page.get_by_role("alert").filter(has_text="possible here: up to 5000")).to_be_visible()
    page.locator("#trial_sizes").fill("40,80")
    page.get_by_role("button", name="Work out the power").click()
    expect(page.locator("#trial_power_progress-text")).to_contain_text("Power: 40 patients", timeout=60_000)
    assert children(server, "power")
    page.locator("#trial_power_cancel").click()
    expect(page.locator("#trial_power_progress-text")).to_have_text("Cancelled.")
    expect(page.get_by_role("button", name="Work out the power")).to_be_enabled()
    assert not children(server, "power")
    page.locator("#trial_toml").fill(SMALL)
    page.locator("#trial_sizes").fill("16")
    page.locator("#trial_trials").fill("10")
    expect(page.locator("#trial_problem")).to_contain_text("16 patients")
    page.get_by_role("button", name="Work out the power").click()
    expect(page.locator("[data-power='16']")).to_contain_text(" %", timeout=120_000)
    found = json.loads(downloaded(page, "#trial_power_json"))["power"][0]
    expect(page.locator("[data-power='16']")).to_have_text(f"{100 * found['value']:.1f} %")
    expect(page.get_by_label(re.compile("Power by the number of patients"))).to_be_visible()
