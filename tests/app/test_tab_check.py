"""Check in a browser: findings, a plan and its calendar, advice with intervals, a FHIR record; the same as the commands."""

import csv
import json
import re
import shlex
from pathlib import Path

import pytest
from conftest import no_sideways_scroll
from playwright.sync_api import expect

from spasmlab.app import tabs
from spasmlab.app.prescribe import advice, question
from spasmlab.app.prescribe.question import Question

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient.json"
PEOPLE = {
    "plain": {},
    "product": {"product": "gastroretentive", "regimen": "1800 mg daily", "fed": "moderate"},
    "everything": {
        "regimen": "300 mg tid", "patient": "age=48 y, weight=70 kg, sex=f, crcl=95 mL/min", "indication": "spasticity",
        "history": "depression, driver", "taken": "morphine, antacid 3 h before", "label": "eu", "days": "14",
        "start": "2026-12-01",
    },
    "dialysis": {"regimen": "100 mg daily", "dialysis": "4 h every 48 h, then 125 mg", "patient": "age=60 y"},
}  # fmt: skip


def asked(**values):
    return Question(tabs.load("check").Fields().changed(**values))


# ---- the same as the commands ------------------------------------------------------------------------------------------


@pytest.fixture
def call(capsys):
    """Run a written command line in this process; its JSON, or its error."""
    from spasmlab.cli import main

    def run(line):
        with pytest.raises(SystemExit) as ended:
            main([*shlex.split(line)[1:], "--json"])
        out, wrong = capsys.readouterr()
        return json.loads(out) if not ended.value.code else wrong

    return run


@pytest.mark.parametrize("person", PEOPLE, ids=str)
def test_what_is_shown_is_what_the_shown_commands_print(person, call):
    told = asked(**PEOPLE[person])
    found = question.answer(told)
    if found.check:
        assert call(question.command("check", told)) == json.loads(json.dumps(found.check))
    else:
        assert found.wrong in call(question.command("check", told))
    printed = call(question.command("plan", told))
    if found.plan:
        assert [s["daily"] for s in printed["steps"]] == [s["daily"] for s in found.plan["steps"]]
        assert printed["findings"] == found.plan["findings"]
    else:
        assert " ".join(found.no_plan.split())[:60] in " ".join(printed.split())


def test_the_files_of_a_plan_hold_the_plan():
    from icalendar import Calendar

    found = question.answer(asked(start="2026-12-01"))
    rows = list(csv.DictReader(found.files["plan.csv"].splitlines()))
    by_day = {one["date"]: sum(d["mg"] for d in one["doses"]) for one in found.plan["days"]}
    for day, total in by_day.items():
        assert sum(float(r["dose_mg"]) for r in rows if r["date"] == day and r["dose_mg"]) == total
    events = Calendar.from_ical(found.files["plan.ics"]).walk("VEVENT")
    assert any("Gabapentin" in str(event["summary"]) for event in events)


def test_nothing_said_is_nothing_claimed():
    told = asked(regimen="", history="")
    assert "No regimen is written" in question.answer(told).wrong
    assert question.words(told)["history_text"] is None


def test_advice_without_a_model_of_the_endpoint_says_so():
    shown = str(advice.show({"regimens": [], "benefit": None, "blocked": [], "limits": [], "intervals": "x"}))
    assert "regimens stand by dose and are not ranked" in shown


# ---- in a browser -------------------------------------------------------------------------------------------------------


def tab_of(page):
    return page.get_by_role("tabpanel", name="Check")


def answer(page):
    return page.locator("#check_answer")


def test_findings_are_read_with_their_level_numbers_and_source(open_page, look, accessible):
    page = open_page("tab=check")
    shown = answer(page)
    expect(shown).to_contain_text("The label forbids this regimen for this patient.")
    blocked = shown.locator(".finding-block")
    expect(blocked).to_contain_text("✕ Blocked")
    expect(blocked).to_contain_text("3600 mg a day: at a creatinine clearance of 35 mL/min")
    expect(blocked).to_contain_text("limit 1400 mg/day")
    expect(blocked.get_by_role("link", name="REN-02")).to_be_visible()
    expect(shown.locator("code")).to_have_text(question.command("check", asked()))
    assert no_sideways_scroll(page)
    accessible(page)


def test_a_change_is_judged_at_once_and_a_wrong_word_stands_beside_its_field(open_page):
    page = open_page("tab=check")
    tab_of(page).get_by_label("Regimen").fill("300 mg tid")
    expect(answer(page)).not_to_contain_text("forbids")
    expect(page).to_have_url(re.compile(r"check\.regimen=300\+mg\+tid"))
    tab_of(page).get_by_label("Regimen").fill("300 mg sometimes")
    expect(page.locator("#check_regimen-error")).to_contain_text("unknown schedule 'sometimes'")
    expect(answer(page)).to_contain_text("300 mg tid")  # what was judged last is still there
    tab_of(page).get_by_label("History").fill("depresion")
    expect(page.locator("#check_history-error")).to_contain_text("did you mean 'depression'")
    tab_of(page).get_by_label("Regimen").fill("<img src=x onerror=alert(1)>")
    expect(page.locator("#check_regimen-error")).to_contain_text("<img src=x")


