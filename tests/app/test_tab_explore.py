"""Explore in a browser: what a person sees when the dose moves, a field is wrong, the circuit is run."""

import contextlib
import csv
import json
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import no_sideways_scroll
from playwright.sync_api import expect

from spasmlab import request, shown
from spasmlab import run as runs

PANELS = ("plasma", "csf", "occupancy", "calcium", "release", "circuit", "muscle", "scale")
UNITS = ("mg/L", "mg/L", "%", "% of no drug", "% of no drug", "% of the pool", "N·m", "% of ratings")


def explore(page):
    """The tab."""
    return page.get_by_role("tabpanel", name="Explore")


def value(page, panel):
    """The number a panel shows at the visit."""
    return float(page.locator(f"#explore_{panel}_panel .value").inner_text().replace("−", "-"))


def values(page):
    return [value(page, panel) for panel in PANELS]


def curves(page):
    """The curve on drug that each panel draws."""
    read = "name => spasmlab.charts.get(document.getElementById('explore_' + name)).drawing.curves[1].values"
    return [page.evaluate(read, panel) for panel in PANELS]


def answered(page, regimen="600 mg tid"):
    """Wait for the numbers of a regimen."""
    expect(page.locator("#explore_command")).to_contain_text(f"--regimen '{regimen}'")


def move(page, dose):
    """Move the slider as a hand does: its value changes and the page is told."""
    page.locator("#explore_dose").evaluate(
        "(el, v) => { el.value = v; el.dispatchEvent(new Event('input', { bubbles: true })); }", str(dose)
    )


def test_the_chain_is_shown_with_units_and_the_patient_without_drug(open_page, look, accessible):
    page = open_page()
    answered(page)
    for panel, unit in zip(PANELS, UNITS, strict=True):
        box = page.locator(f"#explore_{panel}_panel")
        box.scroll_into_view_if_needed()
        expect(box.locator("canvas")).to_be_visible()
        expect(box.locator(".chart-y")).to_have_text(unit)
        expect(box.locator(".chart-keys")).to_contain_text("no drug")
        expect(box.locator(".interval")).to_have_text(re.compile(r"[\d.]+ to [\d.]+"))
        assert unit.split()[0] in box.locator("[role=img]").get_attribute("aria-label")
    assert 5 < value(page, "plasma") < 10
    assert 20 < value(page, "occupancy") < 60
    assert value(page, "calcium") < 100 and value(page, "release") < 100
    expect(page.locator("#explore_muscle_panel .panel-change")).to_have_text(
        re.compile(r"no drug .*, change −.* %")
    )
    assert no_sideways_scroll(page)
    accessible(page)


def test_the_slider_moves_every_panel_the_regimen_and_the_link(open_page):
    page = open_page()
    answered(page)
    before, drawn = values(page), curves(page)
    move(page, 1200)
    answered(page, "1200 mg tid")
    after = values(page)
    assert page.locator("#explore_regimen").input_value() == "1200 mg tid"
    expect(page).to_have_url(re.compile(r"explore\.regimen=1200\+mg\+tid"))
    moved = {name: (b, a) for name, b, a in zip(PANELS, before, after, strict=True)}
    assert [name for name, (b, a) in moved.items() if a > b] == ["plasma", "csf", "occupancy"], moved
    assert [name for name, (b, a) in moved.items() if a < b][:4] == list(PANELS[3:-1]), moved
    assert all(
        b != a for b, a in zip(drawn, curves(page), strict=True)
    )  # a small effect on a coarse scale shows here


def test_the_keyboard_moves_the_slider_and_what_came_of_it_is_read_out(open_page):
    page = open_page()
    answered(page)
    page.locator("#explore_dose").focus()
    page.keyboard.press("ArrowRight")
    answered(page, "625 mg tid")
    expect(page.locator("#explore_said")).to_have_text(
        re.compile(r"625 mg tid: plasma [\d.]+ mg/L, .* Ashworth scale [\d.]+")
    )


def test_a_regimen_as_people_write_it_sets_the_slider(open_page):
    page = open_page()
    explore(page).get_by_label("Regimen").fill("300 mg daily x1, 300 mg bid x1, then 900 mg tid")
    expect(page.locator("#explore_command")).to_contain_text("then 900 mg tid")
    expect(page.locator("output[for=explore_dose]")).to_have_text("900 mg")
    move(page, 1000)
    expect(explore(page).get_by_label("Regimen")).to_have_value(
        re.compile("300 mg daily .* then 1000 mg tid")
    )


