"""The Compare tab in a browser: arms, differences, the contrast matrix, what can be taken away, and the link."""

import csv
import io
import json
import re
import subprocess

import pytest
from conftest import no_sideways_scroll
from playwright.sync_api import expect

from spasmlab import circuit_runs, compare, contrast
from spasmlab.progress import Stages

OPEN = "tab=compare"
expect.set_options(timeout=20_000)  # ms: two tests share two cores


def cell(page, name, place):
    """The cell of a number in an arm (0: A)."""
    return page.locator(f"#compare_numbers td[data-number={name}]").nth(place)


def value(locator):
    return float(locator.locator(".value").inner_text().replace("−", "-"))


def cut_of_the_twitch():
    """By how many per cent dantrolene cuts the direct twitch, in the runs that are kept."""
    found = contrast.cell(contrast.columns()["twitch"], "dantrolene", circuit_runs.stored())
    assert found.value < 0
    return -found.value


def downloaded(page, link):
    with page.expect_download() as got:
        page.locator(link).click()
    with open(got.value.path(), encoding="utf-8") as file:
        return file.read()


def test_arms_stand_side_by_side_and_differ(open_page, look, accessible):
    page = open_page(OPEN)
    expect(cell(page, "plasma_concentration", 1).locator(".difference")).to_contain_text("−")
    assert value(cell(page, "plasma_concentration", 0)) > value(cell(page, "plasma_concentration", 1))
    expect(page.get_by_label(re.compile(r"^Plasma\. Plasma, mg/L: A up to .*, B up to "))).to_be_visible()
    expect(page.locator("#compare_contrast td").first).to_be_visible()
    expect(page.locator("#compare_contrast")).to_contain_text(f"▼ −{cut_of_the_twitch():.0f} %")
    assert no_sideways_scroll(page)
    accessible(page)


def test_a_dose_changes_its_arm_alone_and_a_number_leads_to_its_evidence(open_page):
    page = open_page(OPEN)
    second = cell(page, "plasma_concentration", 1)
    expect(second).to_be_visible()
    before, first, said = value(second), value(cell(page, "plasma_concentration", 0)), second.inner_text()
    page.locator("#compare_b_regimen").fill("900 mg tid")
    expect(second).not_to_have_text(said)
    assert value(second) > first > before and value(cell(page, "plasma_concentration", 0)) == first
    expect(second.locator(".difference")).to_contain_text("+")
    page.locator("#compare_b_regimen").fill("600 mg tid")
    expect(second.locator(".difference")).to_have_text("same as A")
    picture = downloaded(page, "button[data-picture=svg][data-name=spasmlab-compare]")
    assert picture.count("<svg") == 13 and "●" in picture and "■" in picture  # twelve panels in one
    with page.expect_download() as got:
        page.locator("button[data-picture=png][data-name=spasmlab-compare]").click()
    assert got.value.suggested_filename == "spasmlab-compare.png"
    cell(page, "h_m_ratio", 1).get_by_role("link").first.click()
    expect(page.get_by_role("tabpanel", name="Evidence")).to_be_visible()
    expect(page).to_have_url(re.compile(r"evidence\.open=assays\.h_reflex"))


def test_numbers_are_those_of_the_command(open_page, tmp_path):
    page = open_page(f"{OPEN}&compare.days=3")
    expect(cell(page, "h_m_ratio", 1)).to_be_visible()
    (tmp_path / "arms.toml").write_text(downloaded(page, "#compare_toml"), encoding="utf-8")
    told = compare.compute(compare.read(tmp_path / "arms.toml"), Stages(), "surrogate")
    shown = json.loads(downloaded(page, "#compare_json"))
    by_name = lambda found: {r["name"]: r for r in found["numbers"] if not r["at"]}
    mine, its = by_name(shown), by_name(told)
    assert set(mine) == set(its) and "mas" in mine
    for name in ("h_m_ratio", "spasm_impulse", "mas", "plasma_concentration"):
        assert mine[name]["differences"][1]["value"] == pytest.approx(
            its[name]["differences"][1]["value"], rel=1e-4
        )
    rows = list(csv.DictReader(io.StringIO(downloaded(page, "#compare_csv"))))
    line = next(r for r in rows if r["name"] == "h_m_ratio")
    assert float(line["B_minus_A_low"]) == mine["h_m_ratio"]["differences"][1]["low"]
    assert page.locator("#compare_command_b").inner_text().startswith("spasmlab run --drug gabapentin")


