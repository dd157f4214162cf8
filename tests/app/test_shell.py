"""The shell in a browser: tabs by keyboard, light and dark, a link that restores, a bad one that says so, a restart."""

import re

import pytest
from conftest import Server, leaving, no_sideways_scroll
from playwright.sync_api import expect

TITLES = ("Explore", "Compare", "Trial", "Evidence", "Check")


def test_every_tab_is_reached_and_accessible(open_page, look, accessible):
    page = open_page()
    assert page.get_by_role("tab").all_inner_texts() == list(TITLES)
    for title in TITLES:
        page.get_by_role("tab", name=title).click()
        panel = page.get_by_role("tabpanel", name=title)
        expect(panel).to_be_visible()
        expect(panel.locator("h2").first).to_be_visible()
        assert no_sideways_scroll(page)
        accessible(page)


def test_arrows_move_between_tabs_and_the_address_follows(open_page):
    page = open_page()
    page.get_by_role("tab", name="Explore").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Compare")).to_be_focused()
    expect(page.get_by_role("tabpanel", name="Compare")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?tab=compare$"))
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="Check")).to_have_attribute("aria-selected", "true")


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page):
    page = open_page()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_dark_is_what_the_system_prefers_until_one_chooses(open_page, look):
    page = open_page()
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    assert (sum(map(int, re.findall(r"\d+", before)[:3])) < 120) == (look[1] == "dark")
    page.get_by_role("button", name="Dark appearance").click()
    assert page.evaluate(ground) != before
    page.reload()
    assert page.evaluate(ground) != before


def test_the_purpose_is_said_once_and_plainly(open_page):
    page = open_page()
    expect(page.get_by_text("For research and teaching, never for treating a patient.")).to_have_count(1)


def test_a_bad_link_gives_messages_and_a_working_page(open_page):
    page = open_page("tab=chek&explore.severity=7&explore.regimen=bogus&shop=1&explore.regimen=600+mg+tid")
    said = page.get_by_role("alert").filter(has_text="Left out of the link")
    expect(said).to_have_count(3)
    expect(said.filter(has_text="did you mean 'check'")).to_be_visible()
    expect(said.filter(has_text="severity 7 is outside what is possible: 0 to 1")).to_be_visible()
    expect(page.get_by_role("tabpanel", name="Explore")).to_be_visible()
    said.first.get_by_role("button", name="Close").click()
    expect(said).to_have_count(2)
    page.get_by_role("tab", name="Check").click()
    expect(page.get_by_role("tabpanel", name="Check")).to_be_visible()


def test_a_page_left_open_comes_back_after_a_restart_with_its_state(page, watched):
    first = Server()
    asked, _ = watched(page)
    try:
        page.goto(f"{first.address}/?tab=evidence&explore.days=9")
        page.locator("#ready").wait_for(state="hidden")
    finally:
        first.stop()
    expect(page.get_by_role("alert").filter(has_text="connection to the laboratory was lost")).to_be_visible()
    second = Server(first.port)
    try:
        expect(page.get_by_role("alert")).to_have_count(0, timeout=20_000)
        page.locator("#ready").wait_for(state="hidden")
        expect(page.get_by_role("tabpanel", name="Evidence")).to_be_visible()
        assert page.locator("#explore_days").input_value() == "9"
    finally:
        second.stop()
    assert leaving(asked) == []


@pytest.mark.parametrize("path", ["/", "/health", "/api/"])
def test_no_answer_is_without_its_policy(page, server, path):
    answer = page.request.get(server.address + path)
    policy = answer.headers["content-security-policy"]
    assert answer.ok and "default-src 'self'" in policy and "http" not in policy