def test_a_wrong_regimen_is_said_beside_its_field_and_the_page_goes_on(open_page):
    page = open_page()
    answered(page)
    before = values(page)
    field = explore(page).get_by_label("Regimen")
    field.fill("600 mg sometimes")
    said = page.locator("#explore_regimen-error")
    expect(said).to_have_text(re.compile("unknown schedule 'sometimes'; possible: once, daily, bid"))
    assert said.get_attribute("role") == "alert"
    expect(field).to_have_attribute("aria-invalid", "true")
    assert values(page) == before
    field.fill("300 mg bid")
    answered(page, "300 mg bid")
    expect(said).to_be_empty()
    assert value(page, "plasma") < before[0]


def test_an_error_of_the_model_is_announced_and_the_page_goes_on(open_page):
    page = open_page("explore.drug=pregabalin&explore.formulation=enacarbil&explore.regimen=150+mg+bid")
    said = page.get_by_role("alert").filter(has_text="unknown formulation of pregabalin 'enacarbil'")
    expect(said).to_be_visible()
    explore(page).get_by_label("Drug", exact=True).select_option("gabapentin")
    answered(page)
    assert value(page, "plasma") > 5


def test_a_link_restores_patient_condition_and_all(open_page):
    page = open_page(
        "explore.regimen=400+mg+tid&explore.patient=age%3D75+y%2C+crcl%3D35+mL%2Fmin&explore.condition=stroke-spasticity"
        "&explore.severity=0.6&explore.days=3&explore.span=course&explore.hypothesis=fast-block"
    )
    answered(page, "400 mg tid")
    assert explore(page).get_by_label("Condition").input_value() == "stroke-spasticity"
    assert explore(page).get_by_label("Severity").input_value() == "0.6"
    assert explore(page).get_by_label("Mechanism supposed").input_value() == "fast-block"
    expect(page.locator("#explore_person")).to_have_text("woman, 75 y, 70 kg, creatinine clearance 35 mL/min")
    expect(page.locator("#explore_plasma .chart-x")).to_have_text("time (days)")
    command = page.locator("#explore_command").inner_text()
    assert "--condition stroke-spasticity --severity 0.6" in command and "--hypothesis fast-block" in command
    assert value(page, "plasma") > 6  # kidneys that clear a third keep more of a smaller dose


def test_a_drug_that_acts_on_the_cord_itself_says_where_the_quick_map_ends(open_page):
    page = open_page()
    answered(page)
    explore(page).get_by_label("Drug", exact=True).select_option("baclofen")
    expect(explore(page).get_by_label("Regimen")).to_have_value("20 mg tid")
    expect(page.locator("#explore_occupancy")).to_contain_text("Baclofen, oral does not act through α2δ")
    said = "Baclofen, oral acts on the cord itself, which the quick map of the cord does not know"
    for panel in ("circuit", "muscle", "scale"):
        expect(page.locator(f"#explore_{panel}")).to_contain_text(
            f"{said}: run the spiking cord to fill this panel."
        )
    assert value(page, "plasma") > 0
    expect(page.locator("#explore_command")).to_contain_text("--fidelity circuit")


def test_the_circuit_fills_the_panels_that_the_quick_map_leaves_empty(open_page, accessible):
    page = open_page("explore.drug=baclofen&explore.regimen=20+mg+tid&explore.days=2")
    answered(page, "20 mg tid")
    accessible(page)
    page.locator("#explore_muscle").get_by_role("button", name="Run the circuit").click()
    expect(page.locator("#explore_fill_cancel")).to_be_focused()
    expect(page.locator("#explore_fill_progress-text")).not_to_be_empty()
    for panel in ("circuit", "muscle", "scale"):
        expect(page.locator(f"#explore_{panel} canvas")).to_be_visible(timeout=180_000)
        expect(page.locator(f"#explore_{panel}_panel .panel-label")).to_contain_text("one spiking cord")
    change = page.locator("#explore_muscle_panel .panel-change")
    expect(change).to_have_text(re.compile(r"no drug [\d.]+, change −[\d.]+ %"))
    expect(page.locator("#explore_command")).to_contain_text("--fidelity circuit --draws 1")
    with page.expect_download() as caught:
        explore(page).get_by_text("Result as JSON").click()
    found = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    assert found["fidelity"] == "circuit"
    assert f"{found['arms']['drug']['h_m_ratio']['value']:.3g}" == f"{value(page, 'circuit'):.3g}"
    move(page, 10)  # another question: what the circuit said is not its answer
    expect(page.locator("#explore_muscle")).to_contain_text("run the spiking cord")