def test_a_plan_is_a_table_a_calendar_and_files(open_page, look, accessible, tmp_path):
    page = open_page("tab=check&check.part=plan&check.start=2026-12-01")
    shown = answer(page)
    found = question.answer(asked(start="2026-12-01")).plan
    expect(shown).to_contain_text(f"{found['target']['value']:g} mg/day at the full dose")
    expect(shown.locator(".month caption").first).to_have_text("December 2026")
    first = shown.locator(".month").first.locator("td", has=page.locator(".day", has_text=re.compile("^1$")))
    expect(first).to_contain_text("300")
    expect(first).to_contain_text("mg, going up")
    expect(shown.locator(".month td.taken:not(.taken-look)")).to_have_count(len(found["days"]))
    expect(shown.get_by_role("region", name="Steps of the plan").locator("tbody tr")).to_have_count(
        len(found["steps"])
    )
    assert no_sideways_scroll(page)
    accessible(page)
    if look != (1280, "light"):
        return
    kinds = {"CSV": "csv", "calendar (.ics)": "ics", "JSON": "json", "SVG": "svg", "PNG": "png"}
    for name, kind in {f"Save {text}": kind for text, kind in kinds.items()}.items():
        with page.expect_download() as coming:
            page.get_by_role("button", name=name).click()
        coming.value.save_as(tmp_path / kind)
    assert (tmp_path / "ics").read_text().startswith("BEGIN:VCALENDAR")
    assert (tmp_path / "csv").read_text().startswith("day,date,time,dose_mg")
    assert json.loads((tmp_path / "json").read_text())["start"] == "2026-12-01"
    assert "day of the plan" in (tmp_path / "svg").read_text()
    assert (tmp_path / "png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_findings_and_their_command_can_be_taken_away(open_page, tmp_path):
    page = open_page("tab=check")
    found = question.answer(asked()).check
    with page.expect_download() as coming:
        answer(page).get_by_role("button", name="Save CSV").click()
    coming.value.save_as(tmp_path / "check.csv")
    rows = list(csv.DictReader((tmp_path / "check.csv").open(encoding="utf-8")))
    assert [(r["level"], r["rule"]) for r in rows] == [(f["level"], f["rule"]) for f in found["findings"]]
    assert any("limit 1400 mg/day" in r["numbers"] for r in rows)
    answer(page).get_by_role("button", name="Copy").click()
    expect(page.get_by_role("status").filter(has_text=re.compile("Copied|Selected"))).to_be_visible()


def test_advice_shows_benefit_beside_side_effects_with_intervals(open_page, accessible):
    page = open_page("tab=check&check.part=advise")
    page.get_by_role("button", name="Compare lawful regimens").click()
    picture = page.locator(".advice-picture")
    expect(picture).to_be_visible(timeout=120_000)
    expect(picture.locator("thead th").nth(1)).to_contain_text("Benefit, points (left is better)")
    lines = picture.locator("tbody tr")
    expect(lines.first.locator("th")).to_contain_text("rank")
    assert lines.first.locator(".strip .f-interval").count() == 1 + advice.COMMONEST
    expect(lines.first.locator("td").first).to_contain_text(" to ")
    told = page.locator("#check_advice")
    expect(told.get_by_role("region", name="Blocked regimens")).to_contain_text("REN-02")
    expect(told.locator("code")).to_have_text(question.command("advise", asked()))
    for kind, begins in {"CSV": b"regimen,rank", "JSON": b"{", "SVG": b"<?xml", "PNG": b"\x89PNG"}.items():
        with page.expect_download() as coming:
            told.get_by_role("button", name=f"Save {kind}").click()
        assert Path(coming.value.path()).read_bytes().startswith(begins)
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert no_sideways_scroll(page)
    tab_of(page).get_by_label("Patient in words").fill("age=50 y, crcl=90 mL/min")
    expect(told).to_contain_text("The fields have changed since")


def test_a_comparison_can_be_cancelled(open_page):
    page = open_page("tab=check&check.part=advise")
    page.get_by_role("button", name="Compare lawful regimens").click()
    expect(page.locator("#check_progress-bar")).to_be_visible()
    page.locator("#check_cancel").click()
    expect(page.locator("#check_progress-text")).to_have_text("Cancelled.")


def test_a_fhir_record_is_read_and_taken_away_again(open_page, tmp_path):
    page = open_page("tab=check")
    tab_of(page).get_by_label("FHIR record").set_input_files(EXAMPLE)
    said = page.locator("#check_record_said")
    expect(said).to_contain_text("patient.json is read")
    expect(tab_of(page).get_by_label("Regimen")).to_have_value("")
    expect(answer(page).locator("code")).to_contain_text("--fhir record.json")
    expect(answer(page).locator(".verdict")).to_be_visible()
    assert "record" not in page.url
    said.get_by_role("button", name="Take it away").click()
    expect(said).to_be_empty()
    expect(answer(page)).to_contain_text("No regimen is written")
    (tmp_path / "bad.json").write_text("{not json")
    tab_of(page).get_by_label("FHIR record").set_input_files(tmp_path / "bad.json")
    expect(page.get_by_role("alert").filter(has_text="'bad.json' is not valid JSON")).to_be_visible()
    (tmp_path / "big.json").write_text(" " * 700_000)
    tab_of(page).get_by_label("FHIR record").set_input_files(tmp_path / "big.json")
    expect(page.get_by_role("alert").filter(has_text="possible: up to 500,000")).to_be_visible()


def test_the_whole_tab_is_walked_by_keyboard(open_page):
    page = open_page("tab=check")
    expect(answer(page).locator(".verdict")).to_be_visible()
    page.get_by_role("tab", name="Check").focus()
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()")
        )
    wanted = ["check_regimen", "check_product", "check_indication", "check_patient", "check_history", "check_taken",
              "check-record", "check-part-check", "check-part-plan", "Save JSON", "REN-02"]  # fmt: skip
    assert [w for w in reached if w in wanted][: len(wanted)] == wanted
    page.locator("#check-part-plan").focus()
    page.keyboard.press("Enter")
    expect(answer(page).locator(".month").first).to_be_visible()
    expect(page.locator("#check-part-plan")).to_have_attribute("aria-pressed", "true")