def test_arms_are_added_doubled_and_taken_away_and_a_link_restores_them(open_page):
    page = open_page(f"{OPEN}&compare.b_regimen=900+mg+tid")
    arms = page.locator("#compare_arms > .arm:visible")
    expect(arms).to_have_count(2)
    page.get_by_role("button", name="Add an arm").click()
    expect(arms).to_have_count(3)
    expect(page.locator("#compare_numbers thead th.number")).to_have_count(4)  # no drug, A, B, C
    page.get_by_role("button", name="Duplicate arm B").click()
    expect(page.locator("#compare_d_regimen")).to_have_value("900 mg tid")
    expect(page.get_by_role("button", name="Add an arm")).to_be_disabled()
    page.get_by_role("button", name="Remove arm A").click()
    expect(arms).to_have_count(3)
    expect(page.locator("#compare_a_regimen")).to_have_value("900 mg tid")
    expect(page.locator("#compare_b_drug")).to_have_value("pregabalin")
    page.locator("#compare_a_regimen").fill("600 mg tid")  # as it was: a change like any other
    expect(page.locator("#compare_numbers thead")).to_contain_text("gabapentin 600 mg tid")
    page.locator("#compare_b_regimen").fill("75 mg bid")
    page.locator("#compare_span").select_option("course")
    expect(page).to_have_url(re.compile(r"compare\.count=3.*span=course.*compare\.b_regimen=75\+mg\+bid"))
    page.reload()
    expect(page.locator("#compare_b_regimen")).to_have_value("75 mg bid")
    expect(arms).to_have_count(3)
    expect(page.locator("#compare_numbers")).to_contain_text("pregabalin 75 mg bid", timeout=30_000)


def test_another_drug_comes_with_its_dose_and_says_what_the_map_cannot_answer(open_page):
    page = open_page(f"{OPEN}&explore.regimen=900+mg+tid")
    page.get_by_role("button", name="Arm A from Explore").click()
    expect(page.locator("#compare_a_regimen")).to_have_value("900 mg tid")
    page.locator("#compare_b_drug").select_option("baclofen")
    expect(page.locator("#compare_b_regimen")).to_have_value("20 mg tid")
    expect(page.locator("#compare_problems")).to_contain_text("the surrogate knows releases alone")
    expect(cell(page, "h_m_ratio", 1)).to_have_text("–")
    expect(page.locator("#compare_b_formulation option")).to_have_count(1)


def test_the_real_circuit_can_be_cancelled(open_page, server):
    page = open_page(OPEN)
    page.get_by_role("button", name="Run the real circuit").click()
    expect(page.locator("#compare_progress-text")).to_contain_text("A: ", timeout=30_000)
    assert children(server, "compare")
    page.locator("#compare_cancel").click()
    expect(page.locator("#compare_progress-text")).to_have_text("Cancelled.")
    expect(page.get_by_role("button", name="Run the real circuit")).to_be_enabled()
    assert not children(server, "compare")


def children(server, verb):
    """The commands of a verb that the server's machine runs for it."""
    told = subprocess.run(
        ["ps", "--ppid", str(server.process.pid), "-o", "args="], capture_output=True, text=True
    ).stdout
    return [line for line in told.splitlines() if f"spasmlab {verb}" in line and "defunct" not in line]