SCALES = {
    "postherpetic-neuralgia": ("Pain score", "pain", "of 10"),
    "restless-legs": ("Restless legs (IRLS)", "irls", "of 40"),
    "partial-seizures": ("Seizure rate", "seizures", "in 28 days"),
    "stroke-spasticity": ("Ashworth scale", "mas", ""),
}


@pytest.mark.parametrize("condition", SCALES)
def test_the_last_panel_is_what_the_condition_is_scored_by(open_page, condition):
    title, name, unit = SCALES[condition]
    page = open_page(f"explore.condition={condition}&explore.days=3")
    panel = page.locator("#explore_scale_panel")
    expect(panel.get_by_role("heading")).to_have_text(title)
    expect(panel.locator(".unit")).to_have_text(f" {unit}" if unit else "")
    panel.scroll_into_view_if_needed()
    expect(panel.locator("canvas")).to_be_visible()
    expect(panel.get_by_role("img")).to_have_attribute("aria-label", re.compile(re.escape(title)))
    asked = request.build("gabapentin", "600 mg tid", condition=condition, days=3, draws=16)
    known = {n.name: n for n in shown.of_run(runs.run(asked, fidelity="surrogate"))}[name]
    assert f"{value(page, 'scale'):.3g}" == f"{known.arm('drug').value:.3g}"
    expect(panel.locator(".panel-change")).to_contain_text(f"no drug {known.arm('no_drug').number_text}")
    panel.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"evidence\.open={re.escape(known.level)}"))
    expect(page.locator("#evidence_detail")).to_contain_text(known.level)


def test_in_health_there_is_no_scale_and_a_provoked_cramp_is_a_rate(open_page, accessible):
    page = open_page("explore.condition=healthy&explore.days=2")
    expect(page.locator("#explore_scale")).to_contain_text("In health there is no complaint to score")
    expect(page.locator("#explore_scale_panel .value")).to_have_text("–")
    explore(page).get_by_label("Condition").select_option("dehydrated")
    panel = page.locator("#explore_scale_panel")
    expect(panel.get_by_role("heading")).to_have_text("Cramps")
    expect(panel.locator(".panel-label")).to_have_text("rate of cramps, change by the drug")
    assert -50 < value(page, "scale") < 0
    expect(page.locator("#explore_muscle")).to_contain_text(
        "There is no quick map of the cord for “Dehydrated”"
    )
    accessible(page)


STATES = {
    "a patient in fields": (
        "explore.days=3&explore.patient=age%3D75+y%2C+weight%3D62+kg%2C+sex%3Dm%2C+creatinine%3D1.6+mg%2FdL"
        "&explore.dialysis=4+h+every+48+h"
    ),
    "another drug": "explore.days=2&explore.drug=pregabalin&explore.regimen=150+mg+bid&explore.condition=sci-incomplete",
    "another condition": (
        "explore.days=3&explore.condition=restless-legs&explore.formulation=enacarbil&explore.regimen=600+mg+bid"
        "&explore.fed=high-fat&explore.severity=0.8"
    ),
}


@pytest.mark.parametrize("state", STATES)
def test_the_command_line_that_is_shown_prints_the_numbers_that_are_shown(open_page, state):
    page = open_page(STATES[state])
    line = page.locator("#explore_command")
    expect(line).to_contain_text("spasmlab run")
    with page.expect_download() as caught:
        explore(page).get_by_text("Result as JSON").click()
    mine = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    typed = line.inner_text().replace("spasmlab", f"{shlex.quote(sys.executable)} -m spasmlab", 1)
    told = subprocess.run(f"{typed} --json", shell=True, capture_output=True, text=True, check=True)
    its = json.loads(told.stdout)
    same = ("drug", "regimen", "patient", "dialysis", "meal", "formulation", "condition", "severity", "scale")
    assert {k: mine[k] for k in same} == {k: its[k] for k in same}
    for arm in ("no_drug", "drug"):
        assert set(mine["arms"][arm]) == set(its["arms"][arm])
        for name, entry in its["arms"][arm].items():
            if isinstance(entry, dict):
                ours = mine["arms"][arm][name]
                assert ours["unit"] == entry["unit"]
                for part in ("value", "low", "high"):
                    assert ours[part] == pytest.approx(entry[part], rel=1e-4, abs=1e-9), (name, part)


