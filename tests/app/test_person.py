"""The patient as fields beside its text: each fills the other, nothing written is lost, the clearance stands beside."""

import re

import pytest
from conftest import no_sideways_scroll
from playwright.sync_api import expect

from spasmlab import patient as patients
from spasmlab.app import person
from spasmlab.errors import InputError

# ---- what a text says --------------------------------------------------------------------------------------------------


def test_what_is_given_is_told_apart_from_what_is_assumed():
    told = person.told("age=75 y, creatinine=1.4 mg/dL, sex=m")
    assert told["given"] == {"age": "75", "creatinine": "1.4", "sex": "m"}
    assert told["assumed"] == {"weight": "70"}
    found = patients.cockcroft_gault(75, 70, "m", 1.4)
    assert told["clearance"] == f"{found:.3g} mL/min" and told["source"].startswith("Cockcroft–Gault")


@pytest.mark.parametrize(
    ("text", "clearance", "source"),
    [
        ("age=75 y, crcl=35 mL/min", "35 mL/min", "as given"),
        ("crcl=35 mL/min, creatinine=3 mg/dL", "35 mL/min", "as given: the creatinine is not used"),
        ("age=60 y, weight=80 kg, creatinine=88.4 umol/L", "75.6 mL/min", "Cockcroft–Gault"),
        ("age=8 y, height=130 cm, creatinine=0.5 mg/dL", None, "bedside Schwartz"),
        ("age=70 y", None, "usual for the age"),
        ("weight=70 kg", "95 mL/min", "assumed"),
        ("", "–", ""),
    ],
)  # fmt: skip
def test_the_clearance_and_where_it_comes_from(text, clearance, source):
    told = person.told(text)
    assert told["source"].startswith(source)
    if clearance is not None:
        assert told["clearance"] == clearance
    if text:
        assert told["says"] == patients.parse(text).describe()


def test_given_reads_as_parse_does():
    assert patients.given("creatinine=88.4 umol/L, sex=female") == {
        "creatinine": pytest.approx(1.0, rel=1e-3),
        "sex": "f",
    }
    with pytest.raises(InputError, match="twice"):
        patients.given("age=3, age=4")


# ---- in a browser ------------------------------------------------------------------------------------------------------

TABS = ("explore", "compare", "check")


def part(page, tab, key):
    return page.locator(f"#{tab}_patient_{key}")


def text(page, tab):
    return page.locator(f"#{tab}_patient")


@pytest.mark.parametrize("tab", TABS)
def test_fields_write_the_text_and_the_text_fills_the_fields(open_page, tab):
    page = open_page(f"tab={tab}")
    text(page, tab).fill("age=60 y, weight=80 kg, sex=m, creatinine=1.2 mg/dL")
    clearance = page.locator(f"#{tab}_clearance")
    expect(clearance).to_have_text(f"{patients.cockcroft_gault(60, 80, 'm', 1.2):.3g} mL/min")
    shown = {key: part(page, tab, key).input_value() for key in person.LABELS}
    assert shown == {"age": "60", "sex": "m", "weight": "80", "height": "", "creatinine": "1.2", "crcl": ""}
    panel = page.locator(f"#panel-{tab}")
    panel.get_by_label("Age (years)").fill("75")
    panel.get_by_label("Sex").select_option("f")
    expect(text(page, tab)).to_have_value("age=75 y, weight=80 kg, sex=f, creatinine=1.2 mg/dL")
    expect(clearance).to_have_text(f"{patients.cockcroft_gault(75, 80, 'f', 1.2):.3g} mL/min")
    panel.get_by_label("Serum creatinine (mg/dL)").fill("")
    panel.get_by_label("Creatinine clearance (mL/min)").fill("35")
    expect(text(page, tab)).to_have_value("age=75 y, weight=80 kg, sex=f, crcl=35 mL/min")
    expect(clearance).to_have_text("35 mL/min")
    expect(page).to_have_url(re.compile(rf"{tab}\.patient=age%3D75\+y%2C\+weight.*crcl%3D35"))
    page.reload()
    expect(part(page, tab, "crcl")).to_have_value("35")


def test_a_text_that_cannot_be_read_stays_and_a_field_mends_its_own_part_alone(open_page):
    page = open_page()
    text(page, "explore").fill("age=sixty, weight=80 kg; sex=m")
    said = page.locator("#explore_patient-error")
    expect(said).to_contain_text("age=sixty is not a number")
    part(page, "explore", "age").fill("60")
    expect(text(page, "explore")).to_have_value("age=60 y, weight=80 kg; sex=m")
    expect(said).to_contain_text("weight")
    part(page, "explore", "age").fill("600")
    expect(said).to_contain_text("age=600 y is outside what is possible: 0 to 120 y")
    expect(part(page, "explore", "age")).to_have_value("600")
    text(page, "explore").fill("age=60 y, weight=80 kg, sex=m")
    expect(said).to_be_empty()
    expect(part(page, "explore", "age")).to_have_value("60")


def test_kidneys_that_clear_less_keep_more_of_the_dose(open_page):
    page = open_page()
    plasma = page.locator("#explore_plasma_panel .value")
    expect(plasma).to_have_text(re.compile(r"[\d.]+"))
    before = float(plasma.inner_text())
    part(page, "explore", "crcl").fill("20")
    expect(page.locator("#explore_command")).to_contain_text("crcl=20 mL/min")
    assert float(plasma.inner_text()) > 2 * before
    page.locator("#explore_dialysis").fill("4 h every 48 h")
    expect(page.locator("#explore_command")).to_contain_text("--dialysis '4 h every 48 h'")
    page.locator("#explore_dialysis").fill("4 h sometimes")
    expect(page.locator("#explore_dialysis-error")).to_contain_text("is not a dialysis calendar")


@pytest.mark.parametrize("tab", TABS)
def test_the_fields_are_labelled_reached_by_keyboard_and_fit_a_phone(open_page, look, accessible, tab):
    page = open_page(f"tab={tab}")
    if tab == "explore" and look[0] < 800:
        page.get_by_role("button", name="Change").click()
    group = page.locator(f"#panel-{tab}").get_by_role("group", name="Patient")
    expect(group.locator("output")).to_have_text(re.compile(r"[\d.]+ mL/min"))
    part(page, tab, "age").focus()
    reached = []
    for _ in person.LABELS:
        reached.append(page.evaluate("document.activeElement.dataset.key || document.activeElement.id"))
        page.keyboard.press("Tab")
    assert reached == list(person.LABELS)
    assert page.evaluate("document.activeElement.id") == f"{tab}_patient"
    assert no_sideways_scroll(page)
    accessible(page)