def test_on_a_phone_the_dose_is_at_hand_and_what_came_of_it_is_in_sight(open_page, look, accessible):
    page = open_page()
    answered(page)
    toggle, asked = page.locator("#explore_change"), page.locator("#explore_asked")
    if look[0] > 800:
        expect(toggle).to_be_hidden()
        expect(explore(page).get_by_label("Regimen")).to_be_visible()
        return
    expect(asked).to_have_text("Gabapentin 600 mg tid, Spasticity in multiple sclerosis")
    slider, brief = page.locator("#explore_dose"), page.locator("#explore_brief")
    expect(explore(page).get_by_label("Regimen")).to_be_hidden()
    inside = lambda locator: 0 <= locator.bounding_box()["y"] < 844 - locator.bounding_box()["height"]
    assert inside(slider) and inside(brief)
    before = brief.inner_text()
    assert re.search(
        r"Plasma [\d.]+ mg/L · release −.* · reflex torque −.* · Ashworth scale [\d.]+, no drug", before
    )
    page.locator("#explore_scale_panel").scroll_into_view_if_needed()
    move(page, 1200)
    answered(page, "1200 mg tid")
    assert inside(slider) and inside(brief) and brief.inner_text() != before  # the bar has stayed
    toggle.click()
    expect(page.locator("#explore_drug")).to_be_focused()
    expect(toggle).to_have_attribute("aria-expanded", "true")
    explore(page).get_by_label("Regimen").fill("300 mg bid")
    answered(page, "300 mg bid")
    assert no_sideways_scroll(page)
    accessible(page)


def test_from_a_panel_to_its_evidence_in_one_click(open_page):
    page = open_page()
    answered(page)
    page.locator("#explore_release_panel").get_by_role("link").click()
    expect(page.get_by_role("tabpanel", name="Evidence")).to_be_visible()
    expect(page.get_by_role("tabpanel", name="Evidence")).to_contain_text("chain.release.cooperativity")


def test_the_cursor_is_shared_by_the_panels_over_time(open_page):
    page = open_page()
    answered(page)
    page.locator("#explore_plasma .u-over").hover()
    for panel in ("plasma", "csf", "occupancy", "calcium", "release"):
        expect(page.locator(f"#explore_{panel} .chart-keys b").nth(1)).to_have_text(re.compile(r"[\d.]+"))
        expect(page.locator(f"#explore_{panel} .chart-x")).to_have_text(
            re.compile(r"time on the last day \(h\): [\d.]+")
        )


def test_what_is_shown_can_be_taken_away(open_page, tmp_path):
    page = open_page()
    answered(page)

    def taken(name):
        with page.expect_download() as caught:
            explore(page).get_by_text(name).click()
        file = tmp_path / caught.value.suggested_filename
        caught.value.save_as(file)
        return file

    rows = list(csv.DictReader(taken("Numbers as CSV").open(encoding="utf-8")))
    plasma = next(row for row in rows if row["name"] == "plasma_concentration")
    assert plasma["unit"] == "mg/L" and f"{float(plasma['drug_value']):.3g}" == f"{value(page, 'plasma'):.3g}"
    courses = list(csv.DictReader(taken("Curves as CSV").open(encoding="utf-8")))
    assert float(courses[-1]["time [h]"]) == 336 and float(courses[0]["plasma_concentration [mg/L]"]) == 0
    found = json.loads(taken("Result as JSON").read_text(encoding="utf-8"))
    assert found["command"] == "run" and found["arms"]["drug"]["mas"]["unit"] == "point"
    picture = taken("Panels as SVG").read_text(encoding="utf-8")
    assert picture.count("<svg ") == 1 + len(PANELS) and "stroke-dasharray" in picture and "mg/L" in picture
    assert taken("Panels as PNG").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_every_number_is_in_the_fold(open_page):
    page = open_page()
    answered(page)
    page.get_by_text("Every number at the visit").click()
    row = page.get_by_role("row").filter(has_text="Modified Ashworth score expected of a rater")
    expect(row).to_be_visible()
    expect(row.get_by_role("link")).to_have_attribute(
        "href", re.compile("evidence.open=endpoints.spasticity")
    )


def test_the_circuit_is_run_with_progress_and_played(open_page, accessible):
    page = open_page("explore.assay=spasm")
    answered(page)
    page.get_by_role("button", name="Run the circuit").click()
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    expect(page.locator("#explore_progress-text")).not_to_be_empty()
    expect(page.locator("#explore_player")).to_be_visible(timeout=120_000)
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    arms = page.locator("#explore_player figcaption").all_inner_texts()
    assert arms == ["no drug", "on drug"]
    label = page.locator("#explore_player canvas[role=img]").first.get_attribute("aria-label")
    assert re.search(r"Spasm .*no drug: \d+ spikes of \d+ motor units, largest torque [\d.]+ N·m", label)
    row = page.get_by_role("row").filter(
        has_text="From the end of the train to the last force above the threshold"
    )
    expect(row).to_contain_text("s")
    expect(page.locator("#explore_assay_command")).to_contain_text("spasmlab assay spasm --drug gabapentin")
    clock = page.locator("output[for=explore_at]")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("slider", name="Time in the recording").fill("1000")
    expect(clock).to_have_text("1000 ms")
    page.get_by_role("button", name="Play").click()
    expect(clock).not_to_have_text("1000 ms")
    accessible(page)


def test_a_run_can_be_cancelled(open_page):
    page = open_page("explore.assay=stretch&explore.cords=16")
    answered(page)
    page.get_by_role("button", name="Run the circuit").click()
    expect(page.locator("#explore_progress-text")).to_have_text(
        re.compile("Assay|Circuit|Slow"), timeout=60_000
    )
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#explore_progress-text")).to_have_text("Cancelled.")
    expect(page.get_by_role("button", name="Run the circuit")).to_be_enabled()
    expect(page.locator("#explore_player")).to_be_hidden()


def children(pid):
    """The processes that a process has started and that still run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rsplit(")", 1)[1].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


def test_a_session_that_closes_ends_its_run_and_removes_its_files(open_page, server):
    page = open_page("explore.assay=stretch&explore.cords=16")
    answered(page)
    before = set(children(server.process.pid))
    page.get_by_role("button", name="Run the circuit").click()
    expect(page.locator("#explore_progress-text")).to_have_text(
        re.compile("Assay|Circuit|Slow"), timeout=60_000
    )
    started = set(children(server.process.pid)) - before
    folders = {Path(f"/proc/{pid}/cwd").resolve() for pid in started}
    assert started and all(folder.name.startswith("spasmlab-") for folder in folders)
    page.goto("about:blank")
    for _ in range(100):
        if not started & set(children(server.process.pid)) and not any(folder.exists() for folder in folders):
            break
        time.sleep(0.1)
    assert not started & set(children(server.process.pid))
    assert not [folder for folder in folders if folder.exists()]


@pytest.mark.parametrize(
    "query", ["explore.regimen=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E", "explore.patient=%3Cb%3E"]
)
def test_what_a_link_says_is_text_never_markup(open_page, query):
    page = open_page(query)
    said = page.get_by_role("alert").filter(has_text="Left out of the link")
    expect(said).to_contain_text("<")
    assert page.locator("main img, .message img, .message b b").count() == 0


def test_what_the_page_set_by_itself_can_be_set_back(open_page):
    page = open_page()
    answered(page)
    explore(page).get_by_label("Drug", exact=True).select_option("baclofen")
    answered(page, "20 mg tid")
    move(page, 10)
    answered(page, "10 mg tid")
    explore(page).get_by_label("Regimen").fill("20 mg tid")
    answered(page, "20 mg tid")
    move(page, 10)
    answered(page, "10 mg tid")
    explore(page).get_by_label("Days").fill("5")  # another field tells nothing old again
    expect(page.locator("#explore_command")).to_contain_text("--regimen '10 mg tid' --days 5")


def test_what_a_product_brought_can_be_set_back_and_brought_again(open_page):
    page = open_page("explore.days=2")
    answered(page)
    line = page.locator("#explore_command")
    product, meal = explore(page).get_by_label("Product"), explore(page).get_by_label("Meal")
    for _ in range(2):
        product.select_option("gastroretentive")
        expect(meal).to_have_value("high-fat")
        expect(line).to_contain_text("--formulation gastroretentive --fed high-fat")
        meal.select_option("fasted")
        expect(line).not_to_contain_text("--fed")
        product.select_option("ir")
        answered(page)
        expect(line).not_to_contain_text("--formulation")
